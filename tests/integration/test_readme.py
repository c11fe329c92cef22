"""The README is short, its examples run as they stand, and its links lead to files."""

from __future__ import annotations

import ast
import asyncio
import inspect
import os
import re
import shlex
import shutil
from pathlib import Path

import click
import pytest

from inductiva_widgets.cli.main import main
from tests.embedded import end_server

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", ".github/CONTRIBUTING.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
QUOTED = r"""block\((?:"(.+?)"|'(.+?)')\)"""
FLAGS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT


def block(words: str) -> str:
    """Return the one block of Python that holds some words."""
    (found,) = [text for text in BLOCKS if words in text]
    return found


def run(text: str, names: dict) -> dict:
    """Run a block as a notebook's cell would, top-level await included."""
    outcome = eval(compile(text, "README.md", "exec", flags=FLAGS), names)
    if inspect.iscoroutine(outcome):
        asyncio.run(outcome)
    return names


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return a folder with what a checkout has for the examples, and a server of its own."""
    folder = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "notebooks" / "cases", folder / "notebooks" / "cases")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("INDUCTIVA_")]:
            patch.delenv(name)
        patch.setenv("INDUCTIVA_LOCAL_DIR", str(folder / "local"))
        patch.setenv("INDUCTIVA_CACHE_DIR", str(folder / "cache"))
        patch.setattr("inductiva_widgets.http.default_client._default", None)
        patch.chdir(folder)
        yield folder
        end_server(folder / "local")
        end_server(folder / "local-replay")


@pytest.fixture(scope="module")
def first(place):
    """Return the names after the first two of the three examples."""
    names = run(block("a live card: status, phases"), {})
    return run(block("outflows.txt"), names)


def test_every_block_of_python_is_run_by_a_test():
    text = inspect.getsource(inspect.getmodule(test_every_block_of_python_is_run_by_a_test))
    words = {double or single for double, single in re.findall(QUOTED, text)}
    for one in BLOCKS:
        assert any(word in one for word in words), one


def test_first_two_examples_run_watch_and_take_files(first, place):
    assert first["task"].get_status() == "success"
    folder = place / "inductiva_output" / first["task"].id
    names = {path.name for path in folder.rglob("*") if path.is_file()}
    assert {"stdout.txt", "model.rpt"} <= names
    assert "model.out" not in names


@pytest.mark.extended
def test_third_example_asks_the_history(first):
    names = run(block('last_n=20, status="success"'), dict(first))
    assert first["task"].id in names["df"].index


def test_readme_fits_on_a_screen_and_a_half():
    assert len(README.split()) <= 1200


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_of_a_page_lead_to_files(path):
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = re.findall(r'(?:\]\(|src="|srcset=")(?!https?:|#)([^)"#]+)', text)
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_every_picture_is_shown_on_a_page():
    text = "".join(path.read_text(encoding="utf-8") for path in PAGES)
    pictures = [path.name for path in (ROOT / "notebooks" / "images").iterdir()]
    assert [name for name in pictures if name not in text] == []


def test_every_notebook_is_in_the_guide_of_the_readme():
    named = set(re.findall(r"\]\(notebooks/(\w+)\.ipynb\)", README))
    assert named == {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}


def test_files_that_contributing_names_are_there():
    text = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`([\w./]+/\w+\.(?:py|ts|tsx|css|md|ipynb|json))`", text)
    assert len(named) > 40
    folders = (ROOT, ROOT / "inductiva_widgets")
    assert [n for n in named if not any((folder / n).is_file() for folder in folders)] == []


def test_benchmarks_that_the_figures_name_are_there():
    figures = (ROOT / "docs" / "figures.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\| `(\w+)` \|\n", figures))
    named |= set(re.findall(r"tests\.benchmarks\.(\w+)", figures))
    assert len(named) > 7
    for name in named:
        assert (ROOT / "tests" / "benchmarks" / f"{name}.py").is_file(), name


def test_figures_of_the_readme_are_among_all_figures():
    figures = (ROOT / "docs" / "figures.md").read_text(encoding="utf-8")
    table = README[README.index("## In figures") : README.index("## Project")]
    measured = re.findall(r"[\d.]+ (?:s|ms|kB|MB|requests)\b", table)
    assert len(measured) > 10
    assert [figure for figure in measured if figure not in figures] == []


def test_commands_of_the_page_are_those_of_the_command_line():
    page = (ROOT / "docs" / "command_line.md").read_text(encoding="utf-8")
    table = page[page.index("| command | what |") :].split("\n\n")[0]
    for line in table.splitlines()[2:]:
        for text in re.findall(r"`([a-z][^`]*)`", line.split(" | ")[0]):
            command = main
            for word in shlex.split(re.sub(r"[\[\]…]", " ", text)):
                if isinstance(command, click.Group):
                    assert word in command.commands, text
                    command = command.commands[word]
                elif word.startswith("-"):
                    options = {name for option in command.params for name in option.opts}
                    assert word in options, text
