/**
 * Terminal emulator for logs: text in chunks of any size, lines of styled runs out. Pure.
 *
 * Supports colours and weights (SGR), overwriting by `\r`, `\b` and moves of the cursor, tabs and
 * the erasing of lines: what progress bars are made of. All other sequences are dropped.
 */
import { type Paint, type Rgb, resolveColour, xterm } from "./ansi_colours";

/** Part of a line in one style; `paint` is null for plain text. */
export interface Run {
  readonly text: string;
  readonly paint: Paint | null;
}

/** A line is replaced when it changes, so that what is drawn of it can be kept by identity. */
export type Line = readonly Run[];

/** Longer lines are cut: rendering them takes seconds. */
export const MAX_LINE_LENGTH = 10_000;

const TEXT = String.raw`[^\x00-\x1f\x7f-\x9f]+`;
const CONTROL_SEQUENCE = String.raw`\x1b\[([0-?]{0,64})[ -/]{0,8}([@-~])`;
// Titles, links and the like, up to their end; of a link the text remains.
const STRING = String.raw`\x1b[\]PX^_][^\x00-\x1f]{0,4096}(?:\x07|\x1b\\)`;
const OTHER = String.raw`\x1b(?:[0-OQ-WYZ\\\x60-~]|[ -/]{1,8}[0-~])`;
const TOKEN = new RegExp(`(${TEXT})|${CONTROL_SEQUENCE}|${STRING}|${OTHER}`, "y");
/** What may become a sequence with the next chunk. */
const UNFINISHED =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this is about
  /^\x1b(?:\[[0-?]{0,64}[ -/]{0,8}|[\]PX^_][^\x00-\x1f]{0,4096}\x1b?|[ -/]{0,8})$/;

interface Sgr {
  color: Rgb | null;
  background: Rgb | null;
  isBold: boolean;
  isDim: boolean;
  isItalic: boolean;
  isUnderlined: boolean;
  isInverse: boolean;
}

const PLAIN: Sgr = {
  color: null,
  background: null,
  isBold: false,
  isDim: false,
  isItalic: false,
  isUnderlined: false,
  isInverse: false,
};

export class Terminal {
  #lines: Line[] = [[]];
  #row = 0;
  #column = 0;
  #sgr = PLAIN;
  #paint: Paint | null = null;
  #held = "";
  /** The cursor's line by its characters, while it is written to piece by piece: those of a progress
   * bar are written over thousands of times. */
  #cells: Run[] | null = null;
  /** Equal styles are the same object, so that runs can be joined. */
  readonly #paints = new Map<string, Paint>();

  /** All lines as they are now; the last one is left out while it is empty. */
  get lines(): readonly Line[] {
    return this.#lines.slice(0, this.#lines.at(-1)?.length === 0 ? -1 : undefined);
  }

  write(chunk: string): void {
    this.#take(chunk);
    this.#settle();
  }

