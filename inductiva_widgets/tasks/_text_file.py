"""Read ranges of text files, also while they grow or arrive from the cloud.

The cloud gives no access to the bytes of the file. The log is followed from the first read on, and
offsets count from the first byte received; a gap starts a new edition.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, Protocol

from inductiva_widgets.errors import NotFoundError, TaskError
from inductiva_widgets.formatting import format_bytes
from inductiva_widgets.tasks import _log_stream
from inductiva_widgets.tasks._log_source import BACKLOG, LogChunk, StreamState

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client
    from inductiva_widgets.tasks._state import RemoteTask


FILE = "file"
"""The edition with the offsets of the file; other editions count received bytes."""

# Bytes requested first from the embedded server; the last lines of a log are rarely longer. One
# byte more than the page shows, to see whether it begins with a line.
_FIRST_READ = (1 << 16) + 1
# Maximum size of one response of the embedded server.
_MAX_READ = 16 << 20

KEPT = 30.0
"""Seconds that a file is followed after the last read."""
# Seconds to wait for the first lines.
_FIRST_WAIT = 3.0
_lock = threading.Lock()


class TextFile(Protocol):
    """A file of a task as it was when it was opened."""

    size: int
    """Length in bytes."""
    can_grow: bool
    """Whether the task may still write to it."""
    is_packed: bool
    """Whether the end can be read only by inflating the whole file."""
    edition: str
    """Name of the offsets: an offset in one edition means nothing in another."""

    def read(self, start: int, stop: int, /) -> bytes:
        """Return the bytes from ``start`` to ``stop``, fewer if the file ends earlier."""


@contextmanager
def open_text(task: RemoteTask, name: str, max_age: float = 0.0) -> Iterator[TextFile]:
    """Open a text file of a task.

    Parameters
    ----------
    task
        The task.
    name
        Name of the file, such as ``"stdout.txt"``.
    max_age
        Maximum age of the info that says whether the task has ended, in seconds.

    Returns
    -------
    TextFile
        Costs one request, and one more to read before the last 64 KiB. While the task runs on
        the cloud, the file is followed for 30 s, see ``BufferedText``.

    Raises
    ------
    TaskError
        The file cannot be read yet, or there is no output; the message says why.
    ConfigurationError
        The task runs on the cloud, and the package for WebRTC is not installed.
    InputError
        There is no such file; close matches are named.
    """
    # Requested first: the response shows what kind of service this is.
    is_over = task.refresh(max_age).is_terminal
    file = _open_growing(task, name, can_grow=not is_over) if task.client.is_local else None
    if file is not None:
        yield file
        return
    if not is_over:
        yield open_stream(task, name)
        return
    # If the embedded server has no such file either, this names the files that there are.
    with task.open_output(name) as member:
        yield _ArchivedFile(member)


def _open_growing(task: RemoteTask, name: str, *, can_grow: bool) -> TextFile | None:
    """Return a file of the embedded server, or None if it will never have it."""
    try:
        return _GrowingFile(task, name, can_grow=can_grow)
    except NotFoundError:
        # The task is queued, or has not written this file yet.
        return _EmptyFile() if can_grow else None


class _EmptyFile:
    edition = FILE
    size = 0
    can_grow = True
    is_packed = False

    def read(self, _start: int, _stop: int, /) -> bytes:
        return b""


class _GrowingFile:
    """A file of the embedded server; its last 64 KiB are read at once."""

    edition = FILE
    is_packed = False

    def __init__(self, task: RemoteTask, name: str, *, can_grow: bool) -> None:
        self.can_grow = can_grow
        self._task, self._name = task, name
        part = task.client.read_task_file(task.id, name, limit=_FIRST_READ)
        self._end, self.size = part.data, part.size

    def read(self, start: int, stop: int, /) -> bytes:
        begin = self.size - len(self._end)
        if start >= begin:
            return self._end[start - begin : max(0, stop - begin)]
        found: list[bytes] = []
        while start < stop:
            part = self._task.client.read_task_file(
                self._task.id, self._name, after=start, limit=min(stop - start, _MAX_READ)
            )
            if not part.data:
                break
            found.append(part.data)
            start += len(part.data)
        return b"".join(found)


class _ArchivedFile:
    """A file in the output archive."""

    edition = FILE
    can_grow = False
    is_packed = True

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = file.seek(0, 2)

    def read(self, start: int, stop: int, /) -> bytes:
        self._file.seek(start)
        return self._file.read(max(0, stop - start))


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
