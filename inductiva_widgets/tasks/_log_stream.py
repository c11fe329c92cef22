"""Stream of a growing log file, read once for all listeners."""

from __future__ import annotations

import itertools
import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

from inductiva_widgets.errors import InductivaError, NotFoundError
from inductiva_widgets.http.time_limits import single_try
from inductiva_widgets.tasks._log_source import (
    BACKLOG,
    BUDGET,
    PERIOD,
    LogChunk,
    LogSource,
    ReadResult,
    StreamState,
)
from inductiva_widgets.tasks._log_source_http import HttpLogSource

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client
    from inductiva_widgets.tasks._state import RemoteTask

__all__ = [
    "BUDGET",
    "PERIOD",
    "LogChunk",
    "LogListener",
    "LogSubscription",
    "StreamState",
    "subscribe",
]

_log = logging.getLogger(__name__)

_LONGEST_BACKOFF = 30.0
_PORTION = 1 << 18


class LogListener(Protocol):
    """Somebody who is interested; called on the reading thread, one call at a time."""

    def on_data(self, piece: LogChunk, /) -> None:
        """Take bytes."""

    def on_state(self, state: StreamState, /) -> None:
        """Take how the reading stands: after each look that brought news, and once at the end."""


class LogSubscription:
    """A listener's interest in a file; ends with ``cancel``."""

    def __init__(self, on_cancel: Callable[[], None] = lambda: None) -> None:
        self.is_cancelled = False
        self._on_cancel = on_cancel

    def cancel(self) -> None:
        """End the interest: no call begins after this."""
        self.is_cancelled = True
        self._on_cancel()


def subscribe(task: RemoteTask, name: str, listener: LogListener) -> LogSubscription:
    """Read a file from its beginning, as far as it can be had, and go on until the task ends.

    Returns at once; the reading happens on a thread of its own, one for each file of a task, and
    ends with the last interest. Of a file that is longer than 4 MiB the last 4 MiB are read, on the
    cloud the last 1,000 lines.

    Parameters
    ----------
    task
        The task.
    name
        Name of the file, such as ``"stdout.txt"``.
    listener
        Gets what was read so far first.
    """
    return subscribe_with_stream(task, name, listener)[1]


class StreamBuffer(NamedTuple):
    """What was read of a file without a gap up to now.

    Parameters
    ----------
    data
        The bytes.
    start
        How many came before them in this edition.
    edition
        Which run of bytes this is: another one after each gap, and with each reader.
    state
        How the reading stands; None before the first look.
    """

    data: bytes
    start: int
    edition: int
    state: StreamState | None


