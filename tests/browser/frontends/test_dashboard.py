"""The dashboard: a notebook that Voilà serves as a page, with a list, a card and pictures."""

import re
import shutil

import pytest
from playwright.sync_api import expect

import inductiva_widgets as inductiva
from tests.browser.conftest import ARTIFACTS, ROOT, end_demo, free_port
from tests.browser.frontends.conftest import kill_by_its_buttons, voila
from tests.embedded import end_server
from tests.notebooks.test_dashboard import TITLES

pytestmark = pytest.mark.extended

TICK = re.compile("^Select task ")
CHIPS = ("All", "Failed")


@pytest.fixture(scope="module")
def serve(tmp_path_factory):
    """Return what serves the dashboard to somebody without an account, unless told otherwise."""

    def serve(**environment):
        folder = tmp_path_factory.mktemp("dashboard")
        shutil.copy(ROOT / "notebooks" / "dashboard.ipynb", folder)
        # No key of whoever runs the tests, from wherever.
        nobody = {"INDUCTIVA_API_KEY": "", "INDUCTIVA_API_URL": "", "HOME": str(folder)}
        return voila(folder / "dashboard.ipynb", nobody | environment)

    return serve


@pytest.fixture(scope="module")
def demo(serve, local_server):
    """Return the address of the dashboard of the demo."""
    with serve(INDUCTIVA_API_URL="replay", **local_server) as url:
        yield url
    end_demo(local_server)


class Dashboard:
    """The page, found as people find its parts."""

    def __init__(self, page):
        self.page = page
        self.grid = page.get_by_role("grid", name="Tasks")
        # The cards of open lines are in the grid, and no card of ours.
        self.card = page.get_by_role("region", name=re.compile("^Task ")).first
        self.pictures = page.locator(".vega-embed svg.marks")

    def open(self, url, theme="light"):
        # The page streams while the cells run.
        self.page.goto(f"{url}?theme={theme}", wait_until="commit")
        expect(self.page.get_by_role("heading", name="Simulations")).to_be_visible(timeout=90_000)

    def row(self, status):
        badge = self.page.locator(f"[data-status={status}]")
        tick = self.page.get_by_role("checkbox", name=TICK)
        return self.grid.get_by_role("row").filter(has=badge).filter(has=tick).first

    def choose(self, status):
        """Tick the first line of a status and return the card that comes."""
        tick = self.row(status).get_by_role("checkbox", name=TICK)
        task_id = tick.get_attribute("aria-label").removeprefix("Select task ")
        self.page.get_by_role("checkbox", name=f"Select task {task_id}").check()
        card = self.page.get_by_role("region", name=f"Task {task_id}")
        expect(card).to_be_visible()
        return card


@pytest.fixture
def dashboard(page, tolerated):
    # The page's own template asks for icons there; without them it works all the same.
    tolerated.strangers.append("fontawesome-free")
    page.set_viewport_size({"width": 1500, "height": 1500})
    return Dashboard(page)


def count_of(dashboard):
    """Return how many tasks the list has, as its page says it."""
    return int(dashboard.page.get_by_role("button", name=re.compile(r"^All \d")).inner_text()[4:])


def test_task_that_is_ticked_shows_its_card_its_log_and_its_files(dashboard, demo):
    dashboard.open(demo)
    expect(dashboard.grid).to_be_visible(timeout=60_000)
    # One is there from the beginning.
    expect(dashboard.card).to_be_visible()
    ended = dashboard.choose("success")
    ended.get_by_role("tab", name=re.compile("Outputs")).click()
    expect(ended).to_contain_text("stdout.txt", timeout=60_000)
    ended.get_by_role("tab", name="Log").click()
    expect(ended.get_by_role("log")).to_contain_text(re.compile(r"\w"), timeout=60_000)
    dashboard.page.get_by_role("button", name=re.compile("^Failed ")).click()
    failed = dashboard.choose("failed")
    expect(failed.get_by_role("status").first).to_have_attribute("data-status", "failed")
    expect(ended).to_have_count(0)


