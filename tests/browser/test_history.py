"""A long reading of the task history shows how far it has come, then one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.extended

ROOT = Path(__file__).parents[2]


@pytest.fixture
def slow_service():
    """Return the address of a service with 5,000 tasks that takes its time."""
    command = [sys.executable, "-m", "tests.benchmarks.page_server", "5000", "0.5"]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    yield server.stdout.readline().strip()
    server.terminate()
    server.wait(20)
    server.stdout.close()


def test_a_bar_shows_while_the_history_is_read_and_a_line_afterwards(
    open_notebook, lab, slow_service
):
    connect = f"inductiva.connect({slow_service!r}, api_key='any')"
    name = lab.write(
        "history.ipynb",
        f"import inductiva_widgets as inductiva\n{connect}",
        "df = inductiva.tasks.history(refresh=True)",
        "print(len(inductiva.tasks.history()))",
    )
    notebook = open_notebook(name)
    notebook.run(0)
    notebook.start(1)
    output = notebook.output(1)
    bar = output.get_by_role("progressbar", name="Task history")
    expect(bar).to_be_visible()
    expect(output).to_contain_text("of 5,000 tasks")
    expect(output).to_contain_text("Task history: 5,000 tasks read in", timeout=30_000)
    expect(bar).to_have_count(0)
    notebook.run(2)
    # What takes no time shows no bar.
    expect(notebook.output(2)).to_have_text("5000")
