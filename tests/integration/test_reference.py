"""The API reference is built by one command, without a warning, and says where everything is."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.unit.docs.public_names import public_names

pytestmark = pytest.mark.extended

ROOT = Path(__file__).parents[2]


class Page(HTMLParser):
    """The anchors, links and text of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: set[str] = set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.anchors.add(found.get("id"))
        if tag == "a":
            self.links.add(found["href"])


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Return the folder, and what the command has printed."""
    folder = tmp_path_factory.mktemp("reference")
    command = [sys.executable, "-W", "always::UserWarning", "-m", "tests.reference", str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=120
    )
    return folder, done.stdout, done.stderr


@pytest.fixture(scope="module")
def pages(built):
    folder = built[0].resolve()
    return {path.resolve(): Page(path) for path in folder.rglob("*.html")}


def _page(folder, module):
    return folder.resolve() / f"{module.replace('.', '/')}.html"


def test_nothing_was_warned_of(built):
    _, out, err = built
    assert err == ""
    assert out.startswith("The reference is in ")
    assert len(out.splitlines()) == 1


def test_every_public_name_has_its_place(built, pages):
    missing = [
        name.path
        for name in public_names()
        if name.qualname not in pages[_page(built[0], name.module)].anchors
    ]
    assert missing == []


def test_links_lead_somewhere(pages):
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target not in pages or (
                parts.fragment and parts.fragment not in pages[target].anchors
            ):
                broken.append(f"{path.name}: {link}")
    assert broken == []


def test_private_things_are_not_shown(pages):
    shown = {anchor for page in pages.values() for anchor in page.anchors if anchor}
    private = re.compile(r"(^|\.)_(?!_init__$)")
    assert [anchor for anchor in shown if private.search(anchor)] == []
