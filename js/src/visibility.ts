/**
 * Reports to the kernel whether a view is visible, and unmounts views that never reach the page.
 *
 * The kernel does not poll for widgets without a visible view.
 */
import type { Bridge } from "./bridge";

/** Reports now and on every change; the returned function reports that the view is hidden. */
export function reportVisibility(bridge: Bridge, page: Document): () => void {
  const view = Math.random().toString(36).slice(2);
  const report = (is_visible: boolean) => {
    // If the report fails, the kernel only polls more than necessary.
    bridge.request("visible", { view, is_visible }).catch(() => undefined);
  };
  const onChange = () => report(!page.hidden);
  page.addEventListener("visibilitychange", onChange);
  onChange();
  return () => {
    page.removeEventListener("visibilitychange", onChange);
    report(false);
  };
}

/** Hosts insert a view that they show into the page within this time. */
const DETACHED_AFTER_MS = 20_000;

/**
 * Mounts immediately, and unmounts if the root does not reach the page: hosts also create views for
 * outputs that were cleared, and never end them. Mounts again if the root reaches the page later. The
 * returned function unmounts.
 */
export function mountWhileVisible(root: Element, draw: () => () => void): () => void {
  let erase: (() => void) | null = draw();
  const lost = setTimeout(() => {
    if (root.isConnected) return;
    erase?.();
    erase = null;
  }, DETACHED_AFTER_MS);
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
