/** Zoom buttons of the time line. */
import type { RefObject } from "preact";
import { useLayoutEffect } from "preact/hooks";
import type { ServiceTime } from "../clock";
import { SHOWN_ROWS } from "../columns";
import type { LineView, QueryResultView } from "../contract";
import { Icon } from "../parts/Icons";
import { centredOn, fitRange, spanOf, type TimeRange, zoomed } from "./time_range";

/** If all tasks take so many times as long as the first ones, the first ones are shown. */
const MUCH = 5;

interface Props {
  result: QueryResultView;
  time: ServiceTime;
  isLive: boolean;
  span: TimeRange | null;
  onSpan: (span: TimeRange | null) => void;
  scroller: RefObject<HTMLElement | null>;
  lineAt: (index: number) => LineView | undefined;
}

export function GanttTools({ result, time, isLive, span, onSpan, scroller, lineAt }: Props) {
  const now = () => time.frozen ?? Date.now() + time.offset;
  const zoom = (factor: number) => () => {
    const fit = fitRange(result, now(), isLive);
    const view = span ?? fit;
    onSpan(zoomed(view, factor, (view.from + view.to) / 2, fit));
  };
  const rangeOf = (indexes: readonly number[]): TimeRange | null => {
    const spans = indexes.flatMap((index) => {
      const line = lineAt(index);
      return line === undefined || "group" in line ? [] : (spanOf(line, now()) ?? []);
    });
    if (spans.length === 0) return null;
    const from = Math.min(...spans.map((one) => one.from));
    return centredOn(from, Math.max(...spans.map((one) => one.to)));
  };
  // Among months of tasks, the bars of the first ones would be a few pixels wide.
  // biome-ignore lint/correctness/useExhaustiveDependencies: only when the time line opens
  useLayoutEffect(() => {
    if (span !== null) return;
    const first = rangeOf(Array.from({ length: SHOWN_ROWS }, (_, index) => index));
    const all = fitRange(result, now(), isLive);
    if (first !== null && MUCH * (first.to - first.from) < all.to - all.from) onSpan(first);
  }, []);
  return (
    <span class="iw-segmented iw-zoom" role="group" aria-label="Time line">
      <button
        type="button"
        class="iw-button"
        aria-label="Zoom out"
        title="Zoom out"
        onClick={zoom(2)}
      >
        <Icon name="minus" />
      </button>
      <button
        type="button"
        class="iw-button"
        aria-label="Zoom in"
        title="Zoom in"
        onClick={zoom(0.5)}
      >
        <Icon name="plus" />
      </button>
      <button
        type="button"
        class="iw-button"
        aria-pressed={span === null}
        onClick={() => onSpan(null)}
      >
        All time
      </button>
      <button
        type="button"
        class="iw-button"
        onClick={() => {
          const visible = rangeOf(indexesInSight(scroller.current));
          if (visible !== null) onSpan(visible);
        }}
      >
        Visible tasks
      </button>
    </span>
  );
}

/** Lines that are not only drawn, but visible. */
function indexesInSight(node: HTMLElement | null): number[] {
  if (node === null) return [];
  const box = node.getBoundingClientRect();
  return [...node.querySelectorAll(".iw-row[aria-rowindex]")].flatMap((line) => {
    const { top, bottom } = line.getBoundingClientRect();
    const middle = (top + bottom) / 2;
    return middle < box.top || middle > box.bottom ? [] : Number(line.ariaRowIndex) - 2;
  });
}
