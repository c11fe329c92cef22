/**
 * The first paint of the table: its first rows, from traits alone.
 *
 * The chunk that makes it interactive replaces it, unless there is no kernel. See
 * `inductiva_widgets/widgets/task_list.py`.
 */
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { type Bridge, useKernelLost, usePollStatus, useTrait } from "../bridge";
import { useServiceTime } from "../clock";
import { useChunk } from "../code_splitting";
import { COLUMNS, knownColumns, layoutColumns, ROW_HEIGHT, SHOWN_ROWS } from "../columns";
import type { AggregatesView, ColumnKey, LineView, QueryResultView, RowView } from "../contract";
import { formatPlural } from "../format";
import { Cell, classOf } from "../parts/Cell";
import { ErrorBox } from "../parts/ErrorBox";
import { PollStatus } from "../parts/PollStatus";
import { StatusChips } from "../parts/StatusFilter";
import { SLOW_AFTER_MS } from "../parts/useRequest";
import { useWidth } from "../use_width";

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
  const rows = useTrait<LineView[]>(bridge, "first_rows").filter(isTask);
  const aggregates = useTrait<AggregatesView>(bridge, "aggregates");
  const result = useTrait<QueryResultView>(bridge, "query_result");
  const columns = knownColumns(useTrait<ColumnKey[]>(bridge, "columns"));
  const { pollStatus, seen } = usePollStatus(bridge);
  const isLive = rows.some((row) => !row.is_terminal);
  const time = useServiceTime(pollStatus, isLive, seen, useKernelLost(bridge));
  const scroller = useRef<HTMLDivElement>(null);
  const available = useWidth(scroller, Number.POSITIVE_INFINITY);
  const widths = useTrait<Record<string, number>>(bridge, "column_widths");
  const layout = layoutColumns(columns, { available, widths });
  // Without an answer from the kernel, the space reserved for controls is released.
  const [isSlow, setSlow] = useState(false);
  useLayoutEffect(() => {
    const timer = setTimeout(() => setSlow(true), SLOW_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div class="iw-frame">
      <div class={isSlow ? "iw-list-head iw-without-controls" : "iw-list-head"}>
        <div class="iw-chips">
          <StatusChips counts={aggregates.counts} chosen={result.query.status_groups} />
        </div>
      </div>
      <div
        class="iw-scroller iw-tasks"
        ref={scroller}
        style={{ maxHeight: `${(SHOWN_ROWS + 1) * ROW_HEIGHT}px` }}
      >
        <div
          role="table"
          aria-label="Tasks"
          aria-rowcount={total + 1}
          style={{ "--iw-grid-columns": layout.template, minWidth: `${layout.width}px` }}
        >
          <div role="row" class="iw-row iw-row-head">
            <span role="columnheader" class="iw-cell iw-ticks" />
            {layout.columns.map((key) => (
              <span role="columnheader" key={key} class={classOf(key)}>
                {COLUMNS[key].title}
              </span>
            ))}
            <span role="columnheader" class="iw-cell" />
          </div>
          {rows.map((row) => (
            <div role="row" class="iw-row" key={row.id}>
              <span role="cell" class="iw-cell iw-ticks" />
              {layout.columns.map((key) => (
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
        <PollStatus status={pollStatus} time={time} isLive={isLive} />
      </div>
    </div>
  );
}
