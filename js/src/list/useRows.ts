/** Cache of table rows, fetched in pages as they become visible. */
import { useCallback, useLayoutEffect, useRef, useState } from "preact/hooks";
import { type Bridge, errorView, useMessage, useTrait } from "../bridge";
import type {
  ErrorView,
  GroupView,
  LineView,
  QueryResultView,
  RowView,
  SelectionView,
} from "../contract";
import type { Push, Requests, RowPatch } from "../messages";
import type { RowRange } from "../virtual_scroll";

export const PAGE_SIZE = 25;
/** Lines kept in memory; those far from the window are forgotten first. */
const MAX_CACHED = 4_000;

export const isGroup = (line: LineView): line is GroupView => "group" in line;

function patched(row: RowView, { marks = {}, ...rest }: RowPatch): RowView {
  // A task that goes back to the queue loses marks.
  const own = row.marks.map((mark, place) => (place in marks ? (marks[place] ?? null) : mark));
  return { ...row, ...rest, marks: own };
}

/** The rows of one version of the query result. */
export class RowCache {
  readonly version: number;
  readonly #lines = new Map<number, LineView>();
  // Kept when a line is forgotten: an open card keeps its place.
  readonly #places = new Map<string, number>();
  // Pages that were answered: one that came back short is not asked for again and again.
  readonly #answered = new Set<number>();
  #isUnmarked = false;
  #before: RowCache | null;

  constructor(version: number, before: RowCache | null = null) {
    this.version = version;
    this.#before = before;
    if (before !== null) before.#before = null;
  }

  at(index: number): LineView | undefined {
    return this.#lines.get(index);
  }

  /** What stood there before the lines were moved, to be shown until the answer is there. */
  before(index: number): RowView | undefined {
    const line = this.#before?.at(index);
    return line === undefined || isGroup(line) || this.#places.has(line.id) ? undefined : line;
  }

  placeOf(id: string): number | undefined {
    return this.#places.get(id);
  }

  put(start: number, lines: readonly LineView[]): void {
    lines.forEach((line, offset) => {
      this.#lines.set(start + offset, line);
      if (!isGroup(line)) this.#places.set(line.id, start + offset);
    });
  }

  answer({ start, stop }: RowRange, lines: readonly LineView[]): void {
    for (let page = start / PAGE_SIZE; page * PAGE_SIZE < stop; page += 1) this.#answered.add(page);
    this.put(start, lines);
  }

  /** Has all pages asked for once more: which of their tasks are chosen, or how they stand, is not
   * known. */
  unmark(): void {
    this.#answered.clear();
    this.#isUnmarked = true;
  }

  /** Takes news of lines that are known; others come when they are looked at. */
  update(rows: readonly RowPatch[]): boolean {
    let isKnown = false;
    for (const patch of rows) {
      const place = this.#places.get(patch.id);
      const line = place === undefined ? undefined : this.#lines.get(place);
      if (place === undefined || line === undefined) continue;
      if (!isGroup(line)) this.#lines.set(place, patched(line, patch));
      isKnown = true;
    }
    return isKnown;
  }

