"""The embedded server as its users start it: the command line, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from inductiva_widgets import Task, connect, simulators
from tests.embedded import end_server

ROOT = Path(__file__).parents[2]
CASES = ROOT / "notebooks" / "cases"
KEY = "integration-key"


@pytest.fixture(scope="session")
def server_url(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    command = [sys.executable, "-m", "inductiva_widgets", "serve", "--data-dir", str(folder)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("INDUCTIVA_")}
    environment["INDUCTIVA_LOCAL_API_KEY"] = KEY
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    line = process.stdout.readline()
    assert line.startswith("listening on http://127.0.0.1:"), line
    yield line.split()[-1]
    end_server(folder)
    process.wait(20)
    process.stdout.close()


@pytest.fixture
def client(server_url, monkeypatch, tmp_path):
    """Return a client of that server, the default one for the test; files go to a new folder."""
    monkeypatch.setattr("inductiva_widgets.http.default_client._default", None)
    monkeypatch.chdir(tmp_path)
    return connect(server_url, api_key=KEY)


@pytest.fixture
def short_storm(tmp_path):
    """Return the storm case cut to its first days: a second or two instead of ten."""
    folder = tmp_path / "short_storm"
    folder.mkdir()
    text = (CASES / "swmm_storm" / "model.inp").read_text()
    assert "01/31/2024" in text
    (folder / "model.inp").write_text(text.replace("01/31/2024", "01/12/2024"))
    return folder


@pytest.fixture
def swmm(client):
    return simulators.SWMM()


@pytest.fixture(scope="session")
def _finished_id(server_url, tmp_path_factory):
    """Run one storm for all tests that only read a finished task, and return its id."""
    case = tmp_path_factory.mktemp("finished")
    text = (CASES / "swmm_storm" / "model.inp").read_text()
    (case / "model.inp").write_text(text.replace("01/31/2024", "01/12/2024"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("inductiva_widgets.http.default_client._default", None)
        connect(server_url, api_key=KEY)
        task = simulators.SWMM().run(case)
        status = task.wait(0.1, silent_mode=True, download_std_on_completion=False)
    assert status == "success"
    return task.id


@pytest.fixture
def finished(client, _finished_id):
    """Return a task that ended well; its files must stay as they are."""
    return Task(_finished_id, client=client)
