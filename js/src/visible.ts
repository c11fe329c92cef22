/**
 * Tells the kernel whether a view is in sight: for pages that nobody looks at it asks nothing of
 * the service.
 */
import type { Bridge } from "./bridge";

/** Tells it now and whenever the page is hidden or shown; the returned function says goodbye. */
export function tellVisibility(bridge: Bridge, page: Document): () => void {
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
