"""Marks of tasks changed by this client, whose cached rows are stale.

Apart from what is kept, so that to note a change costs next to nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING

from inductiva_widgets.history.paths import CachePaths, lock_dir

if TYPE_CHECKING:
    from inductiva_widgets.config import Settings


def mark_stale(settings: Settings, task_id: str) -> None:
    """Note that a task has changed; nothing happens where no history is kept.

    Parameters
    ----------
    settings
        The service and the account.
    task_id
        The task.
    """
    # The change itself was made, whatever becomes of the note.
    with contextlib.suppress(OSError):
        place = CachePaths.find(settings)
        if place is None or not place.tasks.exists():
            return
        with lock_dir(place.folder, patience=0.5):
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
            with os.fdopen(os.open(place.changed, flags, 0o600), "ab") as file:
                file.write(json.dumps(task_id).encode() + b"\n")


def read_stale(place: CachePaths) -> tuple[set[str], int]:
    """Return the tasks that were noted, and how many bytes the notes are.

    Raises
    ------
    OSError
        The notes cannot be read.
    """
    try:
        content = place.changed.read_bytes()
    except FileNotFoundError:
        return set(), 0
    ids = set()
    for line in content.splitlines():
        # A line may be half written when the disk is full.
        with contextlib.suppress(ValueError):
            ids.add(json.loads(line))
    return {task_id for task_id in ids if isinstance(task_id, str)}, len(content)


def clear_stale(place: CachePaths, size: int) -> None:
    """Remove the first bytes of the notes, which are seen to; the folder's lock is held."""
    try:
        rest = place.changed.read_bytes()[size:]
        if not rest:
            place.changed.unlink()
            return
    except FileNotFoundError:
        return
    with place.changed.open("r+b") as file:
        file.write(rest)
        file.truncate()
