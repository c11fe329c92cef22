"""Axes, bins and labels for time, durations and costs."""

from __future__ import annotations

import math
from datetime import datetime, timezone
from typing import Any, NamedTuple

import numpy as np

from inductiva_widgets.formatting import format_cost
from inductiva_widgets.plots._altair import altair
from inductiva_widgets.plots._columns import Numbers

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
_STEPS = (
    *(1.0, 2.0, 5.0, 10.0, 15.0, 30.0),
    *(n * MINUTE for n in (1, 2, 5, 10, 15, 30)),
    *(n * HOUR for n in (1, 2, 3, 6, 12)),
    *(n * DAY for n in (1, 2, 7, 14, 28, 56, 112, 364)),
)
# Fixed expressions, which contain no text of a task.
_DURATION = (
    "datum.value == 0 ? '0' : datum.value < 60 ? format(datum.value, '~r') + ' s'"
    " : datum.value < 3600 ? format(datum.value / 60, '~r') + ' min'"
    " : datum.value < 86400 ? format(datum.value / 3600, '~r') + ' h'"
    " : format(datum.value / 86400, ',~r') + ' d'"
)
_MONEY = "format(datum.value, ',~r')"
_CLOCK = (
    "utcFormat(datum.value, utcseconds(datum.value) ? '%H:%M:%S'"
    " : utchours(datum.value) || utcminutes(datum.value) ? '%H:%M' : '%-d %b')"
)
_DATE = (
    "utcFormat(datum.value, utcdate(datum.value) != 1 ? '%-d %b'"
    " : utcmonth(datum.value) ? '%b' : '%Y')"
)
_LOG_TICKS = (
    0.1,
    1.0,
    10.0,
    MINUTE,
    10 * MINUTE,
    HOUR,
    6 * HOUR,
    DAY,
    7 * DAY,
    30 * DAY,
    365 * DAY,
)

# How far a chart of sums reaches beyond its highest ordinary value.
_CLIPPED_ROOM = 1.25
_OUTLIER_FACTOR = 10
_MIN_BARS = 9
_CALENDAR = (
    (2 * DAY, "h", "hour"),
    (62 * DAY, "D", "day"),
    (400 * DAY, "W", "week"),
    (3000 * DAY, "M", "month"),
)


class Bins(NamedTuple):
    """Adjacent bins of time; edges in seconds since 1970."""

    edges: Numbers
    width: str

    def unfinished(self, now: float) -> int | None:
        """Return the index of the bin that is not over, or None if all are."""
        index = int(np.searchsorted(self.edges, now, side="right")) - 1
        is_inside = 0 <= index < len(self.edges) - 1 and now > self.edges[index]
        return index if is_inside else None


def time_bins(first: float, last: float, max_bins: int) -> Bins:
    """Return equal bins over both times that begin at whole hours, days or Mondays."""
    step = next((step for step in _STEPS if (last - first) / step < max_bins - 1), _STEPS[-1])
    while (last - first) / step >= max_bins - 1:
        step *= 2
    # 1970 began on a Thursday, weeks begin on Mondays.
    origin = 4 * DAY if step > DAY else 0.0
    begin = np.floor((first - origin) / step)
    end = max(begin + 1, np.ceil((last - origin) / step))
    return Bins(origin + np.arange(begin, end + 1) * step, format_step(step))


def calendar_bins(first: float, last: float) -> Bins:
    """Return bins of an hour, day, week, month or year, so that there are some dozens."""
    span = last - first
    unit, width = next(
        ((unit, width) for limit, unit, width in _CALENDAR if span <= limit), ("Y", "year")
    )
    moments = np.array([first, last]).astype("datetime64[s]")
    begin, end = moments.astype(f"datetime64[{unit}]")
    # numpy weeks begin on Thursdays, as 1970 did.
    shift = np.timedelta64(4 * int(DAY) if unit == "W" else 0, "s")
    if unit == "W":
        begin, end = (moments - shift).astype("datetime64[W]")
    # A single bar would fill the chart: add empty bins on both sides.
    margin = max(0, _MIN_BARS - int((end - begin).astype(int)) - 1) // 2
    edges = np.arange(begin - margin, end + margin + 2).astype("datetime64[s]") + shift
    return Bins(edges.astype(np.float64), width)


