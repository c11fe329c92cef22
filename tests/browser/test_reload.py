"""A page that is reloaded while a cell runs gets its live cards back before the cell ends."""

import re

from playwright.sync_api import expect

from tests.browser.hosts.conftest import kill_by_its_buttons

SETUP = """import threading, time
import inductiva_widgets as inductiva
from IPython.display import display
inductiva.connect("local")
task = inductiva.simulators.SWMM().run("cases/swmm_long")
task"""
WAIT = "print('ended as', task.wait())"


def is_card(output):
    return output.get_by_role("region", name=re.compile("^Task "))


def reload(page):
    """Save the notebook, reload the page and wait until its cells are drawn."""
    page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    page.reload(wait_until="domcontentloaded")
    expect(page.locator(".jp-Notebook .jp-Cell").first).to_be_visible(timeout=60_000)


def test_card_is_live_again_after_a_reload_during_a_wait(open_notebook, lab, page):
    notebook = open_notebook(lab.write("reload.ipynb", SETUP, WAIT))
    notebook.run(0)
    notebook.start(1)
    for cell in (0, 1):
        kill = is_card(notebook.output(cell)).get_by_role("button", name="Kill", exact=True)
        expect(kill).to_be_visible(timeout=60_000)
    reload(page)
    # The cell goes on for as long as nobody ends its task.
    for cell in (0, 1):
        kill = is_card(notebook.output(cell)).get_by_role("button", name="Kill", exact=True)
        expect(kill).to_be_visible(timeout=60_000)
    kill_by_its_buttons(is_card(notebook.output(1)))
    expect(is_card(notebook.output(0)).get_by_role("status").first).to_have_attribute(
        "data-status", "killed", timeout=30_000
    )
