"""Every notebook runs from top to bottom on the embedded server, and is stored without outputs."""

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.embedded import end_server

FOLDER = Path(__file__).parents[2] / "notebooks"
VIEW = "application/vnd.jupyter.widget-view+json"
CHART = "application/vnd.vegalite.v5+json"
# Those with tests of their own: one asks for an account, the other is a page.
OTHERS = {"dashboard", "real_service"}
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
SHOWN = [path for path in NOTEBOOKS if path.stem not in OTHERS]


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """Return a copy of the notebooks, with an embedded server that ends with the test."""
    copy = tmp_path / "notebooks"
    shutil.copytree(FOLDER, copy)
    data = tmp_path / "local"
    monkeypatch.setenv("INDUCTIVA_LOCAL_DIR", str(data))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    yield copy
    end_server(data)
    # The demo is a server of its own beside it.
    end_server(data.with_name("local-replay"))


def test_there_are_notebooks():
    assert {"quickstart.ipynb", "task_history.ipynb"} <= {path.name for path in NOTEBOOKS}


def executed(path):
    """Return the outputs of a notebook."""
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=120, resources=resources).execute()
    return [output for cell in notebook.cells for output in cell.get("outputs", ())]


@pytest.mark.parametrize("path", SHOWN, ids=lambda path: path.stem)
def test_notebook_runs(path, workspace):
    outputs = executed(workspace / path.name)
    for output in outputs:
        assert output["output_type"] != "error"
        assert output.get("name") != "stderr", output.get("text")
    views = [output["data"] for output in outputs if VIEW in output.get("data", {})]
    assert views
    for data in views:
        # What places without a kernel show instead of the live view.
        assert {"text/plain", "text/html"} <= set(data)
    ANSWERS.get(path.stem, lambda _: None)([output.get("data", {}) for output in outputs])


def history_is_answered(shown):
    """The five pictures are there, in both forms; the tables are those of the demo's tasks."""
    pictures = [data for data in shown if CHART in data]
    assert len(pictures) == 5
    for data in pictures:
        assert len(data["image/png"]) > 5000
        assert "No tasks" not in data["text/plain"]
    text = "".join(data.get("text/plain", "") for data in shown)
    for word in ("demo-breakwater", "c3d-highcpu-90", "executer-terminated-ttl-exceeded"):
        assert word in text
    assert shown[-1]["text/plain"] == "True"


ANSWERS = {"task_history": history_is_answered}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_stored_clean(path):
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
