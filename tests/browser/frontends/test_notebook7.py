"""Notebook 7: the card, the list, and buttons that work while a cell runs."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser import test_plots as plots
from tests.browser import test_reload as reloading
from tests.browser import workload_scripts
from tests.browser.conftest import READY, Notebook, jupyter
from tests.browser.frontends.conftest import (
    CONNECT,
    kill_by_its_buttons,
    shows_the_card_and_the_list,
)
from tests.browser.key_presses import Keys

RUN = f"{CONNECT}\nimport time\ntask = {workload_scripts.SLEEP}\ntask"


@pytest.fixture(scope="module")
def notebook7(tmp_path_factory, local_server):
    """Return a running Notebook 7 with the project's notebooks in its folder."""
    flags = ["--JupyterNotebookApp.expose_app_in_browser=True"]
    with jupyter("notebook", flags, tmp_path_factory.mktemp("notebook7"), local_server) as server:
        yield server


@pytest.fixture
def open_in_notebook7(notebook7, page, tolerated):
    # Its own, in a clean environment.
    tolerated.errors.append("reading 'schema'")
    opened = []

    def open_in_notebook7(name: str) -> Notebook:
        page.goto(f"{notebook7.url}/notebooks/{name}", wait_until="domcontentloaded")
        page.wait_for_function(READY, timeout=60_000)
        opened.append(name)
        return Notebook(page)

    yield open_in_notebook7
    if opened:
        page.evaluate("jupyterapp.shell.currentWidget.sessionContext.shutdown()")


def test_card_and_list_work_in_notebook_7(open_in_notebook7, notebook7, page, long_task):
    show = f"{CONNECT}\ninductiva.Task('{long_task.id}')"
    name = notebook7.write("hosts.ipynb", show, "inductiva.tasks.get(last_n=5)")
    open_in_notebook7(name).run_all()
    shows_the_card_and_the_list(page, long_task, "Notebook")


@pytest.mark.extended
def test_keys_on_every_kind_of_element_leave_the_cells_alone_in_notebook_7(
    open_in_notebook7, notebook7, page, long_task
):
    show = f"{CONNECT}\ninductiva.Task('{long_task.id}')"
    name = notebook7.write("keys7.ipynb", show, "inductiva.tasks.get(last_n=5)", "1")
    notebook = open_in_notebook7(name)
    notebook.run_all()
    expect(notebook.output(0).get_by_role("button", name="Kill")).to_be_visible(timeout=90_000)
    expect(notebook.output(1).get_by_role("grid", name="Tasks")).to_be_visible(timeout=60_000)
    keys = Keys(page)
    kinds = keys.press_all()
    for kind in ("button button tab ", "div  row ", "input checkbox ", "input search ", "select "):
        assert any(found.startswith(kind) for found in kinds), (kind, kinds)
    keys.check_that_keys_work_on_a_cell()


@pytest.mark.extended
def test_pictures_are_drawn_in_notebook_7(open_in_notebook7, notebook7):
    name = notebook7.write("plots.ipynb", plots.SETUP, "plots.costs(df)")
    notebook = open_in_notebook7(name)
    notebook.run_all()
    expect(plots.chart_in(notebook.output(1))).to_be_visible(timeout=30_000)


@pytest.mark.parametrize(
    ("busy", "is_waiting"),
    [
        pytest.param("time.sleep(600); print('cell ended')", False, id="sleep"),
        pytest.param("print('ended as', task.wait())", True, id="wait", marks=pytest.mark.extended),
    ],
)
def test_kill_works_in_notebook_7_while_a_cell_is_busy(
    open_in_notebook7, notebook7, busy, is_waiting
):
    notebook = open_in_notebook7(notebook7.write(f"busy-{is_waiting}.ipynb", RUN, busy))
    notebook.run(0)
    notebook.start(1)
    output = notebook.output(1 if is_waiting else 0)
    kill_by_its_buttons(output.get_by_role("region", name=re.compile("^Task ")))
    if is_waiting:
        expect(notebook.output(1)).to_contain_text("ended as killed", timeout=30_000)
    else:
        expect(notebook.output(1)).not_to_contain_text("cell ended")


@pytest.mark.extended
def test_cards_are_live_again_in_notebook_7_after_a_reload(open_in_notebook7, notebook7, page):
    name = notebook7.write("reload.ipynb", reloading.SETUP, reloading.WAIT)
    reloading.comes_back_alive(open_in_notebook7(name), page)


@pytest.mark.extended
def test_card_says_in_notebook_7_that_its_kernel_was_restarted(
    open_in_notebook7, notebook7, page, long_task, tolerated
):
    # Its own requests to the kernel that has gone.
    tolerated.errors.append("Canceled future for")
    show = f"{CONNECT}\ninductiva.Task('{long_task.id}')"
    notebook = open_in_notebook7(notebook7.write("restarted.ipynb", show))
    notebook.run_all()
    kill = notebook.output(0).get_by_role("button", name="Kill", exact=True)
    expect(kill).to_be_visible(timeout=60_000)
    page.evaluate("jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
    expect(notebook.output(0).get_by_role("alert")).to_contain_text("lost its kernel")
    expect(kill).to_have_count(0)
