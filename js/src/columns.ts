/** The columns of the table: title, kind and width. */
import type { ColumnKey } from "./contract";

/** How the values of a column are compared, written and filtered. */
export type ColumnKind = "values" | "text" | "time" | "seconds" | "bytes" | "dollars" | "count";

interface Column {
  title: string;
  kind: ColumnKind;
  /** In pixels; columns of free text take more where there is room. */
  width: number;
  grows?: boolean;
  /** Drawn only: there is nothing to sort by. */
  isPicture?: boolean;
}

export const COLUMNS: Record<ColumnKey, Column> = {
  status: { title: "Status", kind: "values", width: 194 },
  simulator: { title: "Simulator", kind: "values", width: 72, grows: true },
  project: { title: "Project", kind: "values", width: 72, grows: true },
  id: { title: "ID", kind: "text", width: 48, grows: true },
  submitted: { title: "Submitted", kind: "time", width: 96 },
  started: { title: "Started", kind: "time", width: 96 },
  ended: { title: "Ended", kind: "time", width: 96 },
  queue: { title: "Queue", kind: "seconds", width: 64 },
  computation: { title: "Computation", kind: "seconds", width: 98 },
  total: { title: "Total", kind: "seconds", width: 64 },
  phases: { title: "Phases", kind: "text", width: 54, grows: true },
  metric: { title: "Metric", kind: "text", width: 158, isPicture: true },
  machine: { title: "Resource type", kind: "values", width: 116 },
  cost: { title: "Cost", kind: "dollars", width: 98 },
  files: { title: "Files", kind: "count", width: 56 },
  size: { title: "Size", kind: "bytes", width: 78 },
};
/** As in the style sheet; the windowing rests on it. */
export const ROW_HEIGHT = 32;
export const SHOWN_ROWS = 12;
const TICKS = 48;
const ACTIONS = 58;
/** What a column gains and the axis has at least, in the time line. */
const GAIN = 20;
const AXIS = 260;

/** Names of a newer kernel are passed by. */
export const knownColumns = (keys: readonly ColumnKey[]) => keys.filter((key) => key in COLUMNS);

export const isNumber = (key: ColumnKey) => !/values|text|time/.test(COLUMNS[key].kind);

/** The tracks of a line, and the width below which the table is scrolled sideways. */
export function layoutColumns(keys: readonly ColumnKey[], hasAxis = false) {
  const columns = keys.map((key) => COLUMNS[key]);
  const grows = columns.some((column) => column.grows);
  const gain = hasAxis ? GAIN : 0;
  const tracks = columns.map(({ width, grows: own }) =>
    own ? `minmax(${width + gain}px,${hasAxis ? "0" : "1fr"})` : `${width}px`,
  );
  const last = hasAxis ? AXIS : ACTIONS;
  return {
    template: `${TICKS}px ${tracks.join(" ")} ${hasAxis || !grows ? `minmax(${last}px,1fr)` : `${last}px`}`,
    width: columns.reduce(
      (sum, { width, grows: own }) => sum + width + (own ? gain : 0),
      TICKS + last,
    ),
  };
}
