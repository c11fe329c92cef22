"""Bounded storage of metric rows that keeps the extremes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from typing import NamedTuple

Values = dict[str, float]


class MetricRow(NamedTuple):
    """Values of one match or step.

    Parameters
    ----------
    sample
        Number of the row, counted from 1.
    values
        Values by series.
    read_at
        Time at which the row was read, in seconds since 1970, or None if it had been there before.
    """

    sample: int
    values: Values
    read_at: float | None = None


class _RowBlock:
    """Extremes of consecutive rows; the first of several equal ones."""

    __slots__ = ("high", "index", "infinite", "low", "undefined")

    def __init__(self, index: int) -> None:
        self.index = index
        self.low: dict[str, MetricRow] = {}
        self.high: dict[str, MetricRow] = {}
        self.undefined: dict[str, MetricRow] = {}
        self.infinite: dict[str, MetricRow] = {}

    def add(self, row: MetricRow) -> None:
        for name, value in row.values.items():
            if not math.isfinite(value):
                # Stored apart: an infinity would hide the largest finite value.
                first = self.undefined if math.isnan(value) else self.infinite
                first.setdefault(name, row)
                continue
            low = self.low.get(name)
            if low is None or value < low.values[name]:
                self.low[name] = row
            high = self.high.get(name)
            if high is None or value > high.values[name]:
                self.high[name] = row

    def rows(self) -> list[MetricRow]:
        kept = (self.low, self.high, self.undefined, self.infinite)
        rows = {row.sample: row for rows in kept for row in rows.values()}
        return [rows[sample] for sample in sorted(rows)]

    @property
    def max_rows(self) -> int:
        """Maximum number of rows of the block."""
        return 2 * len(self.low) + len(self.undefined) + len(self.infinite)


class DecimatedRows:
    """Rows of numbers, decimated to a maximum number.

    The rows are divided into blocks of the same size. Each block keeps the rows with the smallest
    and the largest finite value, the first nan and the first infinity of each series. The first
    and the newest row are always kept. If there are too many rows, the size of the blocks doubles.

    Parameters
    ----------
    max_rows
        Maximum number of rows, more than 4 per series.
    """

    def __init__(self, max_rows: int) -> None:
        self.samples = 0
        self._max_rows = max_rows
        self._size = 1
        self._first: MetricRow | None = None
        self._newest: MetricRow | None = None
        # Rows kept from complete blocks, and the incomplete block.
        self._closed: list[MetricRow] = []
        self._open = _RowBlock(0)

    @property
    def is_thinned(self) -> bool:
        """Whether rows have been dropped."""
        return len(self) < self.samples

    def __len__(self) -> int:
        return len(self.rows())

    def add(self, values: Values, read_at: float | None = None) -> MetricRow:
        """Add the newest row, and return it with its number."""
        self.samples += 1
        row = self._newest = MetricRow(self.samples, values, read_at)
        self._first = self._first or row
        self._append(row)
        # The open block, the first and the newest row count as well.
        while len(self._closed) + self._open.max_rows + 2 > self._max_rows and self._closed:
            self._halve()
        return row

    def rows(self) -> list[MetricRow]:
        """Return the kept rows in order."""
        ends = [row for row in (self._first, self._newest) if row is not None]
        rows = {row.sample: row for row in (*ends, *self._closed, *self._open.rows())}
        return [rows[sample] for sample in sorted(rows)]

    def _append(self, row: MetricRow) -> None:
        if self._size == 1:
            self._closed.append(row)
            return
        index = row.sample // self._size
        if self._open.index != index:
            self._closed += self._open.rows()
            self._open = _RowBlock(index)
        self._open.add(row)

    def _halve(self) -> None:
        rows = [*self._closed, *self._open.rows()]
        self._size *= 2
        self._closed, self._open = [], _RowBlock(0)
        for row in rows:
            self._append(row)


def decimate(points: Iterable[tuple[int, float]], max_points: int) -> list[tuple[int, float]]:
    """Decimate the finite points of a series, keeping the extremes.

    Parameters
    ----------
    points
        Pairs of sample number and value, in order.
    max_points
        Maximum number of points, 4 or more.
    """
    finite = [point for point in points if math.isfinite(point[1])]
    if len(finite) <= max_points:
        return finite
    size = 1
    # Two points per block, the first and the newest point. The first block may be incomplete.
    while 2 * ((finite[-1][0] // size) - (finite[0][0] // size) + 1) + 2 > max_points:
        size *= 2
    kept = {finite[0][0]: finite[0], finite[-1][0]: finite[-1]}
    index, low, high = -1, finite[0], finite[0]
    for point in finite:
        if point[0] // size != index:
            kept[low[0]], kept[high[0]] = low, high
            index, low, high = point[0] // size, point, point
        elif point[1] < low[1]:
            low = point
        elif point[1] > high[1]:
            high = point
    kept[low[0]], kept[high[0]] = low, high
    return [kept[sample] for sample in sorted(kept)]


def suits_log_scale(values: list[float]) -> bool:
    """Return whether a series is best shown on a logarithmic scale.

    This holds for values that are never negative, span more than 2.5 decades apart from zeros, and
    do not only grow: residuals, but neither counts nor times.

    Parameters
    ----------
    values
        Values of the series.
    """
    # The minimum of numbers depends on their order if one of them is nan.
    values = [value for value in values if math.isfinite(value)]
    positive = [value for value in values if value > 0]
    if not positive or min(values) < 0 or max(positive) <= min(positive) * 10**2.5:
        return False
    return any(later < value for value, later in itertools.pairwise(positive))
