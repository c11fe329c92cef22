"""Servers, supervisors and machines come and go; tasks do not get lost."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys

from tests.integration.server.conftest import ROOT, RUN_SWMM, case_files, is_running, until

WAIT_FOR_FILE = """
import os, sys, time
with open(sys.argv[1] + ".pid", "w") as file:
    file.write(str(os.getpid()))
print("waiting", flush=True)
while not os.path.exists(sys.argv[1]): time.sleep(0.01)
print("done")
"""


def waiting_task(server, go_on):
    task_id = server.run(f"python wait.py {go_on}", files={"wait.py": WAIT_FOR_FILE})
    server.wait(task_id, "computation-started")
    note = go_on.parent / f"{go_on.name}.pid"
    until(lambda: note.exists() and note.read_text(), "the command to run")
    return task_id


def supervisor_of(server, task_id):
    journal = server.data_dir / "tasks" / task_id / "events.jsonl"
    first = json.loads(journal.read_text().splitlines()[0])
    assert first["event"] == "supervising"
    return first["pid"]


def test_task_finishes_although_its_server_was_killed(server, tmp_path):
    go_on = tmp_path / "go-on"
    task_id = waiting_task(server, go_on)
    queued = [server.run("python -c pass", files={}) for _ in range(2)]
    server.end(signal.SIGKILL)
    server.start()
    assert server.status(task_id) == "computation-started"
    go_on.touch()
    task = server.wait(task_id)
    assert task["status"] == "success"
    assert server.output(task_id, "stdout.txt").split() == ["waiting", "done"]
    codes = [entry["status"] for entry in task["status_history"]]
    assert len(codes) == len(set(codes)) == 6
    assert [server.wait(other)["status"] for other in queued] == ["success", "success"]


def test_task_that_ended_while_no_server_ran_is_known_to_have_ended(server, tmp_path):
    go_on = tmp_path / "go-on"
    task_id = waiting_task(server, go_on)
    supervisor = supervisor_of(server, task_id)
    code, out, err = server.end(signal.SIGTERM)
    assert (code, out, err) == (0, "", "")
    assert is_running(supervisor)
    go_on.touch()
    until(lambda: not is_running(supervisor), "the supervisor to end")
    server.start()
    assert server.wait(task_id)["status"] == "success"


def test_kill_reaches_a_task_that_an_earlier_server_started(server, tmp_path):
    task_id = waiting_task(server, tmp_path / "never")
    server.end(signal.SIGKILL)
    server.start()
    server.call("POST", f"/tasks/{task_id}/kill")
    assert server.wait(task_id)["status"] == "killed"
    assert server.output(task_id, "stdout.txt").split() == ["waiting"]


def test_task_that_the_previous_version_started_goes_on_and_can_be_killed(server, tmp_path):
    task_id = waiting_task(server, tmp_path / "never")
    supervisor = supervisor_of(server, task_id)
    server.end(signal.SIGKILL)
    old = {"pid": supervisor, "offset": 0, "ready": True, "attempts": 1}
    with contextlib.closing(sqlite3.connect(server.data_dir / "store.sqlite3")) as store, store:
        known = json.loads(store.execute("SELECT supervision FROM tasks").fetchone()[0])
        old["offset"] = known["offset"]
        store.execute("UPDATE tasks SET supervision = ?", [json.dumps(old).encode()])
    server.start()
    assert server.status(task_id) == "computation-started"
    assert is_running(supervisor)
    server.call("POST", f"/tasks/{task_id}/kill")
    assert server.wait(task_id)["status"] == "killed"
    assert server.output(task_id, "stdout.txt").split() == ["waiting"]


def test_vanished_supervisor_makes_the_task_fail_with_a_reason_and_leaves_no_process(
    server, tmp_path
):
    go_on = tmp_path / "never"
    task_id = waiting_task(server, go_on)
    command = int((tmp_path / "never.pid").read_text())
    os.kill(supervisor_of(server, task_id), signal.SIGKILL)
    task = server.wait(task_id)
    assert task["status"] == "executer-failed"
    assert "supervised the task vanished" in task["error_detail"]
    assert task["executer"]["error_detail"] == task["error_detail"]
    assert not is_running(command)
    assert server.output(task_id, "stdout.txt").split() == ["waiting"]


def test_everything_gone_at_once_is_cleared_up_at_the_next_start(server, tmp_path):
    task_id = waiting_task(server, tmp_path / "never")
    command = int((tmp_path / "never.pid").read_text())
    server.end(signal.SIGKILL)
    os.kill(supervisor_of(server, task_id), signal.SIGKILL)
    os.kill(command, signal.SIGKILL)
    server.start()
    task = server.wait(task_id)
    assert task["status"] == "executer-failed"
    assert server.output(task_id, "stdout.txt").split() == ["waiting"]


def test_task_whose_supervisor_was_never_started_is_started(server):
    """The server was killed between taking a task off the queue and starting its supervisor."""
    task_id = server.run("python -c pass", files={})
    assert server.wait(task_id)["status"] == "success"
    server.end(signal.SIGKILL)
    folder = server.data_dir / "tasks" / task_id
    (folder / "events.jsonl").unlink()
    (server.data_dir / "storage" / task_id / "output.zip").unlink()
    with sqlite3.connect(server.data_dir / "store.sqlite3") as connection:
        info = json.loads(connection.execute("SELECT info FROM tasks").fetchone()[0])
        info |= {"status": "started", "is_terminated": False}
        connection.execute(
            "UPDATE tasks SET status = 'started', active = 1, supervision = ?, info = ?",
            [b"{}", json.dumps(info).encode()],
        )
        connection.execute("DELETE FROM status_history WHERE position > 2")
    connection.close()
    server.start()
    assert server.wait(task_id)["status"] == "success"
    server.archive(task_id).close()


def test_supervisor_told_to_end_from_outside_is_not_called_a_kill(server, tmp_path):
    task_id = waiting_task(server, tmp_path / "never")
    os.kill(supervisor_of(server, task_id), signal.SIGTERM)
    task = server.wait(task_id)
    assert task["status"] == "executer-terminated"
    assert "not by the embedded server" in task["error_detail"]


def test_second_server_on_a_data_folder_is_refused(server):
    command = [sys.executable, "-m", "inductiva_widgets.server"]
    second = subprocess.run(
        [*command, "--data-dir", str(server.data_dir)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert second.returncode == 1
    assert f"Another server at {server.url}" in second.stderr
    assert "Traceback" not in second.stderr
    assert server.get("/version")


def test_server_ends_cleanly_when_interrupted_and_takes_its_note_along(server):
    task_id = server.run(RUN_SWMM, files=case_files("swmm_fail"))
    server.wait(task_id)
    note = server.data_dir / "server.json"
    assert note.stat().st_mode & 0o777 == 0o600
    assert server.data_dir.stat().st_mode & 0o777 == 0o700
    assert server.end(signal.SIGINT) == (0, "", "")
    assert not note.exists()
    server.start()
    assert server.status(task_id) == "failed"


def test_task_that_cannot_be_prepared_does_not_hold_up_the_others(make_server, tmp_path):
    server = make_server("--capacity", "1")
    running = waiting_task(server, tmp_path / "go-on")
    spoilt, sound = (server.run("python -c pass", files={}) for _ in range(2))
    (server.data_dir / "storage" / spoilt / "input.zip").unlink()
    (tmp_path / "go-on").touch()
    assert server.wait(running)["status"] == "success"
    assert server.wait(sound)["status"] == "success"
    task = server.wait(spoilt)
    assert task["status"] == "executer-failed"
    assert "No such file or directory" in task["error_detail"]
    assert "input.zip" in task["error_detail"]
    server.end()
