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

_MAX_BACKOFF = 30.0
_PORTION = 1 << 18


class LogListener(Protocol):
    """Callbacks of a subscriber, called on the reading thread, one at a time."""

    def on_data(self, piece: LogChunk, /) -> None:
        """Handle new bytes."""

    def on_state(self, state: StreamState, /) -> None:
        """Handle a state: after each poll that changed something, and once at the end."""


class LogSubscription:
    """Handle of a log subscription. Call ``cancel`` to unsubscribe."""

    def __init__(self, on_cancel: Callable[[], None] = lambda: None) -> None:
        self.is_cancelled = False
        self._on_cancel = on_cancel

    def cancel(self) -> None:
        """Unsubscribe: no call begins after this."""
        self.is_cancelled = True
        self._on_cancel()


def subscribe(task: RemoteTask, name: str, listener: LogListener) -> LogSubscription:
    """Read a log file from its beginning, and follow it until the task ends.

    Returns at once. One thread reads each file of a task, and ends with the last subscription.
    Reads at most the last 4 MiB of a longer file, on the cloud the last 1,000 lines.

    Parameters
    ----------
    task
        The task.
    name
        Name of the file, such as ``"stdout.txt"``.
    listener
        First receives what was read before.
    """
    return subscribe_with_stream(task, name, listener)[1]


class StreamBuffer(NamedTuple):
    """The bytes that were read without a gap up to now.

    Parameters
    ----------
    data
        The bytes.
    start
        Offset of the first byte in this edition.
    edition
        Number of the run of bytes, which changes after each gap and with each stream.
    state
        State of the stream; None before the first poll.
    """

    data: bytes
    start: int
    edition: int
    state: StreamState | None


class LogStream:
    """Reads one file for all of its listeners; created by ``subscribe``."""

    def __init__(self, task: RemoteTask, name: str, key: _Key) -> None:
        self._task, self._name, self._key = task, name, key
        self._wake = threading.Event()
        self._polled = threading.Condition(_lock)
        self._joined: list[tuple[LogSubscription, LogListener]] = []
        self._listeners: list[tuple[LogSubscription, LogListener]] = []
        # Listeners that have not received a complete poll since they joined.
        self._catching_up: list[tuple[LogSubscription, LogListener]] = []
        self._pieces: deque[LogChunk] = deque()
        self._size = 0
        self._start = 0
        self._edition = next(_editions)
        self._state: StreamState | None = None

    def join(self, listener: LogListener) -> LogSubscription:
        """Add a listener. The caller holds the lock."""
        subscription = LogSubscription(self._wake.set)
        self._joined.append((subscription, listener))
        self._wake.set()
        return subscription

    def buffer(self, timeout: float) -> StreamBuffer:
        """Return what was read; waits for the first bytes or an error."""
        with self._polled:
            self._polled.wait_for(self._has_changes, timeout)
            run: list[bytes] = []
            for piece in reversed(self._pieces):
                run.append(piece.data)
                if not piece.follows:
                    break
            return StreamBuffer(b"".join(reversed(run)), self._start, self._edition, self._state)

    def run(self) -> None:
        """Read until the end, or until the last listener unsubscribes."""
        source: LogSource | None = None
        backoff = 0.0
        try:
            while self._has_listeners():
                self._replay()
                try:
                    # Retried by this loop, so that the first failure is shown.
                    with single_try():
                        source = source or _source(self._task, self._name)
                        result = source.poll()
                except Exception as error:
                    result, pause = ReadResult([], _failed(error)), backoff or PERIOD
                    backoff = min(_MAX_BACKOFF, 2 * pause)
                else:
                    pause, backoff = source.pause, 0.0
                self._publish(result)
                if result.state.is_finished:
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
        """Return whether there are listeners; if not, the next one gets a new stream."""
        with _lock:
            for listeners in (self._joined, self._listeners):
                listeners[:] = [one for one in listeners if not one[0].is_cancelled]
            if self._joined or self._listeners:
                return True
            self._remove()
            return False

    def _replay(self) -> None:
        """Replay the buffered data to new listeners."""
        with _lock:
            joined, self._joined = self._joined, []
            pieces, state = list(self._pieces), self._state
        for one in joined:
            for piece in pieces:
                _call(one, one[1].on_data, piece._replace(is_backlog=True))
            if state is not None:
                _call(one, one[1].on_state, state)
        with _lock:
            self._listeners += joined
            self._catching_up += joined

    def _publish(self, result: ReadResult) -> None:
        with self._polled:
            is_news = bool(result.chunks) or result.state != self._state
            self._state = result.state
            for piece in result.chunks:
                self._keep(piece)
            listeners = list(self._listeners)
            catching_up = list(self._catching_up)
            if result.is_complete and result.state.error is None:
                self._catching_up.clear()
            self._polled.notify_all()
        for one in listeners:
            for piece in result.chunks:
                # The first poll may return bytes written before the listener joined.
                _call(one, one[1].on_data, piece._replace(is_backlog=one in catching_up))
            if is_news:
                _call(one, one[1].on_state, result.state)

    def _keep(self, piece: LogChunk) -> None:
        if not piece.follows:
            self._edition = next(_editions)
            self._start = 0
        # In small portions, so that little more is dropped than necessary.
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
        """Replay to listeners that join at the last moment."""
        while True:
            with _lock:
                if not self._joined:
                    self._remove()
                    return
            self._replay()

    def _remove(self) -> None:
        if _streams.get(self._key) is self:
            del _streams[self._key]


_editions = itertools.count(1)
_Key = tuple["Client", str, str]
_lock = threading.Lock()
_streams: dict[_Key, LogStream] = {}


def subscribe_with_stream(
    task: RemoteTask, name: str, listener: LogListener
) -> tuple[LogStream, LogSubscription]:
    """Subscribe as `subscribe` does, and return the stream too."""
    key = (task.client, task.id, name)
    with _lock:
        stream = _streams.get(key)
        if stream is None:
            stream = _streams[key] = LogStream(task, name, key)
            threading.Thread(target=stream.run, name="inductiva-follow", daemon=True).start()
        return stream, stream.join(listener)


def _source(task: RemoteTask, name: str) -> LogSource:
    # The first response shows what kind of service this is.
    task.refresh(PERIOD)
    if task.client.is_local:
        return HttpLogSource(task, name)
    from inductiva_widgets.tasks._log_source_webrtc import WebRtcLogSource

    return WebRtcLogSource(task, name)


def _failed(error: Exception) -> StreamState:
    """Return the state after an error; an error that cannot be retried ends the stream."""
    if not isinstance(error, InductivaError):
        _log.error("The reading of a file failed", exc_info=error)
        error = InductivaError(f"The file cannot be read: {error!r}.")
    is_over = isinstance(error, NotFoundError)
    return StreamState(is_finished=is_over, error=error)


def _call(
    one: tuple[LogSubscription, LogListener], function: Callable[..., None], value: object
) -> None:
    """Call a listener and log its exceptions, so that the others go on."""
    if one[0].is_cancelled:
        return
    try:
        function(value)
    except Exception:
        _log.exception("A listener of a file of a task failed")
