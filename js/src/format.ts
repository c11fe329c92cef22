/**
 * Numbers and times as text.
 *
 * The same as `inductiva_widgets/formatting.py`: both are tested on `tests/unit/format_cases.json`.
 */

export const MISSING = "n/a";
const BINARY_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** Like `Math.round`, but ties go to the even number, as Python's `round` does. */
export function roundEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Like `toFixed`, but exact ties go to the even digit, as Python's format does. */
export function fixed(value: number, decimals: number): string {
  const size = Math.abs(value);
  // A hundred decimals spell out every number that is shown here, so a tie is seen as such.
  const exact = size.toFixed(100);
  const cut = exact.length - 100 + decimals;
  const kept = exact.slice(0, cut);
  const isTie = /^50*$/.test(exact.slice(cut));
  const text = isTie && Number(kept.at(-1)) % 2 === 0 ? kept : size.toFixed(decimals);
  return value < 0 ? `-${text}` : text;
}

/** `191 B`, `138.24 KiB`. */
export function formatBytes(size: number | null): string {
  if (size === null) return MISSING;
  let value = size;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < BINARY_UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return unit === 0 ? `${size} B` : `${fixed(value, 2)} ${BINARY_UNITS[unit]}`;
}

const pad = (n: number): string => String(n).padStart(2, "0");

/** `0:00:10`, `1 day, 2:03:04`. */
export function formatHms(seconds: number | null): string {
  if (seconds === null) return MISSING;
  const whole = roundEven(Math.max(0, seconds));
  const days = Math.floor(whole / 86400);
  const rest = whole % 86400;
  const clock = `${Math.floor(rest / 3600)}:${pad(Math.floor((rest % 3600) / 60))}:${pad(rest % 60)}`;
  return days === 0 ? clock : `${days} ${days === 1 ? "day" : "days"}, ${clock}`;
}

/** `0.8 s`, `4 min 37 s`, `2 h 1 min`: two units at most. */
export function formatDuration(seconds: number | null): string {
  if (seconds === null) return MISSING;
  const value = Math.max(0, seconds);
  if (value < 9.95) return `${fixed(value, 1)} s`;
  const whole = roundEven(value);
  const counts = [
    Math.floor(whole / 86400),
    Math.floor((whole % 86400) / 3600),
    Math.floor((whole % 3600) / 60),
    whole % 60,
  ];
  const units = ["d", "h", "min", "s"];
  const found = counts.findIndex((n) => n > 0);
  const first = found === -1 ? 3 : found;
  const shown = [first, first + 1]
    .filter((i) => (counts[i] ?? 0) > 0)
    .map((i) => `${counts[i]} ${units[i]}`);
  return shown.join(" ") || "0 s";
}

/** `formatShort` of a number that grows each second: a decimal would only flicker. */
export function formatGrowing(seconds: number | null): string {
  return seconds === null ? MISSING : formatDuration(Math.floor(seconds)).replace(".0 s", " s");
}

/** `$0`, `$0.00012`, `$4.80`. */
export function formatCost(amount: number | null): string {
  if (amount === null) return MISSING;
  if (amount === 0) return "$0";
  const sign = amount < 0 ? "-" : "";
  if (Math.abs(amount) >= 0.1) return `${sign}$${fixed(Math.abs(amount), 2)}`;
  let decimals = 1;
  let scaled = Math.abs(amount) * 10;
  for (let power = 10; decimals < 12 && scaled < 1; ) {
    decimals += 1;
    power *= 10;
    scaled = Math.abs(amount) * power;
  }
  return `${sign}$${fixed(Math.abs(amount), decimals + 1)}`;
}

/** Time of day in the local zone: `17:16:17`. */
export function formatTime(epoch: number): string {
  const at = new Date(epoch);
  return `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
}

/** `01 Feb, 17:16:17` in the local zone. */
export function formatDate(epoch: number | null): string {
  if (epoch === null) return MISSING;
  const at = new Date(epoch);
  return `${pad(at.getDate())} ${MONTHS[at.getMonth()]}, ${formatTime(epoch)}`;
}

/** The time of day if it was today, else with its date. */
export function formatMoment(epoch: number, now: number): string {
  const isToday = new Date(epoch).toDateString() === new Date(now).toDateString();
  return isToday ? formatTime(epoch) : formatDate(epoch);
}

/** `3 s ago`, `5 min ago`, `2 h ago`: one unit, and never in the future. */
export function formatAgo(epoch: number, now: number): string {
  const seconds = Math.max(0, Math.floor((now - epoch) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  const days = Math.floor(seconds / 86400);
  return `${days} ${days === 1 ? "day" : "days"} ago`;
}

/** `41.00 MiB/s`. */
export function formatSpeed(bytesPerSecond: number): string {
  return `${formatBytes(roundEven(bytesPerSecond))}/s`;
}

/** `12 s left`. */
export function formatEta(seconds: number): string {
  return `${formatGrowing(Math.ceil(Math.max(0, seconds)))} left`;
}

/** `100,000`. */
export function formatCount(count: number): string {
  return count.toLocaleString("en-US");
}

/** `1 file`, `12 files`. */
export function formatPlural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}
