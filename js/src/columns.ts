/** Layout of the columns of the table. */
import { COLUMNS, type ColumnKey, DEFAULT_COLUMNS } from "./contract";

// The chunks take both from this module, so that they exist once.
export { COLUMNS, DEFAULT_COLUMNS };

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

export const isNumber = (key: ColumnKey) => !/category|text|time|picture/.test(COLUMNS[key].kind);

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
