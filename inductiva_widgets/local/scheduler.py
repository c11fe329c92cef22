"""Gives queued tasks to supervisors, first come first served, and follows what those report.

One thread does all of it. It sleeps while no task is on the machine, and is woken by the service.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import threading
import zipfile
from datetime import datetime, timezone
from pathlib import Path

import msgspec
from msgspec.structs import replace

from inductiva_widgets.local import archives, events, host, lifecycle, reports
from inductiva_widgets.local.commands import Recipe, plan
from inductiva_widgets.local.journal import read_from
from inductiva_widgets.local.layout import DataFolder, write_atomically
from inductiva_widgets.local.programs import ProgramNotFoundError
from inductiva_widgets.local.records import Change, TaskRecord
from inductiva_widgets.local.store import Store
from inductiva_widgets.local.watch import Watch, find_supervisor, start_supervisor
from inductiva_widgets.local.wire import encode
from inductiva_widgets.models import Executer, Metrics
from inductiva_widgets.status import Status

_log = logging.getLogger(__name__)

_LOOK_EVERY = 0.05
_AFTER_TROUBLE = 1.0
# The second supervisor of a task only clears up after the first.
_MOST_ATTEMPTS = 2
_GIVEN_UP = "The process that supervised the task vanished, and so did the one sent after it."


class Scheduler:
    """Runs the tasks of a store on this machine.

    Parameters
    ----------
    data
        The data folder.
    store
        Its store.
    capacity
        How many tasks run at a time.
    """

    def __init__(self, data: DataFolder, store: Store, capacity: int) -> None:
        self._data = data
        self._store = store
        self._capacity = capacity
        self._watches: dict[str, Watch] = {}
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)

    def start(self) -> None:
        """Take up the tasks that an earlier server left, then begin."""
        for record in self._store.tasks_with(lifecycle.ON_MACHINE):
            self._adopt(record)
        self._wake.set()
        self._thread.start()

    def stop(self) -> None:
        """End the thread; tasks on the machine go on by themselves."""
        self._stopping.set()
        self._wake.set()
        self._thread.join()

    def wake(self) -> None:
        """Look at once for tasks to start or to kill."""
        self._wake.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            woken = self._wake.is_set()
            self._wake.clear()
            try:
                changed = [self._follow(*watched) for watched in list(self._watches.items())]
                if woken or any(changed):
                    self._deliver_kills()
                    self._start_queued()
            except Exception:
                # A full disk may be freed again; the tasks must not depend on this thread's luck.
                _log.exception("The scheduler met trouble and tries again.")
                self._wake.set()
                self._stopping.wait(_AFTER_TROUBLE)
                continue
            self._wake.wait(_LOOK_EVERY if self._watches else None)

    # Starting ------------------------------------------------------------------------------------

    def _start_queued(self) -> None:
        if len(self._watches) >= self._capacity:
            return
        for record in self._store.tasks_with([Status.SUBMITTED]):
            self._start(record)
            if len(self._watches) >= self._capacity:
                return

    def _start(self, record: TaskRecord) -> None:
        now = datetime.now(timezone.utc)
        try:
            self._write_job(record)
        except (ProgramNotFoundError, archives.UnsafeArchiveError) as error:
            self._fail_unstarted(record, now, str(error))
            return
        except Exception as error:
            # Whatever it is, the tasks behind this one must not wait for it.
            _log.exception("Task %s cannot be prepared.", record.info.task_id)
            self._fail_unstarted(record, now, f"The task cannot be prepared: {error}.")
            return
        info = record.info
        queued = info.input_submit_time or now
        metrics = replace(
            info.metrics or Metrics(), queue_time_seconds=(now - queued).total_seconds()
        )

        def begin(present: TaskRecord) -> TaskRecord:
            return lifecycle.enter(
                present,
                Status.STARTED,
                now,
                start_time=now,
                metrics=metrics,
                executer=self._executer(record),
            )

        if begun := self._update(record.info.task_id, begin):
            self._supervise(begun)

    def _write_job(self, record: TaskRecord) -> None:
        recipe = Recipe.of(record.submission)
        storage = self._data.storage / (record.info.storage_path or "")
        with zipfile.ZipFile(storage / "input.zip") as archive:
            members = archives.members_below(archive, recipe.sim_dir)
            names = {path.as_posix() for info, path in members if not info.is_dir()}
        folder = self._data.task(record.info.task_id)
        folder.root.mkdir(parents=True, exist_ok=True)
        job = {
            "task_id": record.info.task_id,
            "input": str(storage / "input.zip"),
            "output": str(storage / "output.zip"),
            "sim_dir": recipe.sim_dir,
            "run_dir": recipe.run_dir,
            "ttl_seconds": record.submission.time_to_live_seconds,
            "env": host.default_environment(self._capacity),
            "commands": plan(recipe, names),
        }
        write_atomically(folder.job, encode(job))

    def _fail_unstarted(self, record: TaskRecord, at: datetime, reason: str) -> None:
        # Clients read the two text files of whatever has failed.
        folder = self._data.task(record.info.task_id)
        folder.work.mkdir(parents=True, exist_ok=True)
        (folder.work / "stdout.txt").touch()
        (folder.work / "stderr.txt").write_text(reason + "\n", encoding="utf-8")
        packed = archives.pack(folder.work, self._output_of(record))
        shutil.rmtree(folder.work, ignore_errors=True)
        metrics = replace(
            record.info.metrics or Metrics(),
            output_size_bytes=packed.size,
            output_zipped_size_bytes=packed.zipped_size,
            output_total_files=packed.files,
        )
        executer = self._executer(record)

        def give_up(present: TaskRecord) -> TaskRecord:
            known = replace(present.info, executer=executer, metrics=metrics)
            return lifecycle.fail(replace(present, info=known), Status.EXECUTER_FAILED, at, reason)

        self._update(record.info.task_id, give_up)

    def _supervise(self, record: TaskRecord) -> None:
        task_id, known = record.info.task_id, record.supervision
        folder = self._data.task(task_id)
        try:
            child = start_supervisor(folder)
        except OSError as error:
            self._give_up(task_id, f"The supervisor of the task cannot be started: {error}.")
            return
        # First of all, so that the task is looked after whatever happens next.
        self._watches[task_id] = Watch(folder, child.pid, known.offset, child)

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
            self._watches[task_id] = Watch(folder, pid, known.offset)

    # Following -----------------------------------------------------------------------------------

    def _follow(self, task_id: str, watch: Watch) -> bool:
        """Take in what a supervisor has reported; return whether anything changed."""
        # Asked before reading, so that the last words of one that ends just now are not missed.
        alive = watch.is_alive()
        changed = self._take_in(task_id, watch)
        if alive:
            return changed
        record = self._store.task(task_id)
        if record is None or lifecycle.is_final(record.info.status):
            del self._watches[task_id]
            if record is not None and lifecycle.ends_with_group(record):
                self._output_of(record).unlink(missing_ok=True)
        elif record.supervision.attempts < _MOST_ATTEMPTS:
            _log.warning("The supervisor of task %s vanished.", task_id)
            self._supervise(record)
        else:
            self._give_up(task_id, _GIVEN_UP)
        return True

    def _take_in(self, task_id: str, watch: Watch) -> bool:
        lines, offset = read_from(watch.folder.journal, watch.offset)
        if not lines:
            return False
        reported = [event for line in lines if (event := _decoded(line, task_id))]

        def advance(present: TaskRecord) -> TaskRecord:
            for event in reported:
                present = reports.apply(present, event)
            return replace(present, supervision=replace(present.supervision, offset=offset))

        self._store.update(task_id, advance)
        watch.offset = offset
        return True

    def _give_up(self, task_id: str, reason: str) -> None:
        now = datetime.now(timezone.utc)

        def fail(present: TaskRecord) -> TaskRecord:
            if present.info.status == Status.PENDING_KILL:
                return lifecycle.enter(present, Status.KILLED, now)
            if present.supervision.group_ended:
                return lifecycle.end_with_group(present, now)
            return lifecycle.fail(present, Status.EXECUTER_FAILED, now, reason)

        self._update(task_id, fail)
        self._watches.pop(task_id, None)

    def _deliver_kills(self) -> None:
        for record in self._store.tasks_with(lifecycle.ON_MACHINE):
            if not lifecycle.must_stop(record):
                continue
            watch = self._watches.get(record.info.task_id)
            # Before it is ready, SIGTERM would end the supervisor and not the task.
            if not watch or not record.supervision.ready or watch.told_to_stop:
                continue
            if watch.pid is not None and watch.is_alive():
                os.kill(watch.pid, signal.SIGTERM)
                watch.told_to_stop = True

    def _output_of(self, record: TaskRecord) -> Path:
        return self._data.storage / (record.info.storage_path or "") / "output.zip"

    def _executer(self, record: TaskRecord) -> Executer:
        groups = self._store.groups
        return host.executer(groups.find(record.info.machine_group_id) or groups.built_in())

    def _update(self, task_id: str, change: Change) -> TaskRecord | None:
        """Change a task unless it has ended, or been killed, in the meantime."""
        try:
            return self._store.update(task_id, change)
        except lifecycle.IllegalTransitionError:
            _log.info("Task %s has moved on.", task_id)
            return None


def _decoded(line: bytes, task_id: str) -> events.Event | None:
    try:
        return events.decode(line)
    except msgspec.MsgspecError:
        # Half a line, from a supervisor that a full disk stopped in the middle of it.
        _log.exception("Unreadable line in the journal of task %s", task_id)
        return None
