/** Formats and parses the filters of columns. */
import { COLUMNS } from "../columns";
import type { ColumnKey, FilterView } from "../contract";
import { formatBytes, formatCost, formatCount, formatDate, formatDuration } from "../format";

export const UNKNOWN_LABEL = "not known";

/** The unit that a field of a column is written in, and what it stands for. */
export function unitOf(column: ColumnKey): { name: string; size: number } {
  switch (COLUMNS[column].kind) {
    case "seconds":
      return { name: "minutes", size: 60 };
    case "bytes":
      return { name: "MiB", size: 1024 ** 2 };
    case "dollars":
      return { name: "$", size: 1 };
    default:
      return { name: "", size: 1 };
  }
}

const two = (n: number) => String(n).padStart(2, "0");

/** What a field shows of a bound: local time to the minute, or a number in the column's unit. */
export function formatBound(column: ColumnKey, bound: number | null): string {
  if (bound === null) return "";
  if (COLUMNS[column].kind !== "time") {
    return String(Number((bound / unitOf(column).size).toPrecision(6)));
  }
  const at = new Date(bound);
  const day = `${String(at.getFullYear()).padStart(4, "0")}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** Bound in a field; null if it is empty or invalid. */
export function parseBound(column: ColumnKey, text: string): number | null {
  if (text === "") return null;
  const value =
    COLUMNS[column].kind === "time" ? Date.parse(text) : Number(text) * unitOf(column).size;
  return Number.isFinite(value) ? value : null;
}

/** Bound as text. */
export function describeBound(column: ColumnKey, bound: number): string {
  switch (COLUMNS[column].kind) {
    case "time":
      return formatDate(bound);
    case "seconds":
      return formatDuration(bound);
    case "bytes":
      return formatBytes(bound);
    case "dollars":
      return formatCost(bound);
    default:
      return formatCount(bound);
  }
}

/** `Simulator: reef3d, swmm`, `Cost: $1.00 to $2.00`, `Submitted: from 01 Feb, 17:16:17`. */
export function describeFilter(column: ColumnKey, filter: FilterView): string {
  const { title } = COLUMNS[column];
  if ("values" in filter) {
    const names = filter.values.map((value) => value ?? UNKNOWN_LABEL);
    const more = names.length > 3 ? ` and ${names.length - 2} more` : "";
    return `${title}: ${names.slice(0, more ? 2 : 3).join(", ")}${more}`;
  }
  const { min, max } = filter;
  if (min === null) return `${title}: up to ${describeBound(column, max ?? 0)}`;
  if (max === null) return `${title}: from ${describeBound(column, min)}`;
  return `${title}: ${describeBound(column, min)} to ${describeBound(column, max)}`;
}
