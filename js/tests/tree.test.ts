import { describe, expect, it } from "vitest";
import type { FileView } from "../src/contract";
import {
  choose,
  countChosen,
  namesOf,
  selectionState,
  summary,
  sumOf,
} from "../src/panels/file_selection";
import { between, Sums } from "../src/panels/prefix_sums";
import {
  type Folder,
  find,
  flatLines,
  type Line,
  matchesGlob,
  nameOf,
  nextSort,
  plant,
  type Sort,
  type SortKey,
  spanOf,
  type Tree,
  treeLines,
} from "../src/panels/tree";

const file = (name: string, size: number | null = 1, compressed: number | null = 1): FileView => ({
  name,
  size,
  compressed,
});
const by = (key: SortKey, isDescending = false): Sort => ({ key, isDescending });
const BY_NAME = by("name");

function linesOf(tree: Tree, sort = BY_NAME, search = "", isOpen = (_: Folder) => true): Line[] {
  const shown = find(tree, search);
  return treeLines(tree, { sort, shown, sums: new Sums(tree.files, shown), isOpen });
}
const said = (tree: Tree, lines: Line[]) =>
  lines.map((line) => "  ".repeat(line.depth) + nameOf(tree, line));

const tree = plant([
  file("vtk/f10.vtk", 10, 5),
  file("stdout.txt", 30, 3),
  file("vtk/f9.vtk", 90, 45),
  file("vtk/deep/er/x.bin", 500, 400),
  file("a.csv", 20, 2),
  file("log/solver.log", 7, 7),
]);
const all = tree.files.length;
const maskOf = (...names: string[]) => selectionState(tree, names);

describe("the tree", () => {
  it("has folders first, and names as people count them", () => {
    expect(said(tree, linesOf(tree))).toEqual([
      "log/",
      "  solver.log",
      "vtk/",
      "  deep/",
      "    er/",
      "      x.bin",
      "  f9.vtk",
      "  f10.vtk",
      "a.csv",
      "stdout.txt",
    ]);
  });
  it("leaves out what is folded away", () => {
    const lines = linesOf(tree, BY_NAME, "", ({ path }) => path === "vtk/");
    expect(said(tree, lines)).toEqual([
      "log/",
      "vtk/",
      "  deep/",
      "  f9.vtk",
      "  f10.vtk",
      "a.csv",
      "stdout.txt",
    ]);
  });
  it("sorts folders by their sums, and both the other way round", () => {
    const closed = () => false;
    const size = linesOf(tree, by("size", true), "", closed);
    expect(said(tree, size)).toEqual(["vtk/", "log/", "stdout.txt", "a.csv"]);
    const name = linesOf(tree, by("name", true), "", closed);
    expect(said(tree, name)).toEqual(["vtk/", "log/", "stdout.txt", "a.csv"]);
    const packed = linesOf(tree, by("compressed"), "", closed);
    expect(said(tree, packed)).toEqual(["log/", "vtk/", "a.csv", "stdout.txt"]);
  });
  it("keeps each folder's files together, at any depth", () => {
    for (const folder of tree.folders) {
      const inside = tree.files.slice(folder.start, folder.stop);
      const wanted = tree.files.filter(({ name }) => name.startsWith(folder.path));
      expect(inside).toEqual(wanted);
    }
  });
  it.each([
    "/etc/passwd",
    "//x",
    "a//b///c.txt",
    "../../etc",
    "./a",
    "a/b/",
    "/",
    "",
    "__proto__/constructor",
    "a\u0000/\u202eb",
    "d/".repeat(20_000),
    "/".repeat(20_000),
  ])("takes hostile names as they are (%#)", (name) => {
    const hostile = plant([file(name), file("b.txt"), file(`${name}x`)]);
    const lines = linesOf(hostile);
    const paths = lines.map((line) =>
      line.kind === "folder" ? "" : line.parent.path + nameOf(hostile, line),
    );
    expect(paths.filter(Boolean).sort()).toEqual(
      [name, "b.txt", `${name}x`].filter(Boolean).sort(),
    );
    expect(Math.max(...lines.map(({ depth }) => depth))).toBeLessThanOrEqual(32);
  });
  it("holds files of one name, and a file named as a folder", () => {
    const twins = plant([file("a"), file("a"), file("a/b")]);
    expect(said(twins, linesOf(twins))).toEqual(["a/", "  b", "a", "a"]);
  });
  it("of 100,000 files is built, searched and chosen from", () => {
    const many = plant(
      Array.from({ length: 100_000 }, (_, i) => file(`case_${i % 300}/out_${i}.vtk`, i, i)),
    );
    expect(many.folders).toHaveLength(300);
    expect(linesOf(many)).toHaveLength(100_300);
    expect(linesOf(many, by("size", true), "*_9999?.vtk")).toHaveLength(20);
    const chosen = find(many, "case_7/");
    expect(namesOf(many, chosen)).toEqual(["case_7/"]);
  });
});

