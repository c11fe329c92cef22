"""Presses every key that a notebook reacts to while an element of a widget has the focus."""

from __future__ import annotations

from playwright.sync_api import Page, expect

# What a command did last, and what the notebook consists of.
RECORD = """() => {
    window.executed = [];
    jupyterapp.commands.commandExecuted.connect((_, { id }) => window.executed.push(id));
}"""
CELLS = """() => jupyterapp.shell.currentWidget.content.widgets.map(({ model }) =>
    [model.type, model.sharedModel.getSource(), model.executionCount ?? null])"""
# Of the key bindings of the running application those of the notebook, its kernel and its menus.
BINDINGS = """() => jupyterapp.commands.keyBindings
    .filter(({ selector }) => /[.]jp-Notebook|^[[]data-jp-/.test(selector))
    .map(({ keys }) => [...keys])"""
# The first visible element of each kind that can have the focus, fields last: they change the list.
FOCUSABLE = """(scope) => {
    const found = 'a[href], button, input, select, textarea, summary, '
        + '[tabindex], [contenteditable]';
    const all = [...document.querySelectorAll(scope)].flatMap(
        (part) => [part, ...part.querySelectorAll('*')]).filter((node) => node.matches(found));
    const kinds = new Map();
    for (const node of all) {
        if (node.disabled || node.getClientRects().length === 0) continue;
        const { type = '', localName, classList } = node;
        const role = node.getAttribute('role') ?? '';
        const kind = [localName, type, role, classList[0] ?? ''].join(' ');
        if (!kinds.has(kind)) kinds.set(kind, node);
    }
    window.focusable = kinds;
    const isLast = (kind) => /^(select|input (search|text))/.test(kind);
    return [...kinds.keys()].sort((a, b) => isLast(a) - isLast(b));
}"""
FOCUS = """(kind) => {
    const node = window.focusable.get(kind);
    node.focus({ preventScroll: true });
    return document.activeElement === node;
}"""
NOTEBOOK_COMMANDS = ("notebook:", "runmenu:", "kernelmenu:", "editmenu:", "viewmenu:")


class Keys:
    """Watches what key presses do to the notebook that is open in a page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.evaluate(RECORD)
        self.cells = page.evaluate(CELLS)
        self.bindings = sorted({tuple(map(_playwright, keys)) for keys in page.evaluate(BINDINGS)})
        assert {("d", "d"), ("b",), ("Control+Enter",), ("Control+Backspace",)} <= {*self.bindings}

    def press_all(self, scope: str = ".iw-root") -> set[str]:
        """Press each key on each kind of element within a scope; return the kinds."""
        kinds = self.page.evaluate(FOCUSABLE, scope)
        for kind in kinds:
            for keys in self.bindings:
                # Enter opens what has the focus and Escape closes it: the others may go then.
                if keys[-1].endswith(("Enter", "Escape")):
                    continue
                self._focus(kind, scope)
                self.press(*keys, where=kind)
            self.save(kind)
            if kind.startswith("input search"):
                # What was typed leaves nothing to be found.
                self.page.keyboard.press("Control+a")
                self.page.keyboard.press("Delete")
        return {*kinds}

    def _focus(self, kind: str, scope: str) -> None:
        if not self.page.evaluate(FOCUS, kind):
            # It may have been drawn anew.
            assert kind in self.page.evaluate(FOCUSABLE, scope), f"{kind} is gone"
            assert self.page.evaluate(FOCUS, kind), kind

    def press(self, *keys: str, where: str) -> None:
        """Press keys, one after another, and check that the notebook is as it was."""
        for key in keys:
            self.page.keyboard.press(key)
        self.check(f"{' '.join(keys)} on {where}")

    def save(self, where: str) -> None:
        """Save by the keyboard, which must work, and so wait for the effect of earlier keys."""
        saves = "window.executed.filter((id) => id === 'docmanager:save').length"
        count = self.page.evaluate(saves)
        self.page.keyboard.press("Control+s")
        self.page.wait_for_function(f"{saves} > {count}", timeout=15_000)
        self.check(where)

    def check(self, where: str) -> None:
        assert self.page.evaluate(CELLS) == self.cells, where
        executed = self.page.evaluate("window.executed")
        assert [one for one in executed if one.startswith(NOTEBOOK_COMMANDS)] == [], where
        expect(self.page.locator(".jp-Dialog")).to_have_count(0)

    def check_that_keys_work_on_a_cell(self) -> None:
        """Check that the same keys do act on the notebook where a cell has the focus."""
        self.page.locator(".jp-Notebook .jp-Cell .jp-InputPrompt").last.click()
        self.page.keyboard.press("b")
        self.page.wait_for_function(f"({CELLS})().length === {len(self.cells) + 1}")


def _playwright(keystroke: str) -> str:
    """Return a keystroke of Lumino as Playwright writes it: ``Accel A`` as ``Control+a``."""
    *modifiers, key = keystroke.split(" ")
    names = {"Accel": "Control", "Ctrl": "Control"}
    if len(key) == 1 and "Shift" not in modifiers:
        key = key.lower()
    return "+".join([*(names.get(one, one) for one in modifiers), key])
