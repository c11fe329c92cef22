/** The selected tasks side by side: one column per task, one row per differing field. */
import { useCallback, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Bridge } from "../bridge";
import type { ComparedField, ComparedTask, ComparisonView } from "../contract";
import { formatPlural, formatTime } from "../format";
import { Badge, truncate } from "../parts/Badge";
import { CopyButton } from "../parts/CopyButton";
import { ErrorBox } from "../parts/ErrorBox";
import { Icon } from "../parts/Icons";
import { Toggle } from "../parts/StatusFilter";
import { useRequest } from "../parts/useRequest";
import { formatExact, formatRelative, formatValue, grouped, nameOf, ranks } from "./comparison";

const LONG = 36;
/** Delay before a changed selection is compared, in milliseconds. */
export const SELECTION_DEBOUNCE_MS = 300;

/** Shows the card of a task; null where its line is not there. */
export type Opener = (id: string) => (() => void) | null;

interface Props {
  bridge: Bridge;
  /** Version of the selection; a change loads the comparison again. */
  version: number;
  opener: Opener;
  onClose: () => void;
}

export function Compare({ bridge, version, opener, onClose }: Props) {
  const [view, setView] = useState<ComparisonView | null>(null);
  const [withSame, setWithSame] = useState(false);
  const pending = useRequest();
  const { run } = pending;
  const panel = useRef<HTMLElement>(null);
  const asked = useRef(0);

  const look = useCallback(() => {
    asked.current += 1;
    const mine = asked.current;
    void run(async () => {
      const found = await bridge.request("compare", {});
      // The answer to an earlier choice may come last.
      if (mine === asked.current) setView(found);
    });
  }, [bridge, run]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a changed selection is loaded again
  useLayoutEffect(() => {
    if (asked.current === 0) {
      look();
      return undefined;
    }
    // A choice is often made in several steps, and each look may cost requests.
    const timer = setTimeout(look, SELECTION_DEBOUNCE_MS);
    return () => clearTimeout(timer);
  }, [look, version]);
  useLayoutEffect(() => panel.current?.focus({ preventScroll: true }), []);
  const isThere = view !== null;
  useLayoutEffect(() => {
    // Not in every host.
    if (isThere) panel.current?.scrollIntoView?.({ block: "nearest" });
  }, [isThere]);

  const differ = view?.fields.filter(({ values }) => values.length > 1) ?? [];
  const same = (view?.fields.length ?? 0) - differ.length;
  return (
    <section
      class="iw-compare"
      aria-label="Comparison"
      aria-busy={pending.isBusy}
      tabIndex={-1}
      ref={panel}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        onClose();
      }}
    >
      <div class="iw-compare-head">
        <b>
          {view === null ? "Comparison" : `${formatPlural(view.tasks.length, "task")} compared`}
        </b>
        <span class="iw-muted" aria-live="polite">
          {view === null
            ? ""
            : `${formatPlural(differ.length, "field")} differ${differ.length === 1 ? "s" : ""}, ${same} the same`}
        </span>
        <span class="iw-grow" />
        {view?.is_live ? <span class="iw-muted">as of {formatTime(view.as_of)}</span> : null}
        <span class="iw-buttons">
          {view?.is_live ? (
            <button type="button" class="iw-button" disabled={pending.isBusy} onClick={look}>
              Refresh
            </button>
          ) : null}
          {same === 0 ? null : (
            <Toggle isOn={withSame} onClick={() => setWithSame(!withSame)}>
              Show what is the same
            </Toggle>
          )}
          {view === null ? null : (
            <CopyButton text={view.code} label="Copy code of the comparison" />
          )}
          <button
            type="button"
            class="iw-button iw-button-plain"
            aria-label="Close the comparison"
            title="Close"
            onClick={onClose}
          >
            <Icon name="bad" />
          </button>
        </span>
      </div>
      {pending.error === null ? null : (
        <ErrorBox error={pending.error}>
          <button type="button" class="iw-button" onClick={look}>
            Try again
          </button>
        </ErrorBox>
      )}
      {view === null ? (
        pending.error === null ? (
          <div class="iw-empty" role="note">
            {pending.isSlow
              ? "Still waiting, for the service or for a running cell to end…"
              : "Looking at the tasks…"}
          </div>
        ) : null
      ) : (
        <ComparisonTable
          tasks={view.tasks}
          fields={withSame ? view.fields : differ}
          opener={opener}
        />
      )}
    </section>
  );
}

