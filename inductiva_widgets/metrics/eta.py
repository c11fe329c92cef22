"""Estimate the time left from progress over time."""

from __future__ import annotations

from collections import deque

# Steps that count: the pace of the last part is that of the rest, rather than that of the whole.
_STEPS = 40
_FEWEST = 3
# Seconds; what is seen in less says little.
_SHORTEST = 2.0


class EtaEstimator:
    """The pace of a share from 0 to 1; by least squares, so that no single step counts much."""

    def __init__(self) -> None:
        # When the share was seen to grow, and to what.
        self._steps: deque[tuple[float, float]] = deque(maxlen=_STEPS)
        self._share: float | None = None

    def update(self, moment: float, share: float) -> None:
        """Take a look; a share that went back begins anew.

        Parameters
        ----------
        moment
            Seconds, of any clock that only goes forward.
        share
            How much is done.
        """
        if self._share is not None and share > self._share:
            # Not the first one, of which nobody knows for how long it has been so.
            self._steps.append((moment, share))
        elif self._share is not None and share < self._share:
            self._steps.clear()
        self._share = share

    def seconds_left(self, moment: float) -> float | None:
        """Return the seconds to the end; None while nobody knows, or when it should be over.

        Parameters
        ----------
        moment
            The present, by the same clock.
        """
        if len(self._steps) < _FEWEST or self._steps[-1][0] - self._steps[0][0] < _SHORTEST:
            return None
        middle = sum(when for when, _ in self._steps) / len(self._steps)
        spread = sum((when - middle) ** 2 for when, _ in self._steps)
        rise = sum((when - middle) * share for when, share in self._steps)
        last, share = self._steps[-1]
        left = last + (1 - share) * spread / rise - moment
        return left if left >= 0 else None
