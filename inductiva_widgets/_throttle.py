"""Notification of listeners at a limited rate."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

PERIOD = 1.0
"""Default minimum of seconds between two calls."""


class ThrottledNotifier:
    """Call listeners at most once per period, and always after the last notification.

    Parameters
    ----------
    on_error
        Called with an exception raised by a listener. The other listeners are called as well.
    period
        Minimum seconds between two calls.
    """

    def __init__(self, on_error: Callable[[Exception], None], period: float = PERIOD) -> None:
        self._on_error = on_error
        self._period = period
        self._listeners: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._last_call = -float("inf")
        self._timer: threading.Timer | None = None

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Add a listener, and return a function that removes it."""
        self._listeners.append(listener)

        def cancel() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return cancel

    def notify(self, *, at_once: bool = False, in_thread: bool = False) -> None:
        """Call all listeners, on this thread or on another one when the period is over.

        Parameters
        ----------
        at_once
            If True, call them now on this thread.
        in_thread
            If True, always call them on another thread, since this one holds a lock.
        """
        if not at_once:
            wait = self._last_call + self._period - time.monotonic()
            if wait > 0 or in_thread or self._timer is not None:
                self._schedule(max(0.0, wait))
                return
        self._last_call = time.monotonic()
        for listener in tuple(self._listeners):
            self._notify_listener(listener)

    def cancel(self) -> None:
        """Drop a pending notification."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def _notify_listener(self, listener: Callable[[], None]) -> None:
        try:
            listener()
        except Exception as error:
            self._on_error(error)

    def _schedule(self, seconds: float) -> None:
        with self._lock:
            if self._timer is not None:
                return
            timer = self._timer = threading.Timer(seconds, self._on_timer)
        timer.daemon = True
        timer.start()

    def _on_timer(self) -> None:
        with self._lock:
            self._timer = None
        self.notify(at_once=True)
