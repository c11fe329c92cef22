/** Prefix sums over files: count, size and download size of any range. */
import type { TreeFile } from "./tree";

export interface Sum {
  files: number;
  /** Bytes; null where one of the files has no known size, since a part of a sum is no sum. */
  size: number | null;
  compressed: number | null;
  /** The latest change; null where none is known. */
  modified: number | null;
}

interface Span {
  start: number;
  stop: number;
}

/** Sums of the files that a mask lets pass, kept as running totals. */
export class Sums {
  readonly #files: Float64Array;
  readonly #size: Totals;
  readonly #compressed: Totals;
  readonly #latest: (span: Span) => number | null;

  constructor(files: readonly TreeFile[], mask: Uint8Array) {
    this.#files = running(mask);
    this.#size = new Totals(files, mask, "size");
    this.#compressed = new Totals(files, mask, "compressed");
    this.#latest = latestOf(files, mask);
  }

  of(span: Span): Sum {
    return {
      files: between(this.#files, span),
      size: this.#size.of(span),
      compressed: this.#compressed.of(span),
      modified: this.#latest(span),
    };
  }
}

/** The latest time within a span, looked up when it is asked for: only lines in sight ask. */
function latestOf(files: readonly TreeFile[], mask: Uint8Array) {
  const hasTimes = files.some(({ modified }) => modified != null);
  return ({ start, stop }: Span): number | null => {
    let latest: number | null = null;
    for (let index = start; hasTimes && index < stop; index += 1) {
      const modified = files[index]?.modified ?? null;
      if (mask[index] && modified !== null && (latest === null || modified > latest))
        latest = modified;
    }
    return latest;
  };
}

class Totals {
  readonly #known: Float64Array;
  readonly #unknown: Float64Array;

  constructor(files: readonly TreeFile[], mask: Uint8Array, key: "size" | "compressed") {
    const known = new Float64Array(files.length);
    const unknown = new Uint8Array(files.length);
    files.forEach((file, index) => {
      if (!mask[index]) return;
      const value = file[key];
      if (value === null) unknown[index] = 1;
      else known[index] = value;
    });
    this.#known = running(known);
    this.#unknown = running(unknown);
  }

  of(span: Span): number | null {
    return between(this.#unknown, span) > 0 ? null : between(this.#known, span);
  }
}

/** How many of a mask are set before each place. */
export function running(values: Uint8Array | Float64Array): Float64Array {
  const totals = new Float64Array(values.length + 1);
  let sum = 0;
  for (let index = 0; index < values.length; index += 1) {
    sum += values[index] as number;
    totals[index + 1] = sum;
  }
  return totals;
}

export function between(totals: Float64Array, { start, stop }: Span): number {
  return (totals[stop] ?? 0) - (totals[start] ?? 0);
}
