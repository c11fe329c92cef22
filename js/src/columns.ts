/** The columns of the table: what they are called, how wide they are, how they are compared. Pure. */
import type { ColumnKey, SortView } from "./contract";

/** How the values of a column are compared, written and filtered. */
export type ColumnKind = "values" | "text" | "time" | "seconds" | "bytes" | "dollars" | "count";

interface Column {
  title: string;
  kind: ColumnKind;
  /** In pixels; columns of free text take more where there is room. */
  width: number;
  grows?: boolean;
}

export const COLUMNS: Record<ColumnKey, Column> = {
  // As wide as the longest status there is.
  status: { title: "Status", kind: "values", width: 200 },
  simulator: { title: "Simulator", kind: "values", width: 78, grows: true },
  project: { title: "Project", kind: "values", width: 78, grows: true },
  id: { title: "ID", kind: "text", width: 58, grows: true },
  submitted: { title: "Submitted", kind: "time", width: 106 },
  started: { title: "Started", kind: "time", width: 106 },
  ended: { title: "Ended", kind: "time", width: 106 },
  queue: { title: "Queue", kind: "seconds", width: 64 },
  computation: { title: "Computation", kind: "seconds", width: 84 },
  total: { title: "Total", kind: "seconds", width: 64 },
  phases: { title: "Phases", kind: "text", width: 48, grows: true },
  machine: { title: "Resource type", kind: "values", width: 104 },
  cost: { title: "Cost", kind: "dollars", width: 76 },
  files: { title: "Files", kind: "count", width: 56 },
  size: { title: "Size", kind: "bytes", width: 78 },
};
/** As in the style sheet; the windowing rests on it. */
export const ROW_HEIGHT = 32;
export const SHOWN_ROWS = 12;
const TICKS = 48;
const ACTIONS = 64;

/** Names of a newer kernel are passed by. */
export const knownColumns = (keys: readonly ColumnKey[]) => keys.filter((key) => key in COLUMNS);

export const isNumber = (key: ColumnKey) => !/values|text|time/.test(COLUMNS[key].kind);

/** The tracks of a line, and the width below which the table is scrolled sideways. */
export function layColumns(keys: readonly ColumnKey[], hasAxis = false) {
  const columns = keys.map((key) => COLUMNS[key]);
  const grows = hasAxis || columns.some((column) => column.grows);
  const tracks = columns.map(({ width, grows: own }) =>
    own && !hasAxis ? `minmax(${width}px,1fr)` : `${width}px`,
  );
  const last = hasAxis ? "minmax(260px,1fr)" : grows ? `${ACTIONS}px` : `minmax(${ACTIONS}px,1fr)`;
  return {
    template: `${TICKS}px ${tracks.join(" ")} ${last}`,
    width: columns.reduce((sum, { width }) => sum + width, TICKS + (hasAxis ? 260 : ACTIONS)),
  };
}

/** The order after a click on a head: numbers and times begin with the largest, the third click
 * gives the order of the list back. */
export function nextSort(sort: SortView | null, key: ColumnKey): SortView | null {
  const first = isNumber(key) || COLUMNS[key].kind === "time";
  if (sort?.key !== key) return { key, descending: first };
  return sort.descending === first ? { key, descending: !first } : null;
}
