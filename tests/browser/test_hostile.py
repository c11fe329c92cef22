"""Values of the wire are shown as text: nothing of them runs, and the layout holds."""

import re
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ARTIFACTS, ROOT
from tests.browser.xss_payloads import PAYLOADS

pytestmark = pytest.mark.own_page

SETUP = f"""import sys
sys.path.insert(0, {str(ROOT)!r})
from tests.browser.xss_payloads import hostile_tasks

tasks = hostile_tasks()"""
CARDS = "from IPython.display import display\nfor task in tasks:\n    display(task.widget())"
LIST = "tasks.widget()"
FREEZE = """from IPython.display import display
widgets = [task.widget() for task in tasks] + [tasks.widget()]
for widget in widgets:
    display(widget)
for widget in widgets:
    widget.freeze()"""
# What no text could have made: elements that fetch or run, and attributes that do.
MADE = """root => [...root.querySelectorAll('*')].filter(node =>
    ['SCRIPT', 'IMG', 'IFRAME', 'OBJECT', 'EMBED', 'LINK', 'BASE', 'FORM'].includes(node.tagName)
    || [...node.attributes].some(({ name, value }) =>
        name.startsWith('on') || (name !== 'title' && name !== 'aria-label'
            && /^\\s*javascript:/i.test(value)))
).map(node => node.outerHTML.slice(0, 200))"""
WIDER = """root => {
    const around = root.parentElement.getBoundingClientRect();
    return root.getBoundingClientRect().right - around.right;
}"""


@pytest.fixture
def notebook(open_notebook, lab, page):
    page.on("dialog", lambda dialog: (page.evaluate("window.__pwned = 1"), dialog.dismiss()))
    name = lab.write("hostile.ipynb", SETUP, CARDS, LIST, FREEZE)
    notebook = open_notebook(name)
    notebook.run(0)
    return notebook


def is_unharmed(page, roots):
    for root in roots.all():
        assert root.evaluate(MADE) == []
        assert root.evaluate(WIDER) <= 1
    assert page.evaluate("window.__pwned") is None


def test_cards_show_hostile_values_as_text(notebook, page):
    notebook.run(1)
    roots = notebook.output(1).locator(".iw-root")
    expect(roots).to_have_count(len(PAYLOADS), timeout=30_000)
    for tab in notebook.output(1).get_by_role("tab", name="Details").all():
        tab.click()
    is_unharmed(page, roots)
    expect(notebook.output(1)).to_contain_text("<script>window.__pwned=1</script>")
    for root in roots.all():
        root.get_by_role("status").first.hover()
    is_unharmed(page, roots)
    ARTIFACTS.mkdir(exist_ok=True)
    for index in (1, 9, 12):
        roots.nth(index).screenshot(path=ARTIFACTS / f"hostile-card-{index}.png")


def test_list_shows_hostile_values_in_rows_of_one_height(notebook, page):
    notebook.run(2)
    root = notebook.output(2).locator(".iw-root")
    # A grid once it is alive; the first paint of it, a table, goes away with its rows.
    rows = root.get_by_role("grid").get_by_role("row")
    expect(rows.nth(3)).to_be_visible(timeout=30_000)
    heights = {round(row.bounding_box()["height"]) for row in rows.all()[1:]}
    assert len(heights) == 1
    assert heights.pop() <= 40
    is_unharmed(page, root)
    notebook.output(2).screenshot(path=ARTIFACTS / "hostile-list.png")


def test_twins_show_hostile_values_as_text(notebook, page, lab, browser):
    notebook.run(3)
    sections = notebook.output(3).locator("section")
    expect(sections).to_have_count(len(PAYLOADS), timeout=30_000)
    is_unharmed(page, sections)
    for index in (1, 12):
        sections.nth(index).screenshot(path=ARTIFACTS / f"hostile-twin-{index}.png")
    page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    path = lab.folder / "hostile.ipynb"
    command = [sys.executable, "-m", "nbconvert", "--to", "html", str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    exported = browser.new_page()
    # The page's own scripts come from elsewhere and are not needed to be pwned.
    exported.route("**/*", lambda route: route.abort())
    exported.set_content(path.with_suffix(".html").read_text(), wait_until="domcontentloaded")
    found = exported.locator("section")
    expect(found.first).to_contain_text(re.compile("Task|window"))
    assert found.count() >= len(PAYLOADS)
    for section in found.all():
        assert section.evaluate(MADE) == []
    assert exported.evaluate("window.__pwned") is None
    exported.close()
