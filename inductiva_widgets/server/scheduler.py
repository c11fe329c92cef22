"""Start queued tasks in order, and apply the events of their journals.

All of it happens in one thread, which sleeps while no task is running and is woken by the services.
The executor decides where tasks run.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from inductiva_widgets.models.tasks import Executer, TaskMetrics
from inductiva_widgets.server import event_handlers, events, job_setup, state_machine
from inductiva_widgets.server.clock import Moment, current_moment
from inductiva_widgets.server.data_dir import DataDir, TaskDir
from inductiva_widgets.server.executor import Executor, RunState, SubmitError, TaskHandle
from inductiva_widgets.server.journal import read_lines_from
from inductiva_widgets.server.store.records import Change, TaskRecord
from inductiva_widgets.server.store.tasks import TaskStore
from inductiva_widgets.status import Status

Result = TypeVar("Result")

_log = logging.getLogger(__name__)

_RETRY_INTERVAL = 1.0
# More than a supervisor needs to end its commands and to pack what it can (``PACK_TIMEOUT``).
_STOP_TIMEOUT = 90.0
# A second supervisor only cleans up after the first.
_MAX_ATTEMPTS = 2
_GIVEN_UP = "The process that supervised the task vanished, and so did the one sent after it."


class _Run:
    """A submitted task: its handle, and how much of its journal has been read."""

    def __init__(self, folder: TaskDir, handle: TaskHandle | None, offset: int) -> None:
        self.folder = folder
        self.handle = handle
        self.offset = offset
        self.stop_sent = False
        self.description: tuple[Status, str] | None = None
        self._deadline: float | None = None

    @property
    def is_overdue(self) -> bool:
        """Whether the run should have ended by itself."""
        return self._deadline is not None and time.monotonic() > self._deadline

    def limit_time(self, seconds: float, *, again: bool = False) -> None:
        """Expect the end of the run within a number of seconds, unless it is expected already.

        Parameters
        ----------
        seconds
            Time until the run is overdue.
        again
            If True, an earlier limit is replaced.
        """
        if self._deadline is None or again:
            self._deadline = time.monotonic() + seconds


class Scheduler:
    """Runs the tasks of a store on an executor.

    Parameters
    ----------
    data
        The data folder.
    store
        Its store.
    executor
        Starts, observes and stops the tasks.
    clock
        Returns the current moment; its wall clock may be changed at any time.
    stop_timeout
        Seconds that a supervisor may take to end its task once it is asked to; it is killed then.
    """

    def __init__(
        self,
        data: DataDir,
        store: TaskStore,
        executor: Executor,
        clock: Callable[[], Moment] = current_moment,
        stop_timeout: float = _STOP_TIMEOUT,
    ) -> None:
        self._data = data
        self._store = store
        self._executor = executor
        self._clock = clock
        self._stop_timeout = stop_timeout
        self._troubled = False
        self._logged: set[str] = set()
        self._runs: dict[str, _Run] = {}
        self._unadopted: list[str] = []
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="scheduler", daemon=True)

    def start(self) -> None:
        """Resume the tasks of an earlier server, and start the thread."""
        self.resume()
        self._wake.set()
        self._thread.start()

    def resume(self) -> None:
        """Take over the tasks of an earlier server; ``run_once`` does the rest."""
        self._remove_partial_uploads()
        on_machine = self._store.tasks_by_status(state_machine.ON_MACHINE)
        self._unadopted = [record.info.task_id for record in on_machine]
        if self._executor.has_queue:
            queued = self._store.tasks_by_status([Status.SUBMITTED])
            self._unadopted += [one.info.task_id for one in queued if one.supervision.attempts]

    def stop(self) -> None:
        """Stop the thread; running tasks continue."""
        self._stopping.set()
        self._wake.set()
        self._thread.join()

    def wake(self) -> None:
        """Check immediately for tasks to start or to kill."""
        self._wake.set()

    def _loop(self) -> None:
        while not self._stopping.is_set():
            woken = self._wake.is_set()
            self._wake.clear()
            if not self.run_once(woken=woken):
                self._wake.set()
                self._stopping.wait(_RETRY_INTERVAL)
            else:
                self._wake.wait(self._executor.poll_interval if self._runs else None)

    def run_once(self, *, woken: bool = True) -> bool:
        """Apply new events, then stop and start tasks; return False if a step failed.

        Parameters
        ----------
        woken
            If False, stop and start tasks only after new events.
        """
        self._troubled = False
        changed = False
        for task_id in [*self._unadopted]:
            if self._retry_later(self._adopt, task_id):
                self._unadopted.remove(task_id)
        # Read before the journals, so that the last events of a supervisor are not missed.
        states = self._retry_later(self._read_states) or {}
        for task_id, run in [*self._runs.items()]:
            changed |= bool(self._retry_later(self._check, task_id, run, states))
        if woken or changed or self._troubled:
            self._retry_later(self._stop_killed)
            self._retry_later(self._start_queued)
        if not self._troubled:
            self._logged.clear()
        return not self._troubled

    def _read_states(self) -> dict[TaskHandle, RunState]:
        handles = [run.handle for run in self._runs.values() if run.handle is not None]
        return self._executor.states(handles) if handles else {}

    def _retry_later(self, step: Callable[..., Result], *arguments: Any) -> Result | None:
        """Run a step; if it fails, log the error and retry it later."""
        try:
            return step(*arguments)
        except Exception as error:
            # A full disk may be freed again. An error of one task must not stop the others.
            if repr(error) not in self._logged:
                _log.exception("A step of the scheduler failed and is retried.")
                self._logged.add(repr(error))
            self._troubled = True
            return None

    # Starting ------------------------------------------------------------------------------------

    def _start_queued(self) -> None:
        if self._is_full() or self._is_unreachable():
            return
        # By id, since decoding a long queue for each free slot takes longer than short tasks.
        for task_id in self._store.ids_by_status(Status.SUBMITTED):
            if task_id in self._runs or task_id in self._unadopted:
                continue
            record = self._store.task(task_id)
            if record is not None and record.info.status == Status.SUBMITTED:
                self._retry_later(self._start, record)
            if self._is_full() or self._is_unreachable():
                return

    def _is_unreachable(self) -> bool:
        """Return whether a submission has failed and may be retried, before any other task."""
        return self._executor.has_queue and bool(self._unadopted)

    def _is_full(self) -> bool:
        return len(self._runs) + len(self._unadopted) >= self._executor.capacity

    def _start(self, record: TaskRecord) -> None:
        now = state_machine.task_time(record, self._clock())
        try:
            self._write_job(record)
        except Exception as error:
            # An unexpected error must not block the next tasks.
            _log.exception("Task %s cannot be prepared.", record.info.task_id)
            self._fail_unstarted(record, now, f"The task cannot be prepared: {error}.")
            return
        if self._executor.has_queue:
            self._submit(record)
        elif begun := self._update(record.info.task_id, lambda present: self._begin(present, now)):
            self._submit(begun)

    def _begin(self, record: TaskRecord, at: datetime) -> TaskRecord:
        """Return a queued task as started."""
        info = record.info
        queued = info.input_submit_time or at
        metrics = replace(
            info.metrics or TaskMetrics(), queue_time_seconds=(at - queued).total_seconds()
        )
        return state_machine.transition(
            record,
            Status.STARTED,
            at,
            start_time=at,
            metrics=metrics,
            executer=self._executer(record),
        )

    def _write_job(self, record: TaskRecord) -> None:
        group = self._store.groups.find(record.info.machine_group_id)
        machines = group.spec.num_vms if group is not None and group.spec is not None else 1
        job_setup.write_job_file(self._data, record, self._executor.tasks_per_machine, machines)

    def _fail_unstarted(
        self,
        record: TaskRecord,
        at: datetime,
        reason: str,
        status: Status = Status.EXECUTER_FAILED,
    ) -> None:
        metrics = job_setup.archive_failure_output(self._data, record, reason)
        executer = self._executer(record)

        def give_up(present: TaskRecord) -> TaskRecord:
            known = replace(present.info, executer=executer, metrics=metrics)
            return state_machine.fail(replace(present, info=known), status, at, reason)

        self._update(record.info.task_id, give_up)

    def _submit(self, record: TaskRecord) -> None:
        task_id, known = record.info.task_id, record.supervision
        folder = self._data.task(task_id)
        if self._executor.has_queue and not self._announce(task_id):
            return
        try:
            handle = self._executor.submit(folder)
        except SubmitError as error:
            if record.info.status == Status.SUBMITTED:
                now = state_machine.task_time(record, self._clock())
                self._fail_unstarted(record, now, str(error))
            else:
                self._give_up(task_id, _Run(folder, None, known.offset), str(error))
            return
        except OSError:
            # The run may have been submitted all the same, so look for it first.
            if task_id not in self._unadopted:
                self._unadopted.append(task_id)
            raise
        # First, so that the run is observed even if the update below fails.
        self._runs[task_id] = _Run(folder, handle, known.offset)
        is_first = self._executor.has_queue and known.handle is None
        attempts = 1 if is_first else known.attempts + 1

        def submitted(present: TaskRecord) -> TaskRecord:
            # From the current record, since the machine group may have been terminated.
            supervision = replace(present.supervision, handle=handle, attempts=attempts)
            return replace(present, supervision=supervision)

        self._store.update(task_id, submitted)

    def _announce(self, task_id: str) -> bool:
        """Save that a task is about to be submitted; return False if it has been killed.

        From now on a kill goes through the executor, also if the server is killed before it could
        save the handle.
        """

        def announce(present: TaskRecord) -> TaskRecord:
            if present.info.status.is_terminal or present.supervision.attempts:
                return present
            return replace(present, supervision=replace(present.supervision, attempts=1))

        record = self._store.update(task_id, announce)
        return record is not None and not record.info.status.is_terminal

    def _adopt(self, task_id: str) -> bool:
        """Observe a task that an earlier server has started; return True once that is done."""
        record = self._store.task(task_id)
        if record is None or task_id in self._runs or record.info.status.is_terminal:
            return True
        known, folder = record.supervision, self._data.task(task_id)
        if known.handle is not None:
            self._runs[task_id] = _Run(folder, TaskHandle(known.handle), known.offset)
            return True
        handle = self._executor.find(folder)
        if handle is None and not folder.journal.exists():
            if self._executor.has_queue:
                self._take_back(record)
                return True
            # The earlier server was killed just before it could submit the task. Its job file may
            # be that of an earlier version.
            self._write_job(record)
            self._submit(record)
            return True
        self._runs[task_id] = _Run(folder, handle, known.offset)

        def found(present: TaskRecord) -> TaskRecord:
            return replace(present, supervision=replace(present.supervision, handle=handle))

        self._store.update(task_id, found)
        return True

    def _take_back(self, record: TaskRecord) -> None:
        """Queue a task again that was announced but never submitted, or finish it if killed."""

        def take_back(present: TaskRecord) -> TaskRecord:
            if present.info.status != Status.SUBMITTED:
                return present
            return replace(present, supervision=replace(present.supervision, attempts=0))

        present = self._store.update(record.info.task_id, take_back)
        if present is not None and present.info.status == Status.PENDING_KILL:
            self._finish_unstarted(present)

    # Observing -----------------------------------------------------------------------------------

    def _check(self, task_id: str, run: _Run, states: dict[TaskHandle, RunState]) -> bool:
        """Apply new events of a journal; return whether there were any."""
        state = RunState.ENDED if run.handle is None else states.get(run.handle)
        changed = self._apply_events(task_id, run)
        if state is not None and self._executor.has_queue:
            self._describe(task_id, run, state)
        if state != RunState.ENDED:
            if state is None or not run.is_overdue:
                return changed
            _log.warning("The supervisor of task %s hangs and is killed.", task_id)
            # An executor that cannot be reached delays all tasks: do not retry it soon.
            run.limit_time(self._stop_timeout, again=True)
            self._executor.stop(run.folder, run.handle, force=True)
            self._apply_events(task_id, run)
        record = self._store.task(task_id)
        if record is not None and not record.info.status.is_terminal and run.handle is not None:
            record = self._apply_ending(task_id, run, run.handle)
        if record is None or record.info.status.is_terminal:
            del self._runs[task_id]
            if record is not None:
                self._clear_up(record)
        elif self._executor.has_queue and not run.folder.journal.exists():
            self._finish_unstarted(record)
        elif record.supervision.attempts < _MAX_ATTEMPTS:
            _log.warning("The supervisor of task %s vanished.", task_id)
            self._submit(record)
        else:
            self._give_up(task_id, run, _GIVEN_UP)
        return True

    def _apply_events(self, task_id: str, run: _Run, *, has_ended: bool = False) -> bool:
        """Apply the new events of a journal; return whether there were any.

        A kill that was not requested is applied when the run has ended, since only then its
        executor may know the cause.
        """
        lines, offset = read_lines_from(run.folder.journal, run.offset)
        reported = []
        for position, line in enumerate(lines):
            event = _decoded(line, task_id)
            if not has_ended and not run.stop_sent and _is_kill(event):
                offset = run.offset + sum(len(one) + 1 for one in lines[:position])
                break
            if event is not None:
                reported.append(event)
        if offset == run.offset:
            return False

        def advance(present: TaskRecord) -> TaskRecord:
            for event in reported:
                at = state_machine.task_time(present, event.moment)
                if present.info.status == Status.SUBMITTED:
                    present = self._begin(present, at)
                present = event_handlers.apply_event(present, replace(event, time=at))
            return replace(present, supervision=replace(present.supervision, offset=offset))

        record = self._store.update(task_id, advance)
        run.offset = offset
        if record is not None and record.info.status.is_terminal:
            run.limit_time(self._stop_timeout)
        return True

    def _apply_ending(self, task_id: str, run: _Run, handle: TaskHandle) -> TaskRecord | None:
        """Save why a run ended, then apply the rest of its journal."""
        if ending := self._executor.ending(run.folder, handle):

            def explain(present: TaskRecord) -> TaskRecord:
                return replace(present, supervision=replace(present.supervision, ending=ending))

            self._store.update(task_id, explain)
        self._apply_events(task_id, run, has_ended=True)
        return self._store.task(task_id)

    def _describe(self, task_id: str, run: _Run, state: RunState) -> None:
        """Save why a task waits, or where it runs, as the description of its status."""
        text = None if run.handle is None else self._executor.describe(run.handle)
        status = Status.SUBMITTED if state == RunState.QUEUED else Status.STARTED
        if text is None or run.description == (status, text):
            return
        record = self._store.update(
            task_id, lambda present: state_machine.with_description(present, status, text)
        )
        if record is not None and any(entry.status == status for entry in record.history):
            run.description = (status, text)

    def _finish_unstarted(self, record: TaskRecord) -> None:
        """Finish a task whose run ended in the queue of its executor."""
        task_id, ending = record.info.task_id, record.supervision.ending
        now = state_machine.task_time(record, self._clock())
        if record.info.status == Status.PENDING_KILL:
            self._update(
                task_id, lambda present: state_machine.transition(present, Status.KILLED, now)
            )
        elif ending is not None:
            self._fail_unstarted(record, now, ending.reason, ending.status)
        else:
            self._fail_unstarted(record, now, _GIVEN_UP)
        self._runs.pop(task_id, None)
        self._executor.clear_up(self._data.task(task_id))

    def _clear_up(self, record: TaskRecord) -> None:
        if state_machine.ends_with_group(record):
            job_setup.output_of(self._data, record).unlink(missing_ok=True)
        job_setup.clear_up(self._data, record)
        self._executor.clear_up(self._data.task(record.info.task_id))

    def _remove_partial_uploads(self) -> None:
        for record in self._store.tasks_by_status([Status.PENDING_INPUT]):
            # The folder is still empty.
            for partial in job_setup.input_of(self._data, record).parent.glob(".*"):
                partial.unlink(missing_ok=True)

    def _give_up(self, task_id: str, run: _Run, reason: str) -> None:
        """Do what the supervisors have left undone: end the processes, pack the output, report."""
        self._executor.stop(run.folder, run.handle, force=True)
        record = self._store.task(task_id)
        if record is not None:
            self._retry_later(job_setup.end_abandoned, self._data, record, reason)
            self._apply_events(task_id, run)

        def fail(present: TaskRecord) -> TaskRecord:
            if present.info.status.is_terminal:
                return present
            now = state_machine.task_time(present, self._clock())
            if present.info.status == Status.PENDING_KILL:
                return state_machine.transition(present, Status.KILLED, now)
            if present.supervision.group_ended:
                return state_machine.finish_after_group(present, now)
            return state_machine.fail(present, Status.EXECUTER_FAILED, now, reason)

        # If the output could not be packed, the task ends without it.
        record = self._update(task_id, fail)
        self._runs.pop(task_id, None)
        if record is not None:
            self._clear_up(record)

    def _stop_killed(self) -> None:
        for record in self._store.tasks_by_status(state_machine.ON_MACHINE):
            run = self._runs.get(record.info.task_id)
            if run is None or run.stop_sent or not state_machine.should_stop(record):
                continue
            run.limit_time(self._stop_timeout)
            self._executor.stop(run.folder, run.handle)
            run.stop_sent = True

    def _executer(self, record: TaskRecord) -> Executer:
        """Return the known facts of a task's machine, which is one of its machine group."""
        groups = self._store.groups
        group = groups.find(record.info.machine_group_id) or groups.default_group()
        return Executer(
            uuid=group.machine_id,
            n_mpi_hosts=1,
            # Clients show this as the machine's type.
            vm_type=group.machine_type,
            vm_name=group.name,
            host_type="LOCAL",
        )

    def _update(self, task_id: str, change: Change) -> TaskRecord | None:
        """Update a task unless it has finished or been killed in the meantime."""
        try:
            return self._store.update(task_id, change)
        except state_machine.IllegalTransitionError:
            _log.info("Task %s has moved on.", task_id)
            return None


def _is_kill(event: events.Event | None) -> bool:
    return isinstance(event, events.Finished) and event.outcome == Status.KILLED


def _decoded(line: bytes, task_id: str) -> events.Event | None:
    try:
        return events.decode(line)
    except msgspec.MsgspecError:
        # An incomplete line, written on a full disk.
        _log.exception("Unreadable line in the journal of task %s", task_id)
        return None
