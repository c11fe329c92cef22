/** Search, statuses with their counts, and how the list is shown. */
import type { ComponentChildren, RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Bridge } from "../bridge";
import type { GroupKey, QueryView, TaskListTraits, Tone } from "../contract";
import { formatCount } from "../format";
import { CopyButton } from "../parts/CopyButton";
import { Icon, toneOf } from "../parts/Icons";
import type { Pending } from "../parts/pending";
import type { Ask } from "./query";

const TITLES = [
  ["run", "Running"],
  ["wait", "Waiting"],
  ["ok", "Success"],
  ["bad", "Failed"],
  ["off", "Stopped"],
  ["unknown", "Other"],
] as const;
const GROUPS: readonly GroupKey[] = ["simulator", "project", "status", "machine"];
/** What is typed is searched for after a rest of this long, in milliseconds. */
export const SEARCH_AFTER = 150;

/** Tones of a newer kernel are counted with the unknown ones, so that the sum stays right. */
function sumsOf(counts: Record<string, number>): Map<Tone, number> {
  const sums = new Map<Tone, number>();
  for (const [tone, count] of Object.entries(counts)) {
    sums.set(toneOf(tone), (sums.get(toneOf(tone)) ?? 0) + count);
  }
  return sums;
}

/** How many of each kind, for the head of a group. */
export function Counts({ counts }: { counts: Record<string, number> }) {
  const sums = sumsOf(counts);
  return (
    <>
      {TITLES.map(([tone, title]) => {
        const count = sums.get(tone) ?? 0;
        return count === 0 ? null : (
          <span key={tone} class={`iw-count iw-ink-${tone}`} title={title}>
            <Icon name={tone} />
            {formatCount(count)}
            <span class="iw-hidden"> {title}</span>
          </span>
        );
      })}
    </>
  );
}

interface Props {
  bridge: Bridge;
  traits: Pick<TaskListTraits, "totals" | "shape" | "mode" | "is_following" | "is_demo">;
  query: QueryView;
  ask: Ask;
  pending: Pending;
  search: RefObject<HTMLInputElement | null>;
  onColumns: (anchor: HTMLElement) => void;
  children?: ComponentChildren;
}

export function ListHead({ bridge, traits, query, ask, pending, search, ...rest }: Props) {
  const { totals, shape, mode, is_following: isFollowing, is_demo: isDemo } = traits;
  return (
    <div class="iw-list-head" role="toolbar" aria-label="What is shown">
      <Search query={query} ask={ask} field={search} />
      <span class="iw-grow" />
      <select
        class="iw-button"
        aria-label="Group by"
        value={query.group ?? ""}
        onChange={(event) =>
          ask({ group: (event.currentTarget.value || null) as GroupKey | null, closed: [] })
        }
      >
        <option value="">No groups</option>
        {GROUPS.map((key) => (
          <option key={key} value={key}>
            By {key}
          </option>
        ))}
      </select>
      <span class="iw-switch" role="group" aria-label="View">
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
      <CopyButton text={shape.code} label="Copy code" />
      {isDemo ? (
        <span class="iw-demo" title="Example tasks that come with the package">
          DEMO
        </span>
      ) : null}
      <div class="iw-chips">
        <Chips counts={totals.counts} query={query} ask={ask} />
        {rest.children}
      </div>
    </div>
  );
}

interface ToggleProps {
  isOn: boolean;
  onClick: () => void;
  kind?: string;
  children: ComponentChildren;
}

function Toggle({ isOn, onClick, kind = "iw-button", children }: ToggleProps) {
  return (
    <button type="button" class={kind} aria-pressed={isOn} onClick={onClick}>
      {children}
    </button>
  );
}

function Chips({
  counts,
  query,
  ask,
}: Pick<Props, "query" | "ask"> & { counts: Record<string, number> }) {
  const sums = sumsOf(counts);
  // One that was there stays, so that those beside it do not move under the pointer.
  const seen = useRef(new Set<Tone>(query.tones)).current;
  for (const tone of sums.keys()) seen.add(tone);
  const all = [...sums.values()].reduce((sum, count) => sum + count, 0);
  return (
    <span class="iw-tones" role="group" aria-label="Tasks by status">
      <Toggle kind="iw-chip" isOn={query.tones.length === 0} onClick={() => ask({ tones: [] })}>
        All {formatCount(all)}
      </Toggle>
      {TITLES.map(([tone, title]) =>
        !seen.has(tone) ? null : (
          <Toggle
            key={tone}
            kind={`iw-chip iw-ink-${tone}`}
            isOn={query.tones.includes(tone)}
            onClick={() =>
              ask({
                tones: query.tones.includes(tone)
                  ? query.tones.filter((other) => other !== tone)
                  : [...query.tones, tone],
              })
            }
          >
            <Icon name={tone} />
            <span>
              {title} {formatCount(sums.get(tone) ?? 0)}
            </span>
          </Toggle>
        ),
      )}
    </span>
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
      placeholder="Search tasks  ( / )"
      ref={field}
      value={typed ?? query.search}
      onInput={(event) => setTyped(event.currentTarget.value)}
      onBlur={() => {
        if (typed !== null && typed !== query.search) ask({ search: typed });
        setTyped(null);
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") setTyped("");
      }}
    />
  );
}
