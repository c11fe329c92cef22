"""The main job, as a person does it: open the quick start, run it, watch, kill, download."""

import re

import pytest
from playwright.sync_api import expect

STORM, LONG_RUN, WAIT, BROKEN, LISTING, RECENT, FRAME = 3, 5, 7, 9, 11, 15, 17


@pytest.fixture(params=["light", pytest.param("dark", marks=pytest.mark.extended)])
def theme(request):
    return request.param


def card(notebook, index):
    return notebook.output(index).get_by_role("region", name=re.compile("^Task "))


def badge(card):
    return card.get_by_role("status").first


def test_quickstart_from_top_to_bottom(open_notebook, page, lab, theme):
    notebook = open_notebook("quickstart.ipynb", theme)
    notebook.start_all()

    storm, long_run = card(notebook, STORM), card(notebook, LONG_RUN)
    expect(storm).to_be_visible(timeout=60_000)
    # The cell that waits for the storm is running now: the card moves all the same.
    expect(badge(storm)).to_have_attribute("data-status", "success", timeout=60_000)

    expect(badge(card(notebook, BROKEN))).to_have_attribute(
        "data-status", re.compile("failed|submitted")
    )
    expect(badge(long_run)).to_have_attribute("data-status", "computation-started", timeout=30_000)

    long_run.get_by_role("button", name="Kill", exact=True).click()
    long_run.get_by_role("button", name="Confirm kill").click()
    expect(badge(long_run)).to_have_attribute("data-status", "killed", timeout=60_000)
    expect(long_run.get_by_role("button", name="Kill", exact=True)).to_have_count(0)

    broken = card(notebook, BROKEN)
    expect(badge(broken)).to_have_attribute("data-status", "failed", timeout=30_000)
    expect(broken).to_contain_text("ERROR 209")

    expect(notebook.output(LISTING)).to_contain_text("model.rpt")
    table = notebook.output(RECENT).get_by_role("grid").first
    expect(table.get_by_role("status").first).to_be_visible()
    expect(notebook.output(FRAME)).to_contain_text("computation_time")

    storm.get_by_role("tab", name=re.compile("Outputs")).click()
    expect(storm).to_contain_text("stdout.txt")
    storm.get_by_role("button", name="Download all").click()
    expect(storm).to_contain_text("Downloaded ", timeout=60_000)
    task_id = storm.get_attribute("aria-label").removeprefix("Task ")
    saved = lab.folder / "inductiva_output" / task_id / "outputs"
    assert (saved / "model.out").stat().st_size > 10_000_000
    assert (saved / "stdout.txt").read_text().startswith("EPA SWMM")
