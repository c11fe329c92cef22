/** The width of an element, followed as it changes. */
import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";

/** Returns `initial` before the first measurement, and in hosts without layout. */
export function useWidth(box: RefObject<HTMLElement | null>, initial: number): number {
  const [width, setWidth] = useState(initial);
  useLayoutEffect(() => {
    const node = box.current;
    if (node === null) return undefined;
    const measure = () => setWidth(node.clientWidth || node.offsetWidth || initial);
    measure();
    if (typeof ResizeObserver === "undefined") return undefined;
    const observer = new ResizeObserver(measure);
    observer.observe(node);
    return () => observer.disconnect();
  }, [box, initial]);
  return width;
}
