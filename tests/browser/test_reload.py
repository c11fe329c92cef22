"""A page that is reloaded while a cell runs gets its live cards back before the cell ends."""

import re

import nbformat
import pytest
from playwright.sync_api import expect

from tests.browser import workload_scripts
from tests.browser.frontends.conftest import kill_by_its_buttons

pytestmark = pytest.mark.own_page

SETUP = f"""import inductiva_widgets as inductiva
inductiva.connect("local")
task = {workload_scripts.SLEEP}
task"""
WAIT = "print('ended as', task.wait())"


def is_card(output):
    return output.get_by_role("region", name=re.compile("^Task "))


def reload(page):
    """Save the notebook, reload the page and wait until its cells are drawn."""
    page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    page.reload(wait_until="domcontentloaded")
    expect(page.locator(".jp-Notebook .jp-Cell").first).to_be_visible(timeout=60_000)


def comes_back_alive(notebook, page):
    """Reload the page during a wait, and kill the task by the card that the wait has shown."""
    notebook.run(0)
    notebook.start(1)
    cards = [is_card(notebook.output(cell)) for cell in (0, 1)]
    for card in cards:
        expect(card.get_by_role("button", name="Kill", exact=True)).to_be_visible(timeout=60_000)
    reload(page)
    # The cell goes on for as long as nobody ends its task.
    for card in cards:
        expect(card.get_by_role("button", name="Kill", exact=True)).to_be_visible(timeout=60_000)
    kill_by_its_buttons(cards[1])
    expect(cards[0].get_by_role("status").first).to_have_attribute(
        "data-status", "killed", timeout=30_000
    )
    # The wait is over and has frozen its card; this page cannot replace it and keeps the view.
    expect(cards[1].get_by_role("status").first).to_have_attribute("data-status", "killed")


@pytest.mark.extended
def test_cards_are_live_again_after_a_reload_during_a_wait(open_notebook, lab, page):
    comes_back_alive(open_notebook(lab.write("reload.ipynb", SETUP, WAIT)), page)


@pytest.mark.extended
def test_saved_notebook_has_a_readable_card_while_a_wait_goes_on(open_notebook, lab, page):
    notebook = open_notebook(lab.write("reload-saved.ipynb", SETUP, WAIT))
    notebook.run(0)
    notebook.start(1)
    badge = is_card(notebook.output(1)).get_by_role("status").first
    expect(badge).to_have_attribute("data-status", "computation-started", timeout=60_000)
    page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    saved = nbformat.read(lab.folder / "reload-saved.ipynb", 4)
    for cell in saved.cells:
        (output,) = (o for o in cell.outputs if "text/html" in o.get("data", ()))
        assert "As of" in output.data["text/html"]
        assert "Task " in output.data["text/plain"]
    kill_by_its_buttons(is_card(notebook.output(0)))
