"""Bounded rows of numbers, decimated so that extremes stay."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from typing import NamedTuple

Values = dict[str, float]


class MetricRow(NamedTuple):
    """The numbers of one match or step.

    Parameters
    ----------
    sample
        Its number, counted from 1.
    values
        The numbers, by the names of their series.
    """

    sample: int
    values: Values


class _RowBlock:
    """Neighbours, of which the rows stay that hold the extremes; of equal ones the earliest."""

    __slots__ = ("high", "infinite", "low", "place", "undefined")

    def __init__(self, place: int) -> None:
        self.place = place
        self.low: dict[str, MetricRow] = {}
        self.high: dict[str, MetricRow] = {}
        self.undefined: dict[str, MetricRow] = {}
        self.infinite: dict[str, MetricRow] = {}

    def add(self, row: MetricRow) -> None:
        for name, value in row.values.items():
            if not math.isfinite(value):
                # Not among the extremes: an infinity would hide the largest finite value.
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
        """How many rows are kept at most."""
        return 2 * len(self.low) + len(self.undefined) + len(self.infinite)


class DecimatedRows:
    """Rows, at most ``most`` of them.

    They are kept in groups of equally many neighbours. Of each group stay the rows that hold the
    smallest or the largest finite value of any series, its first nan or its first infinity; the
    first and the newest row always. When too many are kept, groups of twice as many neighbours are
    made.

    Parameters
    ----------
    most
        How many rows are kept at most; more than four for each series.
    """

    def __init__(self, most: int) -> None:
        self.samples = 0
        self._most = most
        self._size = 1
        self._first: MetricRow | None = None
        self._newest: MetricRow | None = None
        # The rows that stay of groups that are whole, and the group that is not.
        self._closed: list[MetricRow] = []
        self._open = _RowBlock(0)

    @property
    def is_thinned(self) -> bool:
        """Whether rows were left out."""
        return len(self) < self.samples

    def __len__(self) -> int:
        return len(self.rows())

    def add(self, values: Values) -> MetricRow:
        """Add the newest row and return it with its number."""
        self.samples += 1
        row = self._newest = MetricRow(self.samples, values)
        self._first = self._first or row
        self._append(row)
        # The open group and the two that always stay need room as well.
        while len(self._closed) + self._open.max_rows + 2 > self._most and self._closed:
            self._halve()
        return row

    def rows(self) -> list[MetricRow]:
        """Return the rows that are kept, in order."""
        ends = [row for row in (self._first, self._newest) if row is not None]
        rows = {row.sample: row for row in (*ends, *self._closed, *self._open.rows())}
        return [rows[sample] for sample in sorted(rows)]

    def _append(self, row: MetricRow) -> None:
        if self._size == 1:
            self._closed.append(row)
            return
        place = row.sample // self._size
        if self._open.place != place:
            self._closed += self._open.rows()
            self._open = _RowBlock(place)
        self._open.add(row)

    def _halve(self) -> None:
        rows = [*self._closed, *self._open.rows()]
        self._size *= 2
        self._closed, self._open = [], _RowBlock(0)
        for row in rows:
            self._append(row)


def decimate(points: Iterable[tuple[int, float]], most: int) -> list[tuple[int, float]]:
    """Return at most so many points of a series, by the same rule; what is not finite is left out.

    Parameters
    ----------
    points
        Samples and values, in order.
    most
        How many at most, 4 or more.
    """
    finite = [point for point in points if math.isfinite(point[1])]
    if len(finite) <= most:
        return finite
    size = 1
    # Two of each group, the first and the newest; one group more where the first is cut.
    while 2 * ((finite[-1][0] // size) - (finite[0][0] // size) + 1) + 2 > most:
        size *= 2
    kept = {finite[0][0]: finite[0], finite[-1][0]: finite[-1]}
    place, low, high = -1, finite[0], finite[0]
    for point in finite:
        if point[0] // size != place:
            kept[low[0]], kept[high[0]] = low, high
            place, low, high = point[0] // size, point, point
        elif point[1] < low[1]:
            low = point
        elif point[1] > high[1]:
            high = point
    kept[low[0]], kept[high[0]] = low, high
    return [kept[sample] for sample in sorted(kept)]


def suits_log_scale(values: list[float]) -> bool:
    """Return whether a series is best seen on a logarithmic scale.

    So are values that are never negative and spread over more than two and a half powers of ten,
    zeros left aside, as residuals do; not so a count or a time, which begins small and only grows.

    Parameters
    ----------
    values
        The series.
    """
    # The smallest of numbers among which there is a nan depends on their order.
    values = [value for value in values if math.isfinite(value)]
    positive = [value for value in values if value > 0]
    if not positive or min(values) < 0 or max(positive) <= min(positive) * 10**2.5:
        return False
    return any(later < value for value, later in itertools.pairwise(positive))
