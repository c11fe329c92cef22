"""A running task as it is watched: its log, its numbers, its files, and a condition that ends it.

The tasks are programs of the tests, which the embedded server runs as it runs simulators.
"""

import re
import time

import pytest
from playwright.sync_api import expect

from tests.browser import workload_scripts
from tests.browser.conftest import take

pytestmark = pytest.mark.extended

SETUP = """import inductiva_widgets as inductiva
inductiva.connect("local")
image = inductiva.simulators.CustomImage("docker://example/programs")"""
RESIDUAL = r"residual\s+(?P<residual>\S+)"
BOTH = r"residual\s+(?P<residual>\S+)\s+courant\s+(?P<courant>\S+)"


@pytest.fixture(scope="module", autouse=True)
def _program(lab):
    """Put the program where notebooks find it."""
    folder = lab.folder / "cases" / "solve"
    folder.mkdir()
    (folder / "solve.py").write_text(workload_scripts.SOLVE)


class Solver:
    """A run of the program that prints residuals."""

    def __init__(self, folder):
        self.folder = folder
        command = f"python solve.py {folder}"
        self.run = f'task = image.run("cases/solve", commands=[{command!r}])'

    def say(self, word):
        (self.folder / word).touch()


@pytest.fixture
def solver(tmp_path):
    solver = Solver(tmp_path)
    yield solver
    # It does not outlive its test, whatever has become of it.
    solver.say("end")


def card_in(box):
    return box.get_by_role("region", name=re.compile("^Task "))


def becomes(card, status):
    expect(card.get_by_role("status").first).to_have_attribute(
        "data-status", status, timeout=30_000
    )


def path_of(sparkline):
    """Return the path of the line."""
    return sparkline.locator("path").first.get_attribute("d") or ""


def redraws(sparkline):
    """Wait until the line changes: it may have its 80 points already, and gets no more."""
    path = sparkline.locator("path").first
    expect(path).not_to_have_attribute("d", path_of(sparkline), timeout=60_000)


def grows(page, measure):
    """Wait until something is more than it was; returns what it is then."""
    before = measure()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        now = measure()
        if now > before:
            return now
        # As long as the page takes to draw, not a fixed time.
        page.wait_for_function("() => new Promise(requestAnimationFrame)")
    raise AssertionError(f"It is still {before}.")


def kib(text):
    """Return a size in words as a number."""
    number, unit = re.search(r"([\d.]+)\s*(B|KiB|MiB)", text).groups()
    return float(number) * {"B": 1, "KiB": 1024, "MiB": 1 << 20}[unit]


def test_card_of_a_running_task_shows_its_numbers_its_log_and_its_files(
    open_notebook, lab, page, solver
):
    watch = f"watch = task.watch({BOTH!r})"
    cells = (
        SETUP,
        f"{solver.run}\ntask",
        watch,
        "print(watch.wait(20), len(watch.to_frame()) > 9)",
    )
    notebook = open_notebook(lab.write("live.ipynb", *cells))
    notebook.run(0)
    notebook.run(1)
    card = card_in(notebook.output(1))
    becomes(card, "computation-started")
    notebook.run(2)
    metrics = card.get_by_role("group", name="Metrics")
    line = metrics.get_by_role("listitem").filter(has_text="residual")
    expect(line).to_be_visible(timeout=60_000)
    expect(metrics.get_by_role("listitem")).to_have_count(2)
    sparkline = line.get_by_role("img")
    redraws(sparkline)
    assert len(re.findall("[ML]", path_of(sparkline))) > 2

    card.get_by_role("tab", name="Log").click()
    log = card.get_by_role("log")
    expect(log).to_contain_text(re.compile(r"step\s+\d+\s+residual"), timeout=60_000)
    grows(page, lambda: int(re.findall(r"step\s+(\d+)", log.inner_text())[-1]))
    take(page, card, "card-live-log")

    card.get_by_role("tab", name="Files").click()
    files = card.get_by_role("treegrid", name="Working folder")
    field = files.get_by_role("row", name=re.compile("velocity.dat"))
    expect(field).to_be_visible(timeout=60_000)
    expect(files.get_by_role("row", name=re.compile("stdout.txt"))).to_be_visible()
    grows(page, lambda: kib(field.inner_text()))
    take(page, card, "card-live-files")

    solver.say("end")
    becomes(card, "success")
    expect(card.get_by_role("tab", name="Outputs")).to_be_visible()
    # The last state stays.
    expect(line).to_be_visible()
    notebook.run(3)
    expect(notebook.output(3)).to_contain_text("True True")
    take(page, card, "card-live-end")


