"""What people type into cells beside the quick start, and what they see then."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser import workload_scripts

SETUP = """import inductiva_widgets as inductiva
inductiva.connect("local")
swmm = inductiva.simulators.SWMM()"""


def test_download_in_a_cell_shows_its_bar_and_where_the_files_went(open_notebook, lab):
    run = "task = swmm.run('cases/swmm_fail')\ntask.wait(silent_mode=True)"
    notebook = open_notebook(lab.write("download.ipynb", SETUP, run, "task.download_outputs()"))
    notebook.run_all()
    bar = notebook.output(2).get_by_role("region", name=re.compile("^Outputs of task "))
    expect(bar).to_contain_text("Downloaded ")
    expect(notebook.output(2)).to_contain_text(
        re.compile(r"PosixPath\('inductiva_output/\w+/outputs'\)")
    )


def test_interrupted_wait_leaves_the_task_and_its_card_alive(open_notebook, lab, page):
    cells = (SETUP, f"task = {workload_scripts.SLEEP}\ntask.wait()", "print(task.get_status())")
    notebook = open_notebook(lab.write("interrupt.ipynb", *cells, "task.kill()"))
    notebook.run(0)
    notebook.start(1)
    card = notebook.output(1).get_by_role("region", name=re.compile("^Task "))
    badge = card.get_by_role("status").first
    expect(badge).to_have_attribute("data-status", "computation-started", timeout=30_000)
    page.evaluate("jupyterapp.commands.execute('notebook:interrupt-kernel')")
    expect(notebook.output(1)).to_contain_text("KeyboardInterrupt", timeout=60_000)
    notebook.run(2)
    expect(notebook.output(2)).to_contain_text("computation-started")
    notebook.run(3)
    expect(badge).to_have_attribute("data-status", "killed", timeout=30_000)


def test_task_that_does_not_exist_is_told_in_its_place(open_notebook, lab):
    notebook = open_notebook(lab.write("bogus.ipynb", SETUP, "inductiva.Task('bogus')"))
    notebook.run_all()
    expect(notebook.output(1)).to_contain_text("There is no task 'bogus'")
    expect(notebook.output(1)).not_to_contain_text("Traceback")


@pytest.mark.extended
@pytest.mark.own_page
def test_card_comes_back_when_the_page_is_loaded_again(open_notebook, lab, page, tolerated):
    # JupyterLab's own requests to the kernel that the page has left.
    tolerated.errors.append("Canceled future for")
    run = "task = swmm.run('cases/swmm_fail')\ntask"
    notebook = open_notebook(lab.write("reload.ipynb", SETUP, run))
    notebook.run_all()
    badge = notebook.output(1).get_by_role("status").first
    expect(badge).to_have_attribute("data-status", "failed", timeout=30_000)
    page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    page.reload(wait_until="domcontentloaded")
    expect(badge).to_have_attribute("data-status", "failed", timeout=60_000)
