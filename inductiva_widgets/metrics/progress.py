"""Progress of a run from a series that grows to a known end, and its time left."""

from __future__ import annotations

import math
from collections import deque

# A run that begins in the first 1 % of its range is taken to begin at 0: it prints its first value
# after some steps.
_MIN_START = 0.01

# Only recent steps are used: the speed of a simulation changes.
_MAX_STEPS = 40
_MIN_STEPS = 3
_MIN_SECONDS = 2.0


class SeriesOrigin:
    """Value at which a series began, since a restarted run does not begin at 0.

    Parameters
    ----------
    is_known
        If False, the beginning of the log was not read.

    Examples
    --------
    >>> origin = SeriesOrigin()
    >>> for time in (5.1, 5.2, 6.0):
    ...     origin.add(time)
    >>> round(origin.progress(end=10), 3)
    0.2
    """

    def __init__(self, *, is_known: bool = True) -> None:
        self._is_known = is_known
        self._first: float | None = None
        self._second: float | None = None
        self._last = math.nan

    def add(self, value: float) -> None:
        """Add the next value. A smaller one is the beginning of another run."""
        if not math.isfinite(value):
            return
        if self._first is None:
            self._first = value
        elif value < self._last:
            self._first, self._second, self._is_known = value, None, True
        elif self._second is None and value > self._first:
            self._second = value
        self._last = value

    def progress(self, end: float) -> float:
        """Return the share that is done, from 0 to 1.

        Parameters
        ----------
        end
            Final value.
        """
        start = self._start()
        if not _MIN_START * end < start < end:
            start = 0.0
        return min(1.0, max(0.0, (self._last - start) / (end - start)))

    def _start(self) -> float:
        if self._first is None or self._second is None or not self._is_known:
            return 0.0
        # The first value is printed one step after the beginning.
        return 2 * self._first - self._second


class EtaEstimator:
    """Estimate the time left by a least-squares fit of progress over time."""

    def __init__(self) -> None:
        # Pairs of time in seconds and progress from 0 to 1, at each increase.
        self._steps: deque[tuple[float, float]] = deque(maxlen=_MAX_STEPS)
        self._progress: float | None = None

    def update(self, now: float, progress: float) -> None:
        """Add an observation. If the progress has decreased, drop the earlier ones.

        Parameters
        ----------
        now
            Seconds of a monotonic clock.
        progress
            Share that is done, from 0 to 1.
        """
        if self._progress is not None and progress > self._progress:
            # The first observation is left out: the time of its increase is unknown.
            self._steps.append((now, progress))
        elif self._progress is not None and progress < self._progress:
            self._steps.clear()
        self._progress = progress

    def seconds_left(self, now: float) -> float | None:
        """Return the seconds left, or None if they are unknown or have elapsed.

        Parameters
        ----------
        now
            Seconds of the same clock.
        """
        if len(self._steps) < _MIN_STEPS or self._steps[-1][0] - self._steps[0][0] < _MIN_SECONDS:
            return None
        mean = sum(moment for moment, _ in self._steps) / len(self._steps)
        variance = sum((moment - mean) ** 2 for moment, _ in self._steps)
        covariance = sum((moment - mean) * progress for moment, progress in self._steps)
        last, progress = self._steps[-1]
        left = last + (1 - progress) * variance / covariance - now
        return left if left >= 0 else None
