import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { packagesOf, problemsOf } from "../licenses.mjs";

let here: string;

function put(path: string, text: string) {
  mkdirSync(join(here, path, ".."), { recursive: true });
  writeFileSync(join(here, path), text);
}

beforeEach(() => {
  here = mkdtempSync(join(tmpdir(), "licenses-"));
  put("node_modules/preact/LICENSE", "MIT of Preact");
  put("node_modules/@scope/part/license.md", "MIT of a part");
  put("licenses/preact.txt", "MIT of Preact");
});

afterEach(() => rmSync(here, { recursive: true }));

it("finds the packages of all bundles, scoped and nested ones too", () => {
  const inputs = [
    ["src/index.ts", "borrowed:preact", "node_modules/preact/dist/preact.mjs"],
    ["node_modules/preact/node_modules/@scope/part/index.js", "../node_modules/up/index.js"],
  ];
  const metafiles = inputs.map((paths) => ({
    inputs: Object.fromEntries(paths.map((path) => [path, {}])),
  }));
  expect(packagesOf(metafiles)).toEqual(new Set(["preact", "@scope/part", "up"]));
});

it("is content when each package has its license", () => {
  expect(problemsOf(new Set(["preact"]), here)).toEqual([]);
  put("licenses/@scope+part.txt", "MIT of a part");
  expect(problemsOf(new Set(["preact", "@scope/part"]), here)).toEqual([]);
});

it("says which license is missing, and where it is", () => {
  const [problem] = problemsOf(new Set(["preact", "@scope/part"]), here);
  expect(problem).toContain("node_modules/@scope/part/license.md to licenses/@scope+part.txt");
});

it("says which license has changed", () => {
  put("node_modules/preact/LICENSE", "another license");
  expect(problemsOf(new Set(["preact"]), here)).toHaveLength(1);
});

it("says when a package brings no license, and when one is left of a package that went", () => {
  put("node_modules/bare/index.js", "");
  expect(problemsOf(new Set(["bare"]), here)).toEqual([
    "licenses/preact.txt is of no package in the bundles: remove it",
    "bare is bundled, but has no license file: write bare.txt",
  ]);
});
