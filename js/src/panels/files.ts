/** Order and sums of output files: pure. */
import type { FileView } from "../contract";
import { formatBytes, formatCount, formatPlural } from "../format";

export type SortKey = "name" | "size" | "compressed";

export interface Sort {
  key: SortKey;
  isDescending: boolean;
}

const names = new Intl.Collator("en", { numeric: true });

/** A new order; unknown sizes come last whichever way it goes, names decide between equals. */
export function sortFiles(files: readonly FileView[], sort: Sort): FileView[] {
  const sign = sort.isDescending ? -1 : 1;
  const { key } = sort;
  return [...files].sort((a, b) => {
    if (key === "name") return sign * names.compare(a.name, b.name);
    const [x, y] = [a[key], b[key]];
    if (x === null || y === null)
      return x === y ? names.compare(a.name, b.name) : x === null ? 1 : -1;
    return sign * (x - y) || names.compare(a.name, b.name);
  });
}

/** The next order after a click on a column: names begin with A, sizes with the largest. */
export function nextSort(sort: Sort, key: SortKey): Sort {
  if (sort.key === key) return { key, isDescending: !sort.isDescending };
  return { key, isDescending: key !== "name" };
}

/** Bytes of the files; null if one of them is unknown, since a part of a sum is no sum. */
export function sumSizes(files: Iterable<FileView>): number | null {
  let sum = 0;
  for (const { size } of files) {
    if (size === null) return null;
    sum += size;
  }
  return sum;
}

/** `12 files · 1.64 GiB`, `2 of 12 files · 3.90 MiB of 1.64 GiB`. */
export function summary(files: readonly FileView[], chosen: ReadonlySet<string>): string {
  const total = sumSizes(files);
  const all = formatPlural(files.length, "file");
  if (chosen.size === 0) return total === null ? all : `${all} · ${formatBytes(total)}`;
  const part = sumSizes(files.filter((file) => chosen.has(file.name)));
  const sizes =
    total === null || part === null ? "" : ` · ${formatBytes(part)} of ${formatBytes(total)}`;
  return `${formatCount(chosen.size)} of ${all}${sizes}`;
}
