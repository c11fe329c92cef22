/**
 * Keeps the notebook's single-key commands away while something of ours has the focus.
 *
 * In JupyterLab the arrow keys would move to another cell and `d d` delete this one, since its
 * listener runs before ours. Its own attribute says so; it is lifted while a modifier is held, so
 * that Ctrl+S and the like still reach the notebook. The listeners go with the root.
 */
const ATTRIBUTE = "data-lm-suppress-shortcuts";
const MODIFIERS: ReadonlySet<string> = new Set(["Control", "Meta", "Alt"]);

export function guardShortcuts(root: HTMLElement): void {
  const guard = () => root.setAttribute(ATTRIBUTE, "true");
  const down = (event: KeyboardEvent) => {
    if (MODIFIERS.has(event.key)) root.removeAttribute(ATTRIBUTE);
  };
  const up = (event: KeyboardEvent) => {
    if (MODIFIERS.has(event.key)) guard();
  };
  guard();
  root.addEventListener("keydown", down);
  root.addEventListener("keyup", up);
  // The key may be let go elsewhere, as in another window; coming back starts afresh.
  root.addEventListener("focusin", guard);
}
