/** The selected files, as a mask over the files of a tree. */
import type { FileView } from "../contract";
import { formatBytes, formatCount, formatPlural } from "../format";
import { between, running, type Sum, Sums } from "./prefix_sums";
import type { Folder, Tree } from "./tree";

/** A name that means all files, as the downloads take it. */
const ALL = "*";

/** Mask after ranges of visible files were selected or deselected. */
export function choose(
  chosen: Uint8Array,
  shown: Uint8Array,
  spans: readonly { start: number; stop: number }[],
  on: boolean,
): Uint8Array {
  const next = chosen.slice();
  for (const { start, stop } of spans) {
    for (let index = start; index < stop; index += 1) if (shown[index]) next[index] = Number(on);
  }
  return next;
}

/** How many of the shown files are chosen before each place; see `between`. */
export function countChosen(chosen: Uint8Array, shown: Uint8Array): Float64Array {
  return running(chosen.map((one, index) => one & (shown[index] as number)));
}

/**
 * The selected files as patterns of a download: a fully selected folder is one name, `vtk/`.
 */
export function namesOf(tree: Tree, chosen: Uint8Array): string[] {
  const counts = running(chosen);
  const names: string[] = [];
  const name = (index: number) => (tree.files[index] as FileView).name;
  const add = (folder: Folder): void => {
    const count = between(counts, folder);
    const all = folder.stop - folder.start;
    if (count === 0) return;
    if (count === all && all > 1 && isPlain(folder.path)) {
      names.push(folder.path || ALL);
      return;
    }
    for (const one of folder.folders) add(one);
    for (const index of folder.files) if (chosen[index]) names.push(name(index));
  };
  add(tree.root);
  return names;
}

/** The reverse of `namesOf`; names that are not there are left out. */
export function selectionState(tree: Tree, names: readonly string[]): Uint8Array {
  const selected = new Set(names);
  const mask = new Uint8Array(tree.files.length);
  for (const { path, start, stop } of [tree.root, ...tree.folders]) {
    if (selected.has(path || ALL)) mask.fill(1, start, stop);
  }
  tree.files.forEach(({ name }, index) => {
    if (selected.has(name)) mask[index] = 1;
  });
  return mask;
}

/** Whether the downloads take the name of a folder as it is: they drop `./` and doubled slashes. */
function isPlain(path: string): boolean {
  return !path.startsWith("./") && !path.endsWith("//");
}

export function sumOf(tree: Tree, mask: Uint8Array): Sum {
  return new Sums(tree.files, mask).of(tree.root);
}

/** `840 files · 1.60 GiB · 620.00 MiB to download`, `12 of 840 files · 38.10 MiB of 1.60 GiB · …`. */
export function summary(all: Sum, chosen: Sum): string {
  const files = formatPlural(all.files, "file");
  const isPart = chosen.files > 0;
  const { size, compressed } = isPart ? chosen : all;
  const parts = [isPart ? `${formatCount(chosen.files)} of ${files}` : files];
  if (size !== null && all.size !== null) {
    parts.push(isPart ? `${formatBytes(size)} of ${formatBytes(all.size)}` : formatBytes(size));
  }
  if (compressed !== null && all.files > 0) parts.push(`${formatBytes(compressed)} to download`);
  return parts.join(" · ");
}
