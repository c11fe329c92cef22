"""The scheduler on an executor that only takes notes."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import datetime, timezone

import pytest

from inductiva_widgets.server import state_machine
from inductiva_widgets.server.data_dir import DataDir
from inductiva_widgets.server.executor import RunEnding, RunState, SubmitError
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
        self.has_queue = False
        self.poll_interval = 0.05
        self.calls = []
        self.queued = set()
        self.ended = set()
        self.endings = {}
        self.descriptions = {}
        self.found = {}
        self.error = None
        self.find_error = None

    def submit(self, task):
        self.calls.append(("submit", task.root.name))
        if self.error is not None:
            raise self.error
        return f"run-{len(self.calls)}-{task.root.name}"

    def find(self, task):
        self.calls.append(("find", task.root.name))
        if self.find_error is not None:
            raise self.find_error
        return self.found.get(task.root.name)

    def states(self, handles):
        self.calls.append(("states", *sorted(handles)))
        if isinstance(self.error, OSError):
            raise self.error
        return {
            handle: RunState.ENDED
            if handle in self.ended
            else RunState.QUEUED
            if handle in self.queued
            else RunState.RUNNING
            for handle in handles
        }

    def describe(self, handle):
        return self.descriptions.get(handle)

    def ending(self, task, handle):
        return self.endings.get(handle)

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


# Executors with a queue of their own --------------------------------------------------------------


@pytest.fixture
def queueing(case):
    """Return a case whose tasks wait in the queue of the executor."""
    case.executor.has_queue = True
    return case


def submit_queued(case, task_id="a"):
    case.queue(task_id)
    case.scheduler.run_once()
    case.executor.queued.add(case.handle(task_id))


def descriptions(case, task_id="a"):
    return {str(one.status): one.description for one in case.store.task(task_id).history}


def test_task_in_the_queue_of_the_executor_stays_submitted_until_its_journal_begins(queueing):
    submit_queued(queueing)
    queueing.scheduler.run_once()
    assert queueing.status("a") == "submitted"
    assert queueing.store.task("a").info.start_time is None
    queueing.executor.queued.clear()
    queueing.scheduler.run_once()
    assert queueing.status("a") == "submitted"
    queueing.report("a", "supervising", machine={"cpu_count_logical": 64})
    queueing.scheduler.run_once()
    task = queueing.store.task("a").info
    assert (task.status, task.executer.cpu_count_logical) == ("started", 64)
    assert task.metrics.queue_time_seconds >= 0
    assert len(queueing.executor.take_calls("submit")) == 1


def test_description_says_why_a_task_waits_and_then_where_it_runs(queueing):
    submit_queued(queueing)
    handle = queueing.handle("a")
    queueing.executor.descriptions = {handle: "behind other jobs"}
    queueing.scheduler.run_once()
    assert descriptions(queueing)["submitted"] == "behind other jobs"
    queueing.report("a", "supervising")
    queueing.scheduler.run_once()
    queueing.executor.queued.clear()
    queueing.executor.descriptions = {handle: "on node 7"}
    queueing.scheduler.run_once()
    assert descriptions(queueing)["submitted"] == "behind other jobs"
    assert descriptions(queueing)["started"] == "on node 7"


def test_kill_of_a_task_in_the_queue_ends_when_its_run_has_vanished(queueing):
    submit_queued(queueing)
    now = datetime.now(timezone.utc)
    queueing.store.update("a", lambda one: state_machine.kill(one, now))
    assert queueing.status("a") == "pending-kill"
    queueing.scheduler.run_once()
    assert queueing.executor.take_calls("stop") == [("a", queueing.handle("a"))]
    queueing.executor.ended = {queueing.handle("a")}
    queueing.scheduler.run_once()
    assert queueing.status("a") == "killed"
    assert len(queueing.executor.take_calls("submit")) == 1


def test_run_that_ends_in_the_queue_fails_its_task_with_the_ending(queueing):
    submit_queued(queueing)
    handle = queueing.handle("a")
    queueing.executor.endings = {handle: RunEnding(Status.EXECUTER_TERMINATED, "Cancelled.")}
    queueing.executor.ended = {handle}
    queueing.scheduler.run_once()
    assert queueing.status("a") == "executer-terminated"
    assert queueing.store.task("a").info.error_detail == "Cancelled."
    assert (queueing.data.storage / "a" / "output.zip").is_file()
    assert len(queueing.executor.take_calls("submit")) == 1


@pytest.mark.parametrize("requested", [False, True])
def test_ending_explains_a_kill_unless_it_was_requested(queueing, requested):
    submit_queued(queueing)
    handle = queueing.handle("a")
    queueing.report("a", "supervising")
    queueing.scheduler.run_once()
    if requested:
        queueing.enter("a", Status.PENDING_KILL)
        queueing.scheduler.run_once()
    queueing.report("a", "computation_ended")
    queueing.report("a", "finished", outcome="killed")
    queueing.scheduler.run_once()
    assert queueing.status("a") == ("killed" if requested else "started")
    queueing.executor.endings = {handle: RunEnding(Status.SPOT_INSTANCE_PREEMPTED, "Preempted.")}
    queueing.executor.ended = {handle}
    queueing.scheduler.run_once()
    assert queueing.status("a") == ("killed" if requested else "spot-instance-preempted")


def test_ending_of_a_run_that_vanished_is_kept_by_the_next_one(queueing):
    submit_queued(queueing)
    first = queueing.handle("a")
    queueing.report("a", "supervising")
    queueing.executor.endings = {first: RunEnding(Status.TTL_EXCEEDED, "Too long.")}
    queueing.executor.ended = {first}
    queueing.scheduler.run_once()
    assert len(queueing.executor.take_calls("submit")) == 2
    queueing.serve()
    queueing.report("a", "finished", outcome="executer-failed", reason="It vanished.")
    queueing.executor.ended.add(queueing.handle("a"))
    queueing.scheduler.run_once()
    assert queueing.status("a") == "ttl-exceeded"
    assert queueing.store.task("a").info.error_detail == "Too long."


@pytest.mark.parametrize("found", ["run-of-old", None])
def test_submission_that_may_have_failed_is_looked_for_before_it_is_repeated(queueing, found):
    queueing.executor.error = OSError("no answer")
    queueing.queue("a")
    assert not queueing.scheduler.run_once()
    assert queueing.executor.take_calls("submit") == [("a",)]
    queueing.executor.error = None
    queueing.executor.found = {"a": found}
    assert queueing.scheduler.run_once()
    assert queueing.executor.take_calls("find") == [("a",)]
    assert queueing.executor.take_calls("submit") == ([] if found else [("a",)])
    assert queueing.status("a") == "submitted"


@pytest.mark.parametrize("found", ["run-of-old", None])
def test_kill_of_a_task_whose_submission_was_not_saved_stops_the_run_of_the_earlier_server(
    queueing, found
):
    queueing.executor.error = OSError("no answer")
    queueing.queue("a")
    queueing.scheduler.run_once()
    now = datetime.now(timezone.utc)
    queueing.store.update("a", lambda one: state_machine.kill(one, now))
    queueing.executor.error = None
    queueing.executor.found = {"a": found}
    queueing.serve()
    queueing.scheduler.run_once()
    if found:
        assert queueing.executor.take_calls("stop") == [("a", found)]
        assert queueing.status("a") == "pending-kill"
    else:
        assert queueing.status("a") == "killed"


def test_other_tasks_stay_in_the_queue_of_the_server_while_the_executor_cannot_be_reached(queueing):
    queueing.queue("a")
    queueing.queue("b")
    queueing.executor.error = OSError("no answer")
    queueing.executor.find_error = OSError("no answer")
    for _ in range(3):
        assert not queueing.scheduler.run_once()
    assert queueing.executor.take_calls("submit") == [("a",)]
    now = datetime.now(timezone.utc)
    queueing.store.update("b", lambda one: state_machine.kill(one, now))
    assert queueing.status("b") == "killed"
    queueing.executor.error = queueing.executor.find_error = None
    assert queueing.scheduler.run_once()
    assert queueing.executor.take_calls("submit") == [("a",)]
    assert queueing.handle("a")


def test_journal_is_read_while_the_executor_cannot_be_reached(queueing):
    submit_queued(queueing)
    queueing.executor.error = OSError("no answer")
    queueing.report("a", "supervising")
    queueing.report("a", "command_started", index=0, command="x")
    queueing.scheduler.run_once()
    assert queueing.status("a") == "computation-started"
