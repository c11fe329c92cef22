"""The chosen tasks of a table side by side, in JupyterLab; the numbers are those of Python."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ARTIFACTS, end_demo, set_theme
from tests.browser.test_accessible import violations
from tests.browser.test_table import SHOW, Table

pytestmark = pytest.mark.extended

FRAME = """import json
df = table.selected.compare(details=True)
seconds = df["computation_time"].dt.total_seconds()
shown = [name for name in df if name not in ("status", "simulator")]
print(json.dumps([list(df.index), list(seconds), len(shown)]))"""


@pytest.fixture(scope="module", autouse=True)
def _ended_demo(local_server):
    yield
    end_demo(local_server)


@pytest.fixture
def table(open_notebook, lab):
    """Return a table in which three tasks of one simulator are chosen, all of them successes."""
    notebook = open_notebook(lab.write("compare.ipynb", SHOW, "1"))
    notebook.run(0)
    table = Table(notebook)
    table.box.get_by_role("searchbox", name="Search tasks").fill("reef3d")
    table.button(re.compile("^Success")).click()
    expect(table.grid.locator('[data-status]:not([data-status="success"])')).to_have_count(0)
    for place in range(3):
        table.grid.get_by_role("checkbox", name=re.compile("^Select task")).nth(place).click()
    return table


@pytest.fixture
def panel(table):
    """Return the comparison of the chosen tasks."""
    expect(table.button("Compare")).to_have_attribute("aria-expanded", "false")
    table.button("Compare").click()
    panel = table.box.get_by_role("region", name="Comparison")
    expect(panel).to_contain_text("3 tasks compared", timeout=30_000)
    return panel


def test_what_is_shown_is_the_frame_of_python(table, panel):
    ids, seconds, count = json.loads(table.ask(FRAME))
    heads = panel.get_by_role("columnheader")
    expect(heads).to_have_count(3)
    assert [head.locator(".iw-compare-id").inner_text() for head in heads.all()] == ids
    expect(panel.locator("th[scope=row]")).to_have_count(count)
    row = panel.get_by_role("row", name=re.compile("^Computation time"))
    titles = [cell.get_attribute("title") for cell in row.get_by_role("cell").all()]
    assert [float(title.removesuffix(" s")) for title in titles] == seconds
    expect(row.get_by_text("shortest")).to_have_count(1)
    panel.get_by_role("button", name="Show what is the same").click()
    expect(panel.get_by_role("row", name=re.compile("^Region"))).to_be_visible()


def test_code_that_is_copied_gives_the_same_frame(table, panel):
    panel.get_by_role("button", name="Copy code").click()
    expect(panel).to_contain_text("Copied")
    code = table.page.evaluate("navigator.clipboard.readText()")
    same = "print(df.equals(table.selected.compare(details=True)))"
    assert table.ask(f"{code}\n{same}") == "True"


def test_keyboard_opens_a_card_from_it_and_leaves_it(table, panel):
    expect(panel).to_be_focused()
    opener = panel.get_by_role("button", name=re.compile("^Show the card of task")).nth(1)
    opener.press("Enter")
    expect(table.box.get_by_role("region", name=re.compile("^Task "))).to_be_visible()
    opener.focus()
    table.page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    expect(table.button("Compare")).to_be_focused()


def test_another_choice_is_compared_anew(table, panel):
    table.grid.get_by_role("checkbox", name=re.compile("^Select task")).nth(3).click()
    expect(panel).to_contain_text("4 tasks compared")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_violation_and_nothing_is_wider_than_the_page(table, panel, theme):
    set_theme(table.page, theme)
    panel.get_by_role("button", name="Show what is the same").click()
    assert violations(table.page, f"compare-{theme}") == []
    panel.screenshot(path=ARTIFACTS / f"compare-{theme}.png", animations="disabled")
    table.page.set_viewport_size({"width": 640, "height": 900})
    wider = """node => node.getBoundingClientRect().right
        - node.closest('.jp-OutputArea-output').getBoundingClientRect().right"""
    assert panel.evaluate(wider) <= 1
    panel.screenshot(path=ARTIFACTS / f"compare-narrow-{theme}.png", animations="disabled")
