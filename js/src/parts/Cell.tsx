/** A table cell, by column. */
import type { ComponentChildren } from "preact";
import { describeMetric, formatValue, percentOf } from "../chart_format";
import { currentCost, elapsedSeconds, type ServiceTime, useNow } from "../clock";
import { COLUMNS, isNumber } from "../columns";
import type { ColumnKey, ColumnKind, MetricView, RowView } from "../contract";
import { formatBytes, formatCost, formatCount, formatDate, formatHms } from "../format";
import { phasesOf } from "../phases";
import { Badge, truncate } from "./Badge";
import { MiniPhaseBar } from "./PhaseBar";
import { Sparkline } from "./Sparkline";

interface Props {
  row: RowView;
  time: ServiceTime;
  column: ColumnKey;
  role?: "cell" | "gridcell";
}

export function Cell({ row, time, column, role = "gridcell" }: Props) {
  const now = useNow(time, !row.is_terminal && (isNumber(column) || column === "phases"));
  const [text, shown] = contentOf(column, row, now, time);
  return (
    <span role={role} class={classOf(column)} title={text === null ? undefined : truncate(text)}>
      {shown ?? (text === null ? <span class="iw-muted">–</span> : <bdi>{truncate(text)}</bdi>)}
    </span>
  );
}

export const classOf = (column: ColumnKey) =>
  `iw-cell iw-column-${column} ${isNumber(column) ? "iw-num" : ""}`;

/** The text, shown completely in a tooltip, and an element that replaces it in the cell. */
function contentOf(
  column: ColumnKey,
  row: RowView,
  now: number,
  time: ServiceTime,
): [string | null, ComponentChildren?] {
  const formatted = <T,>(value: T | null, format: (value: T) => string): [string | null] => [
    value === null ? null : format(value),
  ];
  switch (column) {
    case "status":
      return [
        null,
        <Badge key="" status={row.status} alias={row.alias} group={row.status_group} />,
      ];
    case "task_id":
      return [row.id];
    case "phases":
      return [null, <MiniPhaseBar row={row} time={time} />];
    case "metric":
      // Saved pages may be older than this column.
      return row.metric ? [describeMetric(row.metric), <Metric key="" {...row.metric} />] : [null];
    case "ended":
      return moment(row.marks[4] ?? null);
    case "cost_usd":
      return formatted(currentCost(row, now), formatCost);
    case "queue_time":
    case "computation_time":
    case "total_time":
      return formatted(secondsIn(column, row, now), (seconds) =>
        formatHms(row.is_terminal ? seconds : Math.floor(seconds)),
      );
    default:
      return plainContent(column, row[column]);
  }
}

/** A value that the kernel sends, written as its column says. */
function plainContent(
  column: ColumnKey,
  value: string | number | null,
): [string | null, ComponentChildren?] {
  if (typeof value !== "number") return [value];
  const { kind } = COLUMNS[column];
  return kind === "time" ? moment(value) : [FORMATS[kind]?.(value) ?? String(value)];
}

const FORMATS: Partial<Record<ColumnKind, (value: number) => string>> = {
  bytes: formatBytes,
  count: formatCount,
  dollars: formatCost,
  seconds: formatHms,
};

function Metric(metric: MetricView) {
  const { name, last, non_finite, progress } = metric;
  return (
    <span class="iw-cell-metric">
      <Sparkline series={metric} label={truncate(describeMetric(metric))} />
      {/* The share itself needs no second number. */}
      {name === "percent" && non_finite === "" ? null : (
        <span class={non_finite === "" ? "iw-num" : "iw-num iw-lost"}>
          {non_finite || formatValue(last)}
        </span>
      )}
      {progress === null ? null : <span class="iw-num iw-muted">{percentOf(progress)}</span>}
    </span>
  );
}

/** To the minute; to the second in the tool tip. */
function moment(epoch: number | null): [string | null, ComponentChildren?] {
  return epoch === null ? [null] : [formatDate(epoch), formatDate(epoch).slice(0, -3)];
}

function secondsIn(column: ColumnKey, row: RowView, now: number): number | null {
  if (column === "computation_time") {
    return row.is_terminal ? row.computation.seconds : elapsedSeconds(row.computation, now);
  }
  const queue = phasesOf(row.marks).find(({ name }) => name === "queue");
  const [from = null, to = null] =
    column === "queue_time" ? [queue?.start, queue?.end] : [row.submitted, row.marks[4]];
  // The end of an ended task may be unknown: it must not grow for ever.
  return to === null && row.is_terminal
    ? null
    : elapsedSeconds({ seconds: null, since: from }, to ?? now);
}
