/** A tree of files: sorting, search and visible rows. */
import type { Sums } from "./prefix_sums";

/** An output file, or one of a working folder, of which only the latter has a time. */
export interface TreeFile {
  name: string;
  size: number | null;
  compressed: number | null;
  modified?: number | null;
}

export interface Folder {
  kind: "folder";
  /** Ends in a slash; empty at the root. */
  path: string;
  name: string;
  depth: number;
  parent: Folder | null;
  folders: Folder[];
  files: number[];
  /** All files below, at any depth: those of the tree from `start` up to `stop`. */
  start: number;
  stop: number;
}

/** Files are known by their place in `files`, which are in the order of their paths. */
export interface Tree {
  root: Folder;
  files: TreeFile[];
  /** Without the root. */
  folders: Folder[];
}

export interface FileLine {
  kind: "file";
  index: number;
  depth: number;
  parent: Folder;
}

export type Line = Folder | FileLine;

export type SortKey = "name" | "size" | "compressed" | "modified";

export interface Sort {
  key: SortKey;
  isDescending: boolean;
}

type Sizes = Omit<TreeFile, "name">;

/** Deeper folders are part of the names. */
const MAX_DEPTH = 32;

const collator = new Intl.Collator("en", { numeric: true });

export function plant(listed: readonly TreeFile[]): Tree {
  const root = folder("", "", -1, null);
  const known = new Map([["", root]]);
  const at = (path: string): Folder => {
    const there = known.get(path);
    if (there !== undefined) return there;
    const cut = path.slice(0, -1).lastIndexOf("/") + 1;
    const parent = at(path.slice(0, cut));
    const made = folder(path, path.slice(cut), parent.depth + 1, parent);
    parent.folders.push(made);
    known.set(path, made);
    return made;
  };
  listed.forEach(({ name }, index) => {
    at(folderPath(name)).files.push(index);
  });

  const tree: Tree = { root, files: [], folders: [] };
  lay(root, listed, tree);
  return tree;
}

function folder(path: string, name: string, depth: number, parent: Folder | null): Folder {
  return { kind: "folder", path, name, depth, parent, folders: [], files: [], start: 0, stop: 0 };
}

function folderPath(name: string): string {
  let stop = 0;
  for (let depth = 0; depth < MAX_DEPTH; depth += 1) {
    const slash = name.indexOf("/", stop);
    if (slash === -1 || slash === name.length - 1) break;
    stop = slash + 1;
  }
  return name.slice(0, stop);
}

/** Numbers the files in the order of their paths, so that those of a folder are adjacent. */
function lay(into: Folder, listed: readonly TreeFile[], tree: Tree): void {
  into.start = tree.files.length;
  const entries: [string, Folder | number][] = [
    ...into.folders.map((one): [string, Folder] => [one.name, one]),
    ...into.files.map((one): [string, number] => [
      (listed[one] as TreeFile).name.slice(into.path.length),
      one,
    ]),
  ];
  entries.sort(([a], [b]) => collator.compare(a, b));
  into.folders = [];
  into.files = [];
  for (const [, entry] of entries) {
    if (typeof entry === "number") {
      into.files.push(tree.files.length);
      tree.files.push(listed[entry] as TreeFile);
    } else {
      into.folders.push(entry);
      tree.folders.push(entry);
      lay(entry, listed, tree);
    }
  }
  into.stop = tree.files.length;
}

/** The name of a line within its folder. */
export function nameOf(tree: Tree, line: Line): string {
  if (line.kind === "folder") return line.name;
  return (tree.files[line.index] as TreeFile).name.slice(line.parent.path.length);
}

/** Range of the files of a row; a file is a range of 1. */
export function spanOf(line: Line): { start: number; stop: number } {
  return line.kind === "folder" ? line : { start: line.index, stop: line.index + 1 };
}

/** The next order after a click on a column: names begin with A, sizes with the largest. */
export function nextSort(sort: Sort, key: SortKey): Sort {
  if (sort.key === key) return { key, isDescending: !sort.isDescending };
  return { key, isDescending: key !== "name" };
}

/** Sorts items that are in the order of their names; unknown sizes come last in both directions. */
function sorted<T>(items: T[], { key, isDescending }: Sort, sumOf: (item: T) => Sizes): T[] {
  if (key === "name") return isDescending ? [...items].reverse() : items;
  const sign = isDescending ? -1 : 1;
  return items
    .map((item): [T, number | null] => [item, sumOf(item)[key] ?? null])
    .sort(([, a], [, b]) => {
      if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
      return sign * (a - b);
    })
    .map(([item]) => item);
}

/** The files that a search shows, as a mask: all of them for an empty search. */
export function find(tree: Tree, search: string): Uint8Array {
  const query = search.trim().toLowerCase();
  const mask = new Uint8Array(tree.files.length);
  const isGlob = /[*?]/.test(query);
  tree.files.forEach(({ name }, index) => {
    const path = name.toLowerCase();
    const isMatch = isGlob
      ? matchesGlob(path, query) || matchesGlob(path.slice(path.lastIndexOf("/") + 1), query)
      : path.includes(query);
    mask[index] = Number(isMatch);
  });
  return mask;
}

/** Matches `*` and `?` across folders, as downloads do. A RegExp could backtrack for ever. */
export function matchesGlob(text: string, pattern: string): boolean {
  let at = 0;
  let position = 0;
  let star = -1;
  let retry = 0;
  while (at < text.length) {
    if (pattern[position] === "*") {
      star = position;
      position += 1;
      retry = at;
    } else if (pattern[position] === "?" || pattern[position] === text[at]) {
      at += 1;
      position += 1;
    } else if (star !== -1) {
      retry += 1;
      at = retry;
      position = star + 1;
    } else return false;
  }
  while (pattern[position] === "*") position += 1;
  return position === pattern.length;
}

interface View {
  sort: Sort;
  /** What is found, and its sums. */
  shown: Uint8Array;
  sums: Sums;
  isOpen(folder: Folder): boolean;
}

/** The lines of the tree, folders first in each folder; what is folded away is left out. */
export function treeLines(tree: Tree, { sort, shown, sums, isOpen }: View): Line[] {
  const lines: Line[] = [];
  const add = (into: Folder): void => {
    const folders = into.folders.filter((one) => sums.of(one).files > 0);
    for (const one of sorted(folders, sort, (each) => sums.of(each))) {
      lines.push(one);
      if (isOpen(one)) add(one);
    }
    for (const index of inOrder(tree, into.files, sort)) {
      if (shown[index]) lines.push({ kind: "file", index, depth: into.depth + 1, parent: into });
    }
  };
  add(tree.root);
  return lines;
}

export function flatLines(tree: Tree, { sort, shown }: Pick<View, "sort" | "shown">): Line[] {
  const all = tree.files.flatMap((_, index) => (shown[index] ? [index] : []));
  return inOrder(tree, all, sort).map((index) => ({
    kind: "file",
    index,
    depth: 0,
    parent: tree.root,
  }));
}

function inOrder(tree: Tree, files: number[], sort: Sort): number[] {
  return sorted(files, sort, (index) => tree.files[index] as TreeFile);
}
