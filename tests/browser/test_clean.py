"""What is cleared leaves nothing: no view, timer or listener in the page, no poll in the kernel.

Memory is printed only: a browser gives it back when it likes.
"""

import re
import time

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.extended, pytest.mark.own_page]

# Counts, for the whole page, what a view could leave behind.
COUNTERS = """
window.__listeners = 0;
for (const target of [Document.prototype, Window.prototype, EventTarget.prototype]) {
    if (!Object.hasOwn(target, 'addEventListener')) continue;
    const { addEventListener: add, removeEventListener: remove } = target;
    target.addEventListener = function (type, ...rest) {
        if (type === 'visibilitychange' && new Error().stack.includes('blob:')) {
            window.__listeners += 1;
        }
        return add.call(this, type, ...rest);
    };
    target.removeEventListener = function (type, ...rest) {
        if (type === 'visibilitychange' && new Error().stack.includes('blob:')) {
            window.__listeners -= 1;
        }
        return remove.call(this, type, ...rest);
    };
}
"""
LEFT = """() => {
    const ticker = globalThis[Symbol.for('inductiva_widgets.ticker.1')];
    return {
        roots: document.querySelectorAll('.iw-root').length,
        ticking: ticker?.listeners.size ?? 0,
        timer: ticker?.timer ?? null,
        listeners: window.__listeners,
    };
}"""
NOTHING = {"roots": 0, "ticking": 0, "timer": None, "listeners": 0}

SETUP = """import inductiva_widgets as inductiva
import threading
from IPython.display import clear_output, display
client = inductiva.connect("local")
task = inductiva.simulators.SWMM().run("cases/swmm_long")
task.wait_for_status("computation-started", silent_mode=True)
widgets = []"""
# JupyterLab cuts an output at 50, and anywidget gives each widget two seconds to load.
SHOW = """for _ in range(10):
    widgets.append(task.widget())
    display(widgets[-1])"""
# A poller without work ends its thread, and asks nothing any more.
STATE = """print("polls:", any(t.name == "inductiva-poller" for t in threading.enumerate()))"""
CLOSE = """for widget in widgets:
    widget.close()
del widget
print("closed:", len(widgets))"""
LOOP = """for _ in range(20):
    clear_output()
    display(task.widget())
clear_output()"""


def memory(page):
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    return session.send("Runtime.getHeapUsage")["usedSize"] / 2**20


def test_hundred_cards_shown_and_cleared_leave_nothing(open_notebook, lab, page):
    page.add_init_script(COUNTERS)
    cells = (SETUP, STATE, CLOSE, STATE, "task.kill()", *[SHOW] * 5)
    notebook = open_notebook(lab.write("clean.ipynb", *cells))
    notebook.run(0)
    before = memory(page)
    for _ in range(2):
        for index in range(5, 10):
            notebook.run(index)
            cards = notebook.output(index).get_by_role("region", name=re.compile("^Task "))
            expect(cards).to_have_count(10, timeout=60_000)
        left = page.evaluate(LEFT)
        # One timer for all of them, and the counters do count.
        assert left["ticking"] >= 50
        assert left["listeners"] == left["roots"] == 50
        shown = memory(page)
        page.evaluate("jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
        page.wait_for_function(f"JSON.stringify(({LEFT})()) === '{as_json(NOTHING)}'")
        print(f"\nheap: {before:.1f} MiB, 50 cards {shown:.1f}, cleared {memory(page):.1f}")
    # The widgets are there, but nobody sees them: nothing is asked for their sake.
    is_idle(notebook, 1)
    notebook.run(2)
    expect(notebook.output(2)).to_contain_text("closed: 100")
    is_idle(notebook, 3)
    notebook.run(4)


def as_json(counts):
    parts = (f'"{key}":{"null" if value is None else value}' for key, value in counts.items())
    return "{" + ",".join(parts) + "}"


def is_idle(notebook, index):
    """Wait until the poller has ended: it can ask nothing any more, whatever time passes."""
    # A tick and the pause after it may be under way.
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        notebook.run(index)
        output = notebook.output(index)
        expect(output).to_contain_text("polls:")
        if "polls: False" in output.inner_text():
            return
    raise AssertionError(output.inner_text())


def test_cards_cleared_in_a_loop_leave_nothing(open_notebook, lab, page):
    page.add_init_script(COUNTERS)
    # The first is drawn; of the others some are cleared before the page has come to it.
    cells = (f"{SETUP}\ntask", LOOP, STATE, "task.kill()")
    notebook = open_notebook(lab.write("loop.ipynb", *cells))
    notebook.run(0)
    card = notebook.output(0).get_by_role("region", name=re.compile("^Task "))
    expect(card).to_be_visible(timeout=30_000)
    page.evaluate("jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    notebook.run(1)
    # The page has a hundred cards to draw and to clear.
    gone = f"JSON.stringify(({LEFT})()) === '{as_json(NOTHING)}'"
    page.wait_for_function(gone, timeout=120_000)
    is_idle(notebook, 2)
    notebook.run(3)


def test_hidden_page_asks_nothing_and_looks_at_once_when_it_is_shown(open_notebook, lab, page):
    cells = (f"{SETUP}\ntask", STATE, "task.kill()")
    notebook = open_notebook(lab.write("hidden.ipynb", *cells))
    notebook.run(0)
    card = notebook.output(0).get_by_role("region", name=re.compile("^Task "))
    expect(card).to_contain_text("updated", timeout=30_000)
    sight = """hidden => {
        Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
    }"""
    page.evaluate(sight, True)
    expect(card).to_contain_text("paused while hidden")
    is_idle(notebook, 1)
    page.evaluate(sight, False)
    expect(card).to_contain_text("updated")
    notebook.run(2)
    expect(card.get_by_role("status").first).to_have_attribute(
        "data-status", "killed", timeout=30_000
    )
