"""Progress of a run from the values of a series that grows to a known end."""

from __future__ import annotations

import math

# A run that begins in the first 1 % of its range is taken to begin at 0: it prints its first value
# after some steps.
_MIN_START = 0.01


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
