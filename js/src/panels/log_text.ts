/** The loaded part of a log, which grows in both directions up to a limit. */
import type { LogView } from "../contract";
import { formatBytes } from "../format";
import { type Line, Terminal, textOf } from "./ansi";

/** Limits of the loaded text. */
export const MAX_BYTES = 512_000;
export const MAX_LINES = 5_000;
/** Share that remains after trimming, so that not every new line trims again. */
const TRIM_TO = 0.8;

/** Limits of the rendered part of a response that skipped most of the log: the next one replaces it. */
const FLOOD_LINES = 300;
const FLOOD_LETTERS = 32_000;

interface Chunk {
  text: string;
  start: number;
  stop: number;
  lines: number;
}

/** Which side was asked for; neither: the end. */
export type Side = { after: number } | { before: number } | Record<string, never>;

export class LogText {
  size = 0;
  note = "";
  /** The edition that the offsets refer to; sent with each request. */
  edition = "";
  canGrow = true;
  /** Whether something was ever loaded. */
  isKnown = false;
  /** Whether older lines were let go to make room. */
  isTrimmed = false;
  /** Bytes that came too fast to be shown. */
  leftOut = 0;
  /** Number of lines that the latest range added at the start. */
  prepended = 0;
  /** Changes whenever something is shown differently. */
  version = 0;
  #chunks: Chunk[] = [];
  #terminal = new Terminal();

  get start(): number {
    return this.#chunks[0]?.start ?? 0;
  }

  get stop(): number {
    return this.#chunks.at(-1)?.stop ?? 0;
  }

  get lines(): readonly Line[] {
    const { lines } = this.#terminal;
    return lines.length > MAX_LINES ? lines.slice(-MAX_LINES) : lines;
  }

  /** Takes in what was answered to a question for one side. */
  take(view: LogView, side: Side): void {
    this.version += 1;
    // The kernel answers with the end of another edition, whatever was asked for.
    const isSame = this.isKnown && view.edition === this.edition;
    if (isSame && "before" in side) this.#takeEarlier(view);
    else this.#takeLater(view, isSame && "after" in side);
  }

  #takeLater(view: LogView, isMore: boolean): void {
    this.note = view.note;
    this.canGrow = view.can_grow;
    // The task has ended and left no log: keep the text that was read.
    if (view.size === 0 && !view.can_grow && this.stop > 0) return;
    this.size = view.size;
    const missed = isMore ? view.start - this.stop : 0;
    const joins = isMore && missed === 0;
    this.isKnown = true;
    this.edition = view.edition;
    if (!joins) {
      this.leftOut = this.stop > 0 && missed > 0 ? this.leftOut + missed : 0;
      this.#chunks = [];
      this.isTrimmed = false;
      this.#terminal = new Terminal();
    }
    if (view.text === "") return;
    const chunk = chunkOf(missed > 0 ? endOf(view) : view);
    if (missed > 0) this.leftOut += chunk.start - view.start;
    this.#chunks.push(chunk);
    if (!this.#isOver(1)) this.#terminal.write(chunk.text);
    else {
      this.isTrimmed = true;
      this.#trim(TRIM_TO, () => this.#chunks.shift());
    }
  }