  #take(chunk: string): void {
    const input = this.#held + chunk;
    let at = 0;
    this.#held = "";
    while (at < input.length) {
      TOKEN.lastIndex = at;
      const token = TOKEN.exec(input);
      if (token !== null) {
        at = TOKEN.lastIndex;
        const [, text, parameters, final] = token;
        if (text !== undefined) this.#print(this.#hold(text, at === input.length));
        else if (final !== undefined) this.#execute(final, parameters ?? "");
      } else if (input[at] !== "\x1b") {
        this.#control(input[at]);
        at += 1;
      } else if (UNFINISHED.test(input.slice(at, at + 4200))) {
        this.#held = input.slice(at);
        return;
      } else {
        // No sequence after all: what follows is shown, its introducer is not.
        at += /[[\]PX^_]/.test(input[at + 1] ?? "") ? 2 : 1;
      }
    }
  }

  /** Holds the first half of a surrogate pair until the next chunk. */
  #hold(text: string, isLast: boolean): string {
    if (!isLast || !/[\ud800-\udbff]$/.test(text)) return text;
    this.#held = text.slice(-1);
    return text.slice(0, -1);
  }

  #print(text: string): void {
    const line = this.#lines[this.#row] ?? [];
    if (this.#cells === null && line.length === 0 && this.#column === 0) {
      this.#put([{ text: cut(text, 0, MAX_LINE_LENGTH), paint: this.#paint }]);
    } else if (this.#column < MAX_LINE_LENGTH) {
      this.#cells ??= cellsOf(line);
      while (this.#cells.length < this.#column) this.#cells.push(BLANK);
      let at = this.#column;
      for (const letter of text) {
        if (at === MAX_LINE_LENGTH) break;
        this.#cells[at] = { text: letter, paint: this.#paint };
        at += 1;
      }
    }
    // The cursor moves on beyond the cut, so that the same columns stay the same columns.
    this.#column += widthOf(text);
  }

  /** Stores the cells of the cursor's line as runs. */
  #settle(): void {
    if (this.#cells === null) return;
    const runs: { text: string; paint: Paint | null }[] = [];
    for (const { text, paint } of this.#cells) {
      const last = runs.at(-1);
      if (last?.paint === paint) last.text += text;
      else runs.push({ text, paint });
    }
    this.#cells = null;
    this.#put(runs);
  }

  #control(character: string | undefined): void {
    if (character === "\n") this.#lineFeed();
    else if (character === "\r") this.#column = 0;
    else if (character === "\b") this.#column = Math.max(0, this.#column - 1);
    else if (character === "\t") this.#column += 8 - (this.#column % 8);
  }

  #lineFeed(): void {
    this.#settle();
    this.#row += 1;
    this.#column = 0;
    if (this.#row === this.#lines.length) this.#lines.push([]);
  }

  #execute(final: string, parameters: string): void {
    const count = Math.max(1, Number.parseInt(parameters, 10) || 1);
    const kind = Number.parseInt(parameters, 10) || 0;
    if (final === "m") this.#style(parameters);
    if (!/[CDGm]/.test(final)) this.#settle();
    if (final === "K") this.#eraseLine(kind);
    else if (final === "J" && kind === 0) {
      this.#lines.length = this.#row + 1;
      this.#eraseLine(0);
    } else if (final === "A" || final === "F") this.#row = Math.max(0, this.#row - count);
    else if (final === "B" || final === "E") {
      this.#row = Math.min(this.#lines.length - 1, this.#row + count);
    } else if (final === "C") this.#column = Math.min(MAX_LINE_LENGTH, this.#column + count);
    else if (final === "D") this.#column = Math.max(0, this.#column - count);
    else if (final === "G") this.#column = Math.min(MAX_LINE_LENGTH, count - 1);
    if (final === "E" || final === "F") this.#column = 0;
  }

  #eraseLine(which: number): void {
    const line = this.#lines[this.#row] ?? [];
    if (which === 0) this.#put(take(line, 0, this.#column));
    else if (which === 2) this.#put([]);
    else if (which === 1) {
      const blank = { text: " ".repeat(Math.min(this.#column + 1, lengthOf(line))), paint: null };
      this.#put(take(line, this.#column + 1, lengthOf(line)).reduce(join, join([], blank)));
    }
  }

  #put(line: Line): void {
    this.#lines[this.#row] = line;
  }

  #style(parameters: string): void {
    this.#sgr = styled(this.#sgr, parameters);
    const key = JSON.stringify(this.#sgr);
    if (key === PLAIN_KEY) {
      this.#paint = null;
      return;
    }
    let paint = this.#paints.get(key);
    if (paint === undefined) {
      paint = resolveColour(this.#sgr);
      this.#paints.set(key, paint);
    }
    this.#paint = paint;
  }
}

const PLAIN_KEY = JSON.stringify(PLAIN);

/** The text of a line, without its styles. */
export function textOf(line: Line): string {
  return line.length === 1 ? (line[0] as Run).text : line.map(({ text }) => text).join("");
}

function styled(before: Sgr, parameters: string): Sgr {
  // A parameter may have parts separated by colons; an empty part is 0.
  const codes = parameters.split(/[;:]/).map((code) => Number.parseInt(code, 10) || 0);
  const isColon = parameters.includes(":");
  let sgr = { ...before };
  for (let i = 0; i < codes.length; i += 1) {
    const code = codes[i] as number;
    if (code === 38 || code === 48) {
      const [color, used] = extended(codes.slice(i + 1), isColon);
      i += used;
      if (color !== null) sgr = { ...sgr, [code === 38 ? "color" : "background"]: color };
    } else if (code === 4 && isColon) {
      sgr.isUnderlined = codes[i + 1] !== 0;
      i += 1;
    } else sgr = { ...sgr, ...simple(code) };
  }
  return sgr;
}

function simple(code: number): Partial<Sgr> {
  if (code >= 30 && code <= 37) return { color: xterm(code - 30) };
  if (code >= 90 && code <= 97) return { color: xterm(code - 82) };
  if (code >= 40 && code <= 47) return { background: xterm(code - 40) };
  if (code >= 100 && code <= 107) return { background: xterm(code - 92) };
  const others: Record<number, Partial<Sgr>> = {
    0: PLAIN,
    1: { isBold: true },
    2: { isDim: true },
    3: { isItalic: true },
    4: { isUnderlined: true },
    7: { isInverse: true },
    21: { isUnderlined: true },
    22: { isBold: false, isDim: false },
    23: { isItalic: false },
    24: { isUnderlined: false },
    27: { isInverse: false },
    39: { color: null },
    49: { background: null },
  };
  return others[code] ?? {};
}

/** A colour of 256 or of all, and how many codes it took. */
function extended(codes: number[], isColon: boolean): [Rgb | null, number] {
  if (codes[0] === 5) return [xterm(codes[1] ?? 0), 2];
  if (codes[0] !== 2) return [null, 0];
  // With colons, the id of a colour space may precede the components.
  const skip = isColon && codes.length >= 5 ? 2 : 1;
  const [red = 0, green = 0, blue = 0] = codes.slice(skip).map((part) => Math.min(255, part));
  return [[red, green, blue], skip + 3];
}

const BLANK: Run = { text: " ", paint: null };

const cellsOf = (line: Line): Run[] =>
  line.flatMap(({ text, paint }) => Array.from(text, (letter) => ({ text: letter, paint })));

// Columns are characters, not halves of them.
const HALVES = /[\ud800-\udfff]/;

function widthOf(text: string): number {
  return HALVES.test(text) ? [...text].length : text.length;
}

function cut(text: string, start: number, stop: number): string {
  if (start <= 0 && stop >= text.length) return text;
  return HALVES.test(text) ? [...text].slice(start, stop).join("") : text.slice(start, stop);
}

function lengthOf(line: Line): number {
  let length = 0;
  for (const { text } of line) length += widthOf(text);
  return length;
}

function take(line: Line, start: number, stop: number): Line {
  const taken: Run[] = [];
  let at = 0;
  for (const { text, paint } of line) {
    const width = widthOf(text);
    const part = cut(text, Math.max(0, start - at), Math.max(0, stop - at));
    if (part !== "") taken.push({ text: part, paint });
    at += width;
  }
  return taken;
}

function join(line: Line, run: Run): Line {
  const last = line.at(-1);
  if (run.text === "") return line;
  if (last === undefined || last.paint !== run.paint) return [...line, run];
  return [...line.slice(0, -1), { text: last.text + run.text, paint: run.paint }];
}
