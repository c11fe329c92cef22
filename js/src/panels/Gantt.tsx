/** Time line of the table: one time axis, one bar of phases per task. */
import type { ComponentChildren, RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { type ServiceTime, useNow } from "../clock";
import type { QueryResultView, RowView } from "../contract";
import { truncate } from "../parts/Badge";
import { Icon } from "../parts/Icons";
import { failedPhase, layoutPhases, phasesOf } from "../phases";
import { useWidth } from "../use_width";
import { fitRange, panned, spanOf, type TimeRange, ticksOf, zoomed } from "./time_range";

/** What the lines and their head hold instead of the columns that are left out. */
export interface Axis {
  head: ComponentChildren;
  bar(row: RowView): ComponentChildren;
}

interface Props {
  result: QueryResultView;
  time: ServiceTime;
  isLive: boolean;
  /** Null: all that matches. */
  span: TimeRange | null;
  onSpan: (span: TimeRange | null) => void;
  scroller: RefObject<HTMLElement | null>;
  grid: (axis: Axis) => ComponentChildren;
}

/** A label and the room around it, in pixels. */
const TICK_WIDTH = 84;

export function Gantt({ result, time, isLive, span, onSpan, scroller, grid }: Props) {
  const now = useNow(time, isLive);
  const head = useRef<HTMLSpanElement>(null);
  const width = useWidth(head, 600);
  const fit = fitRange(result, now, isLive);
  const view = span ?? fit;
  const ticks = ticksOf(view, Math.max(1, Math.floor(width / TICK_WIDTH)));
  const share = (at: number) => (100 * (at - view.from)) / (view.to - view.from);
  usePanAndZoom(scroller, head, { view, fit, onSpan });

  const lines = ticks
    .map(
      ({ at }) => `linear-gradient(var(--iw-border-subtle) 0 0) ${share(at)}% 0/1px 100% no-repeat`,
    )
    .join(",");
  return (
    <>
      {grid({
        head: (
          <span role="columnheader" class="iw-cell iw-axis" ref={head}>
            <span class="iw-visually-hidden">Time line</span>
            {ticks.map(({ at, label }) => (
              <span key={at} class="iw-axis-tick" style={{ left: `${share(at)}%` }}>
                {share(at) < 96 ? label : ""}
              </span>
            ))}
          </span>
        ),
        bar: (row) => (
          <GanttRow
            row={row}
            time={time}
            view={view}
            lines={lines}
            onShow={(own) => onSpan(panned(view, middle(own) - middle(view), fit))}
          />
        ),
      })}
    </>
  );
}

const middle = ({ from, to }: TimeRange) => (from + to) / 2;

interface GanttRowProps {
  row: RowView;
  time: ServiceTime;
  view: TimeRange;
  lines: string;
  onShow: (own: TimeRange) => void;
}

function GanttRow({ row, time, view, lines, onShow }: GanttRowProps) {
  const now = useNow(time, !row.is_terminal);
  const phases = phasesOf(row.marks);
  const failed = failedPhase(phases, row);
  const own = spanOf(row, now);
  const layout = layoutPhases(phases, now, row.is_terminal);
  const words = layout.legend.filter(({ duration }) => duration !== "");
  const label = words.map(({ title, duration }) => `${title} ${duration}`).join(", ");
  const share = (at: number) => (100 * (at - view.from)) / (view.to - view.from);
  const side =
    own === null ? null : own.to < view.from ? "left" : own.from > view.to ? "right" : null;
  return (
    <span role="gridcell" class="iw-cell iw-track" style={{ background: lines }}>
      {side === null || own === null ? (
        <span class="iw-gantt" role="img" aria-label={label || "No phases yet"} title={label}>
          {phases.map(({ name, start, end }) => {
            const stop = end ?? (row.is_terminal ? start : now);
            const isFailed = name === failed;
            const left = Math.max(-1, share(start));
            const right = Math.min(101, share(stop));
            return right < -1 || left > 101 ? null : (
              <i
                key={name}
                class={isFailed ? "iw-phase-failed" : `iw-phase-${name}`}
                style={{ left: `${left}%`, width: `max(3px,${right - left}%)` }}
              />
            );
          })}
        </span>
      ) : (
        <button
          type="button"
          class={`iw-button iw-button-plain iw-edge iw-edge-${side}`}
          aria-label={`Go to the bar of task ${truncate(row.id)}`}
          title={label}
          tabIndex={-1}
          onClick={() => onShow(own)}
        >
          <Icon name="chevron" />
        </button>
      )}
    </span>
  );
}

interface PanAndZoom {
  view: TimeRange;
  fit: TimeRange;
  onSpan: (span: TimeRange) => void;
}

/** The wheel with Ctrl zooms around the pointer; its sideways turn, and dragging, move. */
function usePanAndZoom(
  scroller: RefObject<HTMLElement | null>,
  head: RefObject<HTMLElement | null>,
  steered: PanAndZoom,
): void {
  const now = useRef(steered);
  now.current = steered;
  useLayoutEffect(() => {
    const node = scroller.current;
    if (node === null) return undefined;
    const isOurs = (event: Event) =>
      (event.target as Element).closest(".iw-track, .iw-axis") !== null;
    const perPixel = () => {
      const { view } = now.current;
      return (view.to - view.from) / (head.current?.offsetWidth || 1);
    };
    const move = (pixels: number, from = now.current.view) =>
      now.current.onSpan(panned(from, pixels * perPixel(), now.current.fit));

    const wheel = (event: WheelEvent) => {
      if (!isOurs(event)) return;
      if (event.ctrlKey || event.metaKey) {
        const { view, fit, onSpan } = now.current;
        const left = head.current?.getBoundingClientRect().left ?? 0;
        const at = view.from + (event.clientX - left) * perPixel();
        onSpan(zoomed(view, 1.002 ** event.deltaY, at, fit));
      } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) move(event.deltaX);
      else return;
      event.preventDefault();
    };

    let drag: { x: number; view: TimeRange; hasMoved: boolean } | null = null;
    const down = (event: PointerEvent) => {
      if (event.button !== 0 || !isOurs(event)) return;
      drag = { x: event.clientX, view: now.current.view, hasMoved: false };
    };
    const drags = (event: PointerEvent) => {
      if (drag === null) return;
      if (event.buttons === 0) {
        drag = null;
        return;
      }
      const by = drag.x - event.clientX;
      if (!drag.hasMoved && Math.abs(by) < 4) return;
      if (!drag.hasMoved) node.setPointerCapture(event.pointerId);
      drag.hasMoved = true;
      move(by, drag.view);
    };
    // The click at the end of a drag must not open what lies under it.
    const click = (event: MouseEvent) => {
      if (drag?.hasMoved) event.stopPropagation();
      drag = null;
    };
    node.addEventListener("wheel", wheel, { passive: false });
    node.addEventListener("pointerdown", down);
    node.addEventListener("pointermove", drags);
    node.addEventListener("click", click, true);
    return () => {
      node.removeEventListener("wheel", wheel);
      node.removeEventListener("pointerdown", down);
      node.removeEventListener("pointermove", drags);
      node.removeEventListener("click", click, true);
    };
  }, [scroller, head]);
}
