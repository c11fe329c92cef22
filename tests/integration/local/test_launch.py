"""Starting a server, or finding the one that is there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
import requests

from inductiva_widgets.errors import LocalServerError
from inductiva_widgets.local.launch import start_or_attach
from tests.integration.local.conftest import ROOT, is_running, until

LAUNCH = """
import sys
from inductiva_widgets.local.launch import start_or_attach
server = start_or_attach(sys.argv[1], idle_timeout=float(sys.argv[2]))
print(server.url, server.pid, server.api_key)
"""


def launch(folder, idle_timeout="600"):
    return subprocess.Popen(
        [sys.executable, "-c", LAUNCH, str(folder), idle_timeout],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def said(process):
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out.split()


@pytest.fixture
def folder(tmp_path):
    yield tmp_path / "data"
    note = tmp_path / "data" / "server.json"
    if note.exists():
        pid = json.loads(note.read_text())["pid"]
        os.kill(pid, signal.SIGTERM)
        until(lambda: not is_running(pid), "the server to end")


def test_processes_that_start_at_once_share_one_server_which_outlives_them(folder):
    processes = [launch(folder) for _ in range(3)]
    [answer] = {tuple(said(process)) for process in processes}
    url, pid, key = answer
    headers = {"X-API-Key": key}
    assert requests.get(f"{url}/tasks", headers=headers, timeout=30).json()["total_size"] == 0
    assert is_running(int(pid))
    assert (folder / "server.log").read_text() == f"listening on {url}\n"


def test_server_that_nobody_needs_ends_and_the_next_one_has_the_same_key(folder):
    _, pid, key = said(launch(folder, idle_timeout="0.5"))
    until(lambda: not is_running(int(pid)), "the idle server to end")
    assert not (folder / "server.json").exists()
    again = start_or_attach(folder)
    assert str(again.pid) != pid
    assert again.api_key == key


def test_idle_server_stays_while_a_task_runs(folder, tmp_path):
    url, pid, key = said(launch(folder, idle_timeout="0.4"))
    session = requests.Session()
    session.headers["X-API-Key"] = key
    go_on = tmp_path / "go-on"
    task_id = _submit_waiting_task(session, url, go_on)
    state = folder / "tasks" / task_id / "events.jsonl"
    until(lambda: state.exists() and "command_running" in state.read_text(), "the task to run")
    # Far longer than it would stay otherwise; there is no event to wait for.
    with pytest.raises(AssertionError):
        until(lambda: not is_running(int(pid)), "the server to end too early", patience=2.0)
    go_on.touch()
    until(lambda: not is_running(int(pid)), "the server to end")


def _submit_waiting_task(session, url, go_on):
    from tests.integration.local.conftest import input_zip

    command = {"cmd": f"bash wait.sh {go_on}", "prompts": []}
    body = {
        "simulator": "arbitrary_commands",
        "resource_pool": "local",
        "container_image": "x",
        "extra_params": {"commands": [command]},
    }
    task_id = session.post(f"{url}/tasks/submit", json=body).json()["id"]
    query = {"operation": "upload", "paths": f"/{task_id}/input.zip"}
    link = session.get(f"{url}/storage/signed-urls", params=query).json()[0]
    script = 'until [ -e "$1" ]; do sleep 0.05; done\n'
    requests.put(link, data=input_zip({"wait.sh": script}), timeout=30)
    assert session.post(f"{url}/tasks/{task_id}/input_uploaded").status_code == 200
    return task_id


def test_stale_note_is_replaced(folder):
    first = start_or_attach(folder)
    assert start_or_attach(folder) == first
    os.kill(first.pid, signal.SIGKILL)
    until(lambda: not is_running(first.pid), "the server to be gone")
    assert (folder / "server.json").exists()
    second = start_or_attach(folder)
    assert second.pid != first.pid
    assert second.is_alive()
    assert not first.is_alive()


def test_server_of_another_folder_at_the_same_address_is_not_taken(folder, tmp_path):
    other = start_or_attach(tmp_path / "other")
    try:
        folder.mkdir()
        note = json.loads((tmp_path / "other" / "server.json").read_text())
        (folder / "server.json").write_text(json.dumps({**note, "instance": "of the past"}))
        mine = start_or_attach(folder)
        assert mine.url != other.url
    finally:
        os.kill(other.pid, signal.SIGTERM)
        until(lambda: not is_running(other.pid), "the other server to end")


def test_server_that_cannot_start_tells_why(folder):
    folder.mkdir()
    (folder / "store.sqlite3").write_bytes(b"this is no database" * 100)
    with pytest.raises(LocalServerError) as caught:
        start_or_attach(folder)
    assert "ended at once with exit code 1" in str(caught.value)
    assert "file is not a database" in str(caught.value)
    assert "INDUCTIVA_LOCAL_DIR" in str(caught.value)


def test_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(LocalServerError, match="cannot be used"):
        start_or_attach(tmp_path / "file" / "data")


def test_environment_names_the_folder(folder, monkeypatch):
    monkeypatch.setenv("INDUCTIVA_LOCAL_DIR", str(folder))
    server = start_or_attach()
    assert (folder / "server.json").exists()
    assert server.is_alive()
