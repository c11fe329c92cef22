"""The dashboard is a notebook too: it runs where nobody looks, and holds a list and a card."""

import ast

import nbformat
import pytest
from nbclient import NotebookClient

from tests.notebooks.test_notebooks import workspace  # noqa: F401

pytestmark = pytest.mark.extended

NAME = "dashboard.ipynb"
TITLES = ["Cost per week by project", "Share of each status by simulator", "Phases of each task"]
"""How the titles of the pictures begin."""
ASK = """from inductiva_widgets import TaskListWidget, TaskWidget
import time
until = time.monotonic() + 60
while not pictures.children and time.monotonic() < until:
    await asyncio.sleep(0.1)
print(isinstance(table, TaskListWidget), [type(one).__name__ for one in card.children])
print([output.outputs[0]["data"]["text/plain"].split(".")[0] for output in pictures.children])"""


@pytest.fixture
def run(workspace, monkeypatch, tmp_path):  # noqa: F811
    """Return what runs the notebook without a key, and then a cell that looks at it."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("INDUCTIVA_API_KEY", raising=False)
    monkeypatch.delenv("INDUCTIVA_API_URL", raising=False)

    def run(cell):
        notebook = nbformat.read(workspace / NAME, as_version=4)
        notebook.cells.append(nbformat.v4.new_code_cell(cell))
        resources = {"metadata": {"path": str(workspace)}}
        NotebookClient(notebook, timeout=120, resources=resources).execute()
        return notebook.cells[-1].outputs[0].text

    return run


def test_without_a_key_it_holds_the_demos_list_a_card_and_three_pictures(run):
    first, second = run(ASK).splitlines()
    assert first == "True ['TaskWidget']"
    for title, begin in zip(ast.literal_eval(second), TITLES, strict=True):
        assert title.startswith(begin)
        assert title.endswith(" (DEMO data)")


def test_server_that_is_not_there_is_said_and_no_error(run, monkeypatch):
    monkeypatch.setenv("INDUCTIVA_API_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("INDUCTIVA_API_KEY", "key-of-the-tests")
    assert "http://127.0.0.1:9 cannot be reached" in run("print(page.value)")
