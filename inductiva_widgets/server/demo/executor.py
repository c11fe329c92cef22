"""Executor of the demo: synthetic tasks that are submitted and progress in real time.

It writes the journal that a supervisor would write, each event at its time, so that the rest of the
server handles demo tasks like real ones. The state of a run follows from its journal and its plan,
so it continues after a restart of the server.

The tasks share two fictitious machines. The speed of the demo shortens their computation; all times
are those of this machine's clock, so that the elapsed time of a task is correct.
"""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
import threading
from collections.abc import Callable, Collection
from datetime import datetime, timedelta, timezone

import msgspec

from inductiva_widgets.server import state_machine
from inductiva_widgets.server.archives import CreatedArchive
from inductiva_widgets.server.data_dir import DataDir, TaskDir
from inductiva_widgets.server.demo import events, files, history
from inductiva_widgets.server.demo.options import DemoOptions
from inductiva_widgets.server.demo.plan import LIVE_PROJECT, MAX_LIVE_TASKS, DemoTask, LivePlans
from inductiva_widgets.server.events import Event
from inductiva_widgets.server.executor import RunEnding, RunState, TaskHandle
from inductiva_widgets.server.journal import JournalWriter, read_lines_from
from inductiva_widgets.server.machine_facts import MachineFacts, read_machine_facts
from inductiva_widgets.server.store.records import TaskRecord
from inductiva_widgets.server.store.tasks import TaskStore
from inductiva_widgets.server.top import format_top
from inductiva_widgets.status import Status

_MACHINES = 2
_KILL_SECONDS = 2.0
_MIN_KILL_SECONDS = 0.3

_log = logging.getLogger(__name__)
_POLL_INTERVAL = 0.1
_RETRY_INTERVAL = 1.0
_QUEUE_LENGTH = 3


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


class DemoExecutor:
    """Advances the live tasks of the demo whenever their states are read.

    A handle is the id of the task.

    Parameters
    ----------
    data
        The data folder.
    options
        Seed and speed.
    clock
        Returns the current time.
    """

    has_queue = False
    poll_interval = 0.05

    def __init__(
        self, data: DataDir, options: DemoOptions, clock: Callable[[], datetime] = _utc_now
    ) -> None:
        self._data = data
        self._speed = options.speed
        self._plans = LivePlans(options.seed)
        self._clock = clock
        self._stopped: dict[TaskHandle, datetime] = {}

    @property
    def capacity(self) -> int:
        """Number of fictitious machines."""
        return _MACHINES

    @property
    def tasks_per_machine(self) -> int:
        """One, since each task has its own machine."""
        return 1

    def submit(self, task: TaskDir) -> TaskHandle:
        """Write the first event of a task."""
        task.root.mkdir(parents=True, exist_ok=True)
        if not task.journal.exists():
            plan = self._plans.find(task.root.name)
            first = events.machine_reports(plan, self._pack_to(plan), self._speed)[0]
            _write(task, first.event_at(self._clock()))
        return TaskHandle(task.root.name)

    def find(self, task: TaskDir) -> TaskHandle | None:
        """Return the handle of a task with an unfinished journal."""
        reported = _reported(task)
        is_live = bool(reported) and reported[-1]["event"] != "finished"
        return TaskHandle(task.root.name) if is_live else None

    def states(self, handles: Collection[TaskHandle]) -> dict[TaskHandle, RunState]:
        """Write all events that are due, and return the states of the tasks."""
        return {handle: self._advance(handle) for handle in handles}

    def describe(self, handle: TaskHandle) -> str | None:  # noqa: ARG002
        """Return None: a task runs as soon as it is submitted."""
        return None

    def ending(self, task: TaskDir, handle: TaskHandle) -> RunEnding | None:  # noqa: ARG002
        """Return None: no run ends without the end of its journal."""
        return None

    def stop(
        self,
        task: TaskDir,
        handle: TaskHandle | None,  # noqa: ARG002
        *,
        force: bool = False,
    ) -> None:
        """End a task after a short delay, or immediately if ``force`` is True."""
        if self.find(task) is None:
            return
        if not force:
            task.stop.touch()
            return
        plan, now = self._plans.find(task.root.name), self._clock()
        *_, finished = events.kill_reports(plan, self._pack_to(plan))
        _write(task, finished.event_at(now))
        self._stopped.pop(TaskHandle(task.root.name), None)

    def clear_up(self, task: TaskDir) -> None:
        """Remove the folder of a task."""
        shutil.rmtree(task.root, ignore_errors=True)

    def machine_facts(self) -> MachineFacts:
        """Return the facts of this machine; the journal of a task has those of a fictitious one."""
        return read_machine_facts()

    def top(self, task: TaskDir) -> str:  # noqa: ARG002
        """Return only the headings, since no task has a process."""
        return format_top([])

    def _advance(self, handle: TaskHandle) -> RunState:
        task = self._data.task(handle)
        reported = _reported(task)
        if not reported or reported[-1]["event"] == "finished":
            return RunState.ENDED
        plan, now = self._plans.find(handle), self._clock()
        begun = datetime.fromisoformat(reported[0]["time"])
        share = self._computed_share(plan, (now - begun).total_seconds())
        if any(one["event"] == "command_started" for one in reported):
            self._print(task, plan, share)
        if task.stop.exists():
            return self._kill(handle, plan, share)
        reports = events.machine_reports(plan, self._pack_to(plan), self._speed)
        for report in reports[len(reported) :]:
            due = begun + timedelta(seconds=report.after)
            if due > now:
                return RunState.RUNNING
            _write(task, report.event_at(due))
        return RunState.ENDED

    def _kill(self, handle: TaskHandle, plan: DemoTask, share: float) -> RunState:
        now = self._clock()
        asked = self._stopped.setdefault(handle, now)
        seconds = max(_MIN_KILL_SECONDS, _KILL_SECONDS / self._speed)
        if now - asked < timedelta(seconds=seconds):
            return RunState.RUNNING
        for report in events.kill_reports(plan, self._pack_to(plan, share)):
            _write(self._data.task(handle), report.event_at(now))
        del self._stopped[handle]
        return RunState.ENDED

    def _computed_share(self, plan: DemoTask, seconds: float) -> float:
        """Return the completed share of the computation, given the seconds since its start."""
        share = (seconds * self._speed - plan.prepares) / plan.computes
        return min(1.0, max(0.0, share))

    def _pack_to(self, plan: DemoTask, share: float = 1.0) -> events.Pack:
        def pack(at: datetime) -> CreatedArchive:
            archive = self._data.storage / plan.task_id / "output.zip"
            return files.write_output(plan, archive, at, share)

        return pack

    def _print(self, task: TaskDir, plan: DemoTask, share: float) -> None:
        """Append the output of the simulation up to the completed share."""
        task.work.mkdir(parents=True, exist_ok=True)
        texts = {
            "stdout.txt": files.printed(plan, share),
            "stderr.txt": files.complained(plan, share),
        }
        for name, text in texts.items():
            with (task.work / name).open("ab") as file:
                file.write(text.encode()[file.tell() :])


