"""Full disks, locked and damaged stores, clocks that jump, servers that meet: told and survived."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from inductiva_widgets.server import clock
from inductiva_widgets.server.clock import Moment
from inductiva_widgets.server.data_dir import DataDir
from inductiva_widgets.server.local_executor import LocalExecutor
from inductiva_widgets.server.scheduler import Scheduler
from inductiva_widgets.server.signed_urls import UrlSigner
from inductiva_widgets.server.storage_service import StorageService
from inductiva_widgets.server.store.tasks import TaskStore
from inductiva_widgets.server.task_service import TaskService
from inductiva_widgets.status import Status
from tests.integration.server.conftest import ROOT, LocalServer, input_zip, is_running, until
from tests.unit.server.conftest import submission

WAIT = 'echo begun\nuntil [ -e "$1" ]; do sleep 0.02; done\necho done\n'


def waiting_task(server, go_on):
    task_id = server.run(f"sh wait.sh {go_on}", files={"wait.sh": WAIT})
    server.wait(task_id, "computation-started")
    return task_id


# A store that is locked --------------------------------------------------------------------------


@contextlib.contextmanager
def locked(server):
    with contextlib.closing(sqlite3.connect(server.data_dir / "store.sqlite3")) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


def test_locked_store_is_told_reading_goes_on_and_nothing_is_lost(server, tmp_path):
    task_id = waiting_task(server, tmp_path / "go")
    with locked(server):
        (tmp_path / "go").touch()
        body = server.submission(["python -c pass"])
        began = time.monotonic()
        answer = server.session.post(f"{server.url}/tasks/submit", json=body, timeout=60)
        refused_after = time.monotonic() - began
        assert answer.status_code == 503
        assert "Another program has locked the store" in answer.json()["detail"]
        assert int(answer.headers["Retry-After"]) > 0
        # Who only reads does not even notice.
        began = time.monotonic()
        [task] = server.get("/tasks")["tasks"]
        assert time.monotonic() - began < refused_after
        assert task["task_id"] == task_id
        journal = server.data_dir / "tasks" / task_id / "events.jsonl"
        until(lambda: '"finished"' in journal.read_text(), "the task to end unseen")
        assert not server.get(f"/tasks/{task_id}/status")["is_terminated"]
    assert server.wait(task_id)["status"] == "success"
    assert server.get("/tasks")["total_size"] == 1
    assert server.wait(server.run("python -c pass", files={}))["status"] == "success"


def test_brief_lock_is_waited_for(server):
    with locked(server):
        request = subprocess.Popen(
            [sys.executable, "-c", _SUBMIT, server.url, server.key],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        request.stdin.write(json.dumps(server.submission(["python -c pass"])))
        request.stdin.close()
        assert request.stdout.readline() == "sending\n"
    assert request.stdout.read() == "202\n"
    request.stdout.close()
    assert request.wait(30) == 0


_SUBMIT = """
import json, sys, urllib.request
url, key = sys.argv[1:]
body = sys.stdin.buffer.read()
headers = {"X-API-Key": key, "Content-Type": "application/json"}
print("sending", flush=True)
request = urllib.request.Request(f"{url}/tasks/submit", body, headers)
print(urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).status)
"""


# A disk that is full -----------------------------------------------------------------------------


class SmallDiskServer(LocalServer):
    """A server whose data folder is on a small disk of its own, seen by nobody else."""

    def __init__(self, mount_point: Path) -> None:
        mount_point.mkdir()
        self.mount_point = mount_point
        super().__init__(mount_point, "--capacity", "1")

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                *("unshare", "--mount", "sh", "-c"),
                'mount -t tmpfs -o size=96m none "$1" && shift && exec "$@"',
                *("sh", str(self.mount_point), sys.executable),
                *("-m", "inductiva_widgets.server"),
                *("--data-dir", str(self.mount_point / "data"), *self.options),
            ],
            cwd=ROOT,
            # The disk is smaller than what is otherwise kept free.
            env=self.environment | {"INDUCTIVA_LOCAL_DISK_FLOOR": "0"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        line = self.process.stdout.readline()
        if not line:
            self.process.communicate()
            pytest.skip("No disk can be mounted here.")
        self.disk = Path(f"/proc/{self.process.pid}/root{self.mount_point}")
        self.data_dir = self.disk / "data"
        note = json.loads((self.data_dir / "server.json").read_text())
        self.url, self.key = note["url"], note["api_key"]
        self.session.headers["X-API-Key"] = self.key

    def fill(self) -> Path:
        """Take all the space there is."""
        ballast = self.disk / "ballast"
        with ballast.open("wb", buffering=0) as file:
            for size in (1 << 16, 1 << 12, 1):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(bytes(size))
        return ballast


@pytest.fixture
def small_disk(tmp_path):
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("Mounting a disk takes the rights of an administrator, on Linux.")
    server = SmallDiskServer(tmp_path / "disk")
    yield server
    server.end()
    server.session.close()
    # A test that failed may have left a task that waits for it.
    (tmp_path / "go").touch()


def test_full_disk_is_told_and_everything_works_when_there_is_space_again(small_disk, tmp_path):
    server = small_disk
    before = server.run("python -c pass", files={})
    assert server.wait(before)["status"] == "success"
    running = waiting_task(server, tmp_path / "go")
    queued = server.run("python -c pass", files={})
    ballast = server.fill()

    body = server.submission(["python -c pass"])
    accepted = []

    def refused():
        answer = server.session.post(f"{server.url}/tasks/submit", json=body, timeout=60)
        if answer.status_code == 202:
            # There was room in what the store had already taken for itself.
            accepted.append(answer.json()["id"])
            return None
        return answer.status_code, answer.json()["detail"]

    code, detail = until(refused, "the store to be full")
    assert code == 503
    assert "is full" in detail
    assert {task["task_id"] for task in server.get("/tasks")["tasks"]} == {
        *(before, running, queued),
        *accepted,
    }
    (tmp_path / "go").touch()
    ballast.unlink()

    # One whose end could not be written down is told to have failed, with a reason.
    task = server.wait(running)
    assert task["status"] in ("success", "executer-failed")
    assert task["status"] == "success" or task["error_detail"]
    assert server.wait(queued)["status"] == "success"
    for task_id in accepted:
        assert server.call("POST", f"/tasks/{task_id}/kill")["status"] == "killed"
    assert server.wait(server.run("python -c pass", files={}))["status"] == "success"
    stored = [path.name for path in (server.data_dir / "storage").rglob(".*")]
    assert stored == []


# A store that is damaged -------------------------------------------------------------------------


def test_damaged_store_is_kept_aside_and_told_and_the_next_server_starts(make_server):
    server = make_server()
    task_id = server.run("python -c pass", files={})
    server.wait(task_id)
    server.end()
    database = server.data_dir / "store.sqlite3"
    spoilt = b"no database " * 1000
    database.write_bytes(spoilt)
    refused = _serve(server.data_dir)
    assert refused.returncode == 1
    assert "file is not a database. It is kept as store.sqlite3.damaged-" in refused.stderr
    assert "Traceback" not in refused.stderr
    [aside] = server.data_dir.glob("store.sqlite3.damaged-*")
    assert aside.name in refused.stderr
    assert aside.read_bytes() == spoilt
    server.start()
    assert server.get("/tasks")["total_size"] == 0
    assert (server.data_dir / "storage" / task_id / "output.zip").exists()


def _serve(folder):
    return subprocess.run(
        [sys.executable, "-m", "inductiva_widgets.server", "--data-dir", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# Servers that meet -------------------------------------------------------------------------------


def test_of_servers_that_start_at_once_on_a_folder_one_runs(tmp_path):
    command = [
        sys.executable,
        "-m",
        "inductiva_widgets.server",
        "--data-dir",
        str(tmp_path),
    ]
    servers = [
        subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    until(lambda: sum(each.poll() is not None for each in servers) == 2, "two to be refused")
    [running] = [each for each in servers if each.poll() is None]
    assert running.stdout.readline().startswith("listening on ")
    for each in servers:
        if each is not running:
            out, err = each.communicate(timeout=30)
            assert (each.returncode, out) == (1, "")
            assert "Another server" in err
            assert "Traceback" not in err
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=30)
    assert running.returncode == 0


# Clocks that jump --------------------------------------------------------------------------------


class Here:
    """Store, scheduler and service in this process, with a clock of the test's."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead = timedelta()
        self.data = DataDir(folder)
        self.data.prepare()
        self.store = TaskStore(self.data.database)
        executor = LocalExecutor(1)
        self.scheduler = Scheduler(self.data, self.store, executor, self.now)
        storage = StorageService(self.data.storage, self.store, UrlSigner(b"x"))
        self.tasks = TaskService(self.data, self.store, storage, executor, self.scheduler.wake)
        monkeypatch.setattr(clock, "current_moment", self.now)

    def now(self) -> Moment:
        # As on a machine that counts no seconds since its start.
        return Moment(datetime.now(timezone.utc) + self.ahead)

    def submit(self, *commands: str) -> str:
        wanted = [{"cmd": command, "prompts": []} for command in commands]
        return self.tasks.submit(submission(extra_params={"commands": wanted})).id

    def upload(self, task_id: str, files: dict[str, str]) -> None:
        place = self.data.storage / task_id
        place.mkdir()
        (place / "input.zip").write_bytes(input_zip(files))
        self.tasks.input_uploaded(task_id)

    def close(self) -> None:
        self.scheduler.stop()
        self.store.close()


