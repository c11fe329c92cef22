"""Parser of metric rows in a growing log."""

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

MAX_ROWS = 4000
"""Default maximum number of rows."""

MAX_SERIES = 24
"""Maximum number of series; the values of further ones are skipped."""

MIN_ROWS = 100
"""Smallest maximum number of rows, enough for the extremes of all series."""

PERCENT = "percent"
"""Series that ends at 100. If there are other series, it is shown as progress only."""


class MetricParser:
    """Parse the rows of numbers in a log.

    Parameters
    ----------
    pattern
        Regular expression of a user, or a preset.
    end
        Final values by series.
    max_rows
        Maximum number of rows, at least `MIN_ROWS`.

    Raises
    ------
    InputError
        The pattern, ``end`` or ``max_rows`` is invalid.
    """

    def __init__(
        self,
        pattern: str | Preset,
        *,
        end: Mapping[str, float] | None = None,
        max_rows: int = MAX_ROWS,
    ) -> None:
        if isinstance(max_rows, bool) or not isinstance(max_rows, int) or max_rows < MIN_ROWS:
            raise InputError(f"`rows` must be an integer of at least {MIN_ROWS}, got {max_rows!r}.")
        preset = pattern if isinstance(pattern, Preset) else Preset(pattern, (Rule(pattern),))
        self.source = preset.title
        self.last: dict[str, float] = {}
        self._matcher = LineMatcher(preset.rules)
        self._axis = preset.axis
        self._ends = {PERCENT: 100.0, **_validate_end(end, self._matcher.names)}
        self._lines = LineBuffer()
        self._rows = DecimatedRows(max_rows)
        self._gaps = Gaps(preset.axis)
        # Values of the current step.
        self._step: dict[str, float] = {}

    @property
    def declared_series(self) -> tuple[str, ...] | None:
        """The series, or None if their names are read from the log."""
        return self._matcher.names

    @property
    def names(self) -> tuple[str, ...]:
        """The series that are drawn, in order of appearance; the axis is the last."""
        found = [name for name in self.last if name != self._axis]
        if len(found) > 1 or (found and self._axis in self.last):
            # A value that is not finite cannot be shown as progress, so it is drawn.
            found = [n for n in found if n != PERCENT or not math.isfinite(self.last[n])]
        return (*found, *(name for name in self.last if name == self._axis))

    @property
    def samples(self) -> int:
        """Number of rows read."""
        return self._rows.samples

    @property
    def n_started(self) -> int:
        """Number of rows read, including an incomplete step."""
        return self._rows.samples + bool(self._step)

    @property
    def skipped(self) -> int:
        """Number of matches that are not numbers or exceed `MAX_SERIES`."""
        return self._matcher.skipped

    @property
    def progress(self) -> float | None:
        """Share that is done, from 0 to 1, or None if no series has a known end."""
        for name, value in self.last.items():
            end = self._ends.get(name)
            if end and math.isfinite(value):
                return min(1.0, max(0.0, value / end))
        return None

    def feed(self, data: bytes, *, follows: bool = True) -> list[MetricRow]:
        """Add bytes, and return the rows that they complete.

        Parameters
        ----------
        data
            The bytes.
        follows
            If False, data is missing before these bytes.

        Raises
        ------
        InputError
            The expression takes too long.
        """
        return self._read(self._lines.feed(data, follows=follows))

    def finish(self) -> list[MetricRow]:
        """Return the rows that are complete at the end of the log."""
        rows = self._read(self._lines.finish())
        if self._step:
            rows.append(self._add(self._step))
            self._step = {}
        return rows

    def gaps(self, name: str) -> list[Gap]:
        """Return the ranges of rows in which a series is not finite."""
        return self._gaps.for_series(name)

    def points(self, max_points: int) -> dict[str, list[tuple[int, float]]]:
        """Return pairs of sample number and value by series, for drawing.

        Parameters
        ----------
        max_points
            Maximum number of points per series.
        """
        return {name: decimate(self._points(name), max_points) for name in self.names}

    def suits_log_scale(self, name: str) -> bool:
        """Return whether a series is best shown on a logarithmic scale."""
        return suits_log_scale([value for _, value in self._points(name)])

    def to_frame(self, **attrs: Any) -> pd.DataFrame:
        """Return the kept rows, with one column per series, indexed by ``sample``.

        Parameters
        ----------
        **attrs
            Further entries of ``attrs["inductiva"]``.
        """
        import pandas as pd

        rows = self._rows.rows()
        names = [*self.names, *(name for name in self.last if name not in self.names)]
        index = pd.Index([row.sample for row in rows], name="sample", dtype="int64")
        columns = {name: [row.values.get(name, math.nan) for row in rows] for name in names}
        frame = pd.DataFrame(columns, index=index, columns=names, dtype="float64")
        frame.attrs["inductiva"] = {
            **attrs,
            "source": self.source,
            "rows_read": self.samples,
            "is_thinned": len(rows) < self.samples,
            "skipped": self.skipped,
        }
        return frame

    def _points(self, name: str) -> Iterable[tuple[int, float]]:
        return [(row.sample, row.values[name]) for row in self._rows.rows() if name in row.values]

    def _read(self, lines: list[str]) -> list[MetricRow]:
        self._matcher.reset_budget()
        rows: list[MetricRow] = []
        for line in lines:
            values = self._matcher.find(line)
            if not values:
                continue
            for name in [name for name in values if name.startswith(END)]:
                self._ends[name.removeprefix(END)] = values.pop(name)
            for name in [name for name in values if name not in self.last]:
                if len(self.last) >= MAX_SERIES:
                    del values[name]
                    self._matcher.skipped += 1
            self.last |= values
            if self._axis is None:
                if values:
                    rows.append(self._add(values))
                continue
            if self._axis in values and self._step:
                rows.append(self._add(self._step))
                self._step = {}
            # The first value of a step is kept, as in convergence plots, unless a later one is not
            # finite: then the simulation has diverged.
            diverged = {name: value for name, value in values.items() if not math.isfinite(value)}
            self._step = {**values, **self._step, **diverged}
        return rows

    def _add(self, values: dict[str, float]) -> MetricRow:
        row = self._rows.add(values)
        self._gaps.add(row, self.last)
        return row


def _validate_end(
    end: Mapping[str, float] | None, names: tuple[str, ...] | None
) -> dict[str, float]:
    if end is None:
        return {}
    if not isinstance(end, Mapping) or not end:
        raise InputError(
            f'`end` must be a dict of final values by series, such as {{"time": 10}}, got {end!r}.'
        )
    for name, value in end.items():
        if names is not None and name not in names:
            raise InputError(
                f"Unknown series {name!r} in `end`, expected one of: {', '.join(names)}."
            )
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value) or value <= 0:
            raise InputError(f"`end` of {name!r} must be a number above 0, got {value!r}.")
    return dict(end)
