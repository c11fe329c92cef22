/** Keyboard navigation in the table with a roving tabindex. */
import type { RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Gap } from "../virtual_scroll";
import { itemTop } from "./layoutItems";
import type { RowCache } from "./useRows";
import { isGroup } from "./useRows";

interface Keys {
  /** Enter: opens a card or folds a group. */
  onToggle(index: number): void;
  /** The space bar, and Shift with an arrow: both lines of the step. */
  onChoose(index: number): void;
  onExtend(start: number, stop: number): void;
}

export function useRovingFocus(
  scroller: RefObject<HTMLElement | null>,
  cache: RowCache,
  count: number,
  rowHeight: number,
  gaps: readonly Gap[],
) {
  const [spot, setSpot] = useState({ index: 0, id: "" });
  const isWanted = useRef(false);
  // The task keeps the focus when its line moves.
  const active = Math.max(0, Math.min(cache.placeOf(spot.id) ?? spot.index, count - 1));
  const held = focusedIn(scroller.current);

  useLayoutEffect(() => {
    const node = scroller.current;
    // A line that has just got its data, or a button that has done its work, took the focus along.
    const isLost = held !== null && focusedIn(node) === null && isNowhere(node);
    if (isWanted.current || isLost) {
      const row = node?.querySelector<HTMLElement>(`.iw-row[aria-rowindex="${active + 2}"]`);
      row?.focus({ preventScroll: true });
    }
    isWanted.current = false;
  });

  function settle(index: number) {
    const line = cache.at(index);
    setSpot({ index, id: line === undefined || isGroup(line) ? "" : line.id });
  }

  function go(index: number) {
    settle(index);
    isWanted.current = true;
    const node = scroller.current;
    if (node === null) return;
    const top = itemTop(index, rowHeight, gaps);
    // The head of the columns covers one line.
    const room = node.clientHeight - 2 * rowHeight;
    if (top < node.scrollTop) node.scrollTop = top;
    else if (top > node.scrollTop + room) node.scrollTop = top - room;
  }

  function onKeyDown(event: KeyboardEvent, keys: Keys) {
    const target = event.target as HTMLElement;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const place = lineOf(target);
    if (place === null) {
      const card = target.closest<HTMLElement>(CARD);
      if (event.key === "Escape" && card !== null) go(Number(card.dataset.after));
      return;
    }
    const line = target.closest(".iw-row");
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / rowHeight) - 2);
    const step = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -count,
      End: count,
    }[event.key];
    if (step !== undefined) {
      const next = Math.max(0, Math.min(count - 1, place + step));
      if (event.shiftKey) keys.onExtend(Math.min(place, next), Math.max(place, next) + 1);
      go(next);
    } else if (target === line && event.key === "Enter") {
      keys.onToggle(place);
    } else if (target === line && event.key === " ") {
      keys.onChoose(place);
    } else return;
    event.preventDefault();
  }

  function onFocusIn(event: FocusEvent) {
    const place = lineOf(event.target as HTMLElement);
    if (place !== null && place !== active) settle(place);
  }

  return { active, go, onKeyDown, onFocusIn };
}

const CARD = ".iw-card-row";

/** The index of the line that something stands in; null in heads and in cards, which have rows of
 * their own. */
function lineOf(target: HTMLElement): number | null {
  if (target.closest(CARD) !== null) return null;
  const place = Number(target.closest(".iw-row")?.getAttribute("aria-rowindex") ?? 0) - 2;
  return place < 0 ? null : place;
}

function focusOf(node: HTMLElement | null): Element | null {
  return (node?.getRootNode() as Document | ShadowRoot | undefined)?.activeElement ?? null;
}

function focusedIn(node: HTMLElement | null): Element | null {
  const focus = focusOf(node);
  return focus !== null && node?.contains(focus) ? focus : null;
}

/** Hosts report the body when the focused element went away. */
function isNowhere(node: HTMLElement | null): boolean {
  const focus = focusOf(node);
  return focus === null || focus === node?.ownerDocument.body;
}
