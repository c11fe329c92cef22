"""What the link to Binder opens, as its visitor sees it."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from tests.binder import ROOT, build, check_out, launched

pytestmark = [pytest.mark.extended, pytest.mark.own_page]

README = (ROOT / "README.md").read_text()


def test_link_to_binder_opens_the_quick_start_which_runs(page, tmp_path):
    link = re.search(r"https://mybinder\.org/v2/[^\s)]+quickstart[^\s)]+", README)[0]
    (place,) = parse_qs(urlsplit(link).query)["urlpath"]
    home = check_out(tmp_path / "home")
    assert build(home).returncode == 0
    with launched(home) as binder:
        # Binder adds the token of the visitor.
        page.goto(f"{binder.url}{place}?token=visitor", wait_until="domcontentloaded")
        expect(page.get_by_role("heading", name="Quick start")).to_be_visible(timeout=60_000)
        # Cells that are run before there is a kernel stay as they are.
        kernel = page.get_by_role("button", name="Python 3 (ipykernel) | Idle")
        expect(kernel).to_be_visible(timeout=60_000)
        # Nothing in the way of the first click.
        expect(page.get_by_role("dialog")).to_have_count(0)
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        storm = page.get_by_role("region", name=re.compile("^Task ")).first
        expect(storm.get_by_role("status").first).to_have_attribute(
            "data-status", "success", timeout=120_000
        )
