/**
 * One timer per page, which runs only while something live is shown.
 *
 * Durations are counted on the service's clock, whose distance to this page's is `offset`.
 */
import { useLayoutEffect, useState } from "preact/hooks";
import type { Elapsed, PollStatusView, RowView, SumsView } from "./contract";

/** Data of a live task that is older than this is no longer counted on, in milliseconds. */
export const STALE_AFTER_MS = 60_000;

interface Ticker {
  listeners: Set<() => void>;
  timer: ReturnType<typeof setTimeout> | null;
}

// Each widget of a page evaluates its own copy of the bundle; the global registry makes them share
// one timer, so that all numbers of a page change at the same moment.
const KEY = Symbol.for("inductiva_widgets.ticker.1");

function ticker(): Ticker {
  const page = globalThis as unknown as Record<symbol, Ticker | undefined>;
  page[KEY] ??= { listeners: new Set(), timer: null };
  return page[KEY];
}

function schedule(shared: Ticker): void {
  shared.timer = setTimeout(
    () => {
      schedule(shared);
      for (const listener of [...shared.listeners]) listener();
    },
    1000 - (Date.now() % 1000),
  );
}

/** Calls `listener` at each full second until the returned function is called. */
export function onTick(listener: () => void): () => void {
  const shared = ticker();
  // A fresh function per call: two subscribers may pass the same one.
  const entry = () => listener();
  shared.listeners.add(entry);
  if (shared.timer === null) schedule(shared);
  return () => {
    shared.listeners.delete(entry);
    if (shared.listeners.size > 0 || shared.timer === null) return;
    clearTimeout(shared.timer);
    shared.timer = null;
  };
}

/** How to read the service's clock: from this page's, or stopped at a moment. */
export interface ServiceTime {
  offset: number;
  frozen: number | null;
}

/** Full seconds only: a timer that fires some milliseconds late must not skip a number. */
const fullSecond = (): number => Math.floor(Date.now() / 1000) * 1000;

/** The service's time, in milliseconds; renders again each second while `isLive`. */
export function useNow(time: ServiceTime, isLive: boolean): number {
  const [, setNow] = useState(fullSecond);
  const ticks = isLive && time.frozen === null;
  useLayoutEffect(() => (ticks ? onTick(() => setNow(fullSecond())) : undefined), [ticks]);
  // Read afresh, since a render may also come from new data long after the last tick.
  return time.frozen ?? fullSecond() + time.offset;
}

/**
 * The distance to the service's clock. `seen` is the largest value of `updated` minus this page's
 * clock among the updates that arrived while the page was open, or null. Latency only lowers it,
 * so it corrects a wrong clock of the visitor's machine, which the kernel cannot measure.
 */
export function clockOffset(status: PollStatusView, seen: number | null): number {
  const tolerance = 5_000;
  return seen !== null && Math.abs(seen - status.skew) > tolerance ? seen : status.skew;
}

export function isStale(status: PollStatusView, offset: number): boolean {
  return status.updated !== null && Date.now() + offset - status.updated > STALE_AFTER_MS;
}

/**
 * The time to count with. Stops at the last update of a live task once that is too old, or the
 * kernel has gone: a saved notebook without a kernel must not count on for ever. Nor must a task
 * that is not updated.
 */
export function useServiceTime(
  status: PollStatusView,
  isLive: boolean,
  seen: number | null,
  isLost: boolean,
): ServiceTime {
  const offset = clockOffset(status, seen);
  const [, setStale] = useState(false);
  const stale = isLive && (isLost || status.notice !== null || isStale(status, offset));
  const watches = isLive && !stale && status.updated !== null;
  useLayoutEffect(
    () => (watches ? onTick(() => setStale(isStale(status, offset))) : undefined),
    [watches, status, offset],
  );
  return { offset, frozen: stale ? status.updated : null };
}

/** Seconds of a duration, never negative; null where unknown. */
export function elapsedSeconds(elapsed: Elapsed, now: number): number | null {
  if (elapsed.seconds !== null) return Math.max(0, elapsed.seconds);
  return elapsed.since === null ? null : Math.max(0, (now - elapsed.since) / 1000);
}

/** The cost so far in dollars: counted on with the computation while its rate is known. */
export function currentCost(
  row: Pick<RowView, "cost_usd" | "cost_rate" | "computation">,
  now: number,
): number | null {
  const seconds = row.cost_rate === null ? null : elapsedSeconds(row.computation, now);
  return row.cost_rate === null || seconds === null ? row.cost_usd : row.cost_rate * seconds;
}

/** Cost and computation time of several tasks so far, counted on as those of each row are. */
export function currentSums(
  { cost, seconds, growth }: SumsView,
  now: number,
): Pick<SumsView, "cost" | "seconds"> {
  if (growth === null) return { cost, seconds };
  const [tasks, costRate, at] = growth;
  const passed = (now - at) / 1000;
  return {
    cost: costRate === 0 ? cost : Math.max(0, (cost ?? 0) + costRate * passed),
    seconds: Math.max(0, seconds + tasks * passed),
  };
}
