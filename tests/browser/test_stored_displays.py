"""What a notebook stores of a live view says what the view says, and the view does not notice."""

import subprocess
import sys

import nbformat
import pytest
from playwright.sync_api import expect

from tests.browser import workload_scripts

SETUP = f"""import inductiva_widgets as inductiva
inductiva.connect("local")
task = {workload_scripts.SLEEP}
inductiva.tasks.Task(task.id).wait_for_status("computation-started", silent_mode=True)"""
CARD, DISPLAYED, TABLE, KILL = range(1, 5)
CELLS = (
    SETUP,
    "task",
    "from IPython.display import display\ndisplay(task.widget())",
    "inductiva.tasks.get(last_n=1)",
    "task.kill()",
)
STORED = """([cell, mime]) => jupyterapp.shell.currentWidget.content.model.cells.get(cell)
    .outputs.get(0).toJSON().data[mime]"""
# Marks what is drawn, and looks at each frame from now on: at any gap the output is without a view.
WATCH = """cell => {
    const output = document.querySelectorAll(".jp-Notebook .jp-Cell")[cell]
        .querySelector(".jp-OutputArea-output");
    output.querySelector(".iw-root").dataset.marked = "yes";
    // That of an earlier test, whose output is gone.
    cancelAnimationFrame(window.watching);
    window.renders = 0;
    window.gaps = [];
    new MutationObserver(() => { window.renders += 1; }).observe(output, {childList: true});
    const look = () => {
        const root = output.querySelector(".iw-root");
        const {height} = root ? root.getBoundingClientRect() : {height: 0};
        const isLoading = /Loading widget/.test(output.innerText);
        if (root?.dataset.marked !== "yes" || height < 40 || isLoading)
            window.gaps.push(output.innerText.slice(0, 80));
        window.watching = requestAnimationFrame(look);
    };
    look();
}"""


@pytest.fixture
def running(open_notebook, lab, request):
    """Return a notebook whose cells show a running task, and its name."""
    name = lab.write(f"{request.node.name.split('[')[0]}.ipynb", *CELLS)
    notebook = open_notebook(name)
    for index in range(KILL):
        notebook.run(index)
    return notebook, name


def wait_for_stored(page, cell, words, mime="text/html"):
    page.wait_for_function(
        f"([cell, mime, words]) => ({STORED})([cell, mime])?.includes(words)",
        arg=[cell, mime, words],
        timeout=60_000,
    )


def test_saved_notebook_states_the_end_that_its_cards_have_shown(running, lab, page):
    notebook, name = running
    for cell in (CARD, DISPLAYED):
        expect(notebook.output(cell).get_by_role("status").first).to_have_attribute(
            "data-status", "computation-started", timeout=30_000
        )
        assert "In Progress" in page.evaluate(STORED, [cell, "text/html"])
    notebook.run(KILL)
    for cell in (CARD, DISPLAYED, TABLE):
        for mime in ("text/html", "text/plain"):
            wait_for_stored(page, cell, "Killed" if cell != TABLE else "illed", mime)
        # Still live: nobody has frozen it.
        expect(notebook.output(cell).locator(".iw-root")).to_have_count(1)
        stored = page.evaluate(STORED, [cell, "application/vnd.jupyter.widget-view+json"])
        assert stored["model_id"]
    page.keyboard.press("Control+s")
    page.wait_for_function("!jupyterapp.shell.currentWidget.context.model.dirty", timeout=30_000)
    command = [sys.executable, "-m", "nbconvert", "--to", "html", str(lab.folder / name)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    exported = (lab.folder / name).with_suffix(".html").read_text()
    assert "In Progress" not in exported
    saved = nbformat.read(lab.folder / name, 4)
    for cell in (CARD, DISPLAYED, TABLE):
        (output,) = saved.cells[cell].outputs
        assert "illed" in output.data["text/html"]


def test_card_keeps_its_place_while_its_stored_text_changes(running, page):
    notebook, _ = running
    output = notebook.output(CARD)
    output.get_by_role("tab", name="Details").click()
    panel = output.get_by_role("tabpanel")
    expect(panel).to_be_visible()
    panel.evaluate("e => { e.style.cssText = 'height: 30px; overflow: auto'; e.scrollTop = 17; }")
    output.get_by_role("tab", name="Details").focus()
    output.locator("code").first.evaluate(
        "e => getSelection().setBaseAndExtent(e.firstChild ?? e, 0, e, e.childNodes.length)"
    )
    selected = page.evaluate("String(getSelection())")
    assert selected
    page.evaluate(WATCH, CARD)
    page.evaluate("() => { window.tab = document.activeElement; }")
    # From Python beside the page: a command of the page would move the focus.
    page.evaluate("void jupyterapp.shell.currentWidget.sessionContext.session.kernel"
                  ".requestExecute({code: 'task.kill()'})")  # fmt: skip
    wait_for_stored(page, CARD, "Killed")
    page.wait_for_function("window.renders > 0")
    expect(output.get_by_role("status").first).to_have_attribute("data-status", "killed")
    assert page.evaluate("window.gaps") == []
    expect(output.get_by_role("tab", name="Details")).to_have_attribute("aria-selected", "true")
    assert panel.evaluate("e => e.scrollTop") == 17
    assert page.evaluate("document.activeElement === window.tab")
    assert page.evaluate("String(getSelection())") == selected
    # And it still acts.
    page.keyboard.press("Enter")
    expect(output.get_by_role("tabpanel")).to_have_count(0)


def test_table_keeps_the_caret_of_its_search_while_its_stored_text_changes(running, page):
    notebook, _ = running
    output = notebook.output(TABLE)
    search = output.get_by_role("searchbox")
    search.fill("arbitrary")
    search.evaluate("e => e.setSelectionRange(1, 3)")
    page.evaluate(WATCH, TABLE)
    page.evaluate("void jupyterapp.shell.currentWidget.sessionContext.session.kernel"
                  ".requestExecute({code: 'task.kill()'})")  # fmt: skip
    wait_for_stored(page, TABLE, "illed")
    page.wait_for_function("window.renders > 0")
    assert page.evaluate("window.gaps") == []
    page.keyboard.type("X")
    expect(search).to_have_value("aXitrary")
