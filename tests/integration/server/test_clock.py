"""Tasks whose wall clock is changed while they run."""

from __future__ import annotations

import json
import os
import signal
from datetime import datetime

import pytest

from tests.integration.server.conftest import input_zip, until

# Imported by each Python process at its start; the file holds the seconds to add.
SITE = """
import os, time
_time = time.time

def changed():
    with open(os.environ["CLOCK_OFFSET"]) as file:
        return _time() + float(file.read() or 0)

time.time = changed
"""
WAIT = """
import os, sys, time
open(sys.argv[1] + ".begun", "w").close()
while not os.path.exists(sys.argv[1]): time.sleep(0.01)
"""
HOUR = 3600.0


class ServerClock:
    def __init__(self, folder):
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(SITE)
        self._offset = folder / "offset"
        self._offset.write_text("0")
        self.environment = {"PYTHONPATH": str(folder), "CLOCK_OFFSET": str(self._offset)}

    def change(self, seconds):
        part = self._offset.with_suffix(".part")
        part.write_text(str(seconds))
        part.replace(self._offset)


@pytest.fixture
def clock(tmp_path):
    return ServerClock(tmp_path / "clock")


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
@pytest.mark.parametrize("step", ["upload", "queue", "run", "supervisor"])
def test_change_of_the_clock_changes_no_duration(make_server, clock, tmp_path, jump, step):
    server = make_server("--capacity", "1", **clock.environment)
    go_on, blocked = tmp_path / "go-on", tmp_path / "other"
    program = {"wait.py": WAIT}
    if step == "queue":
        other = server.run(f"python wait.py {blocked}", files=program)
        server.wait(other, "computation-started")
    task_id = server.submit(f"python wait.py {go_on}")
    if step == "upload":
        clock.change(jump)
    server.upload(task_id, input_zip(program))
    server.call("POST", f"/tasks/{task_id}/input_uploaded")
    if step == "queue":
        clock.change(jump)
        blocked.touch()
    until((tmp_path / "go-on.begun").exists, "the command")
    if step in ("run", "supervisor"):
        clock.change(jump)
    if step == "supervisor":
        journal = server.data_dir / "tasks" / task_id / "events.jsonl"
        os.kill(json.loads(journal.read_text().splitlines()[0])["pid"], signal.SIGKILL)
    go_on.touch()
    task = server.wait(task_id)
    assert task["status"] == ("executer-failed" if step == "supervisor" else "success")
    measured = {
        name: seconds for name, seconds in task["metrics"].items() if name.endswith("_seconds")
    }
    assert {"computation_seconds", "total_seconds", "queue_time_seconds"} <= measured.keys()
    assert all(0 <= (seconds or 0) < 0.5 * HOUR for seconds in measured.values())
    assert 0 < measured["computation_seconds"] <= measured["total_seconds"]
    assert task["duration_seconds"] == measured["total_seconds"]
    names = ("create_time", "input_submit_time", "start_time", "computation_start_time")
    times = [datetime.fromisoformat(task[name]) for name in (*names, "end_time")]
    assert times == sorted(times)
    assert (times[-1] - times[0]).total_seconds() < 0.5 * HOUR
    for entry in task["status_history"]:
        begun, ended = (
            datetime.fromisoformat(entry[name]) for name in ("timestamp", "end_timestamp")
        )
        assert 0 <= (ended - begun).total_seconds() < 0.5 * HOUR
