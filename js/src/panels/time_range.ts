/** The visible time range of a time line, and its ticks. */
import type { QueryResultView, RowView } from "../contract";
import { formatTime } from "../format";

/** In epoch milliseconds. */
export interface TimeRange {
  from: number;
  to: number;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MARGIN = 0.02;

/** From the first to the last, a margin around it. */
export function centredOn(from: number, to: number): TimeRange {
  const margin = Math.max(SECOND, (to - from) * MARGIN);
  return { from: from - margin, to: to + margin };
}

/** All tasks that match, up to now while one of them lives. */
export function fitRange(
  { first, last }: QueryResultView,
  now: number,
  isLive: boolean,
): TimeRange {
  const end = isLive ? Math.max(now, last ?? now) : (last ?? now);
  return centredOn(Math.min(first ?? end, end), end);
}

/** When a task began and ended; null where it never did. */
export function spanOf(row: RowView, now: number): TimeRange | null {
  const marks = row.marks.filter((mark) => mark !== null);
  const [from] = marks;
  if (from === undefined) return null;
  return { from, to: Math.max(from, row.is_terminal ? (marks.at(-1) ?? from) : now) };
}

/** Scaled around a moment; never shorter than a second, nor much longer than all there is. */
export function zoomed(
  { from, to }: TimeRange,
  factor: number,
  at: number,
  fit: TimeRange,
): TimeRange {
  const widest = 2 * (fit.to - fit.from);
  const width = Math.min(widest, Math.max(SECOND, (to - from) * factor));
  const share = (at - from) / (to - from);
  return panned({ from: at - width * share, to: at + width * (1 - share) }, 0, fit);
}

/** Moved by milliseconds, the middle staying among what there is. */
export function panned({ from, to }: TimeRange, by: number, fit: TimeRange): TimeRange {
  const half = (to - from) / 2;
  const middle = Math.min(fit.to, Math.max(fit.from, from + half + by));
  return { from: middle - half, to: middle + half };
}

export interface Tick {
  at: number;
  label: string;
}

const STEPS = [1, 2, 5, 10, 15, 30]
  .flatMap((n) => n * SECOND)
  .concat(
    [1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
    [1, 2, 3, 6, 12].map((n) => n * HOUR),
    [1, 2, 7, 14].map((n) => n * DAY),
  );
const MONTHS = [1, 3, 6, 12];

/** Round local times, at most `maxTicks` of them. */
export function ticksOf({ from, to }: TimeRange, maxTicks: number): Tick[] {
  const interval = (to - from) / maxTicks;
  const step = STEPS.find((one) => one >= interval);
  const days = Math.floor((step ?? 0) / DAY);
  const months =
    MONTHS.find((n) => n * 30 * DAY >= interval) ?? 12 * niceYears(interval / (365 * DAY));
  const ticks: Tick[] = [];
  // Steps of the calendar, since days are not all of the same length.
  for (let at = firstOf(from, step, months); at <= to; ) {
    if (at >= from) ticks.push({ at, label: labelOf(at, step, months) });
    const date = new Date(at);
    if (step === undefined) date.setMonth(date.getMonth() + months);
    else if (days > 0) date.setDate(date.getDate() + days);
    else date.setTime(at + step);
    at = date.getTime();
  }
  return ticks;
}

function niceYears(years: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, years)));
  return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= years) ?? 10 * power;
}

/** A round moment at or before this one. */
function firstOf(from: number, step: number | undefined, months: number): number {
  const date = new Date(from);
  if (step === undefined) {
    const passed = date.getFullYear() * 12 + date.getMonth();
    return new Date(0, Math.floor(passed / months) * months - 1900 * 12, 1).getTime();
  }
  date.setHours(0, 0, 0, 0);
  if (step >= DAY) {
    const every = Math.round(step / DAY);
    const day = Math.floor((date.getTime() - date.getTimezoneOffset() * MINUTE) / DAY);
    date.setDate(date.getDate() - (((day % every) + every) % every));
    return date.getTime();
  }
  const midnight = date.getTime();
  return midnight + Math.floor((from - midnight) / step) * step;
}

const two = (n: number) => String(n).padStart(2, "0");
const NAMES = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

function labelOf(at: number, step: number | undefined, months: number): string {
  const date = new Date(at);
  const month = NAMES[date.getMonth()] as string;
  if (step === undefined) {
    return months >= 12 || date.getMonth() === 0 ? String(date.getFullYear()) : month;
  }
  const isMidnight = date.getHours() + date.getMinutes() + date.getSeconds() === 0;
  if (isMidnight) return `${two(date.getDate())} ${month}`;
  const time = formatTime(at);
  return step < MINUTE ? time : time.slice(0, 5);
}
