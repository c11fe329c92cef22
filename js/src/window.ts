/** Which rows of a long list are worth drawing: fixed heights, open cards between them. */
import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";

/** What hosts without layout get, and what is drawn before the first measurement. */
export const DEFAULT_VIEWPORT = 400;
const OVERSCAN = 6;

export interface Range {
  start: number;
  stop: number;
}

/** Extra height after a row, as an open card adds it. */
export interface Gap {
  after: number;
  height: number;
}

/** Rows that are visible, and a few around them. `gaps` are in the order of their rows. */
export function rangeOf(
  scrollTop: number,
  viewport: number,
  count: number,
  rowHeight: number,
  gaps: readonly Gap[] = [],
): Range {
  const rowAt = (y: number): number => {
    let passed = 0;
    for (const gap of gaps) {
      const top = (gap.after + 1) * rowHeight + passed;
      if (y < top) break;
      if (y < top + gap.height) return gap.after;
      passed += gap.height;
    }
    return Math.floor((y - passed) / rowHeight);
  };
  const stop = Math.min(count, rowAt(scrollTop + viewport) + 1 + OVERSCAN);
  const start = Math.max(0, rowAt(scrollTop) - OVERSCAN);
  return { start: Math.min(start, Math.max(0, stop - 1)), stop };
}

/** What a long list consists of, top to bottom. */
export type Item =
  | { kind: "space"; key: string; rows: number }
  | { kind: "row"; index: number }
  | { kind: "card"; index: number };

/**
 * Rows of the range, empty space for all others, and every open card, wherever it is: a card that
 * was scrolled away keeps its state. `open` holds the rows with a card, in order; `pinned` is a row
 * that is drawn wherever it is, since it has the focus.
 */
export function layItems(
  range: Range,
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
export function topOf(index: number, rowHeight: number, gaps: readonly Gap[]): number {
  return gaps.reduce(
    (top, { after, height }) => (after < index ? top + height : top),
    index * rowHeight,
  );
}

/** Follows the scroll position and the size of a scroller; renders only when the rows change. */
export function useRange(
  scroller: RefObject<HTMLElement | null>,
  count: number,
  rowHeight: number,
  gaps: readonly Gap[] = [],
): Range {
  const [view, setView] = useState({ top: 0, height: DEFAULT_VIEWPORT });
  useLayoutEffect(() => {
    const node = scroller.current;
    if (node === null) return undefined;
    const follow = () => {
      // Steps of one row: a smaller move shows the same rows.
      const top = Math.floor(node.scrollTop / rowHeight) * rowHeight;
      const height = node.clientHeight || DEFAULT_VIEWPORT;
      setView((before) =>
        before.top === top && before.height === height ? before : { top, height },
      );
    };
    node.addEventListener("scroll", follow, { passive: true });
    const observer = typeof ResizeObserver === "undefined" ? null : new ResizeObserver(follow);
    observer?.observe(node);
    return () => {
      node.removeEventListener("scroll", follow);
      observer?.disconnect();
    };
  }, [scroller, rowHeight]);
  return rangeOf(view.top, view.height + rowHeight, count, rowHeight, gaps);
}
