"""What a card and a table are kept open for: logs, outputs, last words, and many tasks at once.

The tasks are programs of the tests, which the embedded server runs as it runs simulators.
"""

import re

import pytest
from playwright.sync_api import expect

from tests.browser import workload_scripts
from tests.browser.conftest import take

SETUP = """import inductiva_widgets as inductiva
inductiva.connect("local")
image = inductiva.simulators.CustomImage("docker://example/programs")"""
LEAVE = """task = image.run("cases/leave", commands=["python leave.py"])
task.wait(silent_mode=True, download_std_on_completion=False)"""


@pytest.fixture(scope="module", autouse=True)
def _programs(lab):
    """Put the programs where notebooks find them."""
    for name, text in (("talk", workload_scripts.TALK), ("leave", workload_scripts.LEAVE)):
        folder = lab.folder / "cases" / name
        folder.mkdir()
        (folder / f"{name}.py").write_text(text)


class Talk:
    """Runs of the program that waits to be told what to say."""

    def __init__(self, folder):
        self.folder = folder

    def run(self, code=0):
        """Return the Python that submits one."""
        command = f"python talk.py {self.folder} {code}"
        return f'image.run("cases/talk", commands=[{command!r}])'

    def say(self, *stages):
        for stage in stages:
            (self.folder / stage).touch()


@pytest.fixture
def talk(tmp_path):
    talk = Talk(tmp_path)
    yield talk
    # None of them outlives its test, whatever has become of it.
    talk.say(*workload_scripts.STAGES)


def card_in(box):
    return box.get_by_role("region", name=re.compile("^Task "))


def becomes(card, status):
    expect(card.get_by_role("status").first).to_have_attribute(
        "data-status", status, timeout=30_000
    )


def id_of(card):
    return card.get_attribute("aria-label").removeprefix("Task ")


def colour_of(locator):
    return locator.evaluate("node => getComputedStyle(node).color")


