"""The sdist and the wheel hold what they should, and say of themselves what is true."""

import subprocess
import sys
import tarfile
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest
from packaging.metadata import Metadata
from readme_renderer import markdown

from inductiva_widgets import __version__

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DIST_INFO = f"inductiva_widgets-{__version__}.dist-info"
BUNDLE = {
    f"inductiva_widgets/static/{name}"
    for name in ("loader.js", "widget.js", "widget.css", "list.js", "panels.js")
}
SITE = "https://github.com/inductiva/inductiva_widgets"
BLOB = f"{SITE}/blob/v{__version__}/"
RAW = f"https://raw.githubusercontent.com/inductiva/inductiva_widgets/v{__version__}/"


@pytest.fixture(scope="module")
def tracked():
    """Return the files that git knows, by name."""
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listing.returncode:
        pytest.skip("this is no git checkout")
    return {name for name in listing.stdout.split("\0") if name and (ROOT / name).exists()}


@pytest.fixture(scope="module")
def metadata(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return Metadata.from_email(archive.read(f"{DIST_INFO}/METADATA"))


@pytest.mark.extended
def test_sdist_holds_the_repository_and_the_bundle_without_pictures(sdist, tracked):
    with tarfile.open(sdist) as archive:
        names = {member.name.split("/", 1)[1] for member in archive if member.isfile()}
    pictures = {name for name in tracked if name.startswith("notebooks/images/")}
    assert pictures
    # What is there but not tracked would reach strangers: add it to git, or remove it.
    assert names == tracked - pictures | BUNDLE | {"PKG-INFO"}
    # With the notebooks and pages of the guide, without pictures.
    assert sdist.stat().st_size < 1_500_000


def test_wheel_holds_the_package_the_bundle_and_the_notebooks(wheel, tracked):
    expected = {name for name in tracked if name.startswith("inductiva_widgets/")} | BUNDLE
    for source, target in PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"][
        "force-include"
    ].items():
        here = {name for name in tracked if f"{name}/".startswith(f"{source}/")}
        assert here, f"git knows nothing of {source}"
        expected |= {target + name.removeprefix(source) for name in here}
    own = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
    licenses = {name for name in tracked if name.startswith("js/licenses/")}
    expected |= {f"{DIST_INFO}/{name}" for name in own}
    expected |= {f"{DIST_INFO}/licenses/{name}" for name in licenses}
    with zipfile.ZipFile(wheel) as archive:
        assert set(archive.namelist()) == expected
    assert "inductiva_widgets/py.typed" in expected
    assert wheel.name == f"inductiva_widgets-{__version__}-py3-none-any.whl"
    assert wheel.stat().st_size < 900_000


def test_licenses_of_bundled_code_are_in_the_wheel(wheel, metadata):
    """Of just the bundled packages; that, each build of the front end checks."""
    assert metadata.license_expression == "BSD-3-Clause AND MIT"
    assert metadata.license_files == ["LICENSE", "js/licenses/preact.txt"]
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(f"{DIST_INFO}/licenses/js/licenses/preact.txt").decode()
        bundle = archive.read("inductiva_widgets/static/widget.js").decode()
    assert text.startswith("The MIT License")
    assert text.strip() in bundle


def test_metadata_says_what_the_package_is(metadata):
    assert metadata.name == "inductiva-widgets"
    assert str(metadata.version) == __version__
    assert str(metadata.requires_python) == ">=3.10"
    assert set(metadata.provides_extra) == set(PROJECT["project"]["optional-dependencies"])
    assert {"local", "plots", "export", "splish", "zstd", "demo"} <= set(metadata.provides_extra)
    assert set(metadata.project_urls) >= {"Source", "Issues", "Changelog"}
    assert all(url.startswith(SITE) for url in metadata.project_urls.values())
    assert {"Typing :: Typed", "Framework :: Jupyter"} <= set(metadata.classifiers)
    # The expression takes their place.
    assert not any(one.startswith("License ::") for one in metadata.classifiers)


def test_changelog_link_leads_to_the_file(metadata):
    address = metadata.project_urls["Changelog"]
    assert address.startswith(f"{SITE}/blob/main/")
    assert (ROOT / address.removeprefix(f"{SITE}/blob/main/")).is_file()


def test_command_line_is_an_entry_point(wheel):
    with zipfile.ZipFile(wheel) as archive:
        entries = archive.read(f"{DIST_INFO}/entry_points.txt").decode()
    assert entries.split() == [
        "[console_scripts]",
        "inductiva-widgets",
        "=",
        "inductiva_widgets.cli.main:run",
    ]


class Links(HTMLParser):
    """Collects what a page leads to and shows."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.pictures: list[str] = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "img":
            self.pictures.append(given["src"])


def test_readme_stands_on_a_package_index(metadata):
    """It renders; links and pictures are whole addresses of files that the tag has."""
    assert metadata.description_content_type == "text/markdown"
    page = Links()
    html = markdown.render(metadata.description)
    assert html
    page.feed(html)
    assert page.pictures
    assert any(link.startswith(BLOB) for link in page.links)
    for address in page.links + page.pictures:
        assert address.startswith(("https://", "#")), address
    here = [one.removeprefix(RAW) for one in page.pictures if one.startswith(RAW)]
    here += [one.removeprefix(BLOB).partition("#")[0] for one in page.links if one.startswith(BLOB)]
    assert not [name for name in here if not (ROOT / name).exists()]


def test_readme_is_the_repository_s_but_for_addresses(metadata):
    text = metadata.description.replace(RAW, "").replace(BLOB, "")
    assert text.strip() == (ROOT / "README.md").read_text(encoding="utf-8").strip()


def test_twine_has_nothing_to_say(sdist, wheel):
    command = [sys.executable, "-m", "twine", "--no-color", "check", "--strict", sdist, wheel]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("PASSED") == 2
