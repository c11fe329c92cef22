"""The documentation site is built by one command, without a warning, and works offline.

Notebooks are not executed here: their own tests execute them.
"""

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
# A redirect of pdoc, and what the theme writes for its search and its index of names.
UNLINKED = {"api/index.html", "genindex.html", "search.html"}


class Page(HTMLParser):
    """The anchors, links and text of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: set[str] = set()
        self.loaded: set[str] = set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.anchors.add(found.get("id"))
        if tag == "a" and "href" in found:
            self.links.add(found["href"])
        for key in ("src", "srcset", *(("href",) if tag == "link" else ())):
            if found.get(key) and found.get("rel") not in {"search", "index", "next", "prev"}:
                self.loaded.add(found[key])


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Return the folder, and what the command has printed."""
    folder = tmp_path_factory.mktemp("docs") / "site"
    command = [sys.executable, "-W", "always::UserWarning", "-m", "docs.build", "--no-execute"]
    done = subprocess.run(
        [*command, str(folder)], cwd=ROOT, check=True, capture_output=True, text=True, timeout=300
    )
    return folder, done.stdout, done.stderr


@pytest.fixture(scope="module")
def pages(built):
    folder = built[0].resolve()
    return {path.resolve(): Page(path) for path in folder.rglob("*.html")}


def _page(folder, module):
    return folder.resolve() / "api" / f"{module.replace('.', '/')}.html"


def test_nothing_was_warned_of(built):
    _, out, err = built
    assert err == ""
    assert out.startswith("The site is in ")
    assert len(out.splitlines()) == 1


def test_every_public_name_has_its_place(built, pages):
    missing = [
        name.path
        for name in public_names()
        if name.qualname not in pages[_page(built[0], name.module)].anchors
    ]
    assert missing == []


def test_site_has_the_readme_the_guide_and_the_changelog(built):
    folder = built[0]
    for path in ROOT.glob("notebooks/*.ipynb"):
        assert (folder / "notebooks" / f"{path.stem}.html").is_file()
    assert "Run physical simulations" in (folder / "index.html").read_text()
    assert "Keep a Changelog" in (folder / "CHANGELOG.html").read_text()
    assert "Ten changes" in (folder / "contributing.html").read_text()


def test_links_lead_somewhere(built, pages):
    broken = []
    for path, page in pages.items():
        for link in page.links | page.loaded:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            is_missing = parts.fragment and target.suffix == ".html"
            is_missing = is_missing and parts.fragment not in pages[target].anchors
            if not target.is_file() or is_missing:
                broken.append(f"{path.relative_to(built[0].resolve())}: {link}")
    assert broken == []


def test_every_page_is_reached_from_the_index_and_leads_back_to_it(built, pages):
    folder = built[0].resolve()

    def linked(path):
        parts = [urlsplit(link) for link in pages[path].links]
        found = {(path.parent / unquote(part.path)).resolve() for part in parts if not part.scheme}
        return found & pages.keys()

    index = folder / "index.html"
    reached, new = {index}, {index}
    while new:
        new = set().union(*map(linked, new)) - reached
        reached |= new
    assert {page.relative_to(folder).as_posix() for page in pages.keys() - reached} <= UNLINKED
    assert [page.name for page in reached if index not in {page, *linked(page)}] == []


def test_pages_load_nothing_from_the_network(pages):
    loaded = {link for page in pages.values() for link in page.loaded}
    assert [link for link in loaded if urlsplit(link).scheme not in {"", "data"}] == []


def test_private_things_are_not_shown(built, pages):
    reference = built[0].resolve() / "api"
    documented = [page for path, page in pages.items() if reference in path.parents]
    shown = {anchor for page in documented for anchor in page.anchors if anchor}
    private = re.compile(r"(^|\.)_(?!_init__$)")
    assert [anchor for anchor in shown if private.search(anchor)] == []
