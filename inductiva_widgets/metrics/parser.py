"""Parser of metric rows in a growing log."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from inductiva_widgets.errors import InputError
from inductiva_widgets.metrics.decimate import DecimatedRows, MetricRow, decimate, suits_log_scale
from inductiva_widgets.metrics.gaps import Gap, Gaps
from inductiva_widgets.metrics.line_buffer import MAX_LINE_BYTES, LineBuffer
from inductiva_widgets.metrics.matcher import END, LineMatcher, Match, Rule
from inductiva_widgets.metrics.presets import Preset
from inductiva_widgets.metrics.progress import SeriesOrigin

if TYPE_CHECKING:
    import pandas as pd

MAX_ROWS = 4000
"""Default maximum number of rows."""

MAX_SERIES = 24
"""Maximum number of series. Of more, the most important ones are kept."""

MIN_ROWS = 100
"""Smallest maximum number of rows, enough for the extremes of all series."""

PERCENT = "percent"
"""Series that ends at 100. If there are other series, it is shown as progress only."""

READ_AT = "read_at"
"""Column with the times at which the rows were read."""

# Lines without a match after which this is said: simulators print a header first.
_MAX_HEADER = 200
# Maximum number of names that are remembered, and shown, of series that are left out.
_MAX_LEFT_OUT, _MAX_NAMES = 1000, 5


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
        self.kinds: dict[str, str] = {}
        self._preset = preset
        self._preferred: frozenset[str] = frozenset()
        self._matcher = LineMatcher(preset.rules)
        self._axis = preset.axis
        self._ends = {PERCENT: 100.0, **_validate_end(end, self._matcher.kinds)}
        self._lines = LineBuffer()
        self._rows = DecimatedRows(max_rows)
        self._gaps = Gaps(preset.axis)
        # Values of the current step.
        self._step: dict[str, float] = {}
        # If True, the step has values that are printed during a step only.
        self._has_begun = False
        # If True, a value of the axis has been read.
        self._has_axis = False
        self._origins: dict[str, SeriesOrigin] = {}
        self._is_from_start = True
        self._left_out: dict[str, None] = {}
        self._n_lines = 0
        self._n_matching = 0
        self._is_finished = False
        # If True, lines are tried without the spaces around them. Not those of presets: they know
        # their spaces, and some remember what they have matched.
        self._may_miss_spaces = any(not rule.is_trusted for rule in preset.rules)
        # If True, a line would have matched so.
        self._misses_spaces = False

    @property
    def declared_series(self) -> dict[str, str] | None:
        """The kind of each series, or None if their names are read from the log."""
        return self._matcher.kinds

    @property
    def names(self) -> tuple[str, ...]:
        """The series that are drawn, by importance and appearance; the axis is the last."""
        found = sorted((name for name in self.last if name != self._axis), key=self._preset.rank)
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
        shares = [
            min(1.0, max(0.0, value / end))
            if name == PERCENT
            else self._origins[name].progress(end)
            for name, value in self.last.items()
            if (end := self._ends.get(name)) and math.isfinite(value)
        ]
        # A run ends with the first of its series that is at its end.
        return max(shares, default=None)

    @property
    def notes(self) -> list[str]:
        """Sentences on what is not read: left out series and lines, and lines without a match."""
        return [note for note in (self._unmatched(), self._too_many(), self._too_long()) if note]

    def prefer(self, names: Iterable[str]) -> None:
        """Keep these series, however many there are, since conditions use them."""
        self._preferred = frozenset(names)

    def feed(
        self, data: bytes, *, follows: bool = True, read_at: float | None = None
    ) -> list[MetricRow]:
        """Add bytes, and return the rows that they complete.

        Parameters
        ----------
        data
            The bytes.
        follows
            If False, data is missing before these bytes.
        read_at
            Time at which they were written, in seconds since 1970, or None if it is unknown.

        Raises
        ------
        InputError
            The expression takes too long.
        """
        if not follows and not self._origins:
            self._is_from_start = False
        return self._read(self._lines.feed(data, follows=follows), read_at)

    def finish(self, *, read_at: float | None = None) -> list[MetricRow]:
        """Return the rows that are complete at the end of the log."""
        self._is_finished = True
        rows = self._read(self._lines.finish(), read_at)
        self._end_step(rows, read_at)
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

        The column `READ_AT` has the times at which the rows were read.

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
        if READ_AT not in frame:
            # Not pd.to_datetime(unit="s"): some versions (2.2.3) compute with uninitialised
            # memory where the number is NaN, and raise FloatingPointError at random.
            read_at = [
                pd.NaT if row.read_at is None else round(row.read_at * 1e6) * 1000 for row in rows
            ]
            frame[READ_AT] = pd.DatetimeIndex(read_at, dtype="datetime64[ns, UTC]")
        frame.attrs["inductiva"] = {
            **attrs,
            "source": self.source,
            "rows_read": self.samples,
            "is_thinned": len(rows) < self.samples,
            "skipped": self.skipped,
            "left_out": list(self._left_out),
        }
        return frame

    def _points(self, name: str) -> Iterable[tuple[int, float]]:
        return [(row.sample, row.values[name]) for row in self._rows.rows() if name in row.values]

    def _read(self, lines: list[str], read_at: float | None) -> list[MetricRow]:
        self._matcher.reset_budget()
        rows: list[MetricRow] = []
        for line in lines:
            self._n_lines += 1
            matches = self._matcher.matches(line)
            if matches:
                self._n_matching += 1
                self._may_miss_spaces = False
            elif self._may_miss_spaces and line[0].isspace() and self._n_lines <= _MAX_HEADER:
                self._misses_spaces |= bool(self._matcher.matches(line.strip()))
            kept = [match._replace(values=self._keep(match)) for match in matches]
            if self._axis is None:
                values = {name: value for match in kept for name, value in match.values.items()}
                if values:
                    rows.append(self._add(values, read_at))
                continue
            for match in kept:
                self._add_to_step(match, rows, read_at)
        return rows

    def _keep(self, match: Match) -> dict[str, float]:
        """Return the values of the series that are kept, and record what they say of the run."""
        values: dict[str, float] = {}
        for name, value in match.values.items():
            if name.startswith(END):
                self._ends[name.removeprefix(END)] = value
            elif self._is_kept(name):
                values[name] = self.last[name] = value
                self.kinds.setdefault(name, match.rule.kind)
                if name not in self._origins:
                    self._origins[name] = SeriesOrigin(is_known=self._is_from_start)
                self._origins[name].add(value)
            else:
                self._matcher.skipped += 1
        # A later number of the line may have made room for itself.
        return {name: value for name, value in values.items() if name in self.last}

    def _is_kept(self, name: str) -> bool:
        if name in self.last:
            return True
        if name in self._left_out:
            return False
        if len(self.last) < MAX_SERIES:
            return True
        # The newest of the least important ones makes room.
        least = max(reversed(self.last), key=self._rank)
        if self._rank(name) >= self._rank(least):
            self._leave_out(name)
            return False
        self._forget({least})
        self._step.pop(least, None)
        self._leave_out(least)
        return True

    def _forget(self, names: Iterable[str]) -> None:
        for name in names:
            del self.last[name], self.kinds[name]

    def _rank(self, name: str) -> int:
        return -1 if name in self._preferred else self._preset.rank(name)

    def _leave_out(self, name: str) -> None:
        if len(self._left_out) < _MAX_LEFT_OUT:
            self._left_out[name] = None

    def _add_to_step(self, match: Match, rows: list[MetricRow], read_at: float | None) -> None:
        rule, values = match
        if rule.ends_step and not self._step and self._axis not in values:
            return
        if self._axis in values:
            # Values that are printed before a step begins, such as its size, belong to it.
            if self._axis in self._step or (self._has_begun and self._has_axis):
                self._end_step(rows, read_at)
            elif self._has_begun:
                # Equations that are solved before the first step belong to no step.
                self._forget(set(self._step) - set(values))
                self._step, self._has_begun = {}, False
            self._has_axis = True
            self._matcher.end_scope()
        for name, value in values.items():
            # The first value of a step is kept, as in convergence plots, unless a later one is not
            # finite: then the simulation has diverged.
            known = self._step.get(name)
            is_newer = known is None or (rule.is_last and math.isfinite(known))
            if is_newer or not math.isfinite(value):
                self._step[name] = value
        self._has_begun |= bool(values) and not rule.is_last
        if rule.ends_step:
            self._end_step(rows, read_at)

    def _end_step(self, rows: list[MetricRow], read_at: float | None) -> None:
        self._matcher.end_scope()
        if self._step:
            rows.append(self._add(self._step, read_at))
            self._step, self._has_begun = {}, False

    def _add(self, values: dict[str, float], read_at: float | None) -> MetricRow:
        row = self._rows.add(values, read_at)
        self._gaps.add(row, self.last)
        return row

    def _unmatched(self) -> str:
        is_long = self._n_lines > (0 if self._is_finished else _MAX_HEADER)
        if self._n_matching or not self._preset.rules or not is_long:
            return ""
        count = "The line" if self._n_lines == 1 else f"None of the {self._n_lines:,} lines"
        verb = "does not match" if self._n_lines == 1 else "matches"
        note = f"{count} read so far {verb} {self.source!r}."
        if self._misses_spaces:
            note += r" Lines keep their spaces: begin the expression with \s*."
        return note

    def _too_many(self) -> str:
        names = list(self._left_out)
        if not names:
            return ""
        more = f" and {len(names) - _MAX_NAMES:,} more" if len(names) > _MAX_NAMES else ""
        shown = ", ".join(names[:_MAX_NAMES])
        return (
            f"Only {MAX_SERIES} series are kept, and judged by conditions; without {shown}{more}."
        )

    def _too_long(self) -> str:
        count = self._lines.n_too_long
        lines = "1 line was" if count == 1 else f"{count:,} lines were"
        return f"{lines} left out: longer than {MAX_LINE_BYTES:,} bytes." if count else ""


def _validate_end(
    end: Mapping[str, float] | None, names: Collection[str] | None
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
