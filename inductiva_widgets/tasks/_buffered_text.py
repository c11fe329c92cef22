"""Log text received from the cloud, readable as a file.

There is no way to bytes of the file itself. It is followed from the first look on, and what has
come since is numbered from its first byte; a gap begins another edition.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from inductiva_widgets.errors import TaskError
from inductiva_widgets.formatting import format_bytes
from inductiva_widgets.tasks import _log_stream
from inductiva_widgets.tasks._log_source import BACKLOG, LogChunk, StreamState

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client
    from inductiva_widgets.tasks._state import RemoteTask

KEPT = 30.0
"""Seconds that a file is followed after somebody has looked at it."""

# Seconds in which the first lines mostly come.
_FIRST = 3.0

_lock = threading.Lock()
_looks: dict[tuple[Client, str, str], _KeepAlive] = {}


def open_stream(task: RemoteTask, name: str) -> BufferedText:
    """Return what has come of a file; the first time waits for lines, some seconds at most.

    Parameters
    ----------
    task
        The task, which has not ended.
    name
        Name of the file.

    Raises
    ------
    InductivaError
        Nothing has come, the reason given.
    """
    key = (task.client, task.id, name)
    with _lock:
        looking = _looks.get(key)
        is_new = looking is None or looking.is_over
        if looking is None or looking.is_over:
            looking = _looks[key] = _KeepAlive(task, name)
        looking.stay(lambda: _forget(key))
    backlog = looking.reader.buffer(_FIRST if is_new else 0.0)
    state = backlog.state
    if not backlog.data and state is not None and state.error is not None:
        raise state.error
    return BufferedText(name, backlog)


class BufferedText:
    """A ``TextFile`` as it was when it was opened.

    Parameters
    ----------
    name
        Name of the file.
    backlog
        What has come of it.
    """

    can_grow = True
    is_packed = False

    def __init__(self, name: str, backlog: _log_stream.StreamBuffer) -> None:
        self._name, self._backlog = name, backlog
        self.edition = f"live-{backlog.edition}"
        self.size = backlog.start + len(backlog.data)

    def read(self, start: int, stop: int, /) -> bytes:
        """Return the bytes from ``start`` to ``stop``."""
        begin = self._backlog.start
        if start < begin and start < stop:
            raise TaskError(
                f"Only the last {format_bytes(BACKLOG)} of {self._name} are kept while the task "
                "runs: all of it can be read once it has ended."
            )
        return self._backlog.data[max(0, start - begin) : max(0, stop - begin)]


class _KeepAlive:
    """An interest in a file that ends some time after the last look."""

    def __init__(self, task: RemoteTask, name: str) -> None:
        self.is_over = False
        self.reader, self._interest = _log_stream.subscribe_with_stream(task, name, self)
        self._timer: threading.Timer | None = None

    def on_data(self, piece: LogChunk) -> None:
        """Nothing is kept here: the reader does."""

    def on_state(self, state: StreamState) -> None:
        """Notice the end."""
        self.is_over = state.is_finished

    def stay(self, forget: Callable[[], None]) -> None:
        """Go on for a while."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(KEPT, forget)
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        """End the interest."""
        self._interest.cancel()


def _forget(key: tuple[Client, str, str]) -> None:
    with _lock:
        looking = _looks.pop(key, None)
    if looking is not None:
        looking.end()
