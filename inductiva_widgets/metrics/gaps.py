"""Ranges of a series with nan or infinite values."""

from __future__ import annotations

import math
from typing import NamedTuple

from inductiva_widgets.metrics.decimate import MetricRow, Values

MAX_GAPS = 16
"""Maximum number of gaps per series."""

# Series that count steps or time, the preferred one first.
_STEP_NAMES = ("step", "iteration", "iter", "time", "simtime", "t", "days")


class Gap(NamedTuple):
    """Range of rows in which the value of a series is not finite.

    Parameters
    ----------
    kind
        ``"nan"``, ``"inf"`` or ``"-inf"``.
    start
        Number of the first row.
    end
        Number of the last row.
    step
        Name and value of the series that counts steps or time, at the first row, or None.
    """

    kind: str
    start: int
    end: int
    step: tuple[str, float] | None = None


class Gaps:
    """Gaps of all series, recorded exactly even if the rows are decimated.

    Each series has at most 16 gaps. If there are more, the two that are closest to each other are
    joined, except the newest.

    Parameters
    ----------
    axis
        Series that begins a step, or None to search for a usual name.

    Examples
    --------
    >>> gaps = Gaps()
    >>> for number, residual in enumerate((1.0, math.nan, math.nan, 0.5), start=1):
    ...     gaps.add(MetricRow(number, {"step": 10.0 * number, "residual": residual}))
    >>> gaps.for_series("residual")
    [Gap(kind='nan', start=2, end=3, step=('step', 20.0))]
    """

    def __init__(self, axis: str | None = None) -> None:
        self._names = (*([axis] if axis else ()), *_STEP_NAMES)
        self._gaps: dict[str, list[Gap]] = {}
        # Series whose newest value is not finite.
        self._open: set[str] = set()

    def add(self, row: MetricRow, last: Values | None = None) -> None:
        """Add the next row.

        Parameters
        ----------
        row
            The next row.
        last
            Latest values of all series, used if steps are printed in separate rows.
        """
        for name, value in row.values.items():
            if math.isfinite(value):
                self._open.discard(name)
                continue
            gaps = self._gaps.setdefault(name, [])
            kind = gap_kind(value)
            if name in self._open and gaps[-1].kind == kind:
                gaps[-1] = gaps[-1]._replace(end=row.sample)
                continue
            self._open.add(name)
            gaps.append(Gap(kind, row.sample, row.sample, self._step(name, row, last or {})))
            if len(gaps) > MAX_GAPS:
                _join_closest(gaps)

    def for_series(self, name: str) -> list[Gap]:
        """Return the gaps of a series in order."""
        return list(self._gaps.get(name, ()))

    def _step(self, name: str, row: MetricRow, last: Values) -> tuple[str, float] | None:
        for values in (row.values, last):
            for step in self._names:
                if step != name and math.isfinite(values.get(step, math.nan)):
                    return step, values[step]
        return None


def gap_kind(value: float) -> str:
    """Return ``"nan"``, ``"inf"`` or ``"-inf"``, or "" if the value is finite."""
    return "" if math.isfinite(value) else str(float(value))


def _join_closest(gaps: list[Gap]) -> None:
    earlier = range(len(gaps) - 2)
    closest = min(earlier, key=lambda index: gaps[index + 1].start - gaps[index].end)
    gaps[closest] = gaps[closest]._replace(end=gaps.pop(closest + 1).end)
