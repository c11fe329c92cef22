"""The contract of ``executor.Executor``, kept by every implementation."""

from __future__ import annotations

import json
import os
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from inductiva_widgets.server import event_handlers, events, job_setup, process_tree
from inductiva_widgets.server.data_dir import DataDir, TaskDir
from inductiva_widgets.server.demo.executor import DemoExecutor
from inductiva_widgets.server.demo.options import DemoOptions
from inductiva_widgets.server.demo.plan import live
from inductiva_widgets.server.executor import Executor, RunState, TaskHandle
from inductiva_widgets.server.local_executor import LocalExecutor
from inductiva_widgets.server.machine_facts import read_machine_facts
from inductiva_widgets.server.slurm.executor import SlurmExecutor
from inductiva_widgets.server.slurm.options import SlurmOptions
from inductiva_widgets.server.store.records import TaskRecord
from inductiva_widgets.status import Status
from tests.unit.server.conftest import info, record_in, submission

PATIENCE = 60.0


class LocalCase:
    """Tasks that are processes of this machine."""

    def __init__(self, folder: Path) -> None:
        self.data = DataDir(folder)
        self.data.prepare()
        self.count = 0

    def executor(self) -> Executor:
        return LocalExecutor(2)

    def short_task(self) -> TaskDir:
        return self.task("sleep 0.1")

    def long_task(self) -> TaskDir:
        return self.task("sleep 600")

    def task(self, *commands: str) -> TaskDir:
        task_id = f"contract-{os.getpid()}-{self.data.root.parent.name}-{self.count}"
        self.count += 1
        extra = {"commands": [{"cmd": command} for command in commands]}
        record = TaskRecord(seq=1, info=info(task_id), submission=submission(extra_params=extra))
        archive = job_setup.input_of(self.data, record)
        archive.parent.mkdir()
        with zipfile.ZipFile(archive, "w") as target:
            target.writestr("sim_dir/input.txt", "")
        job_setup.write_job_file(self.data, record, tasks_per_machine=2)
        return self.data.task(task_id)


class DemoCase:
    """Synthetic tasks: fast ones are short, those at the speed of the clock are long."""

    def __init__(self, folder: Path) -> None:
        self.data = DataDir(folder)
        self.data.prepare()
        self.count = 0
        self.speed = 1.0

    def executor(self) -> Executor:
        return DemoExecutor(self.data, DemoOptions(seed=3, speed=self.speed))

    def short_task(self) -> TaskDir:
        self.speed = 100.0
        return self.long_task()

    def long_task(self) -> TaskDir:
        plan = live(3, self.count)
        self.count += 1
        return self.data.task(plan.task_id)


class SlurmCase(LocalCase):
    """Tasks that are jobs of a cluster."""

    def executor(self) -> Executor:
        return SlurmExecutor(SlurmOptions(), interval=0.2)


CASES = {"local": LocalCase, "demo": DemoCase, "slurm": SlurmCase}


@pytest.fixture(params=["local", "demo", pytest.param("slurm", marks=pytest.mark.extended)])
def case(request, tmp_path, monkeypatch):
    if request.param == "slurm":
        cluster = request.getfixturevalue("slurm_cluster")
        for name, value in cluster.environment.items():
            monkeypatch.setenv(name, value)
    made = CASES[request.param](tmp_path / "data")
    yield made
    executor = made.executor()
    for folder in made.data.tasks.iterdir():
        task = TaskDir(folder)
        executor.stop(task, executor.find(task), force=True)


def journal_of(task: TaskDir) -> list[dict]:
    if not task.journal.exists():
        return []
    return [json.loads(line) for line in task.journal.read_text().splitlines()]


def names_of(task: TaskDir) -> list[str]:
    return [event["event"] for event in journal_of(task)]


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE:g} s for {what}"
        time.sleep(0.02)


def wait_for_state(executor: Executor, handle: TaskHandle, state: RunState) -> None:
    until(lambda: executor.states([handle]) == {handle: state}, f"the run to be {state}")


def start(executor: Executor, task: TaskDir) -> TaskHandle:
    """Submit a task and wait for the first event of its journal."""
    handle = executor.submit(task)
    until(lambda: bool(executor.states([handle])) and bool(names_of(task)), "a supervisor")
    return handle


