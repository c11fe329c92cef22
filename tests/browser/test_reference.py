"""The API reference is readable in both themes, and finds names."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import ARTIFACTS
from tests.reference.build import build

PAGES = ("inductiva_widgets/errors", "inductiva_widgets/utils")


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference")
    build(folder)
    return folder


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_have_enough_contrast(reference, browser, theme):
    page = browser.new_page(color_scheme=theme, viewport={"width": 1280, "height": 1000})
    ARTIFACTS.mkdir(exist_ok=True)
    for name in PAGES:
        page.goto(f"{(reference / name).as_uri()}.html")
        report = Axe().run(page, options={"runOnly": ["color-contrast"]}).response
        assert report["passes"]
        told = [
            node["failureSummary"] + node["html"][:120]
            for rule in report["violations"]
            for node in rule["nodes"]
        ]
        assert told == [], name
        page.screenshot(path=ARTIFACTS / f"reference-{name.rpartition('/')[2]}-{theme}.png")
    page.close()


def test_search_finds_a_method_that_comes_from_a_part_of_its_class(reference, browser):
    page = browser.new_page()
    page.goto((reference / "inductiva_widgets.html").as_uri())
    page.get_by_role("searchbox").fill("download_outputs")
    expect(page.locator(".search-result").first).to_contain_text("download_outputs")
    page.close()