class LogStream:
    """Reads one file for all of its listeners; made by ``follow``."""

    def __init__(self, task: RemoteTask, name: str, key: _Key) -> None:
        self._task, self._name, self._key = task, name, key
        self._wake = threading.Event()
        self._looked = threading.Condition(_lock)
        self._joined: list[tuple[LogSubscription, LogListener]] = []
        self._heard: list[tuple[LogSubscription, LogListener]] = []
        # Listeners that have not had a complete look since they joined.
        self._catching_up: list[tuple[LogSubscription, LogListener]] = []
        self._pieces: deque[LogChunk] = deque()
        self._size = 0
        self._start = 0
        self._edition = next(_editions)
        self._state: StreamState | None = None

    def join(self, listener: LogListener) -> LogSubscription:
        """Add a listener; the lock is held."""
        interest = LogSubscription(self._wake.set)
        self._joined.append((interest, listener))
        self._wake.set()
        return interest

    def buffer(self, timeout: float) -> StreamBuffer:
        """Return what was read; waits for the first of it, or why there is none."""
        with self._looked:
            self._looked.wait_for(self._has_changes, timeout)
            run: list[bytes] = []
            for piece in reversed(self._pieces):
                run.append(piece.data)
                if not piece.follows:
                    break
            return StreamBuffer(b"".join(reversed(run)), self._start, self._edition, self._state)

    def run(self) -> None:
        """Read until the end, or until nobody is interested."""
        source: LogSource | None = None
        backoff = 0.0
        try:
            while self._has_listeners():
                self._replay()
                try:
                    # Repeated here, so that the first failure is shown.
                    with single_try():
                        source = source or _source(self._task, self._name)
                        look = source.poll()
                except Exception as error:
                    look, pause = ReadResult([], _failed(error)), backoff or PERIOD
                    backoff = min(_LONGEST_BACKOFF, 2 * pause)
                else:
                    pause, backoff = source.pause, 0.0
                self._publish(look)
                if look.state.is_finished:
                    self._finish()
                    return
                self._wake.wait(pause)
                self._wake.clear()
        finally:
            if source is not None:
                source.close()

    def _has_changes(self) -> bool:
        return bool(self._pieces) or self._state not in (None, StreamState())

    def _has_listeners(self) -> bool:
        """Return whether somebody is interested; if not, the next one begins anew."""
        with _lock:
            for listeners in (self._joined, self._heard):
                listeners[:] = [one for one in listeners if not one[0].is_cancelled]
            if self._joined or self._heard:
                return True
            self._remove()
            return False

    def _replay(self) -> None:
        """Give those who came later what was read before."""
        with _lock:
            joined, self._joined = self._joined, []
            pieces, state = list(self._pieces), self._state
        for one in joined:
            for piece in pieces:
                _call(one, one[1].on_data, piece._replace(is_backlog=True))
            if state is not None:
                _call(one, one[1].on_state, state)
        with _lock:
            self._heard += joined
            self._catching_up += joined

    def _publish(self, look: ReadResult) -> None:
        with self._looked:
            is_news = bool(look.chunks) or look.state != self._state
            self._state = look.state
            for piece in look.chunks:
                self._keep(piece)
            listeners = list(self._heard)
            catching_up = list(self._catching_up)
            if look.is_complete and look.state.error is None:
                self._catching_up.clear()
            self._looked.notify_all()
        for one in listeners:
            for piece in look.chunks:
                # What a first look brings was written before, or while the listener joined.
                _call(one, one[1].on_data, piece._replace(is_backlog=one in catching_up))
            if is_news:
                _call(one, one[1].on_state, look.state)

    def _keep(self, piece: LogChunk) -> None:
        if not piece.follows:
            self._edition = next(_editions)
            self._start = 0
        # In small portions, so that not much more goes than has to.
        for place in range(0, len(piece.data), _PORTION):
            data = piece.data[place : place + _PORTION]
            self._pieces.append(LogChunk(data, piece.follows or place > 0))
        self._size += len(piece.data)
        while self._size > BACKLOG:
            gone, kept = self._pieces.popleft(), self._pieces.popleft()
            self._size -= len(gone.data)
            if all(later.follows for later in (kept, *self._pieces)):
                self._start += len(gone.data)
            self._pieces.appendleft(kept._replace(follows=False))

    def _finish(self) -> None:
        """Greet those who have come in the last moment."""
        while True:
            with _lock:
                if not self._joined:
                    self._remove()
                    return
            self._replay()

    def _remove(self) -> None:
        if _readers.get(self._key) is self:
            del _readers[self._key]


_editions = itertools.count(1)
_Key = tuple["Client", str, str]
_lock = threading.Lock()
_readers: dict[_Key, LogStream] = {}


def subscribe_with_stream(
    task: RemoteTask, name: str, listener: LogListener
) -> tuple[LogStream, LogSubscription]:
    """Follow a file, and return its reader too."""
    key = (task.client, task.id, name)
    with _lock:
        reader = _readers.get(key)
        if reader is None:
            reader = _readers[key] = LogStream(task, name, key)
            threading.Thread(target=reader.run, name="inductiva-follow", daemon=True).start()
        return reader, reader.join(listener)


def _source(task: RemoteTask, name: str) -> LogSource:
    # Asked first, for the first answer tells what kind of service this is.
    task.refresh(PERIOD)
    if task.client.is_local:
        return HttpLogSource(task, name)
    from inductiva_widgets.tasks._log_source_webrtc import WebRtcLogSource

    return WebRtcLogSource(task, name)


def _failed(error: Exception) -> StreamState:
    """Return why nothing comes; what no later try mends ends the reading."""
    if not isinstance(error, InductivaError):
        _log.error("The reading of a file failed", exc_info=error)
        error = InductivaError(f"The file cannot be read: {error!r}.")
    is_over = isinstance(error, NotFoundError)
    return StreamState(is_finished=is_over, error=error)


def _call(
    one: tuple[LogSubscription, LogListener], function: Callable[..., None], value: object
) -> None:
    """Call a listener; one that fails must not end the reading of the others."""
    if one[0].is_cancelled:
        return
    try:
        function(value)
    except Exception:
        _log.exception("A listener of a file of a task failed")
