"""The server and its supervisors killed at every step of a task's life; nothing gets lost."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import requests

from inductiva_widgets.server import process_tree, state_machine
from inductiva_widgets.server.data_dir import TaskDir
from inductiva_widgets.server.local_executor import find_supervisor
from inductiva_widgets.status import Status
from tests.integration.server.conftest import ROOT, LocalServer, input_zip, is_running, until
from tests.unit.server.old_stores import FIRST_VERSION, make_store

# Tells its process, waits to be let go, and leaves something that takes a while to pack.
PROGRAM = """
echo $$ >> "$1/pids"
echo begun
until [ -e "$1/go" ]; do sleep 0.02; done
head -c 4000000 /dev/urandom > noise
echo done
"""
# Chunks of the upload, so that it can be cut short.
FILLING = random.Random(1).randbytes(400_000)


def around(*steps: str) -> list[str]:
    return [f"{when} {step}" for step in steps for when in ("before", "after")]


SUBMITTING = [
    *around("commit pending-input"),
    "after answer to submit",
    "after chunk of input.zip#2",
    *around("replace input.zip"),
    "after answer to input.zip",
    *around("commit submitted"),
    "after answer to input_uploaded",
]
STARTING = around("replace job.json", "commit started", "spawn", "commit started#2")
RUNNING = around("commit computation-started")
ENDING = around("commit computation-ended", "commit success")
KILLING = [
    *around("commit pending-kill"),
    "after answer to kill",
    *around("signal", "commit killed"),
]
OPENING = around("migration", "commit nothing", "replace server.json")
ADOPTING = around("commit computation-started")
SUPERVISING = around(
    "supervising",
    "unpacked",
    "command_started",
    "command_running",
    "command_ended",
    "computation_ended",
    "replace output.zip",
    "archived",
    "finished",
)
SUPERVISING_BEFORE_THE_COMMAND_ENDS = (
    "supervising",
    "unpacked",
    "command_started",
    "command_running",
)
TO_THE_END = [*SUBMITTING, *STARTING, *RUNNING, *ENDING]
# One of each kind is in `make test`: a submission, its upload, start, run, end, kill, supervisor.
IN_GATE = {
    "before commit pending-input",
    "after replace input.zip",
    "before commit started",
    "after commit computation-started",
    "before commit success",
    "after commit pending-kill",
    "before commit nothing",
    "after command_started",
}


def steps(names: list[str], *more: Any) -> list[Any]:
    """Return parameters of a test, of which those that are not in `IN_GATE` are `extended`."""
    return [
        pytest.param(name, *more, marks=() if name in IN_GATE else pytest.mark.extended)
        for name in names
    ]


class CrashingServer(LocalServer):
    """A server that dies at a step when it is started first, and is sound from then on."""

    def __init__(self, data_dir: Path, step: str) -> None:
        self.step: str | None = step
        super().__init__(data_dir, "--capacity", "1")

    def start(self) -> None:
        if self.step is None:
            super().start()
            return
        module = "tests.integration.server.crashing_server"
        folder = ["--data-dir", str(self.data_dir)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, self.step, *folder, *self.options],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if not self.process.stdout.readline():
            # It has died before it could say where it listens.
            return
        note = json.loads((self.data_dir / "server.json").read_text())
        self.url, self.key = note["url"], note["api_key"]
        self.session.headers["X-API-Key"] = self.key

    def restart(self) -> None:
        """Start a sound server after the other has died where it was to die."""
        assert self.process.wait(30) == -signal.SIGKILL, "the step was not reached"
        died_at = (self.data_dir / "died-at").read_text()
        assert died_at == self.step.partition("#")[0]
        self.process.communicate()
        self.session.close()
        self.step = None
        self.start()


class Story:
    """One task, and what its client was told before the server died."""

    def __init__(self, server: LocalServer, place: Path, *, kill: bool) -> None:
        self.server = server
        self.place = place
        self.kill = kill
        self.task_id: str | None = None
        self.uploaded = self.queued = self.ran = self.killed = False

    def go(self) -> None:
        """Go on from where the task is; a step that was answered is not asked for again."""
        if self.task_id is None:
            self.task_id = self.server.submit(f"sh program.sh {self.place}")
        if not self.uploaded:
            files = {"program.sh": PROGRAM, "filling": FILLING}
            self.server.upload(self.task_id, input_zip(files))
            self.uploaded = True
        if not self.queued:
            self.server.call("POST", f"/tasks/{self.task_id}/input_uploaded")
            self.queued = True
        if not self.ran:
            self.server.wait(self.task_id, "computation-started", "pending-kill", "killed")
            until((self.place / "pids").exists, "the program")
            self.ran = True
        if self.kill and not self.killed:
            self.server.call("POST", f"/tasks/{self.task_id}/kill")
            self.killed = True
        elif not self.kill:
            (self.place / "go").touch()
        self.server.wait(self.task_id)

    def go_until_the_server_dies(self) -> None:
        with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
            self.go()

    # What holds at any time ----------------------------------------------------------------------

    def check_now(self) -> None:
        """Check what has to hold as soon as the server is there again."""
        listed = self.server.get("/tasks")["tasks"]
        ids = [task["task_id"] for task in listed]
        if self.task_id is None:
            # Nobody was told of it, so there may be one or none.
            assert len(ids) <= 1
            self.task_id = ids[0] if ids else None
        assert ids == [self.task_id] * len(ids)
        if self.task_id is None:
            return
        [task] = listed
        archive = self.server.data_dir / "storage" / self.task_id / "input.zip"
        assert archive.exists() or not self.uploaded
        if archive.exists():
            assert zipfile.ZipFile(archive).testzip() is None
        if task["status"] == "pending-input":
            assert not self.queued
        else:
            # It has come so far, though the answer has not.
            self.uploaded = self.queued = True
        if self.killed:
            assert task["status"] in ("pending-kill", "killed")
        elif task["status"] in ("pending-kill", "killed"):
            assert self.kill
            self.killed = True
        if self.ran and not self.kill and not (self.place / "go").exists():
            assert task["status"] == "computation-started"
            assert is_running(self._pid())

    def check_end(self) -> None:
        """Check the task when it is over."""
        task = self.server.get(f"/tasks/{self.task_id}")
        codes = [Status(entry["status"]) for entry in task["status_history"]]
        assert codes[0] == "pending-input"
        for before, after in pairwise(codes):
            assert state_machine.can_move(before, after), codes
        assert task["status"] == codes[-1] == ("killed" if self.kill else "success")
        assert self.server.get("/tasks")["total_size"] == 1
        # One program has run, once, and is not there any more.
        assert not is_running(self._pid())
        assert process_tree.members(None, self.task_id) == set()
        said = self.server.output(self.task_id, "stdout.txt").split()
        assert said == (["begun"] if self.kill else ["begun", "done"])
        with self.server.archive(self.task_id) as archive:
            assert archive.testzip() is None
        check_files(self.server, self.task_id)
        events = journal_of(self.server, self.task_id)
        assert [event["event"] for event in events].count("supervising") == 1
        assert [event["event"] for event in events].count("finished") == 1
        assert task["metrics"]["output_total_files"] == (4 if self.kill else 5)

    def _pid(self) -> int:
        [pid] = (self.place / "pids").read_text().split()
        return int(pid)


def journal_of(server: LocalServer, task_id: str) -> list[dict[str, Any]]:
    journal = server.data_dir / "tasks" / task_id / "events.jsonl"
    return [json.loads(line) for line in journal.read_text().splitlines()]


def check_files(server: LocalServer, task_id: str) -> None:
    """Check that nothing half lies about, under any name."""
    stored = {path.name for path in (server.data_dir / "storage" / task_id).iterdir()}
    assert stored == {"input.zip", "output.zip"}
    kept = {path.name for path in (server.data_dir / "tasks" / task_id).iterdir()}
    assert kept <= {"job.json", "events.jsonl", "supervisor.log", "died-at"}


def end_tasks(folder: Path) -> None:
    """End what a test that failed has left running."""
    for task in (folder / "tasks").iterdir():
        if pid := find_supervisor(TaskDir(task)):
            os.kill(pid, signal.SIGKILL)
        process_tree.end_all(None, task.name, grace=0.0)


@pytest.fixture
def start(tmp_path):
    started = []

    def make(step: str) -> CrashingServer:
        started.append(CrashingServer(tmp_path / "data", step))
        return started[-1]

    yield make
    for server in started:
        # Its task is over, and it has nothing else to do that would matter.
        server.end(signal.SIGKILL)
        server.session.close()
        end_tasks(server.data_dir)


@pytest.mark.parametrize(("step", "kill"), [*steps(TO_THE_END, False), *steps(KILLING, True)])
def test_task_goes_on_after_the_server_was_killed(start, tmp_path, step, kill):
    server = start(step)
    story = Story(server, tmp_path, kill=kill)
    story.go_until_the_server_dies()
    server.restart()
    story.check_now()
    story.go()
    story.check_end()


@pytest.mark.parametrize("step", steps(OPENING))
def test_store_of_the_first_version_is_whole_when_the_server_was_killed_as_it_opened_it(
    start, tmp_path, step
):
    (tmp_path / "data").mkdir()
    make_store(tmp_path / "data" / "store.sqlite3", FIRST_VERSION)
    server = start(step)
    server.restart()
    [group] = server.get("/compute/groups")
    assert (group["id"], group["status"]) == ("local", "started")
    tasks = {task["task_id"]: task["status"] for task in server.get("/tasks")["tasks"]}
    assert tasks == {"done": "success", "waiting": "pending-input"}
    assert [each["name"] for each in server.get("/projects")] == ["default", "storms"]


@pytest.mark.extended
@pytest.mark.parametrize("step", ADOPTING)
def test_task_goes_on_after_the_server_that_took_it_up_was_killed_too(start, tmp_path, step):
    server = start("before commit computation-started")
    story = Story(server, tmp_path, kill=False)
    story.go_until_the_server_dies()
    server.process.wait(30)
    server.process.communicate()
    (server.data_dir / "died-at").unlink()
    server.step = step
    server.start()
    story.server.session.close()
    until(lambda: server.process.poll() is not None, "the second server to die")
    server.restart()
    story.check_now()
    story.go()
    story.check_end()


@pytest.fixture(scope="module")
def mortal(tmp_path_factory):
    """Return a server whose supervisors die where a file says so."""
    server = CrashingServer(tmp_path_factory.mktemp("mortal"), "never")
    yield server
    server.end()
    server.session.close()


@pytest.mark.parametrize("step", steps(SUPERVISING))
def test_task_whose_supervisor_was_killed_says_so_and_leaves_no_process(mortal, tmp_path, step):
    (mortal.data_dir / "supervisor-step").write_text(step)
    # While the command runs nothing lets it go: it has to be ended.
    if step.partition(" ")[2] not in SUPERVISING_BEFORE_THE_COMMAND_ENDS:
        (tmp_path / "go").touch()
    task_id = mortal.run(f"sh program.sh {tmp_path}", files={"program.sh": PROGRAM})
    task = mortal.wait(task_id)
    folder = mortal.data_dir / "tasks" / task_id
    assert (folder / "died-at").read_text() == step
    if step == "after finished":
        assert task["status"] == "success"
    else:
        assert task["status"] == "executer-failed"
        assert "supervised the task vanished" in task["error_detail"]
    until(lambda: not process_tree.members(None, task_id), "all processes to end", 0.0)
    with mortal.archive(task_id) as archive:
        assert archive.testzip() is None
        assert "artifacts/stdout.txt" in archive.namelist()
    until(lambda: not (folder / "work").exists(), "the work folder to be removed")
    check_files(mortal, task_id)
    assert [event["event"] for event in journal_of(mortal, task_id)].count("finished") == 1
