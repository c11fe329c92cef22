"""The notebook of an account: without a key it says what is missing, with one it is right.

The service with a key is the embedded server under its address, which the client takes for any
remote one. Nothing reaches the cloud: what is not on this machine goes to a port that is closed.
"""

import json
import re

import nbformat
import pytest
from nbclient import NotebookClient

from inductiva_widgets.http.default_client import connect
from tests.notebooks.test_notebooks import FOLDER, VIEW, workspace  # noqa: F401

pytestmark = pytest.mark.extended

NAME = "real_service.ipynb"
TAG = "raises-exception"
CLOSED = "http://127.0.0.1:9"


@pytest.fixture
def notebook(workspace, tmp_path, monkeypatch):  # noqa: F811
    """Return what runs the notebook as somebody who has configured nothing, and has no key."""
    # Of Jupyter's own files, too, there are none in the home of the tests.
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("INDUCTIVA_API_KEY", raising=False)
    monkeypatch.setenv("INDUCTIVA_API_URL", CLOSED)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, CLOSED)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    def run():
        read = nbformat.read(workspace / NAME, as_version=4)
        resources = {"metadata": {"path": str(workspace)}}
        NotebookClient(read, timeout=120, resources=resources).execute()
        return [cell for cell in read.cells if cell.cell_type == "code"]

    return run


def errors_of(cells):
    outputs = [output for cell in cells for output in cell.outputs]
    return [output for output in outputs if output.output_type == "error"]


def test_without_a_key_each_call_of_the_service_says_what_is_missing(notebook):
    cells = notebook()
    asking = [cell for cell in cells if TAG in cell.metadata.get("tags", ())]
    assert cells[0] is asking[0]
    for cell in asking:
        [error] = errors_of([cell])
        assert error.ename == "ConfigurationError"
        for words in ("No API key was found", "INDUCTIVA_API_KEY", "api_key", 'connect("local")'):
            assert words in error.evalue
        text = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(error.traceback))
        # The line of the cell and the words; a cell has at most eight lines.
        assert "---->" in text
        assert len(text.splitlines()) <= 14
    # What asks nobody works, and nothing was started that had to be ended.
    rest = [cell for cell in cells if cell not in asking]
    assert rest
    assert not errors_of(rest)
    assert "not registered" in rest[-1].outputs[0]["data"]["text/plain"]


def test_with_a_key_every_cell_is_right(notebook, tmp_path, monkeypatch):
    connect("local")
    server = json.loads((tmp_path / "local" / "server.json").read_text())
    monkeypatch.setenv("INDUCTIVA_API_URL", server["url"])
    monkeypatch.setenv("INDUCTIVA_API_KEY", server["api_key"])
    cells = notebook()
    # The tags hide nothing here.
    assert errors_of(cells) == []
    shown = {cell.source: cell.outputs for cell in cells}

    def output(words):
        [outputs] = [outputs for source, outputs in shown.items() if words in source]
        return outputs[0]

    assert re.search(r"\$\S+ \(spot\), \$\S+ \(on demand\)", output("estimate_cost")["text"])
    told = output("group.start()")["text"]
    assert re.match(r"Starting \S+: 1 . c2-standard-4 \(spot\), about \$\S+ per hour\.", told)
    assert VIEW in output("SWMM().run")["data"]
    assert "success" in output(".wait(")["data"]["text/plain"]
    table = output("tasks.history(")["data"]["text/plain"]
    for words in ("success", "c2-standard-4", "cost_usd", "fee_usd"):
        assert words in table
    assert re.search(r"shutting_down|terminated", output("terminate()")["data"]["text/plain"])
    # No machine of an account is left behind.
    assert "c2-standard-4" not in output("resources.get()")["data"]["text/plain"]


def test_every_cell_that_may_fail_is_followed_by_the_end_of_the_machines():
    cells = nbformat.read(FOLDER / NAME, as_version=4).cells
    sources = [cell.source for cell in cells if cell.cell_type == "code"]
    start, end = (
        next(place for place, source in enumerate(sources) if words in source)
        for words in ("group.start()", "group.terminate()")
    )
    between = [cell for cell in cells if cell.cell_type == "code"][start:end]
    assert between
    assert all(TAG in cell.metadata["tags"] for cell in between)
