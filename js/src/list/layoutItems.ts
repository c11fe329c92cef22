/** What a long list consists of: rows, open cards, and the space that stands for all others. Pure. */
import type { Gap, RowRange } from "../virtual_scroll";

/** Top to bottom. */
export type Item =
  | { kind: "space"; key: string; rows: number }
  | { kind: "row"; index: number }
  | { kind: "card"; index: number };

/**
 * Rows of the range, empty space for all others, and every open card, wherever it is: a card that
 * was scrolled away keeps its state. `open` holds the rows with a card, in order; `pinned` is a row
 * that is drawn wherever it is, since it has the focus.
 */
export function layoutItems(
  range: RowRange,
  count: number,
  open: readonly number[],
  pinned = range.start,
): Item[] {
  const items: Item[] = [];
  const shown = [range];
  if (pinned < range.start) shown.unshift({ start: pinned, stop: pinned + 1 });
  else if (pinned >= range.stop && pinned < count) shown.push({ start: pinned, stop: pinned + 1 });
  let cursor = 0;
  const space = (to: number) => {
    if (to > cursor) items.push({ kind: "space", key: `space ${items.length}`, rows: to - cursor });
    cursor = Math.max(cursor, to);
  };
  for (const index of [...open, null]) {
    const end = index === null ? count : index + 1;
    for (const { start, stop } of shown) {
      if (start >= end || stop <= cursor) continue;
      space(start);
      for (; cursor < Math.min(stop, end); cursor += 1) items.push({ kind: "row", index: cursor });
    }
    space(end);
    if (index !== null) items.push({ kind: "card", index });
  }
  return items;
}

/** Where a row begins, open cards counted in. */
export function itemTop(index: number, rowHeight: number, gaps: readonly Gap[]): number {
  return gaps.reduce(
    (top, { after, height }) => (after < index ? top + height : top),
    index * rowHeight,
  );
}