# The contract ------------------------------------------------------------------------------------


def test_submitted_task_runs_to_the_end_of_its_journal(case):
    task = case.short_task()
    executor = case.executor()
    handle = executor.submit(task)
    wait_for_state(executor, handle, RunState.ENDED)
    names = names_of(task)
    assert names[0] == "supervising"
    assert names[-1] == "finished"
    assert [names.count(name) for name in ("supervising", "unpacked", "archived")] == [1, 1, 1]
    assert (case.data.storage / task.root.name / "output.zip").is_file()


def test_journal_begins_with_the_machine_of_the_task(case):
    task = case.long_task()
    start(case.executor(), task)
    machine = journal_of(task)[0]["machine"]
    assert machine["cpu_count_logical"] >= machine["cpu_count_physical"] >= 1
    assert machine["memory"] > 10**6


def test_handle_is_text_on_one_line(case):
    handle = start(case.executor(), case.long_task())
    assert isinstance(handle, str)
    assert handle.isprintable()


def test_states_of_all_tasks_are_read_in_one_call(case):
    executor = case.executor()
    handles = [start(executor, case.long_task()) for _ in range(2)]
    unknown = [TaskHandle("1:1.0"), TaskHandle("no such run")]
    for handle in handles:
        # The state may come later than the journal.
        wait_for_state(executor, handle, RunState.RUNNING)
    states = executor.states([*handles, *unknown])
    assert [states[handle] for handle in handles] == [RunState.RUNNING] * 2
    assert [states[handle] for handle in unknown] == [RunState.ENDED] * 2
    assert executor.states([]) == {}


def test_polite_stop_keeps_the_output_and_may_be_repeated(case):
    executor, task = case.executor(), case.long_task()
    handle = start(executor, task)
    executor.stop(task, handle)
    executor.stop(task, handle)
    wait_for_state(executor, handle, RunState.ENDED)
    executor.stop(task, handle)
    assert journal_of(task)[-1]["outcome"] == "killed"
    assert names_of(task)[-2:] == ["archived", "finished"]


def test_polite_stop_without_a_handle_ends_the_task(case):
    executor, task = case.executor(), case.long_task()
    handle = start(executor, task)
    executor.stop(task, None)
    wait_for_state(executor, handle, RunState.ENDED)
    assert journal_of(task)[-1]["outcome"] == "killed"


def test_task_that_is_stopped_before_it_starts_runs_no_command(case):
    executor, task = case.executor(), case.long_task()
    handle = executor.submit(task)
    executor.stop(task, handle)
    wait_for_state(executor, handle, RunState.ENDED)
    if not journal_of(task):
        # It vanished from a queue. The next supervisor finds the stop file.
        wait_for_state(executor, executor.submit(task), RunState.ENDED)
    assert journal_of(task)[-1]["outcome"] == "killed"
    assert "command_started" not in names_of(task)


def test_stop_file_alone_ends_a_task(case):
    executor, task = case.executor(), case.long_task()
    handle = start(executor, task)
    (task.root / "stop").touch()
    wait_for_state(executor, handle, RunState.ENDED)
    assert journal_of(task)[-1]["outcome"] == "killed"


def test_forced_stop_returns_when_nothing_runs_any_more(case):
    executor, task = case.executor(), case.long_task()
    handle = start(executor, task)
    executor.stop(task, handle, force=True)
    assert executor.states([handle]) == {handle: RunState.ENDED}
    assert executor.find(task) is None
    assert process_tree.members(None, task.root.name) == set()
    executor.stop(task, handle, force=True)


def test_task_that_is_submitted_again_is_cleaned_up_instead_of_run_again(case):
    executor, task = case.executor(), case.long_task()
    executor.stop(task, start(executor, task), force=True)
    wait_for_state(executor, executor.submit(task), RunState.ENDED)
    names = names_of(task)
    assert names[-1] == "finished"
    assert names.count("finished") == 1


def test_run_is_found_again_by_another_executor(case):
    task, never_submitted = case.long_task(), case.long_task()
    handle = start(case.executor(), task)
    later = case.executor()
    assert later.find(task) == handle
    assert later.find(never_submitted) is None
    assert later.states([handle]) == {handle: RunState.RUNNING}
    later.stop(task, handle)
    wait_for_state(later, handle, RunState.ENDED)
    assert later.find(task) is None
    assert journal_of(task)[-1]["outcome"] == "killed"


