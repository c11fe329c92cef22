/** Zoom buttons of the time line. */
import type { RefObject } from "preact";
import type { ServiceTime } from "../clock";
import type { LineView, QueryResultView } from "../contract";
import { Icon } from "../parts/Icons";
import { centredOn, fitRange, spanOf, type TimeRange, zoomed } from "./time_range";

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
  const fitToShown = () => {
    const shown = indexesInSight(scroller.current).flatMap((index) => {
      const line = lineAt(index);
      return line === undefined || "group" in line ? [] : (spanOf(line, now()) ?? []);
    });
    if (shown.length === 0) return;
    const from = Math.min(...shown.map((one) => one.from));
    onSpan(centredOn(from, Math.max(...shown.map((one) => one.to))));
  };
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
        Fit
      </button>
      <button type="button" class="iw-button" onClick={fitToShown}>
        Fit to shown
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
