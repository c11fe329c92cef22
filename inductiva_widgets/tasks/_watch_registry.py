"""The watches of this kernel: which there are of a task, and who wants to know of new ones."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client
    from inductiva_widgets.tasks.log_watch import LogWatch
    from inductiva_widgets.tasks.task import Task

_lock = threading.RLock()
_known: weakref.WeakKeyDictionary[Client, dict[str, list[weakref.ref[LogWatch]]]] = (
    weakref.WeakKeyDictionary()
)
# Those that a user began: they last until their task ends, whether or not a variable holds them.
_kept: set[LogWatch] = set()
_callbacks: list[Callable[[LogWatch], None]] = []


def for_task(task: Task) -> list[LogWatch]:
    """Return the watches of a task, living or ended, in the order in which they were made.

    Parameters
    ----------
    task
        The task; other objects that stand for it have the same ones.
    """
    with _lock:
        found = _known.get(task.client, {}).get(task.id, ())
        return [watch for watch in (one() for one in found) if watch is not None]


def retained() -> list[LogWatch]:
    """Return the watches that users began and that are not over, of all tasks."""
    with _lock:
        return list(_kept)


def on_new_watch(callback: Callable[[LogWatch], None]) -> Callable[[], None]:
    """Call a function with each watch that a user begins, on the thread that does so.

    Parameters
    ----------
    callback
        Gets the watch.

    Returns
    -------
    Callable
        What ends it.
    """
    with _lock:
        _callbacks.append(callback)

    def cancel() -> None:
        with _lock:
            if callback in _callbacks:
                _callbacks.remove(callback)

    return cancel


def add(watch: LogWatch) -> None:
    """Take up a watch."""
    task = watch.task
    with _lock:
        of_client = _known.setdefault(task.client, {})
        alive = [one for one in of_client.get(task.id, ()) if one() is not None]
        of_client[task.id] = [*alive, weakref.ref(watch)]


def retain(watch: LogWatch) -> None:
    """Keep a watch until it is over, and tell of it."""
    with _lock:
        if not watch.is_finished:
            _kept.add(watch)
        callbacks = tuple(_callbacks)
    for callback in callbacks:
        callback(watch)


def release(watch: LogWatch) -> None:
    """Keep a watch no longer."""
    with _lock:
        _kept.discard(watch)
