/**
 * Registry of the views in this page: a view whose output is rendered again is moved, not redrawn.
 *
 * The kernel updates the output of a widget when the status of a task changes: the text that the
 * notebook stores must be true. JupyterLab renders the whole output then: it empties the output's
 * node, makes a second view of the same model and never ends the first one. The second view takes
 * over what the first one had drawn, so that its state stays. What a browser forgets of elements
 * that leave the document is kept here: scroll positions, the focus and the selected text.
 */
import type { Bridge, Host } from "./bridge";

/** A drawn widget. */
export interface View {
  /** Whether a host has thrown the view out of the document without ending it. */
  isDetached(): boolean;
  /** Shows the view in another element of the host. */
  moveTo(el: Element, host: Host): void;
  /** Ends the view, unless it is in another element by now, or has ended. */
  end(el: Element): void;
}

const views = new Map<string, Set<View>>();

/** The view of a widget that is to be moved, if there is one. */
export function detachedView(instance: string): View | undefined {
  if (instance === "") return undefined;
  return [...(views.get(instance) ?? [])].find((view) => view.isDetached());
}

interface ViewEvents {
  onMove(el: Element, host: Host): void;
  onEnd(): void;
}

/** Keeps a view that is drawn into `root` in `el`. */
export function registerView(
  instance: string,
  el: Element,
  root: HTMLElement,
  bridge: Bridge,
  events: ViewEvents,
): View {
  const place = trackFocusAndScroll(root);
  const known = views.get(instance) ?? new Set();
  let home: Element | null = el;
  const view: View = {
    // A cell that is scrolled out of sight leaves the document too, but as a whole.
    isDetached: () => place.wasShown() && home !== null && home.parentNode === null,
    moveTo: (el, host) => {
      home = el;
      bridge.moveTo(host);
      events.onMove(el, host);
      el.append(root);
      place.restore();
    },
    end: (el) => {
      if (el !== home) return;
      // Hosts may close a view twice.
      home = null;
      known.delete(view);
      if (known.size === 0) views.delete(instance);
      place.forget();
      events.onEnd();
      bridge.dispose();
      root.remove();
    },
  };
  views.set(instance, known.add(view));
  return view;
}

/** Remembers where a person is in a view. */
function trackFocusAndScroll(root: HTMLElement) {
  const page = root.ownerDocument;
  const scrolled = new Map<Element, [number, number]>();
  let focused: HTMLElement | null = null;
  let selected: [Node, number, Node, number] | null = null;
  let wasShown = false;
  let comesBack: MutationObserver | null = null;

  // Scroll events do not bubble. They come a frame late, perhaps when the element has left.
  root.addEventListener(
    "scroll",
    ({ target }) => {
      if (target instanceof Element && root.isConnected)
        scrolled.set(target, [target.scrollTop, target.scrollLeft]);
    },
    true,
  );
  root.addEventListener("focusin", ({ target }) => {
    focused = target as HTMLElement;
  });
  root.addEventListener("focusout", () => {
    // Browsers also send this event when an element leaves the document.
    queueMicrotask(() => {
      if (root.isConnected && !root.contains(page.activeElement)) focused = null;
    });
  });
  const onSelect = () => {
    const found = page.getSelection();
    if (!root.isConnected || found === null) return;
    const { anchorNode: anchor, focusNode: focus } = found;
    const isHere = anchor && focus && root.contains(anchor) && root.contains(focus);
    selected = isHere ? [anchor, found.anchorOffset, focus, found.focusOffset] : null;
  };
  page.addEventListener("selectionchange", onSelect);
  const observer = new ResizeObserver(() => {
    wasShown ||= root.isConnected;
  });
  observer.observe(root);

  return {
    wasShown: () => wasShown,
    /** Goes back there as soon as the root is in the document again. */
    restore: () => {
      const before = [...scrolled];
      const [element, text] = [focused, selected];
      comesBack?.disconnect();
      // Runs right after the host has put it there, before any key that a person presses.
      comesBack = new MutationObserver((_, me) => {
        if (!root.isConnected) return;
        me.disconnect();
        for (const [scroller, [top, left]] of before) {
          scroller.scrollTop = top;
          scroller.scrollLeft = left;
        }
        // In this order: a field that gets the focus takes its own selection up again.
        if (text) page.getSelection()?.setBaseAndExtent(...text);
        // Unless the focus is elsewhere by now.
        if (page.activeElement?.contains(root)) element?.focus({ preventScroll: true });
      });
      comesBack.observe(page, { childList: true, subtree: true });
    },
    forget: () => {
      observer.disconnect();
      comesBack?.disconnect();
      page.removeEventListener("selectionchange", onSelect);
    },
  };
}