interface ComparisonTableProps {
  tasks: ComparedTask[];
  fields: ComparedField[];
  opener: Opener;
}

function ComparisonTable({ tasks, fields, opener }: ComparisonTableProps) {
  const isRelative = fields.some((field) =>
    field.values.some((value) => formatRelative(field, value)),
  );
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    <section class="iw-scroller iw-compare-box" aria-label="Fields by task" tabIndex={0}>
      <table class="iw-compare-table">
        <thead>
          <tr>
            <td>{isRelative ? "Changes are relative to the first task" : ""}</td>
            {tasks.map((task) => (
              <ComparisonHeader key={task.id} task={task} onOpen={opener(task.id)} />
            ))}
          </tr>
        </thead>
        {grouped(fields).map(([group, members]) => (
          <tbody key={group}>
            <tr class="iw-compare-group">
              <th scope="rowgroup" colSpan={tasks.length + 1}>
                <span>{group}</span>
              </th>
            </tr>
            {members.map((field) => (
              <ComparisonRow key={field.name} field={field} tasks={tasks} />
            ))}
          </tbody>
        ))}
      </table>
      {fields.length > 0 ? null : (
        <div class="iw-empty">In all that is known of them, these tasks are the same.</div>
      )}
    </section>
  );
}

function ComparisonHeader({ task, onOpen }: { task: ComparedTask; onOpen: (() => void) | null }) {
  const id = truncate(task.id);
  return (
    <th scope="col">
      {onOpen === null ? (
        <span class="iw-mono iw-compare-id" title={id}>
          {task.id}
        </span>
      ) : (
        <button
          type="button"
          class="iw-mono iw-compare-id iw-link"
          title={id}
          aria-label={`Show the card of task ${id}`}
          onClick={onOpen}
        >
          {task.id}
        </button>
      )}
      <span class="iw-compare-task">
        <Badge status={task.status} alias={task.alias} group={task.status_group} />
        <bdi class="iw-muted">{task.simulator}</bdi>
      </span>
    </th>
  );
}

function ComparisonRow({ field, tasks }: { field: ComparedField; tasks: ComparedTask[] }) {
  const { name, kind, meaning, values } = field;
  const isSame = values.length === 1;
  const ranked = isSame ? null : ranks(field, tasks);
  return (
    <tr class={isSame ? "iw-compare-same" : ""}>
      <th scope="row" class="iw-text" title={meaning}>
        {nameOf(name)}
      </th>
      {values.map((value, index) => {
        const text = formatValue(kind, value);
        const rank = ranked?.get(index);
        const more = formatRelative(field, value);
        // Several lines, or nearly: to be read from their beginning.
        const isLong = kind === "text" && (name === "commands" || text.length > LONG);
        const looks = [
          value === null ? "iw-muted" : "",
          rank?.isBest ? "iw-best" : "",
          isLong ? "iw-compare-long" : "",
        ];
        return (
          <td
            key={index}
            colSpan={isSame ? tasks.length : 1}
            class={looks.join(" ")}
            title={formatExact(kind, value)}
          >
            <span class="iw-compare-value">
              {more === "" ? null : <span class="iw-compare-more">{more}</span>}
              {rank === undefined ? null : (
                <span class="iw-rank" title={rank.word}>
                  <Icon name={rank.isBest ? "down" : "up"} />
                  <span class="iw-visually-hidden">{rank.word}</span>
                </span>
              )}
              <bdi class={name === "commands" ? "iw-mono iw-text" : "iw-text"}>{text}</bdi>
            </span>
          </td>
        );
      })}
    </tr>
  );
}
