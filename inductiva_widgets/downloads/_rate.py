"""How fast bytes arrive, and who is told of it how often."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable

from inductiva_widgets.downloads.progress import Progress

_log = logging.getLogger(__name__)
_SMOOTHING = 3.0  # seconds over which the speed is averaged
_SAMPLE = 0.25  # seconds between two measures of the speed
_NOTIFY = 0.1  # seconds between two calls of a subscriber


class RateEstimator:
    """Bytes per second, smoothed; guarded by its owner's lock.

    Parameters
    ----------
    clock
        Returns seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.last = 0.0
        self._clock = clock
        self._received = 0
        self._sampled_at = clock()
        self._sampled = 0
        self._rate = 0.0
        self._weight = 0.0

    def add(self, count: int) -> None:
        """Take note of bytes that arrived."""
        self._received += count
        now = self._clock()
        elapsed = now - self._sampled_at
        if elapsed >= _SAMPLE:
            share = math.exp(-elapsed / _SMOOTHING)
            rate = (self._received - self._sampled) / elapsed
            self._rate = self._rate * share + rate * (1 - share)
            # The average starts at zero; its weight tells how much of that is still in it.
            self._weight = self._weight * share + (1 - share)
            self._sampled_at, self._sampled = now, self._received

    def rate(self) -> float:
        """Return the speed; it fades while nothing arrives."""
        idle = max(0.0, self._clock() - self._sampled_at - 1.0)
        return self._rate / self._weight * math.exp(-idle / _SMOOTHING) if self._weight else 0.0


class ThrottledListeners:
    """Those who are told the state; never more often than they can read.

    Parameters
    ----------
    clock
        Returns seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._telling = threading.RLock()  # a callback may add another one
        self._told_at = -math.inf
        self._callbacks: dict[object, Callable[[Progress], object]] = {}

    def add(
        self, callback: Callable[[Progress], object], state: Callable[[], Progress]
    ) -> Callable[[], None]:
        """Tell one the state now and from now on; return what ends that."""
        token = object()
        with self._lock:
            self._callbacks[token] = callback
        with self._telling:
            self._call(token, callback, state())

        def remove() -> None:
            with self._lock:
                self._callbacks.pop(token, None)

        return remove

    def notify(self, state: Callable[[], Progress], *, at_once: bool) -> None:
        """Tell all the state, where it is time or ``at_once``."""
        if not self._callbacks or (not at_once and self._clock() - self._told_at < _NOTIFY):
            return
        # One thread tells at a time; the others need not wait, as more news will follow.
        if not self._telling.acquire(blocking=at_once):
            return
        try:
            self._told_at = self._clock()
            with self._lock:
                callbacks = list(self._callbacks.items())
            now = state()
            for token, callback in callbacks:
                self._call(token, callback, now)
        finally:
            self._telling.release()

    def _call(self, token: object, callback: Callable[[Progress], object], state: Progress) -> None:
        try:
            callback(state)
        except Exception:
            # A display that breaks must not break the download.
            _log.warning("a progress callback failed and is not called any more", exc_info=True)
            with self._lock:
                self._callbacks.pop(token, None)