  /** The next span to ask for, whole pages only; null if nothing is missing. */
  missing({ start, stop }: RowRange, total: number): RowRange | null {
    const pages: number[] = [];
    for (let index = start; index < stop; index += 1) {
      const page = Math.floor(index / PAGE_SIZE);
      if (this.#answered.has(page) || (this.#lines.has(index) && !this.#isUnmarked)) continue;
      pages.push(page);
    }
    const [first, last] = [pages[0], pages.at(-1)];
    if (first === undefined || last === undefined) return null;
    return { start: first * PAGE_SIZE, stop: Math.min(total, (last + 1) * PAGE_SIZE) };
  }

  /** The tasks among these lines, as far as they are known. */
  ids(start: number, stop: number): string[] {
    return [...this.#lines].flatMap(([index, line]) =>
      index < start || index >= stop || isGroup(line) ? [] : line.id,
    );
  }

  hasLive(): boolean {
    for (const line of this.#lines.values()) if (!isGroup(line) && !line.is_terminal) return true;
    return false;
  }

  trim({ start, stop }: RowRange): void {
    if (this.#lines.size <= MAX_CACHED) return;
    const near = MAX_CACHED / 4;
    for (const index of this.#lines.keys()) {
      if (index >= start - near && index < stop + near) continue;
      this.#lines.delete(index);
      this.#answered.delete(Math.floor(index / PAGE_SIZE));
    }
  }
}

/** Which tasks are chosen, of those the page knows; `version` is that of the kernel's selection. */
class Marks {
  readonly ids = new Set<string>();
  version = -1;
  /** Requests on their way, and how many there ever were. */
  pending = 0;
  sent = 0;

  set(ids: Iterable<string>, on: boolean): void {
    for (const id of ids) {
      if (on) this.ids.add(id);
      else this.ids.delete(id);
    }
  }
}

/** The list's lines. Asks for one span at a time, so that after a long scroll only what is visible
 * then is asked for; an answer about lines that have moved since is asked for again. */
export function useRows(bridge: Bridge) {
  const result = useTrait<QueryResultView>(bridge, "query_result");
  const firstRows = useTrait<LineView[]>(bridge, "first_rows");
  const selection = useTrait<SelectionView>(bridge, "selection");
  const [, setDrawn] = useState(0);
  const redraw = useCallback(() => setDrawn((n) => n + 1), []);
  const [error, setError] = useState<ErrorView | null>(null);
  const known = useRef<{ cache: RowCache; firstRows: LineView[] } | null>(null);
  const marks = useRef(new Marks()).current;
  const isAsking = useRef(false);
  // An answer may overtake the traits that it goes with: they are waited for.
  const ahead = useRef(0);

  // Before drawing, so that the first paint already has its lines.
  const before = known.current;
  if (before?.firstRows !== firstRows || before.cache.version !== result.version) {
    const isSame = before?.cache.version === result.version;
    const cache = isSame ? before.cache : new RowCache(result.version, before?.cache);
    cache.put(0, firstRows);
    // Changes of the first rows before this view was mounted had no listener.
    const isOld = before === null && cache.hasLive();
    if (!isSame && (isOld || selection.tasks > 0)) cache.unmark();
    known.current = { cache, firstRows };
  }
  const { cache } = known.current as { cache: RowCache };
  if (marks.pending === 0 && selection.version >= marks.version) {
    if (selection.tasks === 0) marks.ids.clear();
    else if (selection.version > marks.version) cache.unmark();
    marks.version = selection.version;
  }

  useMessage(
    bridge,
    useCallback(
      (push: Push) => {
        if (push.push === "rows" && known.current?.cache.update(push.rows)) redraw();
      },
      [redraw],
    ),
  );

  const isMounted = useRef(true);
  useLayoutEffect(() => {
    isMounted.current = true;
    return () => {
      isMounted.current = false;
    };
  }, []);

  async function want(range: RowRange): Promise<void> {
    if (isAsking.current || error !== null || ahead.current > result.version) return;
    const span = cache.missing(range, result.lines);
    if (span === null) return;
    isAsking.current = true;
    const { sent } = marks;
    try {
      const { version, start, lines, selected } = await bridge.request("rows", span);
      ahead.current = version;
      const now = known.current?.cache;
      if (now?.version === version) {
        if (sent === marks.sent && marks.pending === 0) {
          now.answer({ start, stop: span.stop }, lines);
          marks.set(now.ids(start, span.stop), false);
          marks.set(selected, true);
        } else {
          // The selection has changed since: the rows are right, their check marks may not be.
          now.put(start, lines);
          now.unmark();
        }
        now.trim(range);
      }
    } catch (thrown) {
      if (isMounted.current) setError(errorView(thrown));
    }
    isAsking.current = false;
    if (isMounted.current) redraw();
  }

  /** Chooses; shown at once, and corrected when the kernel sees it otherwise. */
  async function select(what: Requests["select"]): Promise<void> {
    if ("ids" in what) marks.set(what.ids, what.on);
    else if ("start" in what) marks.set(cache.ids(what.start, what.stop), what.on);
    else marks.set(what.on ? cache.ids(0, result.lines) : [...marks.ids], what.on);
    marks.pending += 1;
    marks.sent += 1;
    redraw();
    try {
      const { version } = await bridge.request("select", what);
      // Any other version: another view has changed the selection, too.
      if (version === marks.version + 1) marks.version = version;
    } catch (thrown) {
      marks.version = -1;
      throw thrown;
    } finally {
      marks.pending -= 1;
      if (isMounted.current) redraw();
    }
  }

  const retry = () => setError(null);
  return { result, selection, cache, marks: marks.ids, error, retry, want, select };
}
