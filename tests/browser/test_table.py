"""The table of tasks in JupyterLab: searched, sorted, filtered, grouped, chosen, drawn in time.

On the demo's made-up history, so that there is something to search in.
"""

import re
import time

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ARTIFACTS, end_demo

SHOW = """import inductiva_widgets as inductiva
inductiva.connect("replay")
tasks = inductiva.tasks.get_all()
table = tasks.widget()
table"""


@pytest.fixture(scope="module", autouse=True)
def _ended_demo(local_server):
    """End the server of the demo, which the notebooks start."""
    yield
    end_demo(local_server)


class Table:
    """A table in a notebook, found as people find its parts."""

    def __init__(self, notebook):
        self.notebook, self.page = notebook, notebook.page
        self.box = notebook.output(0)
        self.grid = self.box.get_by_role("grid", name="Tasks")
        expect(self.grid).to_be_visible(timeout=60_000)

    @property
    def rows(self):
        box = self.page.get_by_role("checkbox", name=re.compile("^Select task "))
        return self.grid.get_by_role("row").filter(has=box)

    def button(self, name, **options):
        return self.box.get_by_role("button", name=name, **options)

    def sums(self):
        return self.box.locator(".iw-totals")

    def shown(self):
        """Return how many tasks match, as the foot of the table says."""
        return int(re.match(r"([\d,]+) of ", self.sums().inner_text())[1].replace(",", ""))

    def statuses(self):
        badges = self.grid.get_by_role("status").all()
        return [badge.get_attribute("data-status") for badge in badges]

    def ask(self, code):
        """Return what a cell prints."""
        self.page.evaluate(
            """code => {
                const { content } = jupyterapp.shell.currentWidget;
                content.widgets[1].model.sharedModel.setSource(code);
            }""",
            code,
        )
        self.notebook.run(1)
        return self.notebook.output(1).inner_text().strip()

    def answers(self, code, text):
        """Run a cell until it prints a text: it may run before the kernel knows of a click."""
        deadline = time.monotonic() + 30
        while (printed := self.ask(code)) != text and time.monotonic() < deadline:
            pass
        return printed == text


@pytest.fixture
def table(open_notebook, lab):
    notebook = open_notebook(lab.write("task_table.ipynb", SHOW, "1"))
    notebook.run(0)
    return Table(notebook)


def test_search_chips_and_filters_leave_what_matches_and_python_has_the_same(table):
    count = int(table.ask("print(len(tasks))"))
    table.page.keyboard.press("Escape")
    table.box.get_by_role("searchbox", name="Search tasks").fill("reef3d")
    expect(table.sums()).to_contain_text(re.compile(rf"^\d+ of {count} tasks"))
    found = table.shown()
    table.button(re.compile("^Success")).click()
    expect(table.button(re.compile("^Success"))).to_have_attribute("aria-pressed", "true")
    expect(table.sums()).not_to_contain_text(f"{found} of ")
    shown = table.shown()
    assert 0 < shown < found < count
    assert table.answers("print(len(table.filtered))", str(shown))
    assert set(table.statuses()) == {"success"}
    # The code that the page offers gives the same tasks in the same order.
    code = "exec(table.pandas_code); print(list(df.index) == [task.id for task in table.filtered])"
    assert table.answers(code, "True")
    table.button("Filter Resource type").click()
    menu = table.box.get_by_role("dialog")
    menu.get_by_role("checkbox").first.check()
    table.page.keyboard.press("Escape")
    expect(menu).to_have_count(0)
    expect(table.sums()).not_to_contain_text(f"{shown} of ")
    fewer = table.shown()
    assert 0 < fewer < shown
    assert table.answers("print(len(table.filtered))", str(fewer))
    table.button("Clear all").click()
    expect(table.sums()).to_contain_text(re.compile(rf"^{count} tasks"))


def test_sort_and_groups_are_over_the_whole_set(table):
    table.button("Cost", exact=True).click()
    head = table.grid.get_by_role("columnheader", name=re.compile("^Cost"))
    expect(head).to_have_attribute("aria-sort", "descending")
    # Those that were alive when the list was made may cost more by now.
    code = "past = tasks.to_frame().query(\"project != 'demo-live'\"); "
    code += "print([t.id for t in table.filtered if t.id in past.index] == list(past.sort_values("
    code += "'cost_usd', ascending=False, kind='stable').index))"
    assert table.answers(code, "True")
    table.box.get_by_label("Group by").select_option("simulator")
    groups = table.box.get_by_role("button", name=re.compile("^Group "))
    expect(groups.first).to_have_attribute("aria-expanded", "true")
    groups.first.click()
    expect(groups.first).to_have_attribute("aria-expanded", "false")
    expect(groups.nth(1)).to_be_visible()


