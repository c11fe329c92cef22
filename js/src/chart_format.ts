/** Numbers and line paths of the metric series. */
import type { MetricView, SeriesView } from "./contract";
import { formatCount, formatGrowing } from "./format";

/** Four significant digits, as simulators write them: `12.35`, `125,000`, `2.5e-04`. */
export function formatValue(value: number | null): string {
  if (value === null) return "–";
  const size = Math.abs(value);
  if (size < 1e9 && Number.isInteger(value)) return formatCount(value);
  if (size >= 1e-3 && size < 1e5) return String(Number(value.toPrecision(4)));
  const [digits, power = "+0"] = value.toExponential(2).split("e");
  return `${Number(digits)}e${power[0]}${power.slice(1).padStart(2, "0")}`;
}

type Gapped = Pick<SeriesView, "last" | "non_finite" | "gaps">;

/** The last value, or what it is instead: `nan since step 41`. */
export const formatLast = ({ last, non_finite, gaps }: Gapped): string =>
  non_finite === "" ? formatValue(last) : (gaps.at(-1)?.text ?? non_finite);

/** The same, and where it was not finite before. */
function formatPast(series: Gapped): string {
  const past = series.gaps.slice(0, series.non_finite === "" ? undefined : -1);
  return [formatLast(series), ...past.map(({ text }) => text).slice(0, 3)].join(", ");
}

/** Text alternative of a series. */
export function describeSeries(series: SeriesView, samples: number): string {
  const { name, low, high, is_log } = series;
  const range = low === null ? "" : `, from ${formatValue(low)} to ${formatValue(high)}`;
  const count = `, ${formatCount(samples)} samples${is_log ? ", logarithmic" : ""}`;
  return `${name}: last ${formatPast(series)}${range}${count}`;
}

export const describeMetric = (metric: MetricView): string => {
  const share = metric.progress === null ? "" : `, ${percentOf(metric.progress)}`;
  return `${metric.name}: last ${formatPast(metric)}${share}`;
};

/** Rounded down: what is at 100% is done. */
export const percentOf = (share: number): string =>
  `${Math.floor(Math.max(0, Math.min(1, share)) * 100 + 1e-9)}%`;

/** `ends in 3 min`: to the minute, since it is a guess. */
export function describeEnd(ends: number, now: number): string {
  const seconds = Math.ceil((ends - now) / 1000);
  if (seconds <= 0) return "about to end";
  return `ends in ${formatGrowing(seconds > 60 ? Math.ceil(seconds / 60) * 60 : seconds)}`;
}

/** The second is null where a gap begins. */
export type Point = readonly [x: number, y: number | null];

/** Maps a range of numbers to 0 to 1; null for values that cannot be drawn. */
export interface Scale {
  low: number;
  high: number;
  isLog: boolean;
  at(value: number | null): number | null;
}

/** A scale on which all of the values are seen; logarithmic only where one of them allows it. */
export function scaleOf(values: readonly (number | null)[], wantsLog: boolean): Scale {
  const finite = values.filter((value): value is number => Number.isFinite(value));
  const positive = wantsLog ? finite.filter((value) => value > 0) : [];
  const isLog = positive.length > 0;
  const shown = isLog ? positive : finite;
  const [low, high] = [Math.min(...shown), Math.max(...shown)];
  const place = isLog ? Math.log10 : (value: number) => value;
  // Halved, since the distance of the largest numbers there are is none of them.
  const above = (value: number) => place(value) / 2 - place(low) / 2;
  const span = above(high);
  const at = (value: number | null) =>
    value === null || !Number.isFinite(value) || (isLog && value <= 0)
      ? null
      : span === 0
        ? 0.5
        : above(value) / span;
  return { low, high, isLog, at };
}

/** The path of a line in a box; it has gaps where there is no value that can be drawn. */
export function pathOf(
  points: readonly Point[],
  { x, y }: { x: Scale; y: Scale },
  { width, height }: { width: number; height: number },
): string {
  let path = "";
  let isDown = false;
  for (const [at, value] of points) {
    const [left, up] = [x.at(at), y.at(value)];
    const isSeen = left !== null && up !== null;
    if (isSeen) {
      const place = `${(left * width).toFixed(1)} ${((1 - up) * height).toFixed(1)}`;
      // A point between two gaps is a dot.
      path += isDown ? `L${place}` : `M${place}h0`;
    }
    isDown = isSeen;
  }
  return path;
}
