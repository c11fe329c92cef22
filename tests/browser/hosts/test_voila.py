"""Voilà: a notebook as a page, whose element is not attached when a view is drawn."""

import sys

import pytest

from tests.browser.conftest import Lab, free_port, jupyter_folders, running
from tests.browser.hosts.conftest import CONNECT, shows_the_card_and_the_list


@pytest.fixture
def voila(tmp_path, local_server):
    """Return a function that serves a notebook of some cells and returns its address."""
    stack = []

    def serve(*cells: str) -> str:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        name = Lab(url, tmp_path, tmp_path / "voila.log").write("page.ipynb", *cells)
        command = [
            sys.executable, "-m", "voila", name, "--no-browser", f"--port={port}",
            "--Voila.ip=127.0.0.1", "--ServerApp.allow_root=True",
        ]  # fmt: skip
        environment = jupyter_folders(tmp_path) | local_server
        # The address that answers before the notebook runs.
        static = f"{url}/voila/static/voila.js"
        server = running(command, environment, tmp_path / "voila.log", static, tmp_path)
        server.__enter__()
        stack.append(server)
        return url

    yield serve
    for server in stack:
        server.__exit__(None, None, None)


def test_card_and_list_work_in_voila(voila, page, long_task, tolerated):
    # The page's own template asks for icons there; without them it works all the same.
    tolerated.strangers.append("fontawesome-free")
    show = f"{CONNECT}\ninductiva.Task('{long_task.id}')"
    url = voila(show, "inductiva.tasks.get(last_n=5)")
    # The page streams while the cells run.
    page.goto(url, wait_until="commit")
    shows_the_card_and_the_list(page, long_task, "voila")