def _write(task: TaskDir, event: Event) -> None:
    facts = msgspec.to_builtins(event)
    with JournalWriter(task.journal) as journal:
        journal.write(facts.pop("event"), **facts)


def _reported(task: TaskDir) -> list[dict[str, str]]:
    reported = []
    for line in read_lines_from(task.journal, 0)[0]:
        # A full disk may have truncated a line: its event is written again.
        with contextlib.suppress(ValueError):
            reported.append(json.loads(line))
    return reported


class DemoSubmitter:
    """Submits the live tasks of the demo and uploads their input.

    Parameters
    ----------
    data
        The data folder.
    store
        Its store, with the history in it.
    options
        Seed and speed.
    on_change
        Called when a task has been queued.
    """

    def __init__(
        self,
        data: DataDir,
        store: TaskStore,
        options: DemoOptions,
        on_change: Callable[[], None],
    ) -> None:
        self._data = data
        self._store = store
        self._speed = options.speed
        self._plans = LivePlans(options.seed)
        self._on_change = on_change
        # An earlier server may have submitted some.
        [project] = store.projects.list(LIVE_PROJECT)
        self._count = sum(project.overview.values())
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="demo-submitter", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread."""
        self._stopping.set()
        self._thread.join()

    def _loop(self) -> None:
        pause = 0.0
        while not self._stopping.wait(pause):
            pause = _POLL_INTERVAL
            try:
                self.run_once(datetime.now(timezone.utc))
            except Exception:
                _log.exception("A step of the demo failed and is retried.")
                pause = _RETRY_INTERVAL

    def run_once(self, now: datetime) -> None:
        """Queue the tasks whose upload has ended, and submit one if the queue is short."""
        waiting = [
            record
            for record in self._store.tasks_by_status(state_machine.WAITING)
            if record.info.project == LIVE_PROJECT
        ]
        for record in waiting:
            if record.info.status == Status.PENDING_INPUT:
                self._upload(record, now)
        if len(waiting) < _QUEUE_LENGTH and self._count < MAX_LIVE_TASKS:
            record = history.new_record(self._plans[self._count], now)
            history.add_record(self._store, record)
            self._count += 1

    def _upload(self, record: TaskRecord, now: datetime) -> None:
        plan = self._plans.find(record.info.task_id)
        seconds = plan.uploads / self._speed
        created = record.info.create_time or now
        if (now - created).total_seconds() < seconds:
            return
        files.write_input(plan, self._data.storage / plan.task_id / "input.zip", created)

        def queue(present: TaskRecord) -> TaskRecord:
            if present.info.status != Status.PENDING_INPUT:
                # The task was killed in the meantime.
                return present
            return events.queue(present, now, seconds)

        self._store.update(plan.task_id, queue)
        self._on_change()
