"""Cards stay live if the page is too slow for anywidget, which gives a model 2 s to initialize.

After these 2 s anywidget refuses every message to the model, although its view is drawn
(``Runtime`` in https://github.com/manzt/anywidget/blob/main/packages/anywidget/src/runtime.ts).
"""

import contextlib
import re
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import READY

pytestmark = pytest.mark.own_page

SETUP = """import inductiva_widgets as inductiva
from IPython.display import display

inductiva.connect("local")
task = inductiva.Task("{task}")"""
CARDS = 12
SHOW = f"for _ in range({CARDS}):\n    display(task.widget())"
KILL = "task.kill(wait_timeout=60)"
LIST = "inductiva.tasks.get(last_n=3)"
# Every model misses the time limit.
NO_TIME = """() => {
    const timeout = AbortSignal.timeout.bind(AbortSignal);
    AbortSignal.timeout = (ms) => timeout(ms === 2000 ? 0 : ms);
}"""
SPIN = "while True: pass"


@contextlib.contextmanager
def busy_cores(count):
    """Keep processor cores busy until the block is left."""
    processes = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.mark.extended
def test_card_and_table_follow_their_task_after_anywidget_gave_up(
    open_notebook, lab, page, long_task
):
    page.add_init_script(f"({NO_TIME})()")
    notebook = open_notebook(
        lab.write("late.ipynb", SETUP.format(task=long_task.id), "task", LIST, KILL)
    )
    for index in range(3):
        notebook.run(index)
    card = notebook.output(1).get_by_role("region", name=re.compile("^Task "))
    badge = card.get_by_role("status").first
    expect(badge).to_have_attribute("data-status", "computation-started", timeout=30_000)
    # The code of the live table comes as an answer of the kernel.
    expect(notebook.output(2).get_by_role("grid")).to_be_visible(timeout=30_000)
    notebook.run(3)
    expect(badge).to_have_attribute("data-status", "killed", timeout=30_000)
    row = notebook.output(2).get_by_role("row").nth(1)
    expect(row).to_contain_text("Killed", timeout=30_000)


@pytest.mark.extended
def test_dozen_cards_follow_their_task_on_a_busy_machine(open_notebook, lab, page, long_task):
    notebook = open_notebook(lab.write("dozen.ipynb", SETUP.format(task=long_task.id), SHOW, KILL))
    notebook.run(0)
    throttle = page.context.new_cdp_session(page)
    with busy_cores(2):
        throttle.send("Emulation.setCPUThrottlingRate", {"rate": 6})
        notebook.start(1)
        cards = notebook.output(1).get_by_role("region", name=re.compile("^Task "))
        expect(cards).to_have_count(CARDS, timeout=120_000)
    throttle.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    notebook.run(2)
    killed = notebook.output(1).locator("[role=status][data-status=killed]")
    expect(killed).to_have_count(CARDS, timeout=60_000)


@pytest.mark.extended
def test_card_is_drawn_again_after_the_page_is_reloaded(open_notebook, lab, page, long_task):
    name = lab.write("reloaded.ipynb", SETUP.format(task=long_task.id), "task", KILL)
    notebook = open_notebook(name)
    notebook.run(0)
    notebook.run(1)
    card = notebook.output(1).get_by_role("region", name=re.compile("^Task "))
    expect(card).to_be_visible(timeout=30_000)
    page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    page.goto(f"{lab.url}/doc/tree/{name}", wait_until="domcontentloaded")
    page.wait_for_function(READY, timeout=60_000)
    badge = card.get_by_role("status").first
    expect(badge).to_have_attribute("data-status", "computation-started", timeout=30_000)
    notebook.run(2)
    expect(badge).to_have_attribute("data-status", "killed", timeout=30_000)
