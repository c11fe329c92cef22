"""A saved notebook stays readable without its kernel: in JupyterLab, by nbconvert, on GitHub."""

import re
import subprocess
import sys

import nbformat
import pytest
from playwright.sync_api import expect

from tests.browser import workload_scripts
from tests.browser.conftest import ARTIFACTS, take

SETUP = """import inductiva_widgets as inductiva
inductiva.connect("local")
swmm = inductiva.simulators.SWMM()"""
WAIT = "task = swmm.run('cases/swmm_fail')\ntask.wait()"
DOWNLOAD = "task.download_outputs()"
SHOWN = "task"
LIST = "inductiva.tasks.get(last_n=3)"
BROKEN = re.compile("Error displaying widget|[Mm]odel not found|Loading widget")


@pytest.fixture
def saved(open_notebook, lab, page):
    """Return a notebook whose kernel was shut down before it was saved."""
    name = lab.write("saved.ipynb", SETUP, WAIT, DOWNLOAD, SHOWN, LIST)
    notebook = open_notebook(name)
    notebook.run_all()
    # Explicitly shown: live, for the kernel is there.
    card = notebook.output(3).get_by_role("region", name=re.compile("^Task "))
    expect(card.get_by_role("tab").first).to_be_visible(timeout=30_000)
    # Waited for, and downloaded: plain already.
    for index in (1, 2):
        expect(notebook.output(index).locator("section")).to_be_visible()
        expect(notebook.output(index).locator(".iw-root")).to_have_count(0)
    page.evaluate("jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    expect(notebook.output(3).locator(".iw-root")).to_have_count(0, timeout=60_000)
    expect(notebook.output(4).locator(".iw-root")).to_have_count(0)
    page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    return name


@pytest.mark.own_page
def test_saved_notebook_is_readable_without_a_kernel_and_elsewhere(saved, lab, page, browser):
    bundles = outputs(lab.folder / saved)
    assert bundles
    for bundle in bundles:
        assert set(bundle) == {"text/html", "text/plain"}
    opens_in_lab(saved, lab, page)
    exports_by_nbconvert(saved, lab, browser)
    reads_without_styles(bundles, browser)


def outputs(path):
    notebook = nbformat.read(path, 4)
    found = [output for cell in notebook.cells for output in cell.outputs]
    return [output.data for output in found if "text/html" in output.get("data", ())]


def opens_in_lab(name, lab, page):
    notebook = nbformat.read(lab.folder / name, 4)
    # A kernel that does not exist: nothing starts, as on a machine without ours.
    notebook.metadata["kernelspec"] = {"name": "none", "display_name": "None"}
    nbformat.write(notebook, lab.folder / "reopened.ipynb")
    page.goto(f"{lab.url}/doc/tree/reopened.ipynb?reset", wait_until="domcontentloaded")
    cells = page.locator(".jp-Notebook .jp-Cell")
    card = cells.nth(1).locator(".jp-Cell-outputArea")
    expect(card).to_contain_text("Failed", timeout=30_000)
    expect(card).to_contain_text("download_outputs()")
    expect(cells.nth(2)).to_contain_text(re.compile(r"Downloaded \d+ files?, .* to"))
    expect(cells.nth(3).locator(".jp-Cell-outputArea")).to_contain_text("swmm")
    expect(cells.nth(4).locator(".jp-Cell-outputArea").get_by_role("table")).to_contain_text(
        "Simulator"
    )
    expect(page.locator("body")).not_to_contain_text(BROKEN)
    take(page, page.locator(".jp-Notebook"), "twin-lab")


def exports_by_nbconvert(name, lab, browser):
    command = [sys.executable, "-m", "nbconvert", "--to", "html", str(lab.folder / name)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    page = browser.new_page(java_script_enabled=False, viewport={"width": 1100, "height": 1300})
    page.set_content((lab.folder / name).with_suffix(".html").read_text(), wait_until="commit")
    body = page.locator("body")
    for words in ("Failed", "ERROR", "Downloaded", "download_outputs()", "Simulator"):
        expect(body).to_contain_text(words)
    expect(body).not_to_contain_text(BROKEN)
    page.screenshot(path=ARTIFACTS / "twin-nbconvert.png", full_page=True)
    page.close()


def reads_without_styles(bundles, browser):
    """As GitHub shows it, which keeps the elements and drops every style."""
    html = "\n<hr>".join(re.sub(r' style="[^"]*"', "", bundle["text/html"]) for bundle in bundles)
    assert "style=" not in html
    page = browser.new_page(java_script_enabled=False, viewport={"width": 900, "height": 1200})
    page.set_content(f"<body style='font-family:sans-serif'>{html}")
    expect(page.locator("section").first).to_contain_text("Failed")
    expect(page.locator("section").first).to_contain_text("Computation time")
    page.screenshot(path=ARTIFACTS / "twin-github.png", full_page=True)
    page.close()


def test_freeze_makes_a_live_card_plain(open_notebook, lab):
    show = f"task = {workload_scripts.SLEEP}\nwidget = task.widget()\nwidget"
    cells = (SETUP, show, "widget.freeze()", "task.kill()")
    notebook = open_notebook(lab.write("freeze.ipynb", *cells))
    notebook.run(0)
    notebook.run(1)
    output = notebook.output(1)
    expect(output.get_by_role("button", name="Kill", exact=True)).to_be_visible(timeout=30_000)
    notebook.run(2)
    expect(output.locator(".iw-root")).to_have_count(0)
    expect(output.get_by_role("region", name=re.compile("^Task "))).to_contain_text("As of")
    notebook.run(3)
