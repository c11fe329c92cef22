import { describe, expect, it } from "vitest";
import { MAX_LINE_LENGTH, Terminal, textOf } from "../src/panels/ansi";
import { CONTRAST, contrast, ensureContrast, type Rgb, xterm } from "../src/panels/ansi_colours";

function terminal(...chunks: string[]): Terminal {
  const made = new Terminal();
  for (const chunk of chunks) made.write(chunk);
  return made;
}
const texts = (...chunks: string[]): string[] => terminal(...chunks).lines.map(textOf);
/** Styles without the identity of their objects. */
const runs = (...chunks: string[]) => JSON.stringify(terminal(...chunks).lines);
const only = (text: string) => terminal(text).lines[0]?.[0];

describe("the terminal", () => {
  it.each<[string, string[]]>([
    ["", []],
    ["a\nb", ["a", "b"]],
    ["a\nb\n", ["a", "b"]],
    ["a\n\nb\n", ["a", "", "b"]],
    ["a\r\nb\r\n", ["a", "b"]],
    ["10 %\r20 %\r100 %\n", ["100 %"]],
    ["12345\rab\n", ["ab345"]],
    ["ab\b\bX\n", ["Xb"]],
    ["a\b\b\bX", ["X"]],
    ["a\tb", ["a       b"]],
    ["12345678\tb", ["12345678        b"]],
    ["abc\r\tX", ["abc     X"]],
    ["12345\r\x1b[Kab", ["ab"]],
    ["12345\x1b[2Kab", ["     ab"]],
    ["12345\x1b[2K\rab", ["ab"]],
    ["12345\x1b[3D\x1b[1KX", ["  X45"]],
    ["12345\x1b[2GX", ["1X345"]],
    ["ab\x1b[3CX", ["ab   X"]],
    ["a: 1 %\nb: 1 %\n\x1b[2Aa: 2 %\nb: 2 %\n", ["a: 2 %", "b: 2 %"]],
    ["one\ntwo\n\x1b[1A\x1b[2Kthree\n", ["one", "three"]],
    ["one\ntwo\nthree\x1b[2F\x1b[J1\n", ["1"]],
    ["one\ntwo\x1b[9AX", ["oneX", "two"]],
    ["one\ntwo\x1b[1A\r1\x1b[5B\r2", ["1ne", "2wo"]],
    ["\x1b]0;title\x07text", ["text"]],
    ["\x1b]8;;https://x.org\x1b\\link\x1b]8;;\x1b\\ after", ["link after"]],
    ["\x1bPq#0;2\x1b\\text", ["text"]],
    ["\x1b(B\x1b7\x1b=\x1b>text", ["text"]],
    ["\x1b[?25l\x1b[2J\x1b[Htext\x1b[?25h", ["text"]],
    ["\x00a\x07b\x0cc\x7f\x9b", ["abc"]],
    ["\x1b[\x01a", ["a"]],
    ["𝄞€é\rab", ["abé"]],
    ["𝄞𝄞\b!", ["𝄞!"]],
  ])("shows %j as %j", (input, shown) => {
    expect(texts(input)).toEqual(shown);
  });

  const WILD = [
    "plain 𝄞 \x1b[1;31mred\x1b[0m\r\n",
    "\x1b[38;5;208morange\x1b[48;2;1;2;3m both\x1b[m\t|\n",
    "10 %\r\x1b[K55 %\b\b\b7\n\x1b]8;;http://x\x07link\x1b]8;;\x1b\\\n",
    "a\nb\n\x1b[2Ac\x1b[1Bd\x1b[2K\x1b[4:3mcurly\x1b[24m\n\x1b(B\x1b[?25h",
    "\x1bPno\x1b\\\x1b]broken\nafter \x1b\x1b[7minverse\x1b[27m \ud800 lone",
  ].join("");

  it("gives the same lines wherever the chunks are cut", () => {
    const whole = runs(WILD);
    for (let cut = 0; cut <= WILD.length; cut += 1) {
      expect(runs(WILD.slice(0, cut), WILD.slice(cut)), `cut at ${cut}`).toBe(whole);
    }
    expect(runs(...WILD.split(""))).toBe(whole);
  });
  it("gives the same lines for any three chunks", () => {
    const whole = runs(WILD);
    for (let first = 0; first < WILD.length; first += 7) {
      for (let second = first; second < WILD.length; second += 5) {
        const chunks = [WILD.slice(0, first), WILD.slice(first, second), WILD.slice(second)];
        expect(runs(...chunks)).toBe(whole);
      }
    }
  });
  it("does not swallow the log after a sequence that never ends", () => {
    expect(texts(`\x1b]0;${"x".repeat(5000)}`)[0]).toContain("xxx");
    expect(texts("\x1b]0;title\nnext")).toEqual(["0;title", "next"]);
  });
  it("keeps a line that did not change as it was", () => {
    const made = terminal("one\ntwo\n");
    const [first] = made.lines;
    made.write("three\r\nfour");
    expect(made.lines[0]).toBe(first);
  });
  it("cuts a line without end", () => {
    const [line] = texts("x".repeat(3 * MAX_LINE_LENGTH), "y", "\nnext");
    expect(line).toHaveLength(MAX_LINE_LENGTH);
    expect(texts(`${"x".repeat(MAX_LINE_LENGTH + 5)}\rab`)[0]).toMatch(/^abx+$/);
  });
});

