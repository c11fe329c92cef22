"""Notify listeners at a limited rate."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

PERIOD = 1.0
"""Seconds between two calls at least."""


class ThrottledNotifier:
    """Listeners, told at most once in a period; the last news is never lost.

    Parameters
    ----------
    on_error
        Gets what a listener raises; the others are told all the same.
    period
        Seconds between two calls at least.
    """

    def __init__(self, on_error: Callable[[Exception], None], period: float = PERIOD) -> None:
        self._on_error = on_error
        self._period = period
        self._listeners: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._told = -float("inf")
        self._later: threading.Timer | None = None

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Add a listener and return what removes it."""
        self._listeners.append(listener)

        def cancel() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return cancel

    def notify(self, *, at_once: bool = False) -> None:
        """Tell all listeners, on this thread or, where they were told just now, on a later one."""
        wait = 0.0 if at_once else self._told + self._period - time.monotonic()
        if wait > 0:
            self._schedule(wait)
            return
        self._told = time.monotonic()
        for listener in tuple(self._listeners):
            self._notify_listener(listener)

    def _notify_listener(self, listener: Callable[[], None]) -> None:
        try:
            listener()
        except Exception as error:
            self._on_error(error)

    def _schedule(self, seconds: float) -> None:
        with self._lock:
            if self._later is None:
                self._later = threading.Timer(seconds, self._notify_later)
                self._later.daemon = True
                self._later.start()

    def _notify_later(self) -> None:
        with self._lock:
            self._later = None
        self.notify(at_once=True)