def test_card_of_a_known_simulator_reads_by_itself(open_notebook, lab, page):
    run = "task = inductiva.simulators.SWMM().run('cases/swmm_long')\ntask"
    notebook = open_notebook(lab.write("quiet.ipynb", SETUP, run, "task.kill()"))
    notebook.run(0)
    notebook.run(1)
    card = card_in(notebook.output(1))
    becomes(card, "computation-started")
    bar = card.get_by_role("progressbar", name="Simulation")
    expect(bar).to_be_visible(timeout=60_000)
    expect(card.get_by_role("group", name="Metrics")).to_contain_text("SWMM progress")
    take(page, card, "card-live-progress")
    notebook.run(2)
    becomes(card, "killed")


def test_condition_kills_a_task_that_diverges_and_the_card_says_why(
    open_notebook, lab, page, solver
):
    watch = f'task.watch({RESIDUAL!r}, stop_if="residual > 1e3", notify=True)'
    notebook = open_notebook(lab.write("stop.ipynb", SETUP, f"{solver.run}\ntask", watch))
    notebook.run(0)
    notebook.run(1)
    card = card_in(notebook.output(1))
    becomes(card, "computation-started")
    notebook.run(2)
    expect(card.get_by_role("group", name="Metrics")).to_contain_text("residual", timeout=60_000)
    solver.say("diverge")
    becomes(card, "killed")
    expect(card.get_by_role("group", name="Metrics")).to_contain_text("residual > 1e3")
    take(page, card, "card-live-stopped")


def test_series_that_turns_to_nan_says_so_and_since_when_wherever_it_is_shown(
    open_notebook, lab, page, solver
):
    both = r"step\s+(?P<step>\d+)\s+residual\s+(?P<residual>\S+)"
    cells = (
        SETUP,
        f"{solver.run}\ntask",
        f"watch = task.watch({both!r})",
        "inductiva.tasks.get(last_n=1).widget()",
        "watch.wait(20)\nprint(watch.gaps('residual')[0].start)",
        "card = task.widget()\nprint(card._repr_mimebundle_()[0]['text/plain'])",
    )
    notebook = open_notebook(lab.write("nan.ipynb", *cells))
    for index in range(4):
        notebook.run(index)
    card, grid = card_in(notebook.output(1)), notebook.output(3).get_by_role("grid")
    line = card.get_by_role("listitem").filter(has_text="residual")
    expect(line).to_be_visible(timeout=20_000)
    redraws(line.get_by_role("img"))
    solver.say("nan")
    expect(line).to_contain_text("nan since step", timeout=20_000)
    step = int(re.search(r"nan since step (\d+)", line.inner_text())[1])
    told = re.compile(rf"^residual: last nan since step {step}\b")
    expect(grid.get_by_role("img", name=told)).to_be_visible(timeout=20_000)
    take(page, card, "card-live-nan")
    take(page, notebook.output(3), "table-metric-nan")
    solver.say("end")
    becomes(card, "success")
    expect(line).to_contain_text(f"nan since step {step}")
    for index in (4, 5):
        notebook.run(index)
    expect(notebook.output(4)).to_contain_text(str(step))


def test_condition_set_during_a_run_says_what_it_waits_for_and_leaves_a_good_run_alone(
    open_notebook, lab, page, solver
):
    cells = (
        SETUP,
        f"{solver.run}\nwatch = task.watch({RESIDUAL!r})\ntask",
        f"task.watch({RESIDUAL!r}, stop_if='residual > 0.95')",
    )
    notebook = open_notebook(lab.write("late.ipynb", *cells))
    notebook.run(0)
    notebook.run(1)
    card = card_in(notebook.output(1))
    metrics = card.get_by_role("group", name="Metrics")
    last = metrics.get_by_role("listitem").filter(has_text="residual").locator("b").first
    expect(last).to_have_text(re.compile(r"^0\.[0-7]"), timeout=30_000)
    notebook.run(2)
    expect(metrics).to_contain_text("Kills the task if residual > 0.95", timeout=15_000)
    expect(metrics).to_contain_text(re.compile(r"residual is 0\.[\d.]+, judged from row \d+ on"))
    expect(metrics.locator(".iw-log-metrics-source")).to_contain_text("residual")
    expect(metrics.locator(".iw-log-metrics-source")).not_to_contain_text("(?P<")
    take(page, card, "card-live-condition")
    # The rows that would have met it are long read.
    becomes(card, "computation-started")
    solver.say("diverge")
    becomes(card, "killed")
    expect(metrics).to_contain_text("met at row")


