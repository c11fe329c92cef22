"""Parse rows of numbers from a growing log."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from inductiva_widgets.errors import InputError
from inductiva_widgets.metrics.decimate import DecimatedRows, MetricRow, decimate, suits_log_scale
from inductiva_widgets.metrics.gaps import Gap, Gaps
from inductiva_widgets.metrics.line_buffer import LineBuffer
from inductiva_widgets.metrics.matcher import END, LineMatcher, Rule
from inductiva_widgets.metrics.presets import Preset

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 4000
"""Rows that a watch keeps."""

MOST_SERIES = 24
"""Series that are read; further ones, named by the text, are left out."""

FEWEST_ROWS = 100
"""The smallest bound for rows: room for the extremes of all series."""

PERCENT = "percent"
"""The series that has its end at 100; beside others it tells the progress only."""


class MetricParser:
    """Takes the bytes of a log, and has its rows of numbers.

    Parameters
    ----------
    wanted
        A user's expression, or a preset.
    end
        The value that a series has at the end, by its name.
    most
        How many rows are kept at most.

    Raises
    ------
    InputError
        The expression is none, or names no series; ``end`` or ``most`` is out of bounds.
    """

    def __init__(
        self,
        wanted: str | Preset,
        *,
        end: Mapping[str, float] | None = None,
        most: int = MOST_ROWS,
    ) -> None:
        if isinstance(most, bool) or not isinstance(most, int) or most < FEWEST_ROWS:
            raise InputError(f"rows must be a whole number, {FEWEST_ROWS} or more.")
        preset = wanted if isinstance(wanted, Preset) else Preset(wanted, (Rule(wanted),))
        self.source = preset.title
        self.pattern = LineMatcher(preset.rules)
        self.last: dict[str, float] = {}
        self._axis = preset.axis
        self._ends = {PERCENT: 100.0, **_checked(end, self.pattern.names)}
        self._lines = LineBuffer()
        self._rows = DecimatedRows(most)
        self._gaps = Gaps(preset.axis)
        # What was found of the present step.
        self._step: dict[str, float] = {}

    @property
    def declared_series(self) -> tuple[str, ...] | None:
        """The series, where they are known before anything is read."""
        return self.pattern.names

    @property
    def names(self) -> tuple[str, ...]:
        """The series that are drawn, in the order in which they came; the axis comes last."""
        found = [name for name in self.last if name != self._axis]
        if len(found) > 1 or (found and self._axis in self.last):
            # A share that is not finite says nothing of the progress: it is shown as it is.
            found = [n for n in found if n != PERCENT or not math.isfinite(self.last[n])]
        return (*found, *(name for name in self.last if name == self._axis))

    @property
    def samples(self) -> int:
        """How many rows were read."""
        return self._rows.samples

    @property
    def begun(self) -> int:
        """How many rows were begun: those that were read, and the step that is being read."""
        return self._rows.samples + bool(self._step)

    @property
    def skipped(self) -> int:
        """How many finds were no numbers, or of too many series."""
        return self.pattern.skipped

    @property
    def progress(self) -> float | None:
        """The share that is done, from 0 to 1, where a series has a known end."""
        for name, value in self.last.items():
            end = self._ends.get(name)
            if end and math.isfinite(value):
                return min(1.0, max(0.0, value / end))
        return None

    def feed(self, data: bytes, *, follows: bool = True) -> list[MetricRow]:
        """Take bytes and return the rows that they complete.

        Parameters
        ----------
        data
            The bytes, cut anywhere.
        follows
            Whether they follow on those before.

        Raises
        ------
        InputError
            The expression takes too long.
        """
        return self._read(self._lines.feed(data, follows=follows))

    def finish(self) -> list[MetricRow]:
        """Return the rows that the end of the log completes."""
        rows = self._read(self._lines.finish())
        if self._step:
            rows.append(self._add(self._step))
            self._step = {}
        return rows

    def gaps(self, name: str) -> list[Gap]:
        """Return the stretches of rows in which a series is not finite.

        Parameters
        ----------
        name
            The series.
        """
        return self._gaps.of(name)

    def points(self, points: int) -> dict[str, list[tuple[int, float]]]:
        """Return pairs of sample and value of each series, for drawing.

        Parameters
        ----------
        points
            How many at most.
        """
        return {name: decimate(self._points(name), points) for name in self.names}

    def suits_log_scale(self, name: str) -> bool:
        """Return whether a series is best seen on a logarithmic scale."""
        return suits_log_scale([value for _, value in self._points(name)])

    def to_frame(self, **facts: Any) -> pd.DataFrame:
        """Return the rows that are kept, a column for each series, indexed by ``sample``.

        Parameters
        ----------
        **facts
            What ``attrs["inductiva"]`` tells besides.
        """
        import pandas as pd

        rows = self._rows.rows()
        names = [*self.names, *(name for name in self.last if name not in self.names)]
        index = pd.Index([row.sample for row in rows], name="sample", dtype="int64")
        columns = {name: [row.values.get(name, math.nan) for row in rows] for name in names}
        to_frame = pd.DataFrame(columns, index=index, columns=names, dtype="float64")
        to_frame.attrs["inductiva"] = {
            **facts,
            "source": self.source,
            "rows_read": self.samples,
            "is_thinned": len(rows) < self.samples,
            "skipped": self.skipped,
        }
        return to_frame

    def _points(self, name: str) -> Iterable[tuple[int, float]]:
        return [(row.sample, row.values[name]) for row in self._rows.rows() if name in row.values]

    def _read(self, lines: list[str]) -> list[MetricRow]:
        self.pattern.reset_budget()
        rows: list[MetricRow] = []
        for line in lines:
            values = self.pattern.find(line)
            if not values:
                continue
            for name in [name for name in values if name.startswith(END)]:
                self._ends[name.removeprefix(END)] = values.pop(name)
            for name in [name for name in values if name not in self.last]:
                if len(self.last) >= MOST_SERIES:
                    del values[name]
                    self.pattern.skipped += 1
            self.last |= values
            if self._axis is None:
                if values:
                    rows.append(self._add(values))
                continue
            if self._axis in values and self._step:
                rows.append(self._add(self._step))
                self._step = {}
            # The first of each step counts, as plots of convergence have it; a later one that is
            # not finite counts more, since the run is lost from there on.
            lost = {name: value for name, value in values.items() if not math.isfinite(value)}
            self._step = {**values, **self._step, **lost}
        return rows

    def _add(self, values: dict[str, float]) -> MetricRow:
        row = self._rows.add(values)
        self._gaps.add(row, self.last)
        return row


def _checked(end: Mapping[str, float] | None, names: tuple[str, ...] | None) -> dict[str, float]:
    if end is None:
        return {}
    if not isinstance(end, Mapping) or not end:
        raise InputError('end tells the last value of a series, such as end={"time": 10}.')
    for name, value in end.items():
        if names is not None and name not in names:
            raise InputError(f"There is no series {name!r} for end; there is {', '.join(names)}.")
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value) or value <= 0:
            raise InputError(f"The end of {name!r} must be a number above 0, not {value!r}.")
    return dict(end)
