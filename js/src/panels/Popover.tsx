/** A dialog below the button that opened it. */
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { isShortcut } from "../shortcuts";

interface Props {
  anchor: HTMLElement;
  label: string;
  onClose: () => void;
  children: ComponentChildren;
}

const GAP = 4;

export function Popover({ anchor, label, onClose, children }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const own = useRef<Event | null>(null);
  const [place, setPlace] = useState({ left: 0, top: 0 });

  // biome-ignore lint/correctness/useExhaustiveDependencies: once per opening
  useLayoutEffect(() => {
    const node = box.current;
    const around = node?.offsetParent;
    if (!node || !around) return undefined;
    const follow = () => {
      const [outer, button] = [around.getBoundingClientRect(), anchor.getBoundingClientRect()];
      const widest = outer.width - node.offsetWidth - GAP;
      const left = Math.max(GAP, Math.min(button.left - outer.left, widest));
      setPlace({ left, top: button.bottom - outer.top + GAP });
    };
    follow();
    const observer = typeof ResizeObserver === "undefined" ? null : new ResizeObserver(follow);
    observer?.observe(node);
    observer?.observe(around);
    return () => observer?.disconnect();
  }, []);

  const close = () => {
    onClose();
    anchor.focus();
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: once per opening
  useLayoutEffect(() => {
    const node = box.current;
    node?.focus({ preventScroll: true });
    // The path of an event that comes from a closed shadow root ends at its host, so ours is known
    // by its identity.
    const outside = (event: Event) => {
      if (event !== own.current && !event.composedPath().includes(anchor)) onClose();
    };
    const page = anchor.ownerDocument;
    page.addEventListener("pointerdown", outside);
    return () => page.removeEventListener("pointerdown", outside);
  }, []);

  return (
    <div
      role="dialog"
      aria-label={label}
      class="iw-popover iw-frame"
      tabIndex={-1}
      ref={box}
      style={{ left: `${place.left}px`, top: `${place.top}px` }}
      onPointerDown={(event) => {
        own.current = event;
      }}
      onKeyDown={(event) => {
        // Keys typed here must not reach handlers of the list; shortcuts of the host are caught at the root.
        if (!isShortcut(event)) event.stopPropagation();
        if (event.key === "Escape") close();
      }}
    >
      {children}
    </div>
  );
}
