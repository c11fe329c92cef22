"""Ids of tasks changed by this client, whose cached rows are stale.

They are in a file of their own, so that adding one is fast.
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
    """Mark a task as changed, unless no history is cached.

    Parameters
    ----------
    settings
        The service and the account.
    task_id
        Id of the task.
    """
    # The task was changed successfully, so an error here must not be raised.
    with contextlib.suppress(OSError):
        paths = CachePaths.find(settings)
        if paths is None or not paths.tasks.exists():
            return
        with lock_dir(paths.folder, patience=0.5):
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
            with os.fdopen(os.open(paths.changed, flags, 0o600), "ab") as file:
                file.write(json.dumps(task_id).encode() + b"\n")


def read_stale(paths: CachePaths) -> tuple[set[str], int]:
    """Return the ids of changed tasks, and the size of their file in bytes.

    Parameters
    ----------
    paths
        The files of the account.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    try:
        content = paths.changed.read_bytes()
    except FileNotFoundError:
        return set(), 0
    ids = set()
    for line in content.splitlines():
        # The last line may be truncated if the disk was full.
        with contextlib.suppress(ValueError):
            ids.add(json.loads(line))
    return {task_id for task_id in ids if isinstance(task_id, str)}, len(content)


def clear_stale(paths: CachePaths, size: int) -> None:
    """Remove the first bytes of the file. The caller must hold the lock of the folder.

    Parameters
    ----------
    paths
        The files of the account.
    size
        Number of bytes, as returned by ``read_stale``.
    """
    try:
        rest = paths.changed.read_bytes()[size:]
        if not rest:
            paths.changed.unlink()
            return
    except FileNotFoundError:
        return
    with paths.changed.open("r+b") as file:
        file.write(rest)
        file.truncate()