def test_clear_up_leaves_no_file_of_the_executor_and_may_be_repeated(case):
    task = case.short_task()
    executor = case.executor()
    wait_for_state(executor, executor.submit(task), RunState.ENDED)
    # As if the request came when the task had just ended.
    task.stop.touch()
    executor.clear_up(task)
    executor.clear_up(task)
    assert not task.stop.exists()
    assert not task.seen.exists()


def test_facts_and_limits_are_positive_and_top_has_headings(case):
    executor = case.executor()
    facts = executor.machine_facts()
    assert facts.cpu_count_logical >= facts.cpu_count_physical >= 1
    assert facts.memory > 10**6
    assert executor.capacity >= 1
    assert executor.tasks_per_machine >= 1
    assert "PID USER" in executor.top(case.long_task())


# The supervisor resolves on its machine ----------------------------------------------------------


@pytest.fixture
def local(tmp_path):
    return LocalCase(tmp_path / "data")


def test_program_is_looked_up_on_the_supervisors_machine(local, tmp_path, monkeypatch):
    task = local.task("program-of-the-node")
    assert str(tmp_path / "bin") not in task.job.read_text()
    # Only now is there such a program.
    program = tmp_path / "bin" / "program-of-the-node"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho $OMP_NUM_THREADS\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    executor = local.executor()
    wait_for_state(executor, executor.submit(task), RunState.ENDED)
    by_name = {event["event"]: event for event in journal_of(task)}
    assert by_name["finished"]["outcome"] == "success"
    assert by_name["resolved"]["commands"] == [[str(program)]]
    assert by_name["command_started"]["program"] == str(program)
    threads = by_name["resolved"]["env"]["OMP_NUM_THREADS"]
    with zipfile.ZipFile(local.data.storage / task.root.name / "output.zip") as archive:
        assert archive.read("artifacts/stdout.txt").decode().split() == [threads]


def test_program_that_the_machine_lacks_is_explained_in_the_journal_and_the_output(local):
    task, executor = local.task("no-such-program-anywhere"), local.executor()
    wait_for_state(executor, executor.submit(task), RunState.ENDED)
    finished = journal_of(task)[-1]
    assert finished["outcome"] == "executer-failed"
    assert "'no-such-program-anywhere' was not found on this machine" in finished["reason"]
    with zipfile.ZipFile(local.data.storage / task.root.name / "output.zip") as archive:
        said = archive.read("artifacts/stderr.txt").decode()
    assert said == finished["reason"] + "\n"


def test_machine_and_program_of_the_journal_get_into_the_record(local):
    task, executor = local.task("sleep 0"), local.executor()
    wait_for_state(executor, executor.submit(task), RunState.ENDED)
    record = record_in(Status.SUBMITTED, Status.STARTED)
    for line in task.journal.read_bytes().splitlines():
        record = event_handlers.apply_event(record, events.decode(line))
    facts = read_machine_facts()
    executer = record.info.executer
    assert (executer.uuid, executer.cpu_count_logical, executer.cpu_count_physical) == (
        "machine",
        facts.cpu_count_logical,
        facts.cpu_count_physical,
    )
    assert executer.memory == facts.memory
    [computing] = [entry for entry in record.history if entry.status == "computation-started"]
    [command] = computing.operations
    assert command.attributes["program"].endswith("/sleep")


def test_machine_that_reports_its_id_has_been_that_of_the_task_since_its_start():
    record = record_in(Status.SUBMITTED, Status.STARTED)
    reported = event_handlers.apply_event(
        record,
        events.decode(
            b'{"event":"supervising","time":"2024-02-01T17:16:19+00:00","machine":{"uuid":"node"}}'
        ),
    )
    assert reported.info.executer.uuid == "node"
    assert [entry.machine_id for entry in reported.history] == [None, None, "node"]


def test_journal_of_the_previous_version_is_read(local):
    line = b'{"event":"supervising","time":"2024-02-01T17:16:19+00:00","pid":42}'
    record = record_in(Status.SUBMITTED, Status.STARTED)
    assert event_handlers.apply_event(record, events.decode(line)) == record