describe("styles", () => {
  it("join what looks the same, and divide what does not", () => {
    const [line] = terminal("a\x1b[31mb\x1b[31mc\x1b[0md").lines;
    expect(line?.map(({ text }) => text)).toEqual(["a", "bc", "d"]);
    expect(line?.[0]?.paint).toBeNull();
  });
  it.each([
    ["\x1b[1mx", "iw-log-bold"],
    ["\x1b[2mx", "iw-muted"],
    ["\x1b[3mx", "iw-log-italic"],
    ["\x1b[4mx", "iw-log-underlined"],
    ["\x1b[7mx", "iw-log-inverse"],
    ["\x1b[1;4mx", "iw-log-bold iw-log-underlined"],
  ])("%j has the class %s", (input, name) => {
    expect(only(input)?.paint?.class).toBe(name);
  });
  it.each(["\x1b[1m\x1b[22mx", "\x1b[31m\x1b[39mx", "\x1b[41m\x1b[49mx", "\x1b[1;31m\x1b[mx"])(
    "%j is plain again",
    (input) => expect(only(input)?.paint).toBeNull(),
  );
  it.each([
    "\x1b[38;2;255;0;0m",
    "\x1b[38:2:255:0:0m",
    "\x1b[38:2::255:0:0m",
    "\x1b[38;5;196m",
    "\x1b[1;22;38;5;196m",
  ])("%j is the same red", (sequence) => {
    expect(only(`${sequence}x`)?.paint?.style).toEqual(only("\x1b[38;2;255;0;0mx")?.paint?.style);
  });
  it("of an inverse colour are a background", () => {
    expect(only("\x1b[7;31mx")?.paint?.style.background).toBe("rgb(205 49 49)");
  });
  it("of all 256 colours can be read on light, on dark and on each other", () => {
    const grounds: Rgb[] = [
      [255, 255, 255],
      [244, 245, 246],
      [38, 42, 48],
      [17, 17, 17],
    ];
    for (let index = 0; index < 256; index += 1) {
      for (const ground of [...grounds.slice(1, 3), xterm((index * 37) % 256)]) {
        const ratio = contrast(ensureContrast(xterm(index), ground), ground);
        expect(ratio, `${index} on ${ground}`).toBeGreaterThanOrEqual(CONTRAST);
      }
    }
    // What is mixed for the worst ground of a theme does for the best one too.
    for (let index = 0; index < 256; index += 1) {
      const [light, dark] = [
        ensureContrast(xterm(index), [244, 245, 246]),
        ensureContrast(xterm(index), [38, 42, 48]),
      ];
      expect(contrast(light, [255, 255, 255])).toBeGreaterThanOrEqual(CONTRAST);
      expect(contrast(dark, [17, 17, 17])).toBeGreaterThanOrEqual(CONTRAST);
    }
  });
});
