/** Keeps a scroller at its end while text arrives, until the user scrolls up. */
import type { RefObject } from "preact";
import { useCallback, useLayoutEffect } from "preact/hooks";

/** Nearer to the end than this is the end, in pixels. */
const NEAR = 8;

/** Returns what goes to the end at once. */
export function useStickToBottom(
  scroller: RefObject<HTMLElement | null>,
  content: RefObject<HTMLElement | null>,
  isPinned: boolean,
  onPinned: (isPinned: boolean) => void,
): () => void {
  const pin = useCallback(() => {
    const node = scroller.current;
    if (node !== null) node.scrollTop = node.scrollHeight;
  }, [scroller]);

  useLayoutEffect(() => {
    const [outer, inner] = [scroller.current, content.current];
    if (!isPinned || outer === null || inner === null) return undefined;
    pin();
    if (typeof ResizeObserver === "undefined") return undefined;
    // Blocks out of sight have heights that are guessed, so it grows when they come into sight.
    const observer = new ResizeObserver(pin);
    observer.observe(inner);
    observer.observe(outer);
    return () => observer.disconnect();
  }, [isPinned, pin, scroller, content]);

  useLayoutEffect(() => {
    const node = scroller.current;
    if (node === null) return undefined;
    let [top, height] = [node.scrollTop, node.scrollHeight];
    const look = () => {
      const isEnd = node.scrollHeight - node.scrollTop - node.clientHeight <= NEAR;
      // Not what the browser does by itself when the content becomes shorter.
      const isAway = node.scrollTop < top && node.scrollHeight >= height;
      if (isEnd) onPinned(true);
      else if (isAway) onPinned(false);
      [top, height] = [node.scrollTop, node.scrollHeight];
    };
    node.addEventListener("scroll", look, { passive: true });
    return () => node.removeEventListener("scroll", look);
  }, [onPinned, scroller]);
  return pin;
}

/** Position of a part of a log, also in a block without a layout yet. */
export function rectOf(part: Element): DOMRect {
  const block = part.closest<HTMLElement>(".iw-log-block");
  if (block) block.style.contentVisibility = "visible";
  const rect = part.getBoundingClientRect();
  if (block) block.style.contentVisibility = "";
  return rect;
}

/** Scrolls a part into the middle of its scroller, and leaves the page where it is. */
export function reveal(part: Element, scroller: Element): void {
  const [inner, outer] = [rectOf(part), scroller.getBoundingClientRect()];
  if (inner.top < outer.top + 20 || inner.bottom > outer.bottom - 20) {
    scroller.scrollTop += inner.top - outer.top - scroller.clientHeight / 2;
  }
  if (inner.left < outer.left || inner.right > outer.right) {
    scroller.scrollLeft += inner.left - outer.left - scroller.clientWidth / 2;
  }
}
