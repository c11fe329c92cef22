/**
 * The table of tasks as it is painted first: its first lines, from traits alone. The code that makes
 * it alive comes a moment later, and never where no kernel is left. Twin of
 * `inductiva_widgets/widgets/task_list.py`.
 */
import { useLayoutEffect, useState } from "preact/hooks";
import { type Bridge, useLost, usePollStatus, useTrait } from "../bridge";
import { useServiceTime } from "../clock";
import { useChunk } from "../code_splitting";
import { COLUMNS, knownColumns, layoutColumns, ROW_HEIGHT, SHOWN_ROWS } from "../columns";
import type { AggregatesView, ColumnKey, LayoutView, LineView, RowView } from "../contract";
import { formatPlural } from "../format";
import { Cell, classOf } from "../parts/Cell";
import { ErrorBox } from "../parts/ErrorBox";
import { PollStatus } from "../parts/PollStatus";
import { StatusChips } from "../parts/StatusFilter";
import { SLOW_AFTER } from "../parts/useRequest";

export function TaskListEntry({ bridge }: { bridge: Bridge }) {
  const { chunk: list, error, again } = useChunk(bridge, "list");
  if (list === null) {
    return (
      <>
        <Preview bridge={bridge} />
        {error === null ? null : (
          <ErrorBox error={error} onDismiss={again} dismissLabel="Try again" />
        )}
      </>
    );
  }
  return (
    <>
      <style>{list.css}</style>
      <list.TaskList bridge={bridge} />
    </>
  );
}

const isTask = (line: LineView): line is RowView => "id" in line;

function Preview({ bridge }: { bridge: Bridge }) {
  const total = useTrait<number>(bridge, "total");
  const rows = useTrait<LineView[]>(bridge, "head").filter(isTask);
  const totals = useTrait<AggregatesView>(bridge, "totals");
  const shape = useTrait<LayoutView>(bridge, "shape");
  const columns = knownColumns(useTrait<ColumnKey[]>(bridge, "columns"));
  const { feed, seen } = usePollStatus(bridge);
  const isLive = rows.some((row) => !row.is_terminal);
  const time = useServiceTime(feed, isLive, seen, useLost(bridge));
  const { template, width } = layoutColumns(columns);
  // The room that is kept for what can be done is given up where nobody answers.
  const [isSlow, setSlow] = useState(false);
  useLayoutEffect(() => {
    const timer = setTimeout(() => setSlow(true), SLOW_AFTER);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div class="iw-list iw-frame">
      <div class={isSlow ? "iw-list-head iw-without-controls" : "iw-list-head"}>
        <div class="iw-chips">
          <StatusChips counts={totals.counts} tones={shape.query.tones} />
        </div>
      </div>
      <div class="iw-scroller iw-tasks" style={{ maxHeight: `${(SHOWN_ROWS + 1) * ROW_HEIGHT}px` }}>
        <div
          role="table"
          class="iw-table"
          aria-label="Tasks"
          aria-rowcount={total + 1}
          style={{ "--iw-grid-columns": template, minWidth: `${width}px` }}
        >
          <div role="row" class="iw-row iw-row-head">
            <span role="columnheader" class="iw-cell iw-ticks" />
            {columns.map((key) => (
              <span role="columnheader" key={key} class={classOf(key)}>
                {COLUMNS[key].title}
              </span>
            ))}
            <span role="columnheader" class="iw-cell" />
          </div>
          {rows.map((row) => (
            <div role="row" class="iw-row" key={row.id}>
              <span role="cell" class="iw-cell iw-ticks" />
              {columns.map((key) => (
                <Cell key={key} column={key} row={row} time={time} role="cell" />
              ))}
              <span role="cell" class="iw-cell" />
            </div>
          ))}
        </div>
      </div>
      <div class="iw-foot iw-list-foot">
        <span class="iw-grow" />
        <span>{formatPlural(total, "task")}</span>
        <PollStatus feed={feed} time={time} isLive={isLive} />
      </div>
    </div>
  );
}
