"""Buttons work while a cell is running: the click is carried out before the cell ends."""

import re

from playwright.sync_api import expect

from tests.browser import workload_scripts
from tests.browser.frontends.conftest import kill_by_its_buttons

SETUP = f"""import time
import inductiva_widgets as inductiva
inductiva.connect("local")
task = {workload_scripts.SLEEP}
task"""


def test_kill_works_while_a_cell_sleeps(open_notebook, lab):
    name = lab.write("busy.ipynb", SETUP, "time.sleep(600); print('cell ended')")
    notebook = open_notebook(name)
    notebook.run(0)
    card = notebook.output(0).get_by_role("region", name=re.compile("^Task "))
    badge = card.get_by_role("status").first
    expect(badge).to_have_attribute("data-status", "computation-started", timeout=30_000)
    notebook.start(1)
    kill_by_its_buttons(card)
    expect(notebook.output(1)).not_to_contain_text("cell ended")


def test_kill_works_while_a_cell_waits_for_the_task(open_notebook, lab):
    name = lab.write("waiting.ipynb", SETUP, "print('ended as', task.wait())")
    notebook = open_notebook(name)
    notebook.run(0)
    notebook.start(1)
    card = notebook.output(1).get_by_role("region", name=re.compile("^Task "))
    kill_by_its_buttons(card)
    expect(notebook.output(1)).to_contain_text("ended as killed", timeout=30_000)