def test_log_follows_a_running_task_in_its_colours(open_notebook, lab, page, talk):
    notebook = open_notebook(lab.write("log.ipynb", SETUP, f"task = {talk.run()}\ntask"))
    notebook.run_all()
    card = card_in(notebook.output(1))
    becomes(card, "computation-started")
    card.get_by_role("tab", name="Log").click()
    log = card.get_by_role("log")
    expect(log).to_contain_text("Nothing has been written to stdout.txt yet.")

    talk.say("begin")
    # The last line is in sight, not only there.
    last = log.get_by_text("step  60")
    expect(last).to_be_in_viewport(timeout=60_000)
    expect(log.get_by_text("café ☔ 雨水")).not_to_be_in_viewport()
    plain, painted = log.get_by_text("t = 3.00 s"), log.get_by_text("converged").last
    assert len({colour_of(plain), colour_of(last), colour_of(painted)}) == 3

    talk.say("bar", "warning")
    expect(log.get_by_text("100 %")).to_be_in_viewport(timeout=60_000)
    expect(log).not_to_contain_text("50 %")
    take(page, card, "card-log")

    # Who reads further up is left there.
    log.hover()
    page.mouse.wheel(0, -300)
    expect(card).to_contain_text("not following")
    read = log.get_by_text("step  35")
    expect(read).to_be_in_viewport()
    talk.say("more")
    card.get_by_role("searchbox", name="Search the log").fill("T = 1.5")
    expect(log.get_by_role("mark")).to_have_text(["t = 1.5"] * 2)
    expect(log.get_by_text("100 %")).not_to_be_in_viewport()
    card.get_by_role("button", name="Jump to end").click()
    expect(log.get_by_text("step 100")).to_be_in_viewport(timeout=60_000)

    card.get_by_role("searchbox", name="Search the log").fill("slowly")
    expect(card).to_contain_text("40 of 40")
    page.keyboard.press("Enter")
    expect(card).to_contain_text("1 of 40")
    expect(log.get_by_text("step  61")).to_be_in_viewport()

    card.get_by_role("tab", name=re.compile("^stderr")).click()
    warning = log.get_by_text("warning", exact=True)
    expect(warning).to_be_visible(timeout=60_000)
    assert colour_of(warning) != colour_of(log)
    card.get_by_role("tab", name=re.compile("^stdout")).click()

    talk.say("end")
    becomes(card, "success")
    expect(card).not_to_contain_text("following", timeout=60_000)
    card.get_by_role("button", name="Copy all that is loaded").click()
    expect(card.get_by_text("Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == workload_scripts.SHOWN


def test_failed_task_says_why_with_its_last_words(open_notebook, lab, page, talk):
    notebook = open_notebook(lab.write("failed.ipynb", SETUP, f"task = {talk.run(3)}\ntask"))
    talk.say(*workload_scripts.STAGES)
    notebook.run_all()
    card = card_in(notebook.output(1))
    becomes(card, "failed")
    why = card.get_by_role("group", name="Why it failed")
    expect(why).to_contain_text("The command ended with exit code 3: python talk.py")
    errors, said = why.get_by_role("figure").all()
    expect(errors).to_contain_text("Last lines of stderr.txt")
    expect(errors).to_contain_text("ERROR 209: node N17 is not connected")
    expect(said).to_contain_text("step 100")
    expect(said).not_to_contain_text("step  61")
    # Nothing is said twice, and nothing of the terminal's colours is left.
    assert why.inner_text().count("ERROR 209") == 1
    assert "[0m" not in why.inner_text()
    take(page, card, "card-failed-words")
    errors.get_by_role("button", name="Show the whole log").click()
    expect(card.get_by_role("tab", name="Log")).to_have_attribute("aria-selected", "true")
    expect(card.get_by_role("log", name="stderr.txt")).to_contain_text("coarse mesh near N17")
    said.get_by_role("button", name="Show the whole log").click()
    expect(card.get_by_role("log", name="stdout.txt")).to_contain_text("café ☔ 雨水")


def test_outputs_are_searched_previewed_and_some_downloaded(open_notebook, lab, page):
    notebook = open_notebook(lab.write("leave.ipynb", SETUP, f"{LEAVE}\ntask"))
    notebook.run_all()
    card = card_in(notebook.output(1))
    card.get_by_role("tab", name=re.compile("^Outputs")).click()
    tree = card.get_by_role("treegrid", name="Output files")
    names = tree.get_by_role("button", name=re.compile("^Preview "))
    results = tree.get_by_role("row").filter(has_text="results").first
    expect(results).to_have_attribute("aria-expanded", "true")
    expect(results).to_contain_text("4 files")

    def preview(name):
        tree.get_by_role("button", name=f"Preview {name}", exact=True).click()
        return card.get_by_role("region", name=f"Preview of {name}", exact=True)

    search = card.get_by_role("searchbox", name="Search the files")
    search.fill("frame")
    expect(names).to_have_text(["frame_001.png", "frame_001.vtk"])
    search.fill("*.csv")
    expect(names).to_have_text(["forces.csv"])
    search.fill("")

    picture = preview("results/vtk/frame_001.png").get_by_role("img")
    expect(picture).to_have_js_property("naturalWidth", 160)
    expect(preview("results/mesh.json")).to_contain_text('"cells": 12000')
    expect(preview("notes.txt")).to_contain_text("Flow in the café's drain ☔")
    table = preview("results/forces.csv").get_by_role("table")
    expect(table.get_by_role("columnheader")).to_have_text(["time", "drag", "lift", "node"])
    cells = table.get_by_role("row").nth(40).get_by_role("cell")
    expect(cells).to_have_text(["3.9", "-0.9476", "-0.3195", "N39"])

    tree.get_by_role("checkbox", name="Select results/vtk/", exact=True).check()
    expect(card).to_contain_text("2 of 8 files")
    take(page, card, "card-outputs")
    card.get_by_role("button", name="Download selected").click()
    expect(card).to_contain_text("Downloaded 2 files", timeout=30_000)
    place = f"inductiva_output/{id_of(card)}/outputs"
    expect(card.get_by_role("code")).to_contain_text(place)
    assert files_in(lab.folder / place) == {
        name: content for name, content in workload_scripts.FILES.items() if "/vtk/" in name
    }


def files_in(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_outputs_widget_stands_alone(open_notebook, lab):
    show = f"{LEAVE}\nwidget = inductiva.OutputsWidget(task)\nwidget"
    cells = (show, "print(widget.selected)", "task.download_outputs(widget.selected)")
    notebook = open_notebook(lab.write("alone.ipynb", SETUP, *cells))
    notebook.run(0)
    notebook.run(1)
    box = notebook.output(1).get_by_role("region", name=re.compile("^Outputs of task "))
    box.get_by_role("checkbox", name="Select results/vtk/", exact=True).check()
    notebook.run(2)
    chosen = ["results/vtk/frame_001.png", "results/vtk/frame_001.vtk"]
    expect(notebook.output(2)).to_have_text(str(chosen))
    box.get_by_role("checkbox", name="Select notes.txt").check()
    expect(box).to_contain_text("3 of 8 files")
    notebook.run(2)
    expect(notebook.output(2)).to_have_text(str(["notes.txt", *chosen]))
    notebook.run(3)
    expect(notebook.output(3)).to_contain_text("Downloaded 3 files", timeout=60_000)
    task_id = box.get_attribute("aria-label").removeprefix("Outputs of task ")
    found = files_in(lab.folder / "inductiva_output" / task_id / "outputs")
    assert sorted(found) == ["notes.txt", *chosen]


class Table:
    """A table in a notebook."""

    def __init__(self, box):
        self.box = box
        self.grid = box.get_by_role("grid", name="Tasks")
        self.boxes = self.grid.get_by_role("checkbox", name=re.compile("^Select task "))
        self.bulk = box.get_by_role("group", name="Selected tasks")

    def ids(self):
        names = [box.get_attribute("aria-label") for box in self.boxes.all()]
        return [name.removeprefix("Select task ") for name in names]


def test_kill_of_the_selection_in_a_list(open_notebook, lab, page, talk):
    start = f"tasks = [{talk.run()} for _ in range(3)]\ninductiva.tasks.get(3)"
    statuses = "for task in tasks:\n    task.wait(silent_mode=True)\n    print(task.get_status())"
    notebook = open_notebook(lab.write("bulk.ipynb", SETUP, start, statuses))
    notebook.run(0)
    notebook.run(1)
    table = Table(notebook.output(1))
    expect(table.boxes).to_have_count(3)
    badges = table.grid.get_by_role("status")
    # Also where it was told while the page was still loading the table.
    expect(badges.nth(2)).to_have_attribute("data-status", "computation-started", timeout=30_000)
    table.grid.get_by_role("checkbox", name="Select all tasks").click()
    expect(table.bulk).to_contain_text("3 selected")
    kill = table.bulk.get_by_role("button", name="Kill 3…")

    def ask():
        kill.click()
        expect(table.bulk).to_contain_text(re.compile(r"Kill 3 tasks.*\?"))

    def keep():
        table.bulk.get_by_role("button", name="Keep running").click()
        expect(kill).to_be_focused()

    take(page, table.box, "list-bulk", before=ask, after=keep)
    ask()
    table.bulk.get_by_role("button", name="Confirm kill").click()
    for index in range(3):
        expect(badges.nth(index)).to_have_attribute("data-status", "killed", timeout=30_000)
    # They stay chosen; there is nothing left to be killed.
    expect(table.bulk).to_contain_text("3 selected")
    expect(table.bulk.get_by_role("button", name=re.compile("^Kill"))).to_have_count(0)
    notebook.run(2)
    expect(notebook.output(2)).to_contain_text(re.compile(r"^\s*(killed\s+){3}$"))


def test_new_tasks_appear_in_a_followed_list(open_notebook, lab):
    show = f"{LEAVE}\nold = task\ntable = inductiva.tasks.get(3).widget(follow=True)\ntable"
    chosen = "print([one.id for one in table.selected] == [old.id], task.id)"
    notebook = open_notebook(lab.write("followed.ipynb", SETUP, show, LEAVE, chosen))
    notebook.run(0)
    notebook.run(1)
    table = Table(notebook.output(1))
    expect(table.boxes.first).to_be_visible()
    before = table.ids()
    table.boxes.first.click()
    expect(table.bulk).to_contain_text("1 selected")
    notebook.run(2)
    expect(table.boxes).to_have_count(len(before) + 1, timeout=30_000)
    new, *rest = table.ids()
    assert rest == before
    expect(table.grid.get_by_role("status").first).to_have_attribute(
        "data-status", "success", timeout=30_000
    )
    expect(table.boxes.first).not_to_be_checked()
    expect(table.boxes.nth(1)).to_be_checked()
    notebook.run(3)
    expect(notebook.output(3)).to_contain_text(f"True {new}")
