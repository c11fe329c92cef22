/** Ticks of an axis: round numbers. */
import type { Scale } from "../chart_format";

/** About `count` round numbers within a scale. */
export function ticksOf(scale: Scale, count: number): number[] {
  const { low, high, isLog } = scale;
  if (low === high) return [low];
  return isLog && high / low >= 10 ? decades(low, high, count) : steps(low, high, count);
}

function steps(low: number, high: number, count: number): number[] {
  const rough = high / count - low / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough) ?? rough;
  if (!(step > 0)) return [];
  const ticks: number[] = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + step * 1e-9; n += 1) {
    // As it is written: 0.30000000000000004 is 0.3.
    ticks.push(Number((n * step).toPrecision(12)));
    if (ticks.length > 4 * count) break;
  }
  return ticks;
}

function decades(low: number, high: number, count: number): number[] {
  const [first, last] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
  const each = Math.max(1, Math.ceil((last - first + 1) / count));
  const ticks: number[] = [];
  for (let power = first; power <= last; power += 1) {
    if ((power - first) % each === 0) ticks.push(Number(`1e${power}`));
  }
  return ticks;
}