def test_chosen_tasks_are_there_for_python(table):
    boxes = table.grid.get_by_role("checkbox", name=re.compile("^Select task"))
    boxes.nth(1).click()
    boxes.nth(4).click(modifiers=["Shift"])
    expect(table.box.get_by_role("group", name="Selected tasks")).to_contain_text("4 selected")
    code = "print([t.id for t in table.selected] == [t.id for t in tasks[1:5]])"
    assert table.answers(code, "True")
    table.grid.get_by_role("checkbox", name="Select all tasks").click()
    assert table.answers("print(len(table.selected) == len(tasks))", "True")
    table.button("Clear", exact=True).click()
    assert table.answers("print(len(table.selected))", "0")


def test_keyboard_goes_through_the_whole_list_and_opens_a_card(table):
    last = table.ask("print(tasks[-1].id)")
    table.rows.first.focus()
    table.page.keyboard.press("End")
    row = table.rows.filter(has=table.page.get_by_role("button", name=f"Show task {last}"))
    expect(row).to_be_focused()
    expect(row).to_be_in_viewport()
    table.page.keyboard.press("Enter")
    card = table.box.get_by_role("region", name=f"Task {last}")
    expect(card).to_be_visible()
    table.page.keyboard.press("Space")
    assert table.answers("print([t.id for t in table.selected])", f"['{last}']")
    row.focus()
    table.page.keyboard.press("/")
    expect(table.box.get_by_role("searchbox", name="Search tasks")).to_be_focused()


def test_columns_are_chosen_and_python_knows_them(table):
    table.button("Columns").click()
    menu = table.box.get_by_role("dialog")
    menu.get_by_role("checkbox", name="Project").check()
    menu.get_by_role("checkbox", name="Phases").uncheck()
    table.page.keyboard.press("Escape")
    expect(table.grid.get_by_role("columnheader", name=re.compile("^Project"))).to_be_visible()
    expect(table.grid.get_by_role("columnheader", name=re.compile("^Phases"))).to_have_count(0)
    assert table.answers(
        "print('project' in table.columns, 'phases' in table.columns)", "True False"
    )


def test_narrow_table_leaves_out_columns_and_says_so_and_shows_them_when_asked(table):
    heads = table.grid.get_by_role("columnheader")
    expect(heads.filter(has_text="Cost")).to_be_visible()
    table.page.set_viewport_size({"width": 800, "height": 900})
    more = table.box.get_by_role("button", name=re.compile(r"^\+\d columns$"))
    expect(more).to_be_visible()
    expect(heads.filter(has_text="Cost")).to_have_count(0)
    expect(heads.filter(has_text="Computation")).to_be_visible()
    assert table.box.locator(".iw-tasks").evaluate("box => box.scrollWidth <= box.clientWidth")
    more.click()
    expect(heads.filter(has_text="Cost")).to_have_count(1)
    table.button("Fit columns").click()
    expect(heads.filter(has_text="Cost")).to_have_count(0)


def test_dragged_edge_changes_the_width_of_a_column_and_python_knows_it(table):
    head = table.grid.get_by_role("columnheader").filter(has_text="Simulator")
    before = head.bounding_box()["width"]
    edge = head.locator(".iw-column-edge").bounding_box()
    x, y = edge["x"] + edge["width"] / 2, edge["y"] + edge["height"] / 2
    table.page.mouse.move(x, y)
    table.page.mouse.down()
    table.page.mouse.move(x + 60, y, steps=5)
    table.page.mouse.up()
    assert abs(head.bounding_box()["width"] - before - 60) <= 1.5
    assert table.answers(
        f"print(abs(table.column_widths['simulator'] - {before + 60}) < 2)", "True"
    )
    head.locator(".iw-column-edge").dblclick()
    assert table.answers("print(table.column_widths)", "{}")


def test_time_line_draws_the_same_tasks(table):
    table.button("Timeline").click()
    bars = table.grid.get_by_role("img", name=re.compile("Queue"))
    expect(bars.first).to_be_visible()
    # It opens on the days of the first tasks, not on all months.
    months = table.grid.get_by_text(re.compile("^[A-Z][a-z][a-z]$"))
    expect(months).to_have_count(0)
    table.button("All time").click()
    expect(months.first).to_be_visible()
    table.button("Visible tasks").click()
    expect(bars.nth(5)).to_be_visible()
    assert table.answers("print(table.mode)", "timeline")
    bars.nth(2).click()
    expect(table.box.get_by_role("region", name=re.compile("^Task "))).to_be_visible()


@pytest.mark.extended
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("mode", ["table", "timeline"])
def test_pictures_of_the_table(open_notebook, lab, theme, mode):
    show = SHOW.replace("tasks.widget()", f"tasks.widget(mode={mode!r})")
    notebook = open_notebook(lab.write("pictures.ipynb", show, "1"), theme)
    notebook.run(0)
    table = Table(notebook)
    table.button(re.compile("^Failed")).click()
    if mode == "timeline":
        table.button("Visible tasks").click()
    else:
        table.box.get_by_label("Group by").select_option("simulator")
    expect(table.sums()).to_contain_text(" of ")
    table.page.locator("#jupyterlab-splash").wait_for(state="detached")
    ARTIFACTS.mkdir(exist_ok=True)
    table.box.screenshot(path=ARTIFACTS / f"{mode}-{theme}.png")
