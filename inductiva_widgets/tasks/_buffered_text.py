"""Log text received from the cloud, readable as a file.

The cloud gives no access to the bytes of the file. The log is followed from the first read on, and
offsets count from the first byte received; a gap starts a new edition.
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
"""Seconds that a file is followed after the last read."""

# Seconds to wait for the first lines.
_FIRST_WAIT = 3.0

_lock = threading.Lock()
_kept_alive: dict[tuple[Client, str, str], _KeepAlive] = {}


def open_stream(task: RemoteTask, name: str) -> BufferedText:
    """Return the text received so far; the first call waits up to 3 s for lines.

    Parameters
    ----------
    task
        The task, which has not ended.
    name
        Name of the file.

    Raises
    ------
    InductivaError
        Nothing has been received; the message says why.
    """
    key = (task.client, task.id, name)
    with _lock:
        entry = _kept_alive.get(key)
        is_new = entry is None or entry.is_over
        if entry is None or entry.is_over:
            entry = _kept_alive[key] = _KeepAlive(task, name)
        entry.stay(lambda: _forget(key))
    backlog = entry.reader.buffer(_FIRST_WAIT if is_new else 0.0)
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
        The bytes received so far.
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
    """A subscription to a file that ends 30 s after the last read."""

    def __init__(self, task: RemoteTask, name: str) -> None:
        self.is_over = False
        self.reader, self._subscription = _log_stream.subscribe_with_stream(task, name, self)
        self._timer: threading.Timer | None = None

    def on_data(self, piece: LogChunk) -> None:
        """Do nothing: the stream keeps the bytes."""

    def on_state(self, state: StreamState) -> None:
        """Note whether the stream has finished."""
        self.is_over = state.is_finished

    def stay(self, forget: Callable[[], None]) -> None:
        """Restart the timer that ends the subscription."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(KEPT, forget)
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        """Cancel the subscription."""
        self._subscription.cancel()


def _forget(key: tuple[Client, str, str]) -> None:
    with _lock:
        entry = _kept_alive.pop(key, None)
    if entry is not None:
        entry.end()
