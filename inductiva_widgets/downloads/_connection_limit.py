"""Limit the number of parallel connections, adapting it to the transfer rate."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from inductiva_widgets.downloads._cancellation import CancelToken

CONNECTIONS = 8
"""Default maximum. More connections rarely increase the transfer rate."""
_FIRST = 4
_INTERVAL = 0.3  # seconds over which the rate of a limit is measured
_MIN_GAIN = 1.1  # factor by which the rate must grow to keep a higher limit
_RETRY_INTERVALS = 20  # intervals until a higher limit is tried again
_POLL_SECONDS = 0.1


class ConnectionLimiter:
    """Limits the number of parallel connections, adaptively. Thread-safe.

    The limit starts low and doubles while the transfer rate grows with it. If the rate does not
    grow, the previous limit is restored, and the higher one is tried again after some seconds. A
    response with status 429 or 503 halves the limit. Several downloads may share a limiter.

    Parameters
    ----------
    max_connections
        Upper bound of the limit.
    clock
        Function that returns the time in seconds.
    """

    def __init__(self, max_connections: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.max_connections = max_connections
        self.allowed = min(_FIRST, max_connections)
        self._clock = clock
        self._free = threading.Condition()
        self._used = 0
        self._bytes = 0
        self._started = clock()
        self._previous: tuple[int, float] | None = None  # limit and rate before the last step
        self._wait_intervals = 0

    @contextmanager
    def acquire(self, cancel_token: CancelToken) -> Iterator[bool]:
        """Wait for a free connection and hold it within the context.

        Parameters
        ----------
        cancel_token
            Ends the wait when cancelled.

        Yields
        ------
        bool
            False if the download was cancelled first.
        """
        with self._free:
            while self._used >= self.allowed and not cancel_token.cancelled:
                self._free.wait(_POLL_SECONDS)
            got = not cancel_token.cancelled
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
            if elapsed >= _INTERVAL:
                self._adapt(self._bytes / elapsed)
                self._bytes, self._started = 0, self._clock()

    def reduce(self) -> None:
        """Halve the limit, after the server has reported too many requests."""
        with self._free:
            self.allowed = max(1, self.allowed // 2)
            self._previous, self._wait_intervals = None, _RETRY_INTERVALS
            self._bytes, self._started = 0, self._clock()

    def _adapt(self, rate: float) -> None:
        if self._previous is not None:
            previous_limit, previous_rate = self._previous
            self._previous = None
            if rate < previous_rate * _MIN_GAIN:
                self.allowed, self._wait_intervals = previous_limit, _RETRY_INTERVALS
                return
        if self._wait_intervals:
            self._wait_intervals -= 1
        elif self._used >= self.allowed < self.max_connections:
            # If not all connections are in use, a higher limit has no effect.
            self._previous = self.allowed, rate
            self.allowed = min(self.max_connections, 2 * self.allowed)
            self._free.notify_all()
