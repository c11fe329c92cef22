"""Maintenance of a data folder: its size, stopping its server, clean-up."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import msgspec

from inductiva_widgets.errors import LocalServerError
from inductiva_widgets.models.tasks import TaskInfo
from inductiva_widgets.server.data_dir import DataDir
from inductiva_widgets.server.server_info import ServerInfo

_LOOK_EVERY = 0.05


class FinishedTaskFiles(NamedTuple):
    """Files of a finished task."""

    task_id: str
    ended: datetime | None
    places: tuple[Path, ...]
    size: int


def size_of(place: Path) -> int:
    """Return the disk usage of a file or folder in bytes, without following links."""
    inside = (
        Path(folder, name)
        for folder, folders, names in os.walk(place)
        for name in (*folders, *names)
    )
    return sum(map(_taken, (place, *inside)))


def _taken(path: Path) -> int:
    try:
        return path.lstat().st_blocks * 512
    except FileNotFoundError:
        # Removed since the folder was listed.
        return 0


def wait_for_end(data: DataDir, server: ServerInfo, patience: float) -> bool:
    """Wait until a server process has ended; return whether it has."""
    from filelock import FileLock, Timeout

    deadline = time.monotonic() + patience
    try:
        # The server holds its lock until it ends.
        with FileLock(data.server_lock, timeout=patience):
            pass
    except Timeout:
        return False
    while time.monotonic() < deadline:
        if not _exists(server.pid):
            return True
        time.sleep(_LOOK_EVERY)
    # A zombie has released the folder, too.
    return True


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


@contextmanager
def tasks_without_server(data: DataDir) -> Iterator[Iterable[TaskInfo]]:
    """Lock a data folder without a running server, and yield its tasks.

    Raises
    ------
    LocalServerError
        A server that does not respond uses the folder, or the store is damaged.
    """
    from filelock import FileLock, Timeout

    from inductiva_widgets.server.store.tasks import open_store
    from inductiva_widgets.server.task_query import TaskFilter

    if not data.database.exists():
        yield ()
        return
    lock = FileLock(data.server_lock)
    try:
        lock.acquire(timeout=1)
    except Timeout:
        raise LocalServerError(
            f"A server uses the data folder {data.root} but does not answer. Try again."
        ) from None
    try:
        store = open_store(data)
        try:
            rows, _ = store.list_tasks(TaskFilter(), limit=-1)
            yield [msgspec.json.decode(row, type=TaskInfo) for row in rows]
        finally:
            store.close()
    finally:
        lock.release()


def finished_task_files(
    data: DataDir, tasks: Iterable[TaskInfo], ended_before: datetime | None = None
) -> list[FinishedTaskFiles]:
    """Return the files of finished tasks, without tasks that have none.

    Parameters
    ----------
    data
        The data folder; no path outside it is returned.
    tasks
        Its tasks.
    ended_before
        Only tasks that had finished at that time; None for all.
    """
    found = []
    for info in tasks:
        if not info.is_terminal:
            continue
        if ended_before is not None and (info.end_time is None or info.end_time > ended_before):
            continue
        places = tuple(place for place in _places(data, info) if os.path.lexists(place))
        if places:
            size = sum(map(size_of, places))
            found.append(FinishedTaskFiles(info.task_id, info.end_time, places, size))
    return found


def remove(data: DataDir, found: Iterable[FinishedTaskFiles]) -> int:
    """Remove files of tasks and return the number of bytes freed."""
    freed = 0
    for leftover in found:
        for place in leftover.places:
            # Check again: the folder may have been replaced by a link.
            if _is_inside(data, place):
                before = size_of(place)
                shutil.rmtree(place, ignore_errors=True)
                freed += before - size_of(place)
    return freed


def _places(data: DataDir, info: TaskInfo) -> Iterator[Path]:
    """Yield the two folders of a task that are inside the data folder."""
    # Compare the names, so that a wrong path cannot remove further folders.
    stored = PurePosixPath(info.storage_path or "")
    candidates = [data.task(info.task_id).root]
    if stored.name == info.task_id and ".." not in stored.parts:
        candidates.append(data.storage / stored)
    for place in candidates:
        if place.name == info.task_id and _is_inside(data, place):
            yield place


def _is_inside(data: DataDir, place: Path) -> bool:
    """Return whether a folder is below the storage or the tasks, without links out of them."""
    if place.is_symlink():
        return False
    resolved = place.resolve()
    roots = [data.root.resolve() / name for name in (data.storage.name, data.tasks.name)]
    return any(resolved != root and resolved.is_relative_to(root) for root in roots)
