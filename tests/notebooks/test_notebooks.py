"""Every notebook runs from top to bottom on the embedded server, and is stored without outputs."""

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.embedded import end_server

FOLDER = Path(__file__).parents[2] / "notebooks"
VIEW = "application/vnd.jupyter.widget-view+json"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


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


def test_there_are_notebooks():
    assert "quickstart.ipynb" in {path.name for path in NOTEBOOKS}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path, workspace):
    notebook = nbformat.read(workspace / path.name, as_version=4)
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(workspace)}})
    client.execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    for output in outputs:
        assert output["output_type"] != "error"
        assert output.get("name") != "stderr", output.get("text")
    views = [output["data"] for output in outputs if VIEW in output.get("data", {})]
    assert views
    for data in views:
        # What places without a kernel show instead of the live view.
        assert {"text/plain", "text/html"} <= set(data)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_stored_clean(path):
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
