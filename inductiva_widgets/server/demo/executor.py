"""The demo: a synthetic history, and live tasks that progress in real time.

All of it is in a data folder of its own, in the same store as real tasks elsewhere, so that every
endpoint answers as usual. The history of a seed is the same everywhere; its times hang on the
midnight (UTC) of the day on which the server starts, and move with it by whole days. On another
day, or with another seed, the folder is filled again.

The live tasks take turns on two machines that do not exist. Their speed shortens what they wait for
and compute; the times that they show are those of this machine's clock, so that what a card says
of elapsed time stays true.
"""

from __future__ import annotations

import json
import logging
import shutil
import threading
from datetime import datetime, timezone
from pathlib import Path

from msgspec.structs import replace

from inductiva_widgets._atomic import write_atomically
from inductiva_widgets.models.tasks import TaskInfo
from inductiva_widgets.server import state_machine
from inductiva_widgets.server.archives import CreatedArchive
from inductiva_widgets.server.data_dir import DataDir
from inductiva_widgets.server.demo import events, files
from inductiva_widgets.server.demo import plan as replay_plan
from inductiva_widgets.server.demo.events import ScheduledEvent
from inductiva_widgets.server.demo.options import DemoOptions
from inductiva_widgets.server.demo.plan import LIVE_PROJECT, DemoTask
from inductiva_widgets.server.store.records import Change, TaskRecord
from inductiva_widgets.server.store.tasks import TaskStore
from inductiva_widgets.status import Status

_log = logging.getLogger(__name__)

# Raised whenever the same seed gives another history.
_FORMAT = 2
_LOOK_EVERY = 0.1
_KILL_TAKES = 2.0
_KILL_AT_LEAST = 0.3
_AFTER_TROUBLE = 1.0
_MACHINES = 2
_QUEUE = 3
# Limits a demo that runs for days.
_MOST_LIVE = 2000
_ALIVE = (*state_machine.WAITING, *state_machine.ON_MACHINE)


def prepare(data: DataDir, options: DemoOptions, now: datetime) -> None:
    """Prepare a locked data folder for the demo, emptied if its seed or day differ.

    Parameters
    ----------
    data
        The folder; ``DataDir.ensure_demo_flag`` has accepted it.
    options
        Seed and speed.
    now
        The present time.
    """
    options.check()
    day = now.astimezone(timezone.utc).date().isoformat()
    expected = {"format": _FORMAT, "seed": options.seed, "day": day}
    if _mark(data.replay_file) == expected:
        return
    if data.replay_file.exists():
        for path in data.root.glob(f"{data.database.name}*"):
            path.unlink()
        for folder in (data.storage, data.tasks):
            shutil.rmtree(folder)
        # Another history is another account, so that clients do not mix up their caches.
        data.rotate_api_key()
    # First, so that the synthetic tasks are never taken for real ones.
    write_atomically(data.replay_file, json.dumps(expected).encode())
    data.prepare()


def populate(data: DataDir, store: TaskStore, seed: int, now: datetime) -> None:
    """Write the history into an empty store: all of it or nothing."""
    if store.projects.list(LIVE_PROJECT):
        return
    plans = replay_plan.history(seed, now)
    done = [_lived_through(data, created, plan) for created, plan in plans]
    with store.transaction():
        for name in sorted({plan.project for _, plan in plans}):
            store.projects.add(name, "project")
        for record in done:
            added = store.add_task(record.info, record.submission)
            store.update(record.info.task_id, _becomes(replace(record, seq=added.seq)))
        # Added last: marks the history as complete.
        store.projects.add(LIVE_PROJECT, "project")


def _becomes(record: TaskRecord) -> Change:
    return lambda _: record


def _mark(path: Path) -> object:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def _lived_through(data: DataDir, created: datetime, plan: DemoTask) -> TaskRecord:
    record = _new_record(plan, created)
    for step in _steps(data, plan, created):
        record = step.apply(record, events.moment(created, step))
    return record


def _new_record(plan: DemoTask, created: datetime) -> TaskRecord:
    record = TaskRecord(seq=0, info=plan.new_task(created), submission=plan.submission())
    return state_machine.transition(record, Status.PENDING_INPUT, created)


def _steps(
    data: DataDir, plan: DemoTask, created: datetime, speed: float = 1.0
) -> list[ScheduledEvent]:
    storage = data.storage / plan.task_id
    size = 0
    if plan.end != Status.PENDING_INPUT:
        size = files.write_input(plan, storage / "input.zip", created)
    return events.scheduled_events(plan, size, _packer(data, plan), speed)


def _packer(data: DataDir, plan: DemoTask, share: float = 1.0) -> events.Pack:
    def pack(at: datetime) -> CreatedArchive:
        archive = data.storage / plan.task_id / "output.zip"
        return files.write_output(plan, archive, at, share)

    return pack


