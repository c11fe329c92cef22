"""How many connections are used at the same time: as many as make it faster, and no more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from inductiva_widgets.downloads._cancellation import CancelToken

# Servers and networks bear this many of one user; more seldom make it faster.
CONNECTIONS = 8
_FIRST = 4
_SLICE = 0.3  # seconds over which a number of connections is judged
_WORTH = 1.1  # how much faster it must get for more connections to be kept
_AGAIN = 20  # slices until more are tried again
_LOOK = 0.1  # seconds between two looks at the control while waiting


class ConnectionLimiter:
    """A limit on connections that follows what the link gives. Thread-safe.

    It begins with a few and doubles them while the bytes per second grow with them. Where they do
    not, it goes back, and tries again after some seconds. A server that says it is asked too much
    halves them. Several downloads may share the same lanes.

    Parameters
    ----------
    most
        The upper bound.
    clock
        Returns seconds; injected by tests.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self.allowed = min(_FIRST, most)
        self._clock = clock
        self._free = threading.Condition()
        self._used = 0
        self._bytes = 0
        self._began = clock()
        self._before: tuple[int, float] | None = None  # connections and speed before the last step
        self._rest = 0

    @contextmanager
    def acquire(self, control: CancelToken) -> Iterator[bool]:
        """Hold one lane, as soon as one is free; False where a cancel came first.

        Parameters
        ----------
        control
            Its cancel ends the wait.
        """
        with self._free:
            while self._used >= self.allowed and not control.cancelled:
                self._free.wait(_LOOK)
            got = not control.cancelled
            self._used += got
        try:
            yield got
        finally:
            with self._free:
                self._used -= got
                self._free.notify()

    def record_bytes(self, received: int) -> None:
        """Take note of bytes that arrived.

        Parameters
        ----------
        received
            How many.
        """
        with self._free:
            self._bytes += received
            elapsed = self._clock() - self._began
            if elapsed >= _SLICE:
                self._judge(self._bytes / elapsed)
                self._bytes, self._began = 0, self._clock()

    def reduce(self) -> None:
        """Use half as many, as the server is asked too much."""
        with self._free:
            self.allowed = max(1, self.allowed // 2)
            self._before, self._rest = None, _AGAIN
            self._bytes, self._began = 0, self._clock()

    def _judge(self, speed: float) -> None:
        if self._before is not None:
            fewer, slower = self._before
            self._before = None
            if speed < slower * _WORTH:
                self.allowed, self._rest = fewer, _AGAIN
                return
        if self._rest:
            self._rest -= 1
        elif self._used >= self.allowed < self.most:
            # Only while all are in use: more would not show otherwise.
            self._before = self.allowed, speed
            self.allowed = min(self.most, 2 * self.allowed)
            self._free.notify_all()
