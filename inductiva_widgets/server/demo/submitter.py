"""Submit a synthetic task of the demo whenever the queue gets short."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timezone

from inductiva_widgets.server import state_machine
from inductiva_widgets.server.data_dir import DataDir
from inductiva_widgets.server.demo import events, files, history
from inductiva_widgets.server.demo.options import DemoOptions
from inductiva_widgets.server.demo.plan import LIVE_PROJECT, MAX_LIVE_TASKS, LivePlans
from inductiva_widgets.server.store.records import TaskRecord
from inductiva_widgets.server.store.tasks import TaskStore
from inductiva_widgets.status import Status

_log = logging.getLogger(__name__)

_POLL_INTERVAL = 0.1
_RETRY_INTERVAL = 1.0
_QUEUE_LENGTH = 3


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
