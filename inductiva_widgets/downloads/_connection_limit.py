"""Limit the number of parallel connections, adapting it to the transfer rate."""

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
_POLL_SECONDS = 0.1


class ConnectionLimiter:
    """Limits the number of parallel connections, adaptively. Thread-safe.

    The limit starts low and doubles while the transfer rate grows with it. If the rate does not
    grow, the limit goes back, and is tried again after some seconds. A server that reports too many
    requests halves it. Several downloads may share a limiter.

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
        self._started = clock()
        self._previous: tuple[int, float] | None = None  # limit and rate before the last step
        self._wait_slices = 0

    @contextmanager
    def acquire(self, control: CancelToken) -> Iterator[bool]:
        """Wait for a free connection and hold it; False if cancelled first.

        Parameters
        ----------
        control
            Ends the wait when cancelled.
        """
        with self._free:
            while self._used >= self.allowed and not control.cancelled:
                self._free.wait(_POLL_SECONDS)
            got = not control.cancelled
            self._used += got
        try:
            yield got
        finally:
            with self._free:
                self._used -= got
                self._free.notify()

    def record_bytes(self, received: int) -> None:
        """Record received bytes.

        Parameters
        ----------
        received
            Number of bytes.
        """
        with self._free:
            self._bytes += received
            elapsed = self._clock() - self._started
            if elapsed >= _SLICE:
                self._judge(self._bytes / elapsed)
                self._bytes, self._started = 0, self._clock()

    def reduce(self) -> None:
        """Halve the limit, as the server reports too many requests."""
        with self._free:
            self.allowed = max(1, self.allowed // 2)
            self._previous, self._wait_slices = None, _AGAIN
            self._bytes, self._started = 0, self._clock()

    def _judge(self, speed: float) -> None:
        if self._previous is not None:
            fewer, slower = self._previous
            self._previous = None
            if speed < slower * _WORTH:
                self.allowed, self._wait_slices = fewer, _AGAIN
                return
        if self._wait_slices:
            self._wait_slices -= 1
        elif self._used >= self.allowed < self.most:
            # Only while all are in use: otherwise more would have no effect.
            self._previous = self.allowed, speed
            self.allowed = min(self.most, 2 * self.allowed)
            self._free.notify_all()
