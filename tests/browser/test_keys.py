"""Keys that are pressed while an element of a card or a table has the focus, in JupyterLab."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.key_presses import Keys

SETUP = """import inductiva_widgets as inductiva
inductiva.connect("local")
swmm = inductiva.simulators.SWMM()"""
CARD = """task = swmm.run("cases/swmm_fail")
task.wait(silent_mode=True)
task"""
TABLE = "inductiva.tasks.get(last_n=5).widget()"
LAST = "'the last cell'"


class Widgets:
    """A notebook with a card and a table, found as people find their parts."""

    def __init__(self, notebook):
        self.page = notebook.page
        self.card = notebook.output(1).get_by_role("region", name=re.compile("^Task "))
        self.table = notebook.output(2)
        expect(self.card.get_by_role("status").first).to_have_attribute(
            "data-status", "failed", timeout=60_000
        )
        self.row = self.table.get_by_role("row").filter(has=self.page.get_by_role("status")).first
        expect(self.row).to_be_visible(timeout=60_000)
        self.search = self.table.get_by_role("searchbox", name="Search tasks")
        self.keys = Keys(self.page)


@pytest.fixture
def widgets(open_notebook, lab):
    notebook = open_notebook(lab.write("keys.ipynb", SETUP, CARD, TABLE, LAST))
    notebook.run_all()
    return Widgets(notebook)


def test_keys_on_every_kind_of_element_leave_the_cells_alone(widgets):
    for name in ("Log", "Details", re.compile("^Outputs")):
        widgets.card.get_by_role("tab", name=name).click()
        expect(widgets.card.get_by_role("tabpanel")).to_be_visible(timeout=30_000)
        widgets.keys.press_all(".iw-root [role=tabpanel]")
        # With every tab closed, the arrows on them open none.
        widgets.card.get_by_role("tab", name=name).click()
    for name in ("Columns", "Filter Status"):
        widgets.table.get_by_role("button", name=name).click()
        expect(widgets.table.get_by_role("dialog")).to_be_visible()
        assert "div  dialog iw-popover" in widgets.keys.press_all(".iw-root [role=dialog]")
        widgets.page.keyboard.press("Escape")
        expect(widgets.table.get_by_role("dialog")).to_have_count(0)
    kinds = widgets.keys.press_all()
    for kind in ("button button tab ", "div  row ", "input checkbox ", "input search ", "select "):
        assert any(found.startswith(kind) for found in kinds), (kind, kinds)
    widgets.keys.check_that_keys_work_on_a_cell()


def test_keys_after_a_click_leave_the_cells_alone(widgets):
    for target in (
        widgets.card.get_by_role("tab", name="Details"),
        widgets.card.get_by_role("button", name="Copy task ID"),
        widgets.table.get_by_role("button", name=re.compile("^All ")),
        widgets.table.get_by_role("button", name="Status", exact=True),
        widgets.table.get_by_role("checkbox", name=re.compile("^Select task")).first,
        widgets.row,
        widgets.search,
    ):
        target.click()
        for keys in (("a",), ("b",), ("x",), ("m",), ("d", "d"), ("v",), ("r",), ("0", "0")):
            widgets.keys.press(*keys, where=str(target))
        widgets.keys.save(str(target))
        widgets.search.clear()


def test_enter_with_a_modifier_runs_no_cell(widgets):
    tab = widgets.card.get_by_role("tab", name="Details")
    for target in (widgets.search, widgets.row, tab):
        for key in ("Control+Enter", "Shift+Enter", "Alt+Enter"):
            target.focus()
            widgets.keys.press(key, where=str(target))
        widgets.keys.save(str(target))


def test_typing_copying_and_shortcuts_of_the_browser_work_in_a_widget(widgets):
    widgets.search.focus()
    widgets.page.keyboard.type("add bxy 0012")
    expect(widgets.search).to_have_value("add bxy 0012")
    widgets.page.keyboard.press("Control+a")
    widgets.page.keyboard.press("Control+c")
    clipboard = "navigator.clipboard.readText()"
    assert widgets.page.evaluate(clipboard) == "add bxy 0012"
    widgets.page.keyboard.press("Control+Backspace")
    expect(widgets.search).to_have_value("")
    # Text of a card, selected while one of its buttons has the focus.
    widgets.card.get_by_role("tab", name="Details").click()
    words = widgets.card.get_by_role("group", name="Why it failed").locator("b").first
    words.evaluate("node => getSelection().selectAllChildren(node)")
    widgets.page.keyboard.press("Control+c")
    assert widgets.page.evaluate(clipboard) == words.inner_text()
    # A browser acts on the keys that nobody has prevented.
    widgets.page.evaluate("""() => addEventListener('keydown', (event) => {
        window.prevented = () => [event.key, event.defaultPrevented];
    }, true)""")
    for key, name in (("Control+f", "f"), ("Tab", "Tab")):
        widgets.page.keyboard.press(key)
        assert widgets.page.evaluate("window.prevented()") == [name, False]
    widgets.keys.save("a tab")
