"""A notebook that is run without a front end stores what its tasks came to."""

import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.embedded import end_server

CASE = Path(__file__).parents[2] / "notebooks/cases/swmm_fail"
SETUP = f"""import threading
import inductiva_widgets as inductiva
inductiva.connect("local")
task = inductiva.simulators.CustomImage("none").run({str(CASE)!r}, commands=["sleep 3600"])
task.wait_for_status("computation-started", silent_mode=True)"""
# The last cell: the kernel is gone before the next look of the poller.
END = "threading.Timer(1, task.kill).start()\nprint(task.wait(silent_mode=True))"


@pytest.fixture
def run_notebook(tmp_path, monkeypatch):
    """Return a function that runs cells as `nbconvert --execute` does, and gives their outputs."""
    data = tmp_path / "local"
    monkeypatch.setenv("INDUCTIVA_LOCAL_DIR", str(data))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))

    def run(*cells):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
        # The kernel of the interpreter that runs the tests.
        client = NotebookClient(notebook, timeout=120, kernel_name="python3")
        client.create_kernel_manager()
        client.km.kernel_cmd = [
            sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}",
        ]  # fmt: skip
        client.execute()
        return [cell.outputs for cell in notebook.cells]

    yield run
    end_server(data)


def test_executed_notebook_stores_the_end_in_every_display_of_the_task(run_notebook):
    show = "from IPython.display import display\ndisplay(task.widget(), task)"
    _, card, others, table, end = run_notebook(
        SETUP, "task", show, "inductiva.tasks.get(last_n=1)", END
    )
    assert "killed" in end[0].text
    displays = [*card, *others]
    assert len(displays) == 3
    for output in displays:
        assert "Killed" in output.data["text/html"]
        assert "Killed" in output.data["text/plain"].splitlines()[0]
        # Not frozen: where the kernel lives on, the card does too.
        assert "application/vnd.jupyter.widget-view+json" in output.data
    # The poller tells the table of another object of the task, or has done so before the end.
    assert "application/vnd.jupyter.widget-view+json" in table[0].data
