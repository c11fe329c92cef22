/**
 * Keyboard shortcuts of the host while an element of a widget has the focus.
 *
 * The notebook's commands must not run then: `d d` would delete the cell with the widget, Ctrl+Enter
 * run it again and submit a second simulation. Shortcuts of the application, such as Ctrl+S, must.
 *
 * JupyterLab and Notebook 7 match `.jp-Notebook … :focus` from the focused element upwards, up to
 * the first one with the attribute below, so the focused element itself has to have it. Notebook 7
 * does so before any listener of the widget is called:
 * https://github.com/jupyterlab/lumino/blob/main/packages/commands/src/index.ts
 */
const ATTRIBUTE = "data-lm-suppress-shortcuts";

/** Return whether a key belongs to the application rather than to what has the focus. */
export function isShortcut({ key, ctrlKey, metaKey, altKey }: KeyboardEvent): boolean {
  return key !== "Enter" && (ctrlKey || metaKey || altKey || /^F\d/.test(key));
}

export function guardShortcuts(root: HTMLElement): void {
  root.addEventListener("focusin", ({ target }) => {
    (target as Element).setAttribute(ATTRIBUTE, "true");
  });
  // The widget's own listeners, further down, come first.
  root.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.defaultPrevented || !isShortcut(event)) return;
    // Sent from the body, a key matches none but the shortcuts of the whole application.
    const copy = new KeyboardEvent(event.type, event);
    root.ownerDocument.body.dispatchEvent(copy);
    if (copy.defaultPrevented) event.preventDefault();
  });
}
