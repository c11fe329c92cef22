"""Start queued tasks in order, and apply the events of their journals.

One thread does all of it. It sleeps while no task is running, and is woken by the services.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from inductiva_widgets.models.tasks import Executer, TaskMetrics
from inductiva_widgets.server import (
    event_handlers,
    events,
    job_setup,
    machine_info,
    process_tree,
    state_machine,
)
from inductiva_widgets.server.archives import UnsafeArchiveError
from inductiva_widgets.server.data_dir import DataDir
from inductiva_widgets.server.journal import read_lines_from
from inductiva_widgets.server.program_lookup import ProgramNotFoundError
from inductiva_widgets.server.store.records import Change, TaskRecord
from inductiva_widgets.server.store.tasks import TaskStore
from inductiva_widgets.server.supervisor_handle import (
    SupervisorHandle,
    find_supervisor,
    start_supervisor,
)
from inductiva_widgets.status import Status

Result = TypeVar("Result")

_log = logging.getLogger(__name__)

_LOOK_EVERY = 0.05
_AFTER_TROUBLE = 1.0
# The second supervisor of a task only clears up after the first.
_MOST_ATTEMPTS = 2
_GIVEN_UP = "The process that supervised the task vanished, and so did the one sent after it."


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


class Scheduler:
    """Runs the tasks of a store on this machine.

    Parameters
    ----------
    data
        The data folder.
    store
        Its store.
    capacity
        Maximum number of tasks that run at a time.
    clock
        Returns the current time, which may be set back at any moment.
    """

    def __init__(
        self,
        data: DataDir,
        store: TaskStore,
        capacity: int,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._data = data
        self._store = store
        self._capacity = capacity
        self._clock = clock
        self._troubled = False
        self._watches: dict[str, SupervisorHandle] = {}
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)

    def start(self) -> None:
        """Resume the tasks of an earlier server and start the thread."""
        self._remove_half_uploads()
        for record in self._store.tasks_by_status(state_machine.ON_MACHINE):
            self._adopt(record)
        self._wake.set()
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread; running tasks go on."""
        self._stopping.set()
        self._wake.set()
        self._thread.join()

    def wake(self) -> None:
        """Check at once for tasks to start or to kill."""
        self._wake.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            woken = self._wake.is_set()
            self._wake.clear()
            self._troubled = False
            changed = [
                self._retry_later(self._check_supervisor, *watched)
                for watched in [*self._watches.items()]
            ]
            if woken or any(changed) or self._troubled:
                self._retry_later(self._deliver_kills)
                self._retry_later(self._start_queued)
            if self._troubled:
                self._wake.set()
                self._stopping.wait(_AFTER_TROUBLE)
            else:
                self._wake.wait(_LOOK_EVERY if self._watches else None)

    def _retry_later(self, step: Callable[..., Result], *arguments: Any) -> Result | None:
        """Run a step; if it fails, log the error and retry it later."""
        try:
            return step(*arguments)
        except Exception:
            # A full disk may be freed again. An error of one task must not stop the others.
            _log.exception("The scheduler met trouble and tries again.")
            self._troubled = True
            return None

    # Starting ------------------------------------------------------------------------------------

    def _start_queued(self) -> None:
        if len(self._watches) >= self._capacity:
            return
        # By id, as decoding a long queue for each place that gets free would take longer than
        # short tasks do.
        for task_id in self._store.ids_by_status(Status.SUBMITTED):
            record = self._store.task(task_id)
            if record is not None and record.info.status == Status.SUBMITTED:
                self._retry_later(self._start, record)
            if len(self._watches) >= self._capacity:
                return

    def _start(self, record: TaskRecord) -> None:
        now = self._clock()
        try:
            job_setup.write_job_file(self._data, record, self._capacity)
        except (ProgramNotFoundError, UnsafeArchiveError) as error:
            self._fail_unstarted(record, now, str(error))
            return
        except Exception as error:
            # An unforeseen error must not block the tasks behind this one.
            _log.exception("Task %s cannot be prepared.", record.info.task_id)
            self._fail_unstarted(record, now, f"The task cannot be prepared: {error}.")
            return
        info = record.info
        queued = info.input_submit_time or now
        metrics = replace(
            info.metrics or TaskMetrics(), queue_time_seconds=(now - queued).total_seconds()
        )

        def begin(present: TaskRecord) -> TaskRecord:
            return state_machine.transition(
                present,
                Status.STARTED,
                now,
                start_time=now,
                metrics=metrics,
                executer=self._executer(record),
            )

        if begun := self._update(record.info.task_id, begin):
            self._supervise(begun)

    def _fail_unstarted(self, record: TaskRecord, at: datetime, reason: str) -> None:
        metrics = job_setup.archive_failure_output(self._data, record, reason)
        executer = self._executer(record)

        def give_up(present: TaskRecord) -> TaskRecord:
            known = replace(present.info, executer=executer, metrics=metrics)
            return state_machine.fail(
                replace(present, info=known), Status.EXECUTER_FAILED, at, reason
            )

        self._update(record.info.task_id, give_up)

    def _supervise(self, record: TaskRecord) -> None:
        task_id, known = record.info.task_id, record.supervision
        folder = self._data.task(task_id)
        try:
            child = start_supervisor(folder)
        except OSError as error:
            self._fail_task(task_id, f"The supervisor of the task cannot be started: {error}.")
            return
        # First, so that the supervisor is observed even if the update below fails.
        self._watches[task_id] = SupervisorHandle(folder, child.pid, known.offset, child)

        def supervised(present: TaskRecord) -> TaskRecord:
            # Of the present one, since its machine group may have been terminated in the meantime.
            supervision = replace(
                present.supervision, pid=child.pid, ready=False, attempts=known.attempts + 1
            )
            return replace(present, supervision=supervision)

        self._store.update(task_id, supervised)

    def _adopt(self, record: TaskRecord) -> None:
        task_id, known = record.info.task_id, record.supervision
        folder = self._data.task(task_id)
        pid = known.pid or find_supervisor(folder)
        if pid is None and not folder.journal.exists():
            # The earlier server was killed just before it could start the supervisor.
            self._supervise(record)
        else:
            self._watches[task_id] = SupervisorHandle(folder, pid, known.offset)

    # Following -----------------------------------------------------------------------------------

    def _check_supervisor(self, task_id: str, watch: SupervisorHandle) -> bool:
        """Apply what a supervisor has reported; return whether anything changed."""
        # Checked before reading, so that the last events of a supervisor are not missed.
        alive = watch.is_alive()
        changed = self._apply_events(task_id, watch)
        if alive:
            return changed
        record = self._store.task(task_id)
        if record is None or state_machine.is_final(record.info.status):
            del self._watches[task_id]
            if record is not None:
                self._clear_up(record)
        elif record.supervision.attempts < _MOST_ATTEMPTS:
            _log.warning("The supervisor of task %s vanished.", task_id)
            self._supervise(record)
        else:
            self._fail_task(task_id, _GIVEN_UP)
        return True

    def _apply_events(self, task_id: str, watch: SupervisorHandle) -> bool:
        lines, offset = read_lines_from(watch.folder.journal, watch.offset)
        if not lines:
            return False
        reported = [event for line in lines if (event := _decoded(line, task_id))]

        def advance(present: TaskRecord) -> TaskRecord:
            for event in reported:
                at = state_machine.monotonic_time(present, event.time)
                present = event_handlers.apply_event(present, replace(event, time=at))
            return replace(present, supervision=replace(present.supervision, offset=offset))

        self._store.update(task_id, advance)
        watch.offset = offset
        return True

    def _clear_up(self, record: TaskRecord) -> None:
        if state_machine.ends_with_group(record):
            job_setup.output_of(self._data, record).unlink(missing_ok=True)
        job_setup.clear_up(self._data, record)

    def _remove_half_uploads(self) -> None:
        for record in self._store.tasks_by_status([Status.PENDING_INPUT]):
            # Nothing else is in there as yet.
            for half in job_setup.input_of(self._data, record).parent.glob(".*"):
                half.unlink(missing_ok=True)

    def _fail_task(self, task_id: str, reason: str) -> None:
        now = self._clock()
        # No supervisor is left that could end the processes of the task.
        process_tree.end_all(None, task_id, grace=0.0)

        def fail(present: TaskRecord) -> TaskRecord:
            if present.info.status == Status.PENDING_KILL:
                return state_machine.transition(present, Status.KILLED, now)
            if present.supervision.group_ended:
                return state_machine.finish_after_group(present, now)
            return state_machine.fail(present, Status.EXECUTER_FAILED, now, reason)

        self._update(task_id, fail)
        self._watches.pop(task_id, None)

    def _deliver_kills(self) -> None:
        for record in self._store.tasks_by_status(state_machine.ON_MACHINE):
            if not state_machine.should_stop(record):
                continue
            watch = self._watches.get(record.info.task_id)
            # Before it is ready, SIGTERM would end the supervisor and not the task.
            if not watch or not record.supervision.ready or watch.stop_sent:
                continue
            if watch.pid is not None and watch.is_alive():
                os.kill(watch.pid, signal.SIGTERM)
                watch.stop_sent = True

    def _executer(self, record: TaskRecord) -> Executer:
        groups = self._store.groups
        return machine_info.executer_info(
            groups.find(record.info.machine_group_id) or groups.default_group()
        )

    def _update(self, task_id: str, change: Change) -> TaskRecord | None:
        """Change a task unless it has ended, or been killed, in the meantime."""
        try:
            return self._store.update(task_id, change)
        except state_machine.IllegalTransitionError:
            _log.info("Task %s has moved on.", task_id)
            return None


def _decoded(line: bytes, task_id: str) -> events.Event | None:
    try:
        return events.decode(line)
    except msgspec.MsgspecError:
        # Half a line, from a supervisor that a full disk stopped in the middle of it.
        _log.exception("Unreadable line in the journal of task %s", task_id)
        return None
