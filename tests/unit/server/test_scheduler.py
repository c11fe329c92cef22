"""The scheduler on an executor that only takes notes."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import datetime, timezone

import pytest

from inductiva_widgets.server import state_machine
from inductiva_widgets.server.data_dir import DataDir
from inductiva_widgets.server.executor import RunState, SubmitError
from inductiva_widgets.server.machine_facts import MachineFacts
from inductiva_widgets.server.scheduler import Scheduler
from inductiva_widgets.server.store.tasks import TaskStore
from inductiva_widgets.status import Status
from tests.unit.server.conftest import info, submission


class NotingExecutor:
    """Runs nothing; tests set the states, and read the calls."""

    def __init__(self):
        self.capacity = 2
        self.tasks_per_machine = 2
        self.calls = []
        self.ended = set()
        self.found = {}
        self.error = None

    def submit(self, task):
        self.calls.append(("submit", task.root.name))
        if isinstance(self.error, SubmitError):
            raise self.error
        return f"run-{len(self.calls)}-{task.root.name}"

    def find(self, task):
        self.calls.append(("find", task.root.name))
        return self.found.get(task.root.name)

    def states(self, handles):
        self.calls.append(("states", *sorted(handles)))
        if isinstance(self.error, OSError):
            raise self.error
        return {
            handle: RunState.ENDED if handle in self.ended else RunState.RUNNING
            for handle in handles
        }

    def stop(self, task, handle, *, force=False):
        self.calls.append(("force" if force else "stop", task.root.name, handle))

    def clear_up(self, task):
        self.calls.append(("clear up", task.root.name))

    def machine_facts(self):
        return MachineFacts(1, 1, 1)

    def top(self, task):
        return ""

    def take_calls(self, name):
        taken = [call[1:] for call in self.calls if call[0] == name]
        self.calls = [call for call in self.calls if call[0] != name]
        return taken


class Case:
    def __init__(self, folder):
        self.data = DataDir(folder)
        self.data.prepare()
        self.store = TaskStore(self.data.database)
        self.executor = NotingExecutor()
        self.serve()

    def serve(self, **options):
        """Start as a new server does, but without a thread."""
        self.scheduler = Scheduler(self.data, self.store, self.executor, **options)
        self.scheduler.resume()

    def queue(self, task_id):
        self.store.add_task(info(task_id), submission())
        for status in (Status.PENDING_INPUT, Status.SUBMITTED):
            self.enter(task_id, status)

    def enter(self, task_id, status):
        now = datetime.now(timezone.utc)
        self.store.update(task_id, lambda one: state_machine.transition(one, status, now))

    def status(self, task_id):
        return self.store.task(task_id).info.status

    def handle(self, task_id):
        return self.store.task(task_id).supervision.handle

    def report(self, task_id, event, **facts):
        line = {"event": event, "time": datetime.now(timezone.utc).isoformat(), **facts}
        with self.data.task(task_id).journal.open("a") as journal:
            journal.write(json.dumps(line) + "\n")


@pytest.fixture
def case(tmp_path):
    made = Case(tmp_path / "data")
    yield made
    made.store.close()


def test_as_many_tasks_are_submitted_as_the_executor_takes_and_their_handles_stored(case):
    for name in ("a", "b", "c"):
        case.queue(name)
    assert case.scheduler.run_once()
    assert case.executor.take_calls("submit") == [("a",), ("b",)]
    assert [case.status(name) for name in "abc"] == ["started", "started", "submitted"]
    assert case.handle("a").endswith("-a")


def test_states_of_all_runs_are_read_in_one_call_each_round(case):
    case.queue("a")
    case.queue("b")
    case.scheduler.run_once()
    assert case.executor.take_calls("states") == []
    case.scheduler.run_once(woken=False)
    assert case.executor.take_calls("states") == [(case.handle("a"), case.handle("b"))]


def test_task_ends_by_its_journal_and_its_folder_is_cleared_up(case):
    case.queue("a")
    case.scheduler.run_once()
    case.report("a", "supervising", machine={"cpu_count_logical": 64})
    case.report("a", "command_started", index=0, command="x")
    case.report("a", "computation_ended")
    case.report("a", "finished", outcome="success", cost=1.5)
    case.scheduler.run_once()
    assert case.status("a") == "success"
    assert case.executor.take_calls("clear up") == []
    case.executor.ended = {case.handle("a")}
    case.scheduler.run_once()
    assert case.executor.take_calls("clear up") == [("a",)]
    task = case.store.task("a").info
    assert (task.executer.cpu_count_logical, task.estimated_computation_cost) == (64, 1.5)


def test_kill_stops_a_run_once_whether_it_has_started_or_not(case):
    case.queue("a")
    case.scheduler.run_once()
    case.enter("a", Status.PENDING_KILL)
    case.scheduler.run_once()
    case.scheduler.run_once()
    assert case.executor.take_calls("stop") == [("a", case.handle("a"))]


def test_run_that_vanished_is_submitted_once_more_and_then_given_up_by_force(case):
    case.queue("a")
    case.scheduler.run_once()
    first = case.handle("a")
    case.executor.ended = {first}
    case.scheduler.run_once()
    second = case.handle("a")
    assert second != first
    case.executor.ended.add(second)
    case.scheduler.run_once()
    assert len(case.executor.take_calls("submit")) == 2
    assert case.executor.take_calls("force") == [("a", second)]
    assert case.status("a") == "executer-failed"


def test_supervisor_that_reports_the_end_and_hangs_frees_its_slot(case):
    case.serve(stop_timeout=0.0)
    for name in "abc":
        case.queue(name)
    case.scheduler.run_once()
    case.report("a", "finished", outcome="executer-failed", reason="why")
    hung = case.handle("a")
    case.scheduler.run_once()
    case.scheduler.run_once()
    assert case.executor.take_calls("force") == [("a", hung)]
    assert case.executor.take_calls("submit") == [("a",), ("b",), ("c",)]
    assert [case.status(name) for name in "abc"] == ["executer-failed", "started", "started"]


def test_kill_that_runs_out_of_time_is_forced_and_the_task_submitted_once_more(case):
    case.serve(stop_timeout=0.0)
    case.queue("a")
    case.scheduler.run_once()
    first = case.handle("a")
    case.enter("a", Status.PENDING_KILL)
    for _ in range(4):
        case.scheduler.run_once()
    forced = case.executor.take_calls("force")
    assert forced[0] == ("a", first)
    assert len(case.executor.take_calls("submit")) == 2
    assert case.status("a") == "killed"


def test_executor_that_cannot_be_reached_ends_no_task(case):
    case.queue("a")
    case.scheduler.run_once()
    case.executor.error = OSError("no answer")
    assert not case.scheduler.run_once()
    assert case.status("a") == "started"
    case.executor.error = None
    assert case.scheduler.run_once()
    assert len(case.executor.take_calls("submit")) == 1


def test_task_that_the_executor_refuses_fails_with_its_reason(case):
    case.executor.error = SubmitError("Invalid partition.")
    case.queue("a")
    assert case.scheduler.run_once()
    assert case.status("a") == "executer-failed"
    assert case.store.task("a").info.error_detail == "Invalid partition."


def test_next_server_goes_on_with_the_stored_handle_and_asks_for_no_other(case):
    case.queue("a")
    case.scheduler.run_once()
    case.serve()
    case.scheduler.run_once()
    assert case.executor.take_calls("find") == []
    assert case.executor.take_calls("states")[-1] == (case.handle("a"),)
    assert len(case.executor.take_calls("submit")) == 1


@pytest.mark.parametrize("found", ["run-of-old", None])
def test_record_of_the_previous_version_gets_a_handle_when_the_server_starts(case, found):
    case.queue("a")
    case.scheduler.run_once()
    case.report("a", "supervising", pid=42)
    old = b'{"pid":42,"offset":0,"ready":true,"attempts":1}'
    with closing(sqlite3.connect(case.data.database)) as store, store:
        store.execute("UPDATE tasks SET supervision = ?", [old])
    case.executor.take_calls("submit")
    case.executor.found = {"a": found}
    case.serve()
    case.scheduler.run_once()
    case.scheduler.run_once()
    assert case.executor.take_calls("find") == [("a",)]
    submitted = case.executor.take_calls("submit")
    if found:
        assert (case.handle("a"), submitted) == (found, [])
    else:
        # It has vanished: the next supervisor cleans up.
        assert submitted == [("a",)]
    with closing(sqlite3.connect(case.data.database)) as store:
        [(stored,)] = store.execute("SELECT supervision FROM tasks").fetchall()
    assert "pid" not in json.loads(stored)
