"""Kills: of what waits, of what runs, and of what does not want to end."""

from __future__ import annotations

import sys

import pytest

from tests.integration.local.conftest import RUN_SWMM, case_files, is_running, until

STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    with open(sys.argv[1] + ".part", "w") as file:
        file.write(str(os.getpid()))
    os.rename(sys.argv[1] + ".part", sys.argv[1])
    time.sleep(600)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
time.sleep(600)
"""

DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        with open(sys.argv[1] + ".part", "w") as file:
            file.write(str(os.getpid()))
        os.rename(sys.argv[1] + ".part", sys.argv[1])
        time.sleep(600)
    os._exit(0)
while not os.path.exists(sys.argv[1]): time.sleep(0.01)
print("parent done", flush=True)
"""


def test_running_task_is_killed_and_keeps_its_output(shared):
    task_id = shared.run(RUN_SWMM, files=case_files("swmm_long"))
    shared.wait(task_id, "computation-started")
    until(
        lambda: (
            "Simulating"
            in shared.session.get(f"{shared.url}/tasks/{task_id}/files/stdout.txt").text
        ),
        "the simulation to be under way",
    )
    told = shared.call("POST", f"/tasks/{task_id}/kill")
    assert told["status"] == "pending-kill"
    task = shared.wait(task_id)
    assert task["status"] == "killed"
    codes = [entry["status"] for entry in task["status_history"]]
    assert codes[-2:] == ["pending-kill", "killed"]
    assert task["metrics"]["computation_seconds"] > 0
    assert task["error_detail"] is None
    assert "Simulating" in shared.output(task_id, "stdout.txt")


def test_queued_tasks_know_their_place_and_are_killed_at_once(make_server):
    server = make_server("--capacity", "1")
    first = server.run(RUN_SWMM, files=case_files("swmm_long"))
    server.wait(first, "computation-started")
    second, third = (server.run(RUN_SWMM, files=case_files("swmm_long")) for _ in range(2))
    assert server.get(f"/tasks/{second}/status")["position_in_queue"] == {"tasks_ahead": 0}
    assert server.get(f"/tasks/{third}/status")["position_in_queue"] == {"tasks_ahead": 1}
    assert server.get(f"/tasks/{first}/status")["position_in_queue"] is None

    told = server.call("POST", f"/tasks/{second}/kill")
    assert (told["status"], told["is_terminated"]) == ("killed", True)
    assert server.get(f"/tasks/{third}/status")["position_in_queue"] == {"tasks_ahead": 0}

    server.call("POST", f"/tasks/{first}/kill")
    # The place that is free now goes to the one that waited, not to the one that was killed.
    server.wait(third, "computation-started")
    task = server.get(f"/tasks/{second}")
    assert task["status"] == "killed"
    assert task["start_time"] is None


def test_task_without_input_is_killed_and_takes_none(shared):
    task_id = shared.submit("python -c pass")
    assert shared.call("POST", f"/tasks/{task_id}/kill")["status"] == "killed"
    assert "killed" in shared.call("POST", f"/tasks/{task_id}/input_uploaded", 409)["detail"]


def test_killing_what_has_ended_changes_nothing(shared):
    task_id = shared.run("python -c pass", files={})
    before = shared.wait(task_id)
    assert shared.call("POST", f"/tasks/{task_id}/kill")["status"] == "success"
    assert shared.get(f"/tasks/{task_id}") == before


def test_child_that_ignores_the_polite_end_is_no_orphan(shared, tmp_path):
    note = tmp_path / "child"
    task_id = shared.run(f"python stubborn.py {note}", files={"stubborn.py": STUBBORN})
    until(note.exists, "the child")
    child = int(note.read_text())
    assert is_running(child)
    shared.call("POST", f"/tasks/{task_id}/kill")
    assert shared.wait(task_id)["status"] == "killed"
    assert not is_running(child)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="found by /proc")
def test_child_that_leaves_its_session_does_not_outlive_its_command(shared, tmp_path):
    note = tmp_path / "daemon"
    task_id = shared.run(f"python daemon.py {note}", files={"daemon.py": DAEMON})
    assert shared.wait(task_id)["status"] == "success"
    assert not is_running(int(note.read_text()))
    assert shared.output(task_id, "stdout.txt").strip() == "parent done"
