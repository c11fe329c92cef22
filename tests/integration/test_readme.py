"""What the README shows is run as it stands, and what it points to is there."""

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

import inductiva_widgets as inductiva
from inductiva_widgets.cli.main import main
from tests.embedded import end_server

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
# Words of those that need an account, or a simulator that does not come along.
NOT_RUN = {
    "reef3d-input-example.zip": "the seed's script: tests/integration/test_seed_document.py",
    "group.start()": "tests/integration/test_resources.py starts groups",
}
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
    words = {double or single for double, single in re.findall(QUOTED, text)} | NOT_RUN.keys()
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


@pytest.mark.extended
def test_a_task_in_code(first):
    run(block("with task.sync_context()"), dict(first))
    assert first["task"].get_metadata() == {"cell_size": "0.05"}


@pytest.mark.extended
def test_a_run_is_watched(first, place, capsys):
    inductiva.connect("local")
    names = run(block("task.on_status("), dict(first))
    try:
        assert names["watch"].series_names == ("wall",)
        printed = capsys.readouterr().out
        assert "Simulating 2024-01-10" in printed
        assert "stdout.txt was written" in printed or "model.out was written" in printed
        assert "%CPU" in printed
    finally:
        assert names["task"].kill(wait_timeout=30)


@pytest.mark.extended
def test_the_table_in_code(first, place):
    client = inductiva.connect("replay")
    names = run(block("widget(follow=True)"), dict(first))
    assert len(names["table"].filtered) > 500
    names["table"].close()
    assert client.url.startswith("http://127.0.0.1")


@pytest.mark.extended
def test_history_as_data(first, place):
    inductiva.connect("replay")
    names = run(block("# live again: logs"), dict(first))
    assert len(names["tasks"]) > 1
    assert set(names["reef"]["simulator"]) == {"reef3d"}


@pytest.mark.extended
def test_downloads(first, place, tmp_path, monkeypatch):
    inductiva.connect("local")
    monkeypatch.chdir(tmp_path)
    text = block("download = task.start_download()")
    # Names that the storm has, and an archive that is on this machine.
    text = text.replace('["vtk/", "*.csv"]', '["model.rpt", "*.txt"]')
    text = text.replace("https://host/any.zip", first["task"].get_output_url())
    text = text.replace('"folder", ["data/"]', '"folder", ["artifacts/"]')
    names = run(text, {**first, "tasks": inductiva.tasks.get(last_n=1)})
    assert (names["folder"] / "model.out").is_file()
    assert (tmp_path / "folder" / "artifacts" / "model.rpt").is_file()


def test_what_the_readme_links_to_is_there():
    links = re.findall(r'(?:\]\(|src="|srcset=")(?!https?:|#)([^)"]+)', README)
    assert len(links) > 40
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_benchmarks_that_the_readme_names_are_there():
    table = README[README.index("## How fast") : README.index("## Guide")]
    named = set(re.findall(r"\| `(\w+)` \|\n", table))
    named |= set(re.findall(r"tests\.benchmarks\.(\w+)", README))
    assert len(named) > 7
    for name in named:
        assert (ROOT / "tests" / "benchmarks" / f"{name}.py").is_file(), name


def test_commands_of_the_readme_are_those_of_the_command_line():
    table = README[README.index("| command | what |") :].split("\n\n")[0]
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