  #takeEarlier(view: LogView): void {
    // Otherwise the log was truncated.
    if (view.stop !== this.start || view.text === "") return;
    const chunk = chunkOf(view);
    this.prepended = chunk.lines;
    this.#chunks.unshift(chunk);
    this.isTrimmed = false;
    this.leftOut = 0;
    this.#trim(1, () => this.#chunks.pop());
  }

  #trim(share: number, drop: () => void): void {
    while (this.#chunks.length > 1 && this.#isOver(share)) drop();
    this.#terminal = new Terminal();
    for (const { text } of this.#chunks) this.#terminal.write(lastLines(text, MAX_LINES));
  }

  /** Which older bytes are missing, and why; empty if none are. */
  get lost(): string {
    if (this.leftOut > 0) return `… ${formatBytes(this.leftOut)} left out`;
    return this.isTrimmed ? "older lines were let go" : "";
  }

  #isOver(share: number): boolean {
    const lines = this.#chunks.reduce((sum, chunk) => sum + chunk.lines, 0);
    return this.stop - this.start > share * MAX_BYTES || lines > share * MAX_LINES;
  }

  /** The text as it is shown. */
  get text(): string {
    return this.lines.map((line) => `${textOf(line)}\n`).join("");
  }

  /** The formatted size, or an empty string if it is unknown. */
  get sizeText(): string {
    if (this.size > 0) return formatBytes(this.size);
    return this.isKnown && !this.canGrow ? "empty" : "";
  }

  /** `all of 138.24 KiB`, `last 64.00 KiB of 3.10 MiB`. */
  get extent(): string {
    if (this.size === 0) return "";
    const all = formatBytes(this.size);
    if (this.start === 0 && this.stop >= this.size) return `all of ${all}`;
    const part = formatBytes(this.stop - this.start);
    if (this.stop >= this.size) return `last ${part} of ${all}`;
    return this.start === 0 ? `first ${part} of ${all}` : `${part} within ${all}`;
  }
}

/** The end of a text, some lines long. */
function lastLines(text: string, count: number): string {
  let at = text.length - 1;
  for (let line = 0; line < count && at > 0; line += 1) at = text.lastIndexOf("\n", at - 1);
  return at > 0 ? text.slice(at + 1) : text;
}

const encoder = new TextEncoder();

/** Of an answer the end that is drawn, and where it begins: what was no text counts one byte each,
 * so that what precedes may overlap it and is never passed over. */
function endOf(view: LogView): LogView {
  const text = lastLines(view.text.slice(-FLOOD_LETTERS), FLOOD_LINES);
  const bytes = encoder.encode(text.replaceAll("\ufffd", "?")).length;
  return { ...view, text, start: Math.max(view.start, view.stop - bytes) };
}

function chunkOf(view: LogView): Chunk {
  const { text, start, stop } = view;
  return { text, start, stop, lines: text.split("\n").length - 1 };
}

/** Occurrence of the search text. */
export interface Match {
  line: number;
  start: number;
  stop: number;
}

/** Further matches are not marked: a single letter may occur everywhere. */
export const MAX_MATCHES = 1_000;

/** Finds a text in lines, ignoring case; the last `MAX_MATCHES` occurrences. */
export function findMatches(lines: readonly Line[], query: string): Match[] {
  if (query === "") return [];
  const needle = new RegExp(query.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "giu");
  const found: Match[] = [];
  for (let line = lines.length - 1; line >= 0 && found.length < MAX_MATCHES; line -= 1) {
    const here = [...textOf(lines[line] as Line).matchAll(needle)];
    for (const { index, 0: text } of here.reverse()) {
      found.push({ line, start: index, stop: index + text.length });
    }
  }
  return found.slice(0, MAX_MATCHES).reverse();
}

/** Part of a line in one style, inside or outside of one match. */
export interface Piece {
  text: string;
  run: number;
  match: number | null;
}

/** Cuts a line at the borders of its runs and of the matches in it; `first` is their number. */
export function splitByMatches(line: Line, matches: readonly Match[], first: number): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  line.forEach(({ text }, run) => {
    const end = at + text.length;
    let from = at;
    matches.forEach(({ start, stop }, index) => {
      const [a, b] = [Math.max(from, start), Math.min(end, stop)];
      if (a >= b) return;
      if (a > from) pieces.push({ text: text.slice(from - at, a - at), run, match: null });
      pieces.push({ text: text.slice(a - at, b - at), run, match: first + index });
      from = b;
    });
    if (from < end) pieces.push({ text: text.slice(from - at), run, match: null });
    at = end;
  });
  return pieces;
}