def test_live_task_is_killed_and_new_ones_appear(dashboard, demo):
    dashboard.open(demo)
    expect(dashboard.row("computation-started")).to_be_visible(timeout=60_000)
    before = count_of(dashboard)
    card = dashboard.choose("computation-started")
    kill_by_its_buttons(card)
    task_id = card.get_attribute("aria-label").removeprefix("Task ")
    row = dashboard.page.get_by_role("row").filter(
        has=dashboard.page.get_by_role("checkbox", name=f"Select task {task_id}")
    )
    expect(row).to_contain_text("Killed")
    more = re.compile(rf"^All (?!{before}$)\d+$")
    expect(dashboard.page.get_by_role("button", name=more)).to_be_visible(timeout=90_000)
    assert count_of(dashboard) > before


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pictures_are_drawn_without_a_network_and_no_code_is_shown(dashboard, demo, theme):
    dashboard.open(demo, theme)
    is_light = str(theme == "light").lower()
    expect(dashboard.page.locator(f"body[data-jp-theme-light={is_light}]")).to_be_visible()
    expect(dashboard.pictures).to_have_count(3, timeout=60_000)
    for number, words in enumerate(TITLES):
        picture = dashboard.pictures.nth(number)
        title = picture.get_by_text(re.compile(rf"^{words}.* \(DEMO data\)$"))
        expect(title).to_be_visible()
        bars = picture.locator(".mark-rect path, .mark-bar path")
        sizes = [bar.bounding_box() for bar in bars.all()[:40]]
        assert sum(size["width"] * size["height"] for size in sizes) > 5000
        colour = title.evaluate("node => getComputedStyle(node).fill")
        assert ("255" in colour or "0.87" not in colour) == (theme == "dark"), colour
    expect(dashboard.page.locator("body")).not_to_contain_text("import inductiva")
    take(dashboard, f"dashboard-{theme}.png")


def take(dashboard, name):
    """Take a picture of the page, down to the last of its drawn pictures, with a failed task."""
    chips = [dashboard.page.get_by_role("button", name=re.compile(f"^{n} \\d")) for n in CHIPS]
    chips[1].click()
    card = dashboard.choose("failed")
    expect(card).to_contain_text("Last lines of")
    chips[0].click()
    dashboard.page.mouse.move(0, 0)
    ARTIFACTS.mkdir(exist_ok=True)
    end = dashboard.pictures.last.bounding_box()["y"]
    clip = {"x": 0, "y": 0, "width": 1500, "height": end - 8}
    dashboard.page.screenshot(path=ARTIFACTS / name, clip=clip, animations="disabled")


def test_without_a_key_it_shows_the_demo_and_says_why(dashboard, serve, local_server):
    with serve(**local_server) as url:
        dashboard.open(url)
        expect(dashboard.page.get_by_role("status").first).to_contain_text(
            "A demo, whose tasks are made up. No API key was found."
        )
        expect(dashboard.grid.get_by_role("row").nth(1)).to_be_visible()


def test_first_task_of_an_empty_account_appears_by_itself(dashboard, serve, tmp_path, monkeypatch):
    data = tmp_path / "local"
    monkeypatch.setenv("INDUCTIVA_LOCAL_DIR", str(data))
    with serve(INDUCTIVA_LOCAL_DIR=str(data), INDUCTIVA_API_URL="local") as url:
        dashboard.open(url)
        expect(dashboard.page.locator("body")).to_contain_text("From http://127.0.0.1")
        expect(dashboard.pictures.first).to_contain_text("No tasks", timeout=60_000)
        inductiva.connect("local")
        task = inductiva.simulators.SWMM().run(ROOT / "notebooks" / "cases" / "swmm_fail")
        row = dashboard.page.get_by_role("row").filter(has_text="swmm")
        expect(row).to_be_visible(timeout=60_000)
        expect(dashboard.row("failed")).to_be_visible(timeout=60_000)
        expect(dashboard.choose("failed")).to_contain_text(task.id)
    end_server(data)


def test_server_that_is_not_there_is_told_in_the_page(dashboard, serve):
    nowhere = f"http://127.0.0.1:{free_port()}"
    with serve(INDUCTIVA_API_URL=nowhere, INDUCTIVA_API_KEY="key-of-the-tests") as url:
        dashboard.open(url)
        said = dashboard.page.get_by_role("status").filter(has_text="cannot be reached")
        expect(said.first).to_be_visible(timeout=60_000)
        expect(said).to_have_count(2, timeout=60_000)
        expect(said.first).to_contain_text(nowhere)
        expect(dashboard.page.locator("body")).not_to_contain_text("There was an error")
