/** Virtual scrolling: which rows of a long list are drawn, with open cards between them. */
import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";

/** What hosts without layout get, and what is drawn before the first measurement. */
export const DEFAULT_VIEWPORT = 400;
const OVERSCAN = 6;

export interface RowRange {
  start: number;
  stop: number;
}

/** Extra height after a row, as an open card adds it. */
export interface Gap {
  after: number;
  height: number;
}

/** Rows that are visible, and a few around them. `gaps` are in the order of their rows. */
export function visibleRange(
  scrollTop: number,
  viewport: number,
  count: number,
  rowHeight: number,
  gaps: readonly Gap[] = [],
): RowRange {
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

/** Follows the scroll position and the size of a scroller; renders only when the rows change. */
export function useVisibleRange(
  scroller: RefObject<HTMLElement | null>,
  count: number,
  rowHeight: number,
  gaps: readonly Gap[] = [],
): RowRange {
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
  return visibleRange(view.top, view.height + rowHeight, count, rowHeight, gaps);
}
