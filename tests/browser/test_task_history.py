"""The notebook of five questions, as a person runs it: every cell, its tables and pictures."""

import re

import nbformat
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import end_demo, take

pytestmark = pytest.mark.extended

PICTURES = ("durations", "costs", "machines", "statuses", "timeline")


@pytest.fixture
def demo_ends(local_server):
    yield
    end_demo(local_server)


def test_five_questions_are_answered(open_notebook, page, lab, demo_ends):
    page.set_viewport_size({"width": 1120, "height": 1000})
    cells = nbformat.read(lab.folder / "task_history.ipynb", 4).cells
    of = {name: _cell_with(cells, f".inductiva.{name}(") for name in PICTURES}
    notebook = open_notebook("task_history.ipynb")
    notebook.run_all()
    expect(notebook.output(_cell_with(cells, "again.equals(history)"))).to_contain_text(
        "True", timeout=60_000
    )
    for name, place in of.items():
        chart = notebook.output(place).locator(".vega-embed svg.marks")
        chart.scroll_into_view_if_needed()
        expect(chart).to_be_visible(timeout=30_000)
        take(page, notebook.output(place).locator(".vega-embed"), f"history-{name}")

    buys = notebook.output(_cell_with(cells, "buys ="))
    # Two of head, and a machine each.
    expect(buys.get_by_role("row")).to_have_count(10)
    take(page, buys, "history-buys")
    live = notebook.output(_cell_with(cells, "TaskList.from_frame"))
    live.scroll_into_view_if_needed()
    row = live.get_by_role("grid").get_by_role("row").nth(1)
    expect(row.get_by_role("status")).to_have_attribute("data-status", "failed")
    row.focus()
    page.keyboard.press("Enter")
    card = live.get_by_role("region", name=re.compile("^Task demo"))
    expect(card).to_contain_text("exit code 1")
    take(page, live, "history-live")


def _cell_with(cells, text):
    [place] = [number for number, cell in enumerate(cells) if text in cell.source]
    return place
