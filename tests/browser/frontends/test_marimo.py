"""marimo: no Jupyter at all, and a shadow root around each view."""

import sys

import pytest

from tests.browser.conftest import free_port, running
from tests.browser.frontends.conftest import shows_the_card_and_the_list

pytestmark = pytest.mark.extended

APP = """import marimo

app = marimo.App()


@app.cell
def _():
    import marimo as mo
    import inductiva_widgets as inductiva

    inductiva.connect("local")
    return inductiva, mo


@app.cell
def _(inductiva, mo):
    mo.ui.anywidget(inductiva.Task("{task_id}").widget())
    return


@app.cell
def _(inductiva, mo):
    mo.ui.anywidget(inductiva.tasks.get(last_n=5).widget())
    return


if __name__ == "__main__":
    app.run()
"""


@pytest.fixture
def marimo(tmp_path, local_server, long_task):
    """Return the address of an app with a card and a list."""
    app = tmp_path / "app.py"
    app.write_text(APP.format(task_id=long_task.id))
    port = free_port()
    command = [
        sys.executable, "-m", "marimo", "run", str(app), "--headless", "--no-token",
        "--host=127.0.0.1", f"--port={port}",
    ]  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    home = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "MARIMO_SKIP_UPDATE_CHECK": "1"}
    with running(command, home | local_server, tmp_path / "marimo.log", f"{url}/health"):
        yield url


def test_card_and_list_work_in_marimo(marimo, page, long_task):
    page.goto(marimo, wait_until="domcontentloaded")
    shows_the_card_and_the_list(page, long_task, "marimo")
