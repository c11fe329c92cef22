/** Style sheets, components and design tokens use the same names. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { icons, phases, sizes, status_groups } from "../../inductiva_widgets/design_tokens.json";
import { designTokensCss } from "../design_tokens.mjs";
import { ROW_HEIGHT } from "../src/columns";
import { LINE_HEIGHT } from "../src/panels/LogLines";
import { STATUS_GROUP_TITLES } from "../src/parts/StatusFilter";
import { PHASE_TITLES } from "../src/phases";

const SOURCES = join(import.meta.dirname, "..", "src");

const read = (pattern: RegExp) =>
  readdirSync(SOURCES, { recursive: true, encoding: "utf8" })
    .filter((path) => pattern.test(path))
    .map((path) => ({ path, text: readFileSync(join(SOURCES, path), "utf8") }));

const textOf = (pattern: RegExp) => read(pattern).reduce((all, { text }) => all + text, "");
const matches = (text: string, pattern: RegExp) =>
  new Set([...text.matchAll(pattern)].map(([, found]) => String(found)));

const css = designTokensCss() + textOf(/\.css$/);
const code = textOf(/\.tsx?$/);

it("every styled class is used by a component", () => {
  const used = matches(code, /(?<![\w-])(iw-[\w-]*\w)(?![\w-])/g);
  // Classes such as `iw-status-${group}`.
  const prefixes = [...matches(code, /(?<![\w-])(iw-[\w-]+-)\$\{/g)];
  const styled = matches(css, /\.(iw-[\w-]+)/g);
  const unused = [...styled].filter(
    (name) => !used.has(name) && !prefixes.some((prefix) => name.startsWith(prefix)),
  );
  expect(unused).toEqual([]);
});

it("every class has its style in one bundle, so that a chunk that is loaded later changes nothing", () => {
  const files = new Map<string, Set<string>>();
  for (const { path, text } of read(/\.css$/)) {
    // What holds in a state of the whole widget only.
    if (path.endsWith("kernel_lost.css") || path.endsWith("motion.css")) continue;
    for (const name of matches(text, /^ {2}\.(iw-[\w-]+)(?=,$| \{$)/gm))
      files.set(name, (files.get(name) ?? new Set()).add(path.split("/")[0] as string));
  }
  expect(files.size).toBeGreaterThan(100);
  expect([...files].filter(([, paths]) => paths.size > 1)).toEqual([]);
});

it("every class of a component is styled or selected", () => {
  const styled = matches(css, /\.(iw-[\w-]+)/g);
  const selected = matches(code, /"\.(iw-[\w-]+)"/g);
  const used = matches(code, /(?<![\w-])(iw-[\w-]*\w)(?![\w-]|\$\{)/g);
  const isPrefix = (name: string) => code.includes(`${name}-\${`);
  const isKnown = (name: string) => styled.has(name) || selected.has(name) || isPrefix(name);
  expect([...used].filter((name) => !isKnown(name))).toEqual([]);
});

it("every animation and token is used, and every used token exists", () => {
  for (const name of matches(css, /@keyframes ([\w-]+)/g))
    expect(css).toMatch(new RegExp(`animation: ${name}\\b`));
  const defined = matches(css + code, /(--iw-[\w-]+)"?:/g);
  expect(matches(css, /var\((--iw-[\w-]+)/g)).toEqual(defined);
});

it("every colour is a design token, but those that programs print in logs", () => {
  const colour = /light-dark\(|(?<!&)#[0-9a-f]{6}\b|\brgb\(|color-mix\(/;
  const files = read(/\.(css|tsx?)$/).filter(({ text }) => colour.test(text));
  expect(files.map(({ path }) => path)).toEqual(["panels/ansi_colours.ts"]);
});

it("every phase and every status group has a style, and every group an icon", () => {
  expect(Object.keys(phases)).toEqual([...Object.keys(PHASE_TITLES), "failed"]);
  expect(Object.keys(status_groups).sort()).toEqual(STATUS_GROUP_TITLES.map(([key]) => key).sort());
  expect(Object.keys(icons.bold)).toEqual(expect.arrayContaining(Object.keys(status_groups)));
});

it("every icon is used", () => {
  const names = [...Object.keys(icons.bold), ...Object.keys(icons.thin)];
  const isUsed = (name: string) => name in status_groups || code.includes(`"${name}"`);
  expect(names.filter((name) => !isUsed(name))).toEqual([]);
});

it("heights that the virtual scrolling computes with are those of the style sheet", () => {
  expect(sizes["row-height"]).toBe(`${ROW_HEIGHT}px`);
  expect(sizes["log-line-height"]).toBe(`${LINE_HEIGHT}px`);
});
