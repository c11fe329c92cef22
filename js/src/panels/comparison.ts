/** Labels, values and differences of compared fields. */
import type { ComparedField, ComparedTask } from "../contract";
import {
  fixed,
  formatBytes,
  formatCost,
  formatCount,
  formatDate,
  formatDuration,
  MISSING,
} from "../format";

type Value = string | number | null;

const NAMES: Record<string, string> = {
  cpus: "CPUs",
  memory_bytes: "Memory",
  mpi_processes: "MPI processes",
};
/** Where less is better. */
const RANKED: Record<string, readonly [string, string]> = {
  queue_time: ["shortest", "longest"],
  computation_time: ["shortest", "longest"],
  total_time: ["shortest", "longest"],
  cost_usd: ["lowest", "highest"],
};

/** The name of a column as people read it; keys of metadata and parameters stay as they are. */
export function nameOf(column: string): string {
  const key = /^(?:metadata|parameter)\.(.*)$/s.exec(column)?.[1];
  if (key !== undefined) return key;
  const words = column
    .replace(/_usd$/, "")
    .replace(/_bytes$/, "_size")
    .replaceAll("_", " ");
  return NAMES[column] ?? words.charAt(0).toUpperCase() + words.slice(1);
}

export function formatValue(kind: ComparedField["kind"], value: Value): string {
  if (typeof value !== "number") return value ?? MISSING;
  switch (kind) {
    case "time":
      return formatDate(value);
    case "seconds":
      return formatDuration(value);
    case "dollars":
      return formatCost(value);
    case "bytes":
      return formatBytes(value);
    default:
      return formatCount(value);
  }
}

/** The number itself, where what is shown of it is rounded. */
export function formatExact(kind: ComparedField["kind"], value: Value): string | undefined {
  if (typeof value !== "number") return undefined;
  if (kind === "dollars") return `$${value}`;
  const unit = { seconds: "s", bytes: "B" }[kind as string];
  return unit && `${value} ${unit}`;
}

/** How a number compares with that of the first task: `+12%`, `×2.5`; nothing where equal. */
export function formatRelative({ name, kind, values }: ComparedField, value: Value): string {
  const [first] = values;
  if (/time|text/.test(kind) || /exit_code|retries/.test(name)) return "";
  if (typeof value !== "number" || typeof first !== "number" || first <= 0 || value === first) {
    return "";
  }
  const ratio = value / first;
  if (ratio >= 2) return `×${formatCount(Number(fixed(ratio, ratio < 10 ? 1 : 0)))}`;
  if (ratio <= 0.5) return ratio < 0.01 ? "<×0.01" : `×${fixed(ratio, 2)}`;
  const percent = Math.abs(ratio - 1) * 100;
  const sign = ratio > 1 ? "+" : "−";
  return percent < 0.1 ? `${sign}<0.1%` : `${sign}${fixed(percent, percent < 10 ? 1 : 0)}%`;
}

export interface Rank {
  isBest: boolean;
  word: string;
}

/** The best and the worst of the tasks that ended well: one that failed early was not fast. */
export function ranks({ name, values }: ComparedField, tasks: readonly ComparedTask[]) {
  const found = new Map<number, Rank>();
  const words = RANKED[name];
  const good = tasks.flatMap(({ status_group: group }, index) => {
    const value = values[index];
    return group === "ok" && typeof value === "number" ? [value] : [];
  });
  const [lowest, highest] = [Math.min(...good), Math.max(...good)];
  if (words === undefined || lowest >= highest) return found;
  tasks.forEach(({ status_group: group }, index) => {
    if (group !== "ok") return;
    if (values[index] === lowest) found.set(index, { isBest: true, word: words[0] });
    if (values[index] === highest) found.set(index, { isBest: false, word: words[1] });
  });
  return found;
}

/** Fields under the names of their groups, in order. */
export function grouped(fields: readonly ComparedField[]): [string, ComparedField[]][] {
  const groups = new Map<string, ComparedField[]>();
  for (const field of fields) {
    const known = groups.get(field.group);
    if (known === undefined) groups.set(field.group, [field]);
    else known.push(field);
  }
  return [...groups];
}
