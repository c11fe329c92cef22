"""Pictures of task frames in JupyterLab: drawn by itself, without a network, in both themes."""

import re

import nbformat
import pytest
from nbconvert import HTMLExporter
from playwright.sync_api import expect

from tests.browser.conftest import set_theme, take

pytestmark = pytest.mark.extended

# What no name of a project may do: run in the page, be an expression, be a field.
HOSTILE = "<script>window.broken = 1</script> datum.x['a']"
SETUP = f"""import random
import msgspec
from inductiva_widgets import plots
from inductiva_widgets.frames import to_frame
from inductiva_widgets.models.tasks import TaskInfo
from tests.benchmarks.page_server import make_task

chance = random.Random(7)
tasks = [make_task(number, chance) for number in range(400)]
tasks[0]["project"] = {HOSTILE!r}
df = to_frame([msgspec.convert(task, TaskInfo, strict=False) for task in tasks])"""
TIMELINE = "Number of tasks in each phase"
PICTURES = ("timeline", "durations", "costs", "statuses", "machines")
CELLS = [*(f"plots.{name}(df)" for name in PICTURES), "plots.timeline(df[:30]) & plots.costs(df)"]


def chart_in(output):
    return output.locator(".vega-embed svg.marks")


def colour_of(text):
    return text.evaluate("node => getComputedStyle(node).fill")


def test_pictures_are_drawn_in_both_themes_without_a_network(open_notebook, lab, page):
    notebook = open_notebook(lab.write("plots.ipynb", SETUP, *CELLS))
    notebook.run_all()
    outputs = [notebook.output(place) for place in range(1, len(CELLS) + 1)]
    for output, name in zip(outputs, (*PICTURES, "joined"), strict=True):
        expect(chart_in(output)).to_be_visible(timeout=30_000)
        take(page, output, f"plots-{name}")
    timeline, _, costs = outputs[:3]
    expect(timeline.get_by_label(re.compile(rf"^{TIMELINE}\. 400 tasks, "))).to_be_visible()

    # Chosen after they were drawn, the theme is that of the texts all the same.
    title = chart_in(timeline).get_by_text(TIMELINE, exact=True)
    assert colour_of(title).startswith("rgba(0, 0, 0")
    set_theme(page, "dark")
    assert colour_of(title).startswith(("rgb(255", "rgba(255"))

    expect(chart_in(costs).get_by_text("<script>win")).to_be_visible()
    chart_in(costs).locator(".mark-rect path").last.hover()
    expect(page.locator("#vg-tooltip-element")).to_contain_text(re.compile(r"Group.*Cost.*\$"))
    assert page.evaluate("window.broken") is None

    page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    saved = nbformat.read(lab.folder / "plots.ipynb", 4)
    shown = [cell.outputs[0] for cell in saved.cells[1:]]
    assert shown[0].metadata["image/png"].alt.startswith(f"{TIMELINE}. 400 tasks, ")
    page_of_it, _ = HTMLExporter().from_notebook_node(saved)
    assert page_of_it.count('src="data:image/png') == len(CELLS)