@pytest.fixture
def here(tmp_path, monkeypatch):
    made = Here(tmp_path / "data", monkeypatch)
    yield made
    made.close()


@pytest.mark.parametrize("hours", [(3, 2, 1), (-3, -2, -1), (2, -2, 2)])
def test_clock_that_jumps_makes_no_time_negative(here, tmp_path, hours):
    """The server's clock is off by other hours at each step; the supervisor's is always right."""
    here.ahead = timedelta(hours=hours[0])
    task_id = here.submit(f"sh wait.sh {tmp_path / 'go'}")
    here.ahead = timedelta(hours=hours[1])
    here.upload(task_id, {"wait.sh": WAIT})
    here.ahead = timedelta(hours=hours[2])
    here.scheduler.start()
    (tmp_path / "go").touch()
    until(lambda: here.tasks.status(task_id).is_terminated, "the task to end")
    task = here.tasks.get_task(task_id)
    assert task.status == Status.SUCCESS
    times = [entry.timestamp for entry in task.status_history]
    assert times == sorted(times)
    ends = [entry.end_timestamp - entry.timestamp for entry in task.status_history]
    assert min(ends) >= timedelta()
    for name in task.metrics.__struct_fields__:
        assert (getattr(task.metrics, name) or 0) >= 0, name
    assert task.duration_seconds >= 0
    known = [task.create_time, task.input_submit_time, task.start_time]
    known += [task.computation_start_time, task.computation_end_time, task.end_time]
    assert known == sorted(known)