def test_own_expression_leaves_the_known_progress_of_a_simulator_on_its_card(
    open_notebook, lab, page
):
    run = "task = inductiva.simulators.SWMM().run('cases/swmm_long')\ntask"
    watch = r"task.watch(r'wall\s+(?P<wall>\S+)')"
    notebook = open_notebook(lab.write("both.ipynb", SETUP, run, watch, "task.kill()"))
    notebook.run(0)
    notebook.run(1)
    card = card_in(notebook.output(1))
    bar = card.get_by_role("progressbar", name="Simulation")
    expect(bar).to_be_visible(timeout=30_000)
    notebook.run(2)
    metrics = card.get_by_role("group", name="Metrics")
    expect(metrics.get_by_role("listitem").filter(has_text="wall")).to_be_visible(timeout=20_000)
    expect(metrics).to_contain_text("wall, SWMM progress")
    expect(bar).to_be_visible()
    take(page, card, "card-live-both")
    notebook.run(3)
    becomes(card, "killed")


# The browser's own notifications, counted: a headless one shows them to nobody.
COUNT = """window.told = [];
window.Notification = new Proxy(window.Notification, {
  construct(kind, given) { window.told.push(given); return new kind(...given); },
});"""


@pytest.mark.own_page
def test_browser_tells_of_the_end_once_the_bell_was_rung(open_notebook, lab, page, solver):
    page.context.grant_permissions(["notifications"])
    page.add_init_script(COUNT)
    notebook = open_notebook(lab.write("bell.ipynb", SETUP, f"{solver.run}\ntask", "task"))
    for index in range(3):
        notebook.run(index)
    cards = [card_in(notebook.output(index)) for index in (1, 2)]
    for card in cards:
        becomes(card, "computation-started")
    bell = cards[0].get_by_role("button", name="Notify me when it ends")
    expect(bell).to_have_attribute("aria-pressed", "false")
    bell.click()
    expect(bell).to_have_attribute("aria-pressed", "true")
    solver.say("end")
    for card in cards:
        becomes(card, "success")
    page.wait_for_function("() => window.told.length > 0")
    [[title, options]] = page.evaluate("() => window.told")
    assert "Success" in title
    assert cards[0].get_attribute("aria-label") == f"Task {options['tag']}"


def test_list_draws_the_metric_of_its_running_tasks(open_notebook, lab, page, solver):
    # The second one waits for the first: the embedded server computes one at a time.
    more = "more = inductiva.simulators.SWMM().run('cases/swmm_long')"
    watch = f"watch = task.watch({RESIDUAL!r})"
    show = "inductiva.tasks.get(last_n=2).widget()"
    cells = (SETUP, f"{solver.run}\n{more}", watch, show, "more.kill()")
    notebook = open_notebook(lab.write("metrics.ipynb", *cells))
    for index in range(4):
        notebook.run(index)
    grid = notebook.output(3).get_by_role("grid")
    # A watched task is listed, so the column is there by itself.
    expect(grid.get_by_role("columnheader", name="Metric")).to_be_visible()
    watched = grid.get_by_role("row").nth(2).get_by_role("img", name=re.compile("^residual"))
    expect(watched).to_be_visible(timeout=60_000)
    redraws(watched)
    solver.say("end")
    quiet = grid.get_by_role("row").nth(1).get_by_role("img", name=re.compile("^percent"))
    expect(quiet).to_be_visible(timeout=30_000)
    expect(watched).to_be_visible()
    take(page, notebook.output(3), "table-metric")
    notebook.run(4)
