"""axe-core finds nothing in our part of the page; zoom and reduced motion are respected."""

import json
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser import workload_scripts
from tests.browser.conftest import ARTIFACTS, set_theme

SETUP = f"""import inductiva_widgets as inductiva
inductiva.connect("local")
swmm = inductiva.simulators.SWMM()
done = swmm.run("cases/swmm_fail")
done.wait(silent_mode=True)
long = {workload_scripts.SLEEP}
long.wait_for_status("computation-started", silent_mode=True)"""
CELLS = (SETUP, "long", "done", "inductiva.tasks.get(last_n=20)")
OURS = {"include": [[".iw-root"]]}


@pytest.fixture
def shown(open_notebook, lab):
    """Return a notebook with the card of a running task, an ended one, and the list."""
    notebook = open_notebook(lab.write("accessible.ipynb", *CELLS, "long.kill()"))
    for index in range(4):
        notebook.run(index)
    for index in (1, 2):
        card = notebook.output(index).get_by_role("region", name=re.compile("^Task "))
        expect(card).to_be_visible(timeout=30_000)
    expect(notebook.output(3).get_by_role("grid")).to_be_visible(timeout=30_000)
    yield notebook
    notebook.run(4)


def violations(page, name):
    """Return what axe-core finds in our roots, and keep its report."""
    report = Axe().run(page, context=OURS).response
    ARTIFACTS.mkdir(exist_ok=True)
    (ARTIFACTS / f"axe-{name}.json").write_text(json.dumps(report, indent=1))
    assert report["passes"], "axe-core has looked at nothing"
    return [
        f"{rule['id']}: {node['failureSummary']}: {node['html'][:200]}"
        for rule in report["violations"]
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.extended)])
def test_axe_finds_no_violation(shown, page, theme):
    set_theme(page, theme)
    assert violations(page, f"closed-{theme}") == []
    found = []
    cards = shown.output(2).get_by_role("region", name=re.compile("^Task ")).first
    for tab in cards.get_by_role("tab").all():
        name = re.sub(r"\W.*", "", tab.inner_text().strip()).lower()
        tab.click()
        panel = cards.get_by_role("tabpanel")
        expect(panel).not_to_contain_text("Loading", timeout=60_000)
        found += violations(page, f"{name}-{theme}")
        cards.screenshot(path=ARTIFACTS / f"open-{name}-{theme}.png")
    assert found == []


def test_axe_finds_no_violation_in_a_list_with_an_open_card(shown, page):
    # The same task is not a landmark twice where it is shown once.
    for index in (1, 2):
        shown.output(index).evaluate("node => { node.style.display = 'none' }")
    row = shown.output(3).get_by_role("row").nth(1)
    row.click()
    expect(shown.output(3).get_by_role("region", name=re.compile("^Task ")).first).to_be_visible()
    assert violations(page, "list-open") == []


def test_cards_and_list_fit_at_twice_the_size(shown, page, browser):
    # 200 % zoom of a window of 1280 pixels.
    page.set_viewport_size({"width": 640, "height": 900})
    for index in (1, 2, 3):
        root = shown.output(index).locator(".iw-root")
        wider = """node => node.getBoundingClientRect().right
            - node.closest('.jp-OutputArea-output').getBoundingClientRect().right"""
        assert root.evaluate(wider) <= 1
        root.screenshot(path=ARTIFACTS / f"zoomed-{index}.png")
    kill = shown.output(1).get_by_role("button", name="Kill", exact=True)
    kill.scroll_into_view_if_needed()
    box = kill.bounding_box()
    assert box["x"] + box["width"] <= 640
    kill.click(trial=True)


def test_nothing_moves_for_those_who_do_not_want_it(shown, page):
    running = """() => [...document.querySelectorAll('.iw-root')].flatMap(root =>
        root.getAnimations({ subtree: true }).filter(one => one.playState === 'running')
            .map(one => one.animationName ?? one.transitionProperty))"""
    page.emulate_media(reduced_motion="no-preference")
    page.wait_for_function(f"({running})().length > 0")
    page.emulate_media(reduced_motion="reduce")
    # What was under way at that moment comes to its end.
    page.wait_for_function(f"({running})().length === 0")
    # The clock of a running task goes on, and moves the bar without a movement.
    page.wait_for_function(
        "() => new Promise(done => setTimeout(() => done(true), 1500 - Date.now() % 1000))"
    )
    assert page.evaluate(running) == []
    for tab in shown.output(2).get_by_role("tab").all():
        tab.click()
        assert page.evaluate(running) == []
