"""The history of the demo: finished tasks, written into an empty store.

The history of a seed is reproducible. Its times are relative to the midnight (UTC) of the day on
which the server starts. On another day, or with another seed, the folder is filled again.
"""

from __future__ import annotations

import json
import shutil
from datetime import datetime, timedelta, timezone
from pathlib import Path

from msgspec.structs import replace

from inductiva_widgets._atomic import write_atomically
from inductiva_widgets.server import state_machine
from inductiva_widgets.server.archives import CreatedArchive
from inductiva_widgets.server.data_dir import DataDir
from inductiva_widgets.server.demo import events, files
from inductiva_widgets.server.demo import plan as replay_plan
from inductiva_widgets.server.demo.options import DemoOptions
from inductiva_widgets.server.demo.plan import LIVE_PROJECT, DemoTask
from inductiva_widgets.server.store.records import TaskRecord
from inductiva_widgets.server.store.tasks import TaskStore
from inductiva_widgets.status import Status

# Increased if the history of a seed or the storage of live tasks changes.
_FORMAT = 3


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
    if _read_flag(data.replay_file) == expected:
        return
    if data.replay_file.exists():
        for path in data.root.glob(f"{data.database.name}*"):
            path.unlink()
        for folder in (data.storage, data.tasks):
            shutil.rmtree(folder)
        # A new API key: clients keep one cache per account.
        data.rotate_api_key()
    # Written first, so that synthetic tasks are never mistaken for real ones.
    write_atomically(data.replay_file, json.dumps(expected).encode())
    data.prepare()


def populate(data: DataDir, store: TaskStore, seed: int, now: datetime) -> None:
    """Write the history into an empty store, in one transaction."""
    if store.projects.list(LIVE_PROJECT):
        return
    plans = replay_plan.history(seed, now)
    done = [_finished_record(data, created, plan) for created, plan in plans]
    with store.transaction():
        for name in sorted({plan.project for _, plan in plans}):
            store.projects.add(name, "project")
        for record in done:
            add_record(store, record)
        # Added last: marks the history as complete.
        store.projects.add(LIVE_PROJECT, "project")


def new_record(plan: DemoTask, created: datetime) -> TaskRecord:
    """Return a task as it is just after its submission."""
    record = TaskRecord(seq=0, info=plan.new_task(created), submission=plan.submission())
    return state_machine.transition(record, Status.PENDING_INPUT, created)


def add_record(store: TaskStore, record: TaskRecord) -> None:
    """Add a task together with its history to a store."""
    with store.transaction():
        added = store.add_task(record.info, record.submission)
        complete = replace(record, seq=added.seq)
        store.update(record.info.task_id, lambda _: complete)


def _read_flag(path: Path) -> object:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def _finished_record(data: DataDir, created: datetime, plan: DemoTask) -> TaskRecord:
    storage = data.storage / plan.task_id
    if plan.end != Status.PENDING_INPUT:
        files.write_input(plan, storage / "input.zip", created)

    def pack(at: datetime) -> CreatedArchive:
        return files.write_output(plan, storage / "output.zip", at)

    record = new_record(plan, created)
    for event in events.history_events(plan, pack):
        record = event.apply(record, created + timedelta(seconds=round(event.after, 3)))
    return record
