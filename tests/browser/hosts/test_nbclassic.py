"""The classic notebook, as people still run it: its own loader, its own widgets."""

import re

import pytest
from playwright.sync_api import expect

from tests import matrix
from tests.browser.conftest import jupyter
from tests.browser.hosts.conftest import (
    CONNECT,
    kill_by_its_buttons,
    shows_the_card_and_the_list,
)

pytest.importorskip("nbclassic")
IDLE = "() => window.Jupyter?.notebook?.kernel?.is_connected() && Jupyter.notebook._fully_loaded"
RUN = f"{CONNECT}\nimport time\ninductiva.simulators.SWMM().run('cases/swmm_long')"


@pytest.fixture(scope="module")
def classic(tmp_path_factory, local_server):
    """Return a running classic notebook with the project's notebooks in its folder."""
    with jupyter("nbclassic", [], tmp_path_factory.mktemp("nbclassic"), local_server) as server:
        yield server


@pytest.fixture
def run_all(classic, page):
    """Return a function that opens a notebook of some cells and starts to run them all."""

    def run_all(name, *cells):
        page.goto(f"{classic.url}/nbclassic/notebooks/{classic.write(name, *cells)}")
        page.wait_for_function(IDLE, timeout=60_000)
        page.evaluate("Jupyter.notebook.execute_all_cells()")

    yield run_all
    page.evaluate("Jupyter.notebook.session.delete()")


def test_card_and_list_work_in_the_classic_notebook(run_all, page, long_task):
    show = f"{CONNECT}\ninductiva.Task('{long_task.id}')"
    run_all("hosts.ipynb", show, "inductiva.tasks.get(last_n=5)")
    shows_the_card_and_the_list(page, long_task, "Classic notebook")


def test_kill_works_in_the_classic_notebook_while_a_cell_is_busy(run_all, page):
    run_all("busy.ipynb", RUN, "time.sleep(60); print('cell ended')")
    kill_by_its_buttons(page.get_by_role("region", name=re.compile("^Task ")).first)
    expect(page.locator("#notebook")).not_to_contain_text("cell ended\n")
    matrix.seen("Classic notebook", matrix.BUSY)
