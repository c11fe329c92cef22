"""Notify listeners at a limited rate."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

PERIOD = 1.0
"""Default minimum time between two notifications, in seconds."""


class ThrottledNotifier:
    """Notifies listeners at most once per period; the last notification is never lost.

    Parameters
    ----------
    on_error
        Function that receives exceptions of listeners; the other listeners are still notified.
    period
        Minimum time between two notifications, in seconds.
    """

    def __init__(self, on_error: Callable[[Exception], None], period: float = PERIOD) -> None:
        self._on_error = on_error
        self._period = period
        self._listeners: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._notified_at = -float("inf")
        self._timer: threading.Timer | None = None

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Add a listener, and return a function that removes it."""
        self._listeners.append(listener)

        def cancel() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return cancel

    def notify(self, *, at_once: bool = False) -> None:
        """Notify all listeners, later on a timer thread if the last notification was just now.

        Parameters
        ----------
        at_once
            If True, notify immediately.
        """
        wait = 0.0 if at_once else self._notified_at + self._period - time.monotonic()
        if wait > 0:
            self._schedule(wait)
            return
        self._notified_at = time.monotonic()
        for listener in tuple(self._listeners):
            self._notify_listener(listener)

    def _notify_listener(self, listener: Callable[[], None]) -> None:
        try:
            listener()
        except Exception as error:
            self._on_error(error)

    def _schedule(self, seconds: float) -> None:
        with self._lock:
            if self._timer is None:
                self._timer = threading.Timer(seconds, self._notify_later)
                self._timer.daemon = True
                self._timer.start()

    def _notify_later(self) -> None:
        with self._lock:
            self._timer = None
        self.notify(at_once=True)
