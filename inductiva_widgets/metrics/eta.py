"""Estimate of the time left, from progress over time."""

from __future__ import annotations

from collections import deque

# Only recent steps are used: the speed of a simulation changes.
_MAX_STEPS = 40
_MIN_STEPS = 3
_MIN_SECONDS = 2.0


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
