/** Style sheets and components use the same classes and tokens. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ROW_HEIGHT } from "../src/columns";
import { LINE_HEIGHT } from "../src/panels/LogLines";

const SOURCES = join(import.meta.dirname, "..", "src");

const read = (pattern: RegExp) =>
  readdirSync(SOURCES, { recursive: true, encoding: "utf8" })
    .filter((path) => pattern.test(path))
    .map((path) => ({ path, text: readFileSync(join(SOURCES, path), "utf8") }));

const textOf = (pattern: RegExp) => read(pattern).reduce((all, { text }) => all + text, "");
const matches = (text: string, pattern: RegExp) =>
  new Set([...text.matchAll(pattern)].map(([, found]) => String(found)));

const css = textOf(/\.css$/);
const code = textOf(/\.tsx?$/);
const tokens = readFileSync(join(SOURCES, "styles", "tokens.css"), "utf8");

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

it("every animation and token is used, and every used token exists", () => {
  for (const name of matches(css, /@keyframes ([\w-]+)/g))
    expect(css).toMatch(new RegExp(`animation: ${name}\\b`));
  const defined = matches(css + code, /(--iw-[\w-]+)"?:/g);
  expect(matches(css, /var\((--iw-[\w-]+)/g)).toEqual(defined);
});

it("every colour is a token", () => {
  const colour = /light-dark\(|(?<!&)#[0-9a-f]{6}\b|\brgb\(|color-mix\(/;
  const others = read(/\.css$/).filter(({ path }) => !path.endsWith("tokens.css"));
  expect(others.filter(({ text }) => colour.test(text)).map(({ path }) => path)).toEqual([]);
});

it("heights that the virtual scrolling computes with are those of the style sheet", () => {
  expect(tokens).toContain(`--iw-row-height: ${ROW_HEIGHT}px;`);
  expect(tokens).toContain(`--iw-log-line-height: ${LINE_HEIGHT}px;`);
});