describe("the flat list", () => {
  const names = (sort: Sort, listed = tree) =>
    flatLines(listed, { sort, shown: find(listed, "") }).map((line) => nameOf(listed, line));
  it("is in the order of the paths", () => {
    expect(names(BY_NAME)).toEqual([
      "a.csv",
      "log/solver.log",
      "stdout.txt",
      "vtk/deep/er/x.bin",
      "vtk/f9.vtk",
      "vtk/f10.vtk",
    ]);
  });
  it("has the unknown last whichever way it is sorted", () => {
    const some = plant([file("b10", 5, 1), file("b9", null, 3), file("a", 7, null)]);
    expect(names(by("size", true), some)).toEqual(["a", "b10", "b9"]);
    expect(names(by("size"), some)).toEqual(["b10", "a", "b9"]);
    expect(names(by("compressed"), some)).toEqual(["b10", "b9", "a"]);
  });
  it("begins with the largest, and a second click turns it round", () => {
    expect(nextSort(BY_NAME, "size")).toEqual(by("size", true));
    expect(nextSort(by("size", true), "size")).toEqual(by("size"));
    expect(nextSort(by("size"), "name")).toEqual(BY_NAME);
  });
});

describe("the search", () => {
  const found = (search: string) => {
    const mask = find(tree, search);
    return tree.files.filter((_, index) => mask[index]).map(({ name }) => name);
  };
  it("finds parts of the path, whatever their case", () => {
    expect(found("VTK/F")).toEqual(["vtk/f9.vtk", "vtk/f10.vtk"]);
    expect(found("  ")).toHaveLength(all);
    expect(found("nothing")).toEqual([]);
  });
  it("takes patterns of the path or of the name", () => {
    expect(found("*.vtk")).toEqual(["vtk/f9.vtk", "vtk/f10.vtk"]);
    expect(found("f?.vtk")).toEqual(["vtk/f9.vtk"]);
    expect(found("vtk/*x*")).toEqual(["vtk/deep/er/x.bin"]);
    expect(found("[a-z].csv")).toEqual([]);
  });
  it("leaves the folders of what is found", () => {
    expect(said(tree, linesOf(tree, BY_NAME, "x.bin"))).toEqual([
      "vtk/",
      "  deep/",
      "    er/",
      "      x.bin",
    ]);
  });
  it("does not hang on patterns made for it", () => {
    expect(matchesGlob("a".repeat(5000), `${"*a".repeat(40)}*b`)).toBe(false);
    expect(matchesGlob("", "*")).toBe(true);
    expect(matchesGlob("ab", "a?*?")).toBe(false);
  });
});

describe("the choice", () => {
  const [log, vtk] = tree.root.folders as [Folder, Folder];
  const everything = find(tree, "");
  const none = new Uint8Array(all);

  it("takes what is below a folder, as far as it is shown", () => {
    expect(namesOf(tree, choose(none, everything, [vtk], true))).toEqual(["vtk/"]);
    const shown = find(tree, "*.vtk");
    const some = choose(none, shown, [vtk], true);
    expect(namesOf(tree, some)).toEqual(["vtk/f9.vtk", "vtk/f10.vtk"]);
    expect(between(countChosen(some, shown), vtk)).toBe(2);
    expect(between(countChosen(some, everything), log)).toBe(0);
  });
  it("is dropped again", () => {
    const some = choose(maskOf("*"), everything, [vtk, spanOf(log)], false);
    expect(namesOf(tree, some)).toEqual(["a.csv", "stdout.txt"]);
  });
  it("is told by folders where all of them is chosen, and read again", () => {
    for (const names of [["*"], ["vtk/"], ["vtk/deep/er/x.bin", "a.csv"], []]) {
      expect(namesOf(tree, maskOf(...names)).sort()).toEqual([...names].sort());
    }
  });
  it("never tells a folder that the downloads would read otherwise", () => {
    const odd = plant([file("a//b"), file("a//c"), file("a/d"), file("./e/f"), file("./e/g")]);
    const names = namesOf(odd, find(odd, "a//"));
    expect(names).toEqual(["a//b", "a//c"]);
    expect(namesOf(odd, find(odd, "./e"))).toEqual(["./e/f", "./e/g"]);
  });
});

describe("the sums", () => {
  const sum = (...names: string[]) => sumOf(tree, maskOf(...names));
  it("are told before the click", () => {
    expect(summary(sum("*"), sum())).toBe("6 files · 657 B · 462 B to download");
    expect(summary(sum("*"), sum("vtk/", "a.csv"))).toBe(
      "4 of 6 files · 620 B of 657 B · 452 B to download",
    );
  });
  it("with an unknown part are not told", () => {
    const some = plant([file("a", 5, null), file("b", null, 3)]);
    const total = sumOf(some, find(some, ""));
    expect(summary(total, sumOf(some, selectionState(some, [])))).toBe("2 files");
    expect(summary(total, sumOf(some, selectionState(some, ["a"])))).toBe("1 of 2 files");
    expect(summary(total, sumOf(some, selectionState(some, ["b"])))).toBe(
      "1 of 2 files · 3 B to download",
    );
  });
  it("of a folder are those of its files", () => {
    const sums = new Sums(tree.files, find(tree, ""));
    expect(sums.of(tree.root.folders[1] as Folder)).toEqual({
      files: 3,
      size: 600,
      modified: null,
      compressed: 450,
    });
  });
});
