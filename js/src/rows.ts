/** Rows of a list that the page knows so far, fetched in pages as they come into view. */
import { useCallback, useLayoutEffect, useRef, useState } from "preact/hooks";
import { type Bridge, errorView, usePush, useTrait } from "./bridge";
import type { ErrorView, Push, RowPatch, RowView } from "./contract";
import type { Range } from "./window";

export const PAGE = 50;
/** Rows kept in memory; those far from the window are forgotten first. */
const KEPT = 4_000;

export class RowCache {
  readonly #rows = new Map<number, RowView>();
  readonly #places = new Map<string, number>();
  // Pages that were answered: one that came back short is not asked for again and again.
  readonly #answered = new Set<number>();

  at(index: number): RowView | undefined {
    return this.#rows.get(index);
  }

  placeOf(id: string): number | undefined {
    return this.#places.get(id);
  }

  put(start: number, rows: readonly RowView[]): void {
    rows.forEach((row, offset) => {
      this.#rows.set(start + offset, row);
      this.#places.set(row.id, start + offset);
    });
  }

  answer(page: number, start: number, rows: readonly RowView[]): void {
    this.#answered.add(page);
    this.put(start, rows);
  }

  /** Takes news of rows that are known; others come when they are looked at. */
  update(rows: readonly RowPatch[]): boolean {
    let isKnown = false;
    for (const patch of rows) {
      const place = this.#places.get(patch.id);
      const row = place === undefined ? undefined : this.#rows.get(place);
      if (place === undefined || row === undefined) continue;
      this.#rows.set(place, { ...row, ...patch });
      isKnown = true;
    }
    return isKnown;
  }

  /** Whether these rows stand where they stood. */
  agrees(head: readonly RowView[]): boolean {
    return head.every((row, index) => {
      const known = this.#rows.get(index);
      return known === undefined || known.id === row.id;
    });
  }

  /** The next span to ask for, whole pages only; null if nothing is missing. */
  missing({ start, stop }: Range, total: number): Range | null {
    for (let index = start; index < stop; index += 1) {
      const page = Math.floor(index / PAGE);
      if (this.#rows.has(index) || this.#answered.has(page)) continue;
      return { start: page * PAGE, stop: Math.min(total, (page + 1) * PAGE) };
    }
    return null;
  }

  hasLive(): boolean {
    for (const row of this.#rows.values()) if (!row.is_terminal) return true;
    return false;
  }

  trim({ start, stop }: Range): void {
    if (this.#rows.size <= KEPT) return;
    const near = KEPT / 4;
    for (const [index, row] of this.#rows) {
      if (index >= start - near && index < stop + near) continue;
      this.#rows.delete(index);
      this.#places.delete(row.id);
      this.#answered.delete(Math.floor(index / PAGE));
    }
  }
}

export interface Rows {
  cache: RowCache;
  total: number;
  error: ErrorView | null;
  retry(): void;
}

/** The list's rows; `range` is what is visible. Asks for one page at a time, so that after a long
 * scroll only what is visible then is asked for. */
export function useRows(bridge: Bridge): Rows & { want(range: Range): void } {
  const total = useTrait<number>(bridge, "total");
  const head = useTrait<RowView[]>(bridge, "head");
  const [, setVersion] = useState(0);
  const [error, setError] = useState<ErrorView | null>(null);
  const known = useRef<{ cache: RowCache; total: number; head: RowView[] } | null>(null);
  const isAsking = useRef(false);

  // Before drawing, so that the first paint already has its rows.
  if (known.current === null || known.current.head !== head || known.current.total !== total) {
    const before = known.current;
    const isSame = before !== null && before.total === total && before.cache.agrees(head);
    const cache = isSame ? before.cache : new RowCache();
    cache.put(0, head);
    known.current = { cache, total, head };
  }
  const { cache } = known.current;

  usePush(
    bridge,
    useCallback((push: Push) => {
      if (push.push !== "rows") return;
      if (known.current?.cache.update(push.rows)) setVersion((n) => n + 1);
    }, []),
  );

  const isMounted = useRef(true);
  useLayoutEffect(() => {
    isMounted.current = true;
    return () => {
      isMounted.current = false;
    };
  }, []);

  async function want(range: Range): Promise<void> {
    if (isAsking.current || error !== null) return;
    const span = cache.missing(range, total);
    if (span === null) return;
    isAsking.current = true;
    let failure: ErrorView | null = null;
    try {
      const { start, rows } = await bridge.request("rows", span);
      // A list that changed meanwhile has a new cache; the old one is nobody's.
      cache.answer(Math.floor(span.start / PAGE), start, rows);
      cache.trim(range);
    } catch (thrown) {
      failure = errorView(thrown);
    }
    isAsking.current = false;
    if (!isMounted.current) return;
    if (failure !== null) setError(failure);
    setVersion((n) => n + 1);
  }

  return { cache, total, error, retry: () => setError(null), want };
}
