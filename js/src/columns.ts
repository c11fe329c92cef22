/** Layout of the columns of the table. */
import { COLUMNS, type ColumnKey, DEFAULT_COLUMNS } from "./contract";

// The chunks take both from this module, so that they exist once.
export { COLUMNS, DEFAULT_COLUMNS };

/** As in the style sheet; the windowing rests on it. */
export const ROW_HEIGHT = 32;
export const SHOWN_ROWS = 12;
const TICKS = 48;
const ACTIONS = 58;
/** Minimum width of the axis of the time line. */
const AXIS = 300;
/** Number of columns that are shown however narrow the table is. */
const MIN_COLUMNS = 2;

/** Names of a newer kernel are passed by. */
export const knownColumns = (keys: readonly ColumnKey[]) => keys.filter((key) => key in COLUMNS);

export const isNumber = (key: ColumnKey) => !/category|text|time|picture/.test(COLUMNS[key].kind);

export interface Layout {
  columns: readonly ColumnKey[];
  /** Columns for which there is no room. */
  left: readonly ColumnKey[];
  /** The tracks of a line. */
  template: string;
  /** Width below which the table is scrolled sideways. */
  width: number;
}

interface LayoutOptions {
  hasAxis?: boolean;
  /** Width of the table; infinite before it is measured, and if all columns are to be shown. */
  available?: number;
  /** Widths that the user has chosen. */
  widths?: Readonly<Record<string, number>>;
}

/** Lays out as many of the columns as there is room for, by their priority. */
export function layoutColumns(
  keys: readonly ColumnKey[],
  { hasAxis = false, available = Number.POSITIVE_INFINITY, widths = {} }: LayoutOptions = {},
): Layout {
  const widthOf = (key: ColumnKey) => widths[key] ?? COLUMNS[key].width;
  const last = hasAxis ? AXIS : ACTIONS;
  const shown = new Set(keys);
  let width = keys.reduce((sum, key) => sum + widthOf(key), TICKS + last);
  const byPriority = [...keys].sort((a, b) => COLUMNS[a].priority - COLUMNS[b].priority);
  for (const key of byPriority.slice(0, -MIN_COLUMNS)) {
    if (width <= available) break;
    shown.delete(key);
    width -= widthOf(key);
  }
  const columns = keys.filter((key) => shown.has(key));
  const tracks = columns.map((key) => {
    // On the time line, the axis has all that is left.
    if (hasAxis || widths[key] !== undefined) return `${widthOf(key)}px`;
    const { fullWidth, grows } = COLUMNS[key];
    return `minmax(${widthOf(key)}px,${grows ? "1fr" : `${fullWidth}px`})`;
  });
  const grows = !hasAxis && columns.some((key) => COLUMNS[key].grows && widths[key] === undefined);
  return {
    columns,
    left: keys.filter((key) => !shown.has(key)),
    template: `${TICKS}px ${tracks.join(" ")} ${grows ? `${last}px` : `minmax(${last}px,1fr)`}`,
    width,
  };
}
