"""What the notebooks show of simulations' own results, as a person runs them, in both themes."""

import re
from importlib.util import find_spec

import nbformat
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import take

pytestmark = pytest.mark.extended

# A busy machine computes for minutes.
LONG = 300_000


@pytest.fixture
def run(open_notebook, page, lab):
    """Return a function that runs a notebook and returns it with the places of its cells."""

    def run(name):
        page.set_viewport_size({"width": 1120, "height": 1000})
        cells = nbformat.read(lab.folder / name, 4).cells
        notebook = open_notebook(name)
        notebook.run_all()

        def output(text):
            [place] = [number for number, cell in enumerate(cells) if text in cell.source]
            return notebook.output(place)

        return output

    return run


def test_sweep_of_ten_runs_ends_in_a_chart_of_their_results(run, page):
    output = run("many_tasks.ipynb")
    chart = output("hydrographs | floods").locator(".vega-embed")
    chart.scroll_into_view_if_needed()
    expect(chart.get_by_text("Water on the streets")).to_be_visible(timeout=LONG)
    # The ramp of the legend is a rectangle too.
    expect(chart.locator(".mark-rect.role-mark path")).to_have_count(10)
    take(page, chart, "sweep")

    table = output("sweep = inductiva.TaskList")
    table.scroll_into_view_if_needed()
    statuses = table.get_by_role("grid").get_by_role("status")
    expect(statuses.first).to_have_attribute("data-status", "success", timeout=60_000)
    take(page, table, "sweep-table")
    table.get_by_role("grid").get_by_role("row").nth(1).focus()
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowDown")
    expect(table.get_by_role("button", name=re.compile(r"^Download \d"))).to_be_enabled()
    take(page, table, "sweep-chosen")
    take(page, output("results.round(2)"), "sweep-results")


def test_outputs_are_chosen_and_previewed(run, page):
    output = run("outputs.ipynb")
    files = output("inductiva.OutputsWidget")
    files.scroll_into_view_if_needed()
    expect(files.get_by_role("checkbox", name=re.compile("model.rpt"))).to_be_checked()
    take(page, files, "outputs-files")
    chart = output("rain & flow").locator(".vega-embed svg.marks")
    expect(chart).to_be_visible()
    take(page, output("rain & flow").locator(".vega-embed"), "outputs-storm")
    expect(output("again = storm")).to_contain_text("of 8 files were there already")


@pytest.mark.skipif(find_spec("pysplishsplash") is None, reason="needs pysplishsplash")
def test_dam_break_shows_its_particles(run, page):
    output = run("dam_break.ipynb")
    moments = output("plt.subplots(2, 3").get_by_role("img")
    moments.scroll_into_view_if_needed()
    expect(moments).to_be_visible(timeout=LONG)
    assert moments.evaluate("image => image.naturalWidth") > 800
    take(page, moments, "dam-break")
    film = output("dam_break.gif").get_by_role("img")
    film.scroll_into_view_if_needed()
    expect(film).to_be_visible(timeout=LONG)
    assert film.evaluate("image => image.naturalWidth") > 400
    take(page, film, "dam-break-film")
