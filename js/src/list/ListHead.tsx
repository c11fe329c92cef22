/** Header of the table: search, status counts and display mode. */
import type { ComponentChildren, RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Bridge } from "../bridge";
import { COLUMNS } from "../columns";
import type { ColumnKey, GroupKey, QueryView, TaskListTraits } from "../contract";
import { CopyButton } from "../parts/CopyButton";
import { StatusChips, Toggle } from "../parts/StatusFilter";
import type { PendingRequest } from "../parts/useRequest";
import type { Ask } from "./useQuery";

const GROUPS = (Object.keys(COLUMNS) as ColumnKey[]).filter(
  (key): key is GroupKey => COLUMNS[key].kind === "category",
);
/** What is typed is searched for after a rest of this long, in milliseconds. */
export const SEARCH_AFTER = 150;

interface Props {
  bridge: Bridge;
  traits: Pick<TaskListTraits, "aggregates" | "query_result" | "mode" | "is_following">;
  query: QueryView;
  ask: Ask;
  pending: PendingRequest;
  search: RefObject<HTMLInputElement | null>;
  onColumns: (anchor: HTMLElement) => void;
  children?: ComponentChildren;
}

export function ListHead({ bridge, traits, query, ask, pending, search, ...rest }: Props) {
  const { aggregates, query_result: result, mode, is_following: isFollowing } = traits;
  return (
    <div class="iw-list-head" role="toolbar" aria-label="What is shown">
      <Search query={query} ask={ask} field={search} />
      <span class="iw-grow" />
      <select
        class="iw-button"
        aria-label="Group by"
        value={query.group ?? ""}
        onChange={(event) =>
          ask({ group: (event.currentTarget.value || null) as GroupKey | null, collapsed: [] })
        }
      >
        <option value="">No groups</option>
        {GROUPS.map((key) => (
          <option key={key} value={key}>
            By {COLUMNS[key].title.toLowerCase()}
          </option>
        ))}
      </select>
      <span class="iw-segmented" role="group" aria-label="View">
        {(["table", "timeline"] as const).map((one) => (
          <Toggle key={one} isOn={mode === one} onClick={() => bridge.set("mode", one)}>
            {one === "table" ? "Table" : "Timeline"}
          </Toggle>
        ))}
      </span>
      <button
        type="button"
        class="iw-button"
        aria-haspopup="dialog"
        onClick={(event) => rest.onColumns(event.currentTarget)}
      >
        Columns
      </button>
      <Toggle
        isOn={isFollowing}
        onClick={() => void pending.run(() => bridge.request("follow", { on: !isFollowing }))}
      >
        New tasks
      </Toggle>
      <CopyButton text={result.code} label="Copy code" />
      <div class="iw-chips">
        <StatusChips
          counts={aggregates.counts}
          chosen={query.status_groups}
          onChoose={(groups) => ask({ status_groups: groups })}
        />
        {rest.children}
      </div>
    </div>
  );
}

function Search({
  query,
  ask,
  field,
}: Pick<Props, "query" | "ask"> & { field: RefObject<HTMLInputElement | null> }) {
  // What is being typed; the kernel's word else.
  const [typed, setTyped] = useState<string | null>(null);
  const latest = useRef(ask);
  latest.current = ask;
  useLayoutEffect(() => {
    if (typed === null) return undefined;
    const timer = setTimeout(() => latest.current({ search: typed }), SEARCH_AFTER);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <input
      type="search"
      class="iw-search"
      aria-label="Search tasks"
      placeholder="Search tasks"
      title="Search tasks ( / )"
      ref={field}
      value={typed ?? query.search}
      onInput={(event) => setTyped(event.currentTarget.value)}
      onBlur={({ currentTarget }) =>
        queueMicrotask(() => {
          // It has left the page for a moment, see views.ts; the person goes on typing.
          if (!currentTarget.isConnected) return;
          if (typed !== null && typed !== query.search) ask({ search: typed });
          setTyped(null);
        })
      }
      onKeyDown={(event) => {
        if (event.key === "Escape") setTyped("");
      }}
    />
  );
}
