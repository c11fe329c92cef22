"""A card and a table say within seconds that their kernel has gone, and offer nothing then."""

import contextlib
import os
import re
import signal
import time

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import take

SETUP = """import os
import inductiva_widgets as inductiva
inductiva.connect("local")
print("process", os.getpid())"""
SHOW = "inductiva.Task('{task}').widget()"
LIST = "inductiva.tasks.get(last_n=3)"
LOST = "lost its kernel"
# Beyond the time that the server takes to notice that a kernel has died: it looks every 3 s.
SOON = 5_000 + 3_000
CONTEXT = "jupyterapp.shell.currentWidget.sessionContext"


@pytest.fixture
def shown(open_notebook, lab, request, tolerated, long_task):
    """Return a notebook with a live card and a live table, and the process id of its kernel."""
    # JupyterLab's own requests to the kernel that has gone.
    tolerated.errors.append("Canceled future for")
    # A name of its own: the server remembers which kernel a notebook had.
    name = request.node.name.removeprefix("test_card_and_table_")
    notebook = open_notebook(
        lab.write(f"{name}.ipynb", SETUP, SHOW.format(task=long_task.id), LIST)
    )
    notebook.start_all()
    card = notebook.output(1)
    expect(card.get_by_role("button", name="Kill", exact=True)).to_be_visible(timeout=60_000)
    expect(notebook.output(2).get_by_role("grid")).to_be_visible(timeout=60_000)
    expect(notebook.output(2).get_by_role("row").nth(1)).to_be_visible(timeout=60_000)
    found = re.search(r"process (\d+)", notebook.output(0).inner_text())
    assert found
    return notebook, int(found[1])


def is_lost(notebook, within=SOON):
    """Check that the card and the table have stopped, say why, and offer nothing."""
    for index in (1, 2):
        output = notebook.output(index)
        expect(output.get_by_role("alert")).to_contain_text(LOST, timeout=within)
        expect(output.get_by_role("alert")).to_contain_text("Run the cell again")
        expect(output.get_by_role("button", name=re.compile("Kill"))).to_have_count(0)
        enabled = output.locator("button:enabled, input:enabled, select:enabled")
        expect(enabled.locator("visible=true")).to_have_count(0)
    counting = notebook.output(1).locator(".iw-elapsed")
    before = counting.inner_text()
    deadline = time.monotonic() + 2.5
    while time.monotonic() < deadline:
        assert counting.inner_text() == before
        notebook.page.wait_for_function("new Promise(requestAnimationFrame)")


def test_card_and_table_say_so_after_the_kernel_is_restarted(shown, page):
    notebook, _ = shown
    page.evaluate(f"void {CONTEXT}.restartKernel()")
    is_lost(notebook)
    take(page, page.locator(".jp-Notebook"), "lost-kernel")
    page.set_viewport_size({"width": 800, "height": 1000})
    take(page, page.locator(".jp-Notebook"), "lost-kernel-narrow")
    # What is said is true: run again, the cells are live.
    notebook.start_all()
    expect(notebook.output(1).get_by_role("button", name="Kill", exact=True)).to_be_visible(
        timeout=60_000
    )
    expect(notebook.output(1).get_by_role("alert")).to_have_count(0)


@pytest.mark.extended
def test_card_and_table_say_so_after_the_kernel_has_died(shown):
    notebook, process = shown
    os.kill(process, signal.SIGKILL)
    is_lost(notebook)


def test_card_and_table_are_static_after_the_kernel_is_shut_down(shown, page):
    notebook, _ = shown
    page.evaluate(f"void {CONTEXT}.shutdown()")
    for index in (1, 2):
        output = notebook.output(index)
        expect(output.locator(".iw-root")).to_have_count(0, timeout=SOON)
        expect(output.get_by_role("button")).to_have_count(0)
        expect(output).to_contain_text(re.compile("as of", re.IGNORECASE))


@pytest.mark.extended
def test_card_and_table_say_so_if_a_kernel_is_shut_down_while_it_cannot_answer(shown, page):
    notebook, process = shown
    # Its last words do not come, as with a kernel that is killed since it did not end in time.
    os.kill(process, signal.SIGSTOP)
    try:
        page.evaluate(f"void {CONTEXT}.shutdown()")
        is_lost(notebook)
    finally:
        # The server has killed it, unless the test was faster.
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGCONT)


@pytest.mark.extended
def test_card_and_table_say_so_if_another_client_ends_the_kernel(shown, page, lab):
    notebook, process = shown
    kernel = page.evaluate(f"{CONTEXT}.session.kernel.id")
    os.kill(process, signal.SIGSTOP)
    try:
        page.evaluate(f"void fetch('/api/kernels/{kernel}', {{method: 'DELETE'}})")
        # The server waits for an answer before it kills, and JupyterLab looks every 10 s.
        is_lost(notebook, within=40_000)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGCONT)
