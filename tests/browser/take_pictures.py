"""Make the pictures of the README and the docs, one of every state of the card included.

Run by ``make pictures``.

Not a test of its own, hence not collected by name; it runs on the tests' fixtures, so that what the
pictures show is a real JupyterLab with real simulations.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

ROOT = Path(__file__).parents[2]
SHOWN = "".join(path.read_text() for path in (ROOT / "README.md", ROOT / "docs" / "card.md"))


def place(name: str) -> Path:
    """Return where a picture goes: what a page shows is kept, the rest is to be looked at."""
    shown = name in SHOWN
    folder = ROOT / ("notebooks/images" if shown else "tests/artifacts/pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name


SETUP = """import inductiva_widgets as inductiva
inductiva.connect("local")
swmm = inductiva.simulators.SWMM()"""
STORM = 'storm = swmm.run("cases/swmm_storm")\nstorm'
LONG_RUN = 'long_run = swmm.run("cases/swmm_long", project="sewers-2030")\nlong_run'
QUEUED = 'queued = [swmm.run("cases/swmm_long") for _ in range(3)][-1]\nqueued'
BROKEN = 'broken = swmm.run("cases/swmm_fail")\nbroken'
RECENT = "inductiva.tasks.get(last_n=8)"
CLEAR = "inductiva.tasks.get_all().kill()"


def region(notebook, index):
    return notebook.output(index).get_by_role("region", name=re.compile("^Task ")).first


def becomes(card, status):
    expect(card.get_by_role("status").first).to_have_attribute(
        "data-status", status, timeout=60_000
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_take_pictures(open_notebook, page, lab, theme):
    def take(locator, name):
        locator.scroll_into_view_if_needed()
        locator.screenshot(path=place(f"{name}-{theme}.png"), animations="disabled")

    page.set_viewport_size({"width": 1120, "height": 1100})
    name = lab.write(
        f"pictures_{theme}.ipynb", SETUP, STORM, BROKEN, LONG_RUN, QUEUED, RECENT, CLEAR
    )
    notebook = open_notebook(name, theme)
    notebook.run(0)
    notebook.run(1)
    storm = region(notebook, 1)
    becomes(storm, "computation-started")
    expect(storm).to_contain_text("0:00:04", timeout=60_000)
    take(storm, "card-running")
    becomes(storm, "success")
    storm.get_by_role("tab", name=re.compile("Outputs")).click()
    expect(storm).to_contain_text("model.rpt")
    take(storm, "card-success")
    storm.get_by_role("button", name="Download all").click()
    expect(storm).to_contain_text("Downloaded ", timeout=60_000)
    take(storm, "card-downloaded")
    storm.get_by_role("tab", name="Details").click()
    take(storm, "card-details")
    notebook.run(2)
    broken = region(notebook, 2)
    becomes(broken, "failed")
    take(broken, "card-failed")
    notebook.run(3)
    long_run = region(notebook, 3)
    becomes(long_run, "computation-started")
    notebook.run(4)
    queued = region(notebook, 4)
    expect(queued).to_contain_text("ahead", timeout=60_000)
    take(queued, "card-queued")
    notebook.run(5)
    table = notebook.output(5)
    expect(table.get_by_role("row").nth(5)).to_be_visible(timeout=60_000)
    take(table, "list")
    table.get_by_role("row").nth(4).get_by_role("button").first.click()
    expect(table.get_by_role("region", name=re.compile("^Task ")).first).to_be_visible()
    take(table, "list-open")
    long_run.get_by_role("button", name="Kill", exact=True).click()
    take(long_run, "card-confirm")
    long_run.get_by_role("button", name="Confirm kill").click()
    becomes(long_run, "killed")
    take(long_run, "card-killed")
    page.set_viewport_size({"width": 620, "height": 1100})
    take(storm, "narrow-card")
    take(table, "narrow-list")
    notebook.run(6)


PLATE = """image = inductiva.simulators.CustomImage("docker://python:3.12-slim")
plate = image.run("cases/heat_plate", commands=["python solve.py 1.9"])
plate.watch(r"residual\\s+(?P<residual>\\S+)", stop_if="residual > 1e3 for 20 samples")
plate"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_take_a_run_that_is_watched(open_notebook, page, lab, theme):
    page.set_viewport_size({"width": 1120, "height": 1100})
    notebook = open_notebook(lab.write(f"watched_{theme}.ipynb", SETUP, PLATE), theme)
    notebook.run(0)
    notebook.run(1)
    card = region(notebook, 1)
    becomes(card, "computation-started")
    card.get_by_role("tab", name="Log").click()
    card.get_by_role("button", name="Chart of residual").click(timeout=60_000)
    expect(card.get_by_role("region", name="Chart of residual")).to_be_visible()
    expect(card).to_contain_text(re.compile("sweep +500 "), timeout=30_000)
    page.mouse.move(5, 5)
    card.scroll_into_view_if_needed()
    card.screenshot(path=place(f"card-watched-{theme}.png"), animations="disabled")


HERO_SETUP = """import inductiva_widgets as inductiva
inductiva.connect("local")"""
HERO_RUN = """swmm = inductiva.simulators.SWMM()
swmm.run(input_dir="cases/swmm_storm")"""
HERO_LIST = "inductiva.tasks.get(last_n=6)"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_take_the_readmes_head(open_notebook, page, lab, theme):
    page.set_viewport_size({"width": 1180, "height": 900})
    notebook = open_notebook(
        lab.write(f"storm_{theme}.ipynb", HERO_SETUP, HERO_RUN, HERO_LIST), theme
    )
    notebook.run(0)
    notebook.run(1)
    storm = region(notebook, 1)
    becomes(storm, "computation-started")
    notebook.run(2)
    expect(notebook.output(2).get_by_role("row").nth(5)).to_be_visible(timeout=60_000)
    expect(storm).to_contain_text("0:00:06", timeout=60_000)
    page.mouse.move(5, 5)
    first = page.locator(".jp-Notebook .jp-Cell").first.bounding_box()
    last = page.locator(".jp-Notebook .jp-Cell").nth(2).bounding_box()
    top, bottom = first["y"] - 6, last["y"] + last["height"] + 6
    clip = {"x": first["x"], "y": top, "width": first["width"], "height": bottom - top}
    page.screenshot(path=place(f"notebook-{theme}.png"), clip=clip, animations="disabled")