class DemoServer:
    """Advances the live tasks of the demo, as the scheduler does for real tasks.

    Parameters
    ----------
    data
        The data folder.
    store
        Its store, with the history in it.
    options
        Seed and speed.
    """

    def __init__(self, data: DataDir, store: TaskStore, options: DemoOptions) -> None:
        self._data = data
        self._store = store
        self._options = options
        self._count = 0
        self._plans: dict[str, DemoTask] = {}
        self._stories: dict[str, list[ScheduledEvent]] = {}
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="replay", daemon=True)

    def start(self) -> None:
        """Resume the live tasks of an earlier server and start the thread."""
        [project] = self._store.projects.list(LIVE_PROJECT)
        self._count = sum(project.overview.values())
        for number in range(self._count):
            plan = replay_plan.live(self._options.seed, number)
            self._plans[plan.task_id] = plan
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread; the live tasks pause until the next start."""
        self._stopping.set()
        self._wake.set()
        self._thread.join()

    def wake(self) -> None:
        """Check at once for changes by the user."""
        self._wake.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            pause = _LOOK_EVERY
            try:
                self.tick(datetime.now(timezone.utc))
            except Exception:
                _log.exception("The demo met trouble and tries again.")
                pause = _AFTER_TROUBLE
            self._wake.wait(pause)

    def tick(self, now: datetime) -> None:
        """Apply all events that are due."""
        alive = [
            record
            for record in self._store.tasks_by_status(_ALIVE)
            if record.info.task_id in self._plans
        ]
        busy = sum(record.info.status in state_machine.ON_MACHINE for record in alive)
        waiting = len(alive) - busy
        for record in alive:
            queued = record.info.status == Status.SUBMITTED
            if queued and busy >= _MACHINES:
                continue
            if self._advance(record, now) and queued:
                busy += 1
        if waiting < _QUEUE and self._count < _MOST_LIVE:
            self._submit(now)

    def _submit(self, now: datetime) -> None:
        plan = replay_plan.live(self._options.seed, self._count)
        self._plans[plan.task_id] = plan
        record = _new_record(plan, now)
        with self._store.transaction():
            added = self._store.add_task(record.info, record.submission)
            self._store.update(record.info.task_id, _becomes(replace(record, seq=added.seq)))
        self._count += 1

    def _advance(self, record: TaskRecord, now: datetime) -> bool:
        """Take a task one step on if that is due; return whether it was."""
        task_id, position = record.info.task_id, record.supervision.offset
        plan, status = self._plans[task_id], record.info.status
        begin = record.info.computation_start_time
        seconds = (now - begin).total_seconds() if begin else 0.0
        share = min(1.0, seconds * self._options.speed / plan.computes)
        if status == Status.PENDING_KILL:
            step = events.kill(plan, _packer(self._data, plan, share))
            delay = max(_KILL_AT_LEAST, _KILL_TAKES / self._options.speed)
        else:
            story = self._story(plan, record.info)
            step = story[position].apply
            # A free machine is all that a queued task waits for.
            queued = status == Status.SUBMITTED
            delay = 0.0 if queued else events.delay(story, position)
        if status == Status.COMPUTATION_STARTED:
            self._print(plan, share)
        entered = record.history[-1].timestamp or now
        if (now - entered).total_seconds() < delay:
            return False

        def take(present: TaskRecord) -> TaskRecord:
            if present.info.status != status:
                # Killed in between; the next look sees to it.
                return present
            taken = step(present, now)
            supervision = replace(taken.supervision, offset=position + 1)
            return replace(taken, supervision=supervision)

        after = self._store.update(task_id, take)
        if after is not None and state_machine.is_final(after.info.status):
            self._stories.pop(task_id, None)
            shutil.rmtree(self._data.task(task_id).root, ignore_errors=True)
        return True

    def _story(self, plan: DemoTask, info: TaskInfo) -> list[ScheduledEvent]:
        if plan.task_id not in self._stories:
            created = info.create_time or datetime.now(timezone.utc)
            self._stories[plan.task_id] = _steps(self._data, plan, created, self._options.speed)
        return self._stories[plan.task_id]

    def _print(self, plan: DemoTask, share: float) -> None:
        """Let the simulation print as much as fits the part that it has computed."""
        folder = self._data.task(plan.task_id).work
        folder.mkdir(parents=True, exist_ok=True)
        texts = {
            "stdout.txt": files.printed(plan, share),
            "stderr.txt": files.complained(plan, share),
        }
        for name, text in texts.items():
            with (folder / name).open("ab") as file:
                file.write(text.encode()[file.tell() :])