def format_step(step: float) -> str:
    """Format the width of a bin, as in ``6 h``."""
    for unit, name in ((7 * DAY, "week"), (DAY, "day"), (HOUR, "h"), (MINUTE, "min")):
        if step >= unit and step % unit == 0:
            count = int(step // unit)
            return f"{count:,} {name}{'s' if count > 1 and unit >= DAY else ''}"
    return f"{step:g} s"


def format_time(moment: float) -> str:
    """Format a time in UTC, as in ``18 Nov 2026, 14:03``."""
    utc = datetime.fromtimestamp(moment, timezone.utc)
    return f"{utc.day} {utc:%b %Y, %H:%M}"


def format_period(first: float, last: float) -> str:
    """Format a period, in days if it is longer than two days."""
    begin, end = format_time(first), format_time(last)
    (day, _, _), (last_day, _, hour) = begin.partition(", "), end.partition(", ")
    if last - first > 2 * DAY:
        return f"{day} to {last_day}"
    if begin == end:
        return f"{begin} UTC"
    return f"{begin} to {hour if day == last_day else end} UTC"


def time_axis(field: str, span: float, **options: Any) -> Any:
    """Return the horizontal axis of times, in milliseconds since 1970 and shown in UTC.

    Parameters
    ----------
    field
        Field of the times.
    span
        Seconds from the first to the last time.
    options
        ``grid``, and options of the scale.
    """
    alt = altair()
    axis = alt.Axis(
        labelExpr=_CLOCK if span < 31 * DAY else _DATE,
        title="Time (UTC)",
        grid=options.pop("grid", False),
        labelOverlap=True,
        tickCount=8,
    )
    scale = alt.Scale(type="utc", **options)
    return alt.X(f"{field}:T", axis=axis, scale=scale)


class AxisRange(NamedTuple):
    """Axis of durations or amounts, logarithmic if they differ by orders of magnitude."""

    is_log: bool
    low: float
    high: float
    ticks: list[float]
    label_expression: str = _DURATION
    is_cut: bool = False
    """Whether a logarithmic axis begins above some values."""

    def drawn(self, values: Numbers) -> Numbers:
        """Return the positions of values, at least the start of a logarithmic axis."""
        return np.maximum(values, self.low) if self.is_log else values

    def parts(self, title: str | None) -> dict[str, Any]:
        """Return axis and scale for an encoding."""
        alt = altair()
        if title and self.is_log:
            title = f"{title}, log scale"
        floor = f"datum.value <= {float(self.low)!r} ? '\N{LESS-THAN OR EQUAL TO} ' : ''"
        label = self.label_expression
        label = f"({floor}) + ({label})" if self.is_cut else label
        axis = alt.Axis(
            values=self.ticks, labelExpr=label, title=title,
            labelOverlap=True, labelFlush=False,
        )  # fmt: skip
        kind = "log" if self.is_log else "linear"
        return {
            "axis": axis,
            "scale": alt.Scale(type=kind, domain=[self.low, self.high], nice=False, zero=False),
        }


def duration_axis(values: Numbers) -> AxisRange:
    """Return a linear or logarithmic axis for durations in seconds, without NaN."""
    known = values[np.isfinite(values)]
    if not known.size:
        return AxisRange(False, 0.0, 1.0, [])
    high = float(known.max())
    if high <= 30 or not _is_wide(known, high, 0.1):
        return linear_axis(known)
    least = max(float(np.quantile(known, 0.01)), 1.0)
    low = max(tick for tick in _LOG_TICKS if tick <= least)
    ticks = [tick for tick in _LOG_TICKS if low <= tick <= high]
    return AxisRange(True, low, high * 1.15, ticks, is_cut=bool(known.min() < low))


def _is_wide(values: Numbers, high: float, least: float) -> bool:
    """Return whether most values would be next to each other on a linear axis."""
    first, third = np.maximum(np.quantile(values, [0.25, 0.75]), least).tolist()
    return bool(high > 20 * first or high > 8 * third)


def outlier_limit(values: Numbers) -> float | None:
    """Return where a linear axis ends so that outliers do not hide the rest, or None.

    Outliers are at most 5 % of the values, or one, and ten times higher than any further value.
    """
    ordered = np.sort(values[values > 0])[::-1]
    if len(ordered) < 3:
        return None
    for count in range(1, max(1, len(ordered) // 20) + 1):
        if ordered[count - 1] > _OUTLIER_FACTOR * ordered[count]:
            return float(ordered[count]) * _CLIPPED_ROOM
    return None


def linear_axis(values: Numbers) -> AxisRange:
    """Return a linear axis from 0 to the longest duration."""
    known = values[np.isfinite(values)]
    high = max(float(known.max()) if known.size else 1.0, 0.001) * 1.04
    if high < _STEPS[0] * 5:
        step = _even_step(high)
    elif high > _STEPS[-1] * 5:
        step = DAY * _even_step(high / DAY)
    else:
        step = next(step for step in _STEPS if step * 5 >= high)
    return AxisRange(False, 0.0, high, np.arange(0, high, step).tolist())


def _even_step(high: float) -> float:
    """Return 1, 2 or 5 times a power of ten for at most six steps up to a number."""
    power = 10.0 ** math.floor(math.log10(high))
    return power * next(step for step in (0.1, 0.2, 0.5, 1, 2) if high / (step * power) <= 6)


def cost_axis(values: Numbers) -> AxisRange:
    """Return a linear or logarithmic axis for amounts of money, without NaN."""
    known = values[np.isfinite(values)]
    high = max(float(known.max()) if known.size else 1.0, 1e-6)
    above = known[known > 0]
    if above.size and _is_wide(above, high, 0.0):
        least = max(float(np.quantile(above, 0.01)), 1e-6 * high)
        powers = range(math.floor(math.log10(least)), math.ceil(math.log10(high)) + 1)
        factors = (1, 2, 5) if len(powers) <= 4 else (1,)
        marks = [factor * 10.0**power for power in powers for factor in factors]
        low = max(mark for mark in marks if mark <= least)
        ticks = [mark for mark in marks if low <= mark <= high * 1.2]
        return AxisRange(True, low, high * 1.3, ticks, _MONEY, is_cut=bool(known.min() < low))
    ticks = np.arange(0, high * 1.06, _even_step(high)).tolist()
    return AxisRange(False, 0.0, high * 1.06, ticks, _MONEY)


def format_usd(amount: float) -> str:
    """Format an amount of money, without cents from $1000 on."""
    return f"${amount:,.0f}" if amount >= 1000 else format_cost(amount)
