/**
 * What a view does for its being seen: nothing goes on for one that never came into the page.
 *
 * Tells the kernel whether a view is in sight: for pages that nobody looks at it asks nothing of
 * the service.
 */
import type { Bridge } from "./bridge";

/** Tells it now and whenever the page is hidden or shown; the returned function says goodbye. */
export function reportVisibility(bridge: Bridge, page: Document): () => void {
  const view = Math.random().toString(36).slice(2);
  const tell = (is_visible: boolean) => {
    // Where the kernel cannot be told, it goes on asking: nothing that anybody would miss.
    bridge.request("visible", { view, is_visible }).catch(() => undefined);
  };
  const onChange = () => tell(!page.hidden);
  page.addEventListener("visibilitychange", onChange);
  onChange();
  return () => {
    page.removeEventListener("visibilitychange", onChange);
    tell(false);
  };
}

/** In which a host that shows a view at all has put it into the page, in milliseconds. */
const LOST_AFTER = 20_000;

/**
 * Draws at once. A view that does not come into the page is taken back: hosts make views also for
 * displays that were cleared meanwhile, and never end them. Should it come after all, it is drawn
 * again. The returned function ends it.
 */
export function mountWhileVisible(root: Element, draw: () => () => void): () => void {
  let erase: (() => void) | null = draw();
  const lost = setTimeout(() => {
    if (root.isConnected) return;
    erase?.();
    erase = null;
  }, LOST_AFTER);
  const observer = new ResizeObserver(() => {
    if (!root.isConnected) return;
    observer.disconnect();
    clearTimeout(lost);
    erase ??= draw();
  });
  observer.observe(root);
  return () => {
    clearTimeout(lost);
    observer.disconnect();
    erase?.();
  };
}