_BACKWARDS = """
import itertools, time
from inductiva_widgets.server import supervisor

right, calls = time.time, itertools.count(1)
time.time = lambda: right() - 3600 * next(calls)
supervisor.main()
"""


def test_time_to_live_goes_by_no_clock_that_jumps(tmp_path):
    folder = DataDir(tmp_path).task("task")
    folder.root.mkdir(parents=True)
    (tmp_path / "input.zip").write_bytes(input_zip({"x": ""}))
    job = {
        "task_id": "task",
        "input": str(tmp_path / "input.zip"),
        "output": str(tmp_path / "output.zip"),
        "sim_dir": "sim_dir",
        "run_dir": ".",
        "ttl_seconds": 0.5,
        "image": None,
        "tasks_per_machine": 1,
        "commands": [{"cmd": "sleep 600", "prompts": [], "env": {}, "mpi_options": None}],
    }
    folder.job.write_text(json.dumps(job))
    began = time.monotonic()
    subprocess.run(
        [sys.executable, "-c", _BACKWARDS, folder.root], cwd=ROOT, check=True, timeout=60
    )
    assert 0.5 <= time.monotonic() - began < 60
    events = [json.loads(line) for line in folder.journal.read_text().splitlines()]
    assert events[-1]["outcome"] == "ttl-exceeded"
    assert events[-1]["time"] < events[0]["time"]


# Supervisors that vanish, one after the other ----------------------------------------------------


def test_task_that_is_given_up_leaves_no_process(server, tmp_path):
    task_id = waiting_task(server, tmp_path / "never")
    journal = server.data_dir / "tasks" / task_id / "events.jsonl"
    first = json.loads(journal.read_text().splitlines()[0])["pid"]
    [command] = [
        event["group"]
        for event in map(json.loads, journal.read_text().splitlines())
        if event["event"] == "command_running"
    ]
    server.end(signal.SIGKILL)
    os.kill(first, signal.SIGKILL)
    # As if the one that was sent to clear up had vanished as well.
    with contextlib.closing(sqlite3.connect(server.data_dir / "store.sqlite3")) as store, store:
        known = json.loads(store.execute("SELECT supervision FROM tasks").fetchone()[0])
        known["attempts"] = 2
        store.execute("UPDATE tasks SET supervision = ?", [json.dumps(known).encode()])
    assert is_running(command)
    server.start()
    task = server.wait(task_id)
    assert task["status"] == "executer-failed"
    assert "so did the one sent after it" in task["error_detail"]
    assert not is_running(command)
