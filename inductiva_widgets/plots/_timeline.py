"""Chart of task phases: one bar per task, or counts per phase."""

from __future__ import annotations

from itertools import compress
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inductiva_widgets.formatting import format_duration
from inductiva_widgets.plots import _altair, _columns, _palette, _scales
from inductiva_widgets.plots._columns import Numbers
from inductiva_widgets.status import Status
from inductiva_widgets.timing import failed_phase

MAX_ROWS = 60
_MAX_LETTERS = 13
_AFTER = "\N{RIGHTWARDS ARROW}"
# Four pixels each.
_MAX_BINS = _altair.WIDTH // 4
_MARKS = {
    "Queue": "submitted",
    "Preparing": "started",
    "Computing": "computation_started",
    "Finalizing": "computation_ended",
}
_TIMES = (*_MARKS.values(), "ended")
PHASES = tuple(_MARKS)


class PhaseIntervals(NamedTuple):
    """Begin and end of every phase of every task, in seconds since 1970; rows are phases."""

    starts: Numbers
    ends: Numbers

    @property
    def entered(self) -> NDArray[np.bool_]:
        """Which phases were entered."""
        return np.isfinite(self.starts)


def timeline(df: pd.DataFrame) -> Any:
    """Chart when tasks queued, were prepared, computed and were finalized.

    Up to 60 tasks are a row each, on a common time axis, or from their submission if they are
    short in relation to the period. More tasks are counted: the mean number of tasks in each
    phase, by bins of time. The last bin ends at the time of the frame; it is faint if that is
    before its regular end. A few values that are ten times higher than the rest end at the edge
    of the chart, where a text has the value.

    Parameters
    ----------
    df
        Tasks with the columns ``status``, ``submitted``, ``started``, ``computation_started``,
        ``computation_ended`` and ``ended``. Unfinished tasks last until the time of the
        frame.

    Returns
    -------
    altair.TopLevelMixin
        The chart, see ``inductiva_widgets.plots``.

    Raises
    ------
    InputError
        A column is missing, or Altair is not installed.

    Examples
    --------
    >>> chart = inductiva.plots.timeline(df.query("simulator == 'reef3d'"))
    >>> chart.save("timeline.html")
    """
    rows = _columns.require_columns(df, "timeline", "status", *_TIMES)
    frame = rows.frame
    codes, statuses = _statuses(frame)
    now = _columns.as_of(frame, *(_columns.timestamps(frame, name) for name in _TIMES))
    intervals = phase_intervals(frame, now)
    has_begun: _columns.Mask = np.asarray(intervals.entered.any(axis=0))
    count = int(has_begun.sum())
    if count == 0:
        why = "No tasks" if frame.empty else "No task has been submitted"
        return _altair.empty_chart("Phases of each task", rows, why)
    notes = []
    if left_out := len(frame) - count:
        notes.append(f"{left_out:,} not yet submitted")
    if live := int((_columns.is_unfinished(frame) & has_begun).sum()):
        notes.append(f"{live:,} unfinished, shown until {_scales.format_time(now)} UTC")
    shown = PhaseIntervals(intervals.starts[:, has_begun], intervals.ends[:, has_begun])
    if count > MAX_ROWS:
        picture, title, lines = _counted(shown, now)
    else:
        names = list(compress(rows.ids, has_begun))
        picture, title, lines = _lines(shown, names, [statuses[code] for code in codes[has_begun]])
    subtitle = [_altair.count_label(count), *lines]
    return _altair.titled(picture, title, rows, ", ".join(subtitle), ", ".join(notes))


def _statuses(frame: pd.DataFrame) -> tuple[NDArray[np.intp], list[Status]]:
    codes, names = _columns.texts(frame["status"])
    # The last item is for -1, a missing status.
    return codes, [*map(Status, names), Status("unknown")]


def phase_intervals(frame: pd.DataFrame, now: float) -> PhaseIntervals:
    """Return the phases of tasks; each ends when the next entered phase begins.

    Parameters
    ----------
    frame
        The tasks.
    now
        Time until which unfinished tasks last.
    """
    starts = np.array([_columns.timestamps(frame, name) for name in _MARKS.values()])
    ended = _columns.timestamps(frame, "ended")
    following = np.where(_columns.is_unfinished(frame), now, ended)
    ends = np.empty_like(starts)
    for index in reversed(range(len(starts))):
        # If its end is unknown, the last phase has no length, rather than a wrong one.
        ends[index] = np.fmax(starts[index], following)
        following = np.where(np.isnan(starts[index]), following, starts[index])
    return PhaseIntervals(starts, np.where(np.isnan(starts), np.nan, ends))


def _lines(
    shown: PhaseIntervals, names: list[str], statuses: list[Status]
) -> tuple[Any, str, list[str]]:
    """Return a chart with a row for each task, its title, and parts of its subtitle."""
    alt = _altair.altair()
    begins, last = np.nanmin(shown.starts, axis=0), float(np.nanmax(shown.ends))
    first = float(begins.min())
    lengths = np.nanmax(shown.ends, axis=0) - begins
    is_aligned = float(np.median(lengths)) < 0.01 * (last - first)
    origin = begins if is_aligned else np.zeros_like(begins)
    labels = _columns.short_labels(names, _MAX_LETTERS)
    rows: dict[str, list[Any]] = {name: [] for name in _FIELDS}
    for row in np.argsort(begins, kind="stable"):
        failed = _failed_phase(shown, int(row), statuses[row])
        for phase in np.flatnonzero(shown.entered[:, row]):
            start, end = float(shown.starts[phase, row]), float(shown.ends[phase, row])
            values = (
                names[row],
                labels[row],
                "Failed" if PHASES[phase].lower() == failed else PHASES[phase],
                PHASES[phase],
                (start - origin[row]) * (1 if is_aligned else 1000),
                (end - origin[row]) * (1 if is_aligned else 1000),
                end - start,
                format_duration(end - start),
                _scales.format_time(start),
                statuses[row].alias,
            )
            for field, value in zip(_FIELDS, values, strict=True):
                rows[field].append(value)
    colours = [name for name in _palette.PHASES if name in rows["colour"]]
    order = list(dict.fromkeys(rows["label"]))
    limit = _scales.outlier_limit(lengths) if is_aligned else None
    if is_aligned:
        within = lengths if limit is None else np.minimum(lengths, limit)
        x = alt.X("from:Q", **_scales.linear_axis(within).parts("Time since submission"))
    else:
        x = _scales.time_axis("from", last - first, grid=True)
    step = 18 if len(order) <= 20 else 12
    y = alt.Y(
        "label:N",
        scale=alt.Scale(domain=order),
        axis=alt.Axis(
            title=None,
            labelLimit=_altair.LABEL_LIMIT,
            ticks=False,
            domain=False,
            labelFontSize=min(11, step - 2),
        ),
    )
    picture = _altair.base_chart(_altair.to_records(rows)).mark_bar(
        height={"band": 0.72}, strokeWidth=0.6, x2Offset=-1.6, clip=True
    )
    picture = picture.encode(
        x=x,
        x2="to",
        y=y,
        color=_colour(colours),
        stroke=alt.Stroke("colour:N", legend=None, scale=_scale(colours)),
        tooltip=[
            alt.Tooltip("task:N", title="Task"),
            alt.Tooltip("status:N", title="Status"),
            alt.Tooltip("phase:N", title="Phase"),
            alt.Tooltip("began:N", title="From (UTC)"),
            alt.Tooltip("took:N", title="Took"),
        ],
    )
    lines = [_scales.format_period(first, last)]
    if limit is not None:
        beyond = [
            (label, took) for label, took in zip(labels, lengths, strict=True) if took > limit
        ]
        lines.append(f"{len(beyond):,} beyond the axis")
        picture = _altair.layer(picture, _lengths_beyond(beyond, y))
    title = "Phases of each task since its submission" if is_aligned else "Phases of each task"
    return picture.properties(width=_altair.WIDTH, height=alt.Step(step)), title, lines


def _lengths_beyond(beyond: list[tuple[str, float]], y: Any) -> Any:
    """Return the lengths of tasks that end beyond the axis, on its right."""
    alt = _altair.altair()
    data = {
        "label": [label for label, _ in beyond],
        "words": [f"{_AFTER} {format_duration(took)}" for _, took in beyond],
    }
    words = _altair.base_chart(_altair.to_records(data)).mark_text(align="left", dx=4)
    return words.encode(x=alt.value(_altair.WIDTH), y=y, text="words:N")


_FIELDS = (
    "task",
    "label",
    "colour",
    "phase",
    "from",
    "to",
    "seconds",
    "took",
    "began",
    "status",
)


def _failed_phase(shown: PhaseIntervals, row: int, status: Status) -> str | None:
    """Return the phase in which a task went wrong, as the widgets show it."""
    entered = shown.entered[:, row]
    # A phase without length would be invisible.
    lasted = entered & (shown.ends[:, row] > shown.starts[:, row])
    visible = np.flatnonzero(lasted if lasted.any() else entered)
    return failed_phase(status, [PHASES[phase].lower() for phase in visible])


def _counted(shown: PhaseIntervals, now: float) -> tuple[Any, str, list[str]]:
    """Return a chart of the number of tasks in each phase, its title, and parts of its subtitle."""
    first, last = float(np.nanmin(shown.starts)), float(np.nanmax(shown.ends))
    bins = _scales.time_bins(first, last, _MAX_BINS)
    unfinished = bins.unfinished(now)
    # Nothing is known of the time after the frame: it would lower the mean of the last bin.
    edges = np.minimum(bins.edges, now)
    means = np.array(
        [_mean_counts(*phase, edges) for phase in zip(shown.starts, shown.ends, strict=True)]
    )
    totals = means.sum(axis=0)
    limit = _scales.outlier_limit(totals)
    picture = _areas(means, edges, last - first, limit)
    lines = [_scales.format_period(first, last), f"in bins of {bins.width}"]
    layers = [picture]
    if unfinished is not None:
        lines.append("faint: unfinished bin")
        layers.append(_unfinished_overlay(edges[unfinished : unfinished + 2]))
    if limit is not None:
        count = int((totals > limit).sum())
        lines.append(f"{count:,} bin{'s' * (count > 1)} beyond the axis")
        layers.append(_counts_beyond(totals, edges, limit))
    picture = picture if len(layers) == 1 else _altair.layer(*layers)
    picture = picture.properties(width=_altair.WIDTH, height=260)
    return picture, "Number of tasks in each phase", lines


def _areas(means: Numbers, edges: Numbers, span: float, limit: float | None) -> Any:
    alt = _altair.altair()
    rows: dict[str, list[Any]] = {name: [] for name in ("at", "phase", "tasks", "shown", "when")}
    for phase, own in zip(PHASES, means, strict=True):
        # A step ends where the next begins: the last needs one more, of no height.
        steps = [*own.tolist(), 0.0]
        rows["at"] += (edges * 1000).tolist()
        rows["phase"] += [phase] * len(steps)
        rows["tasks"] += steps
        rows["shown"] += [_count(mean) for mean in steps]
        rows["when"] += [_scales.format_time(edge) for edge in edges.tolist()]
    rows["rank"] = [PHASES.index(phase) for phase in rows["phase"]]
    scale = alt.Scale() if limit is None else alt.Scale(domain=[0, limit], nice=False)
    return (
        _altair.base_chart(_altair.to_records(rows))
        .mark_area(interpolate="step-after", style="segment", clip=True)
        .encode(
            x=_scales.time_axis("at", span, nice=False),
            y=alt.Y(
                "tasks:Q",
                stack="zero",
                scale=scale,
                axis=alt.Axis(title="Tasks at a time, mean", tickCount=5, format=",~r"),
            ),
            color=_colour(list(PHASES), "phase"),
            order=alt.Order("rank:Q", sort="descending"),
            tooltip=[
                alt.Tooltip("phase:N", title="Phase"),
                alt.Tooltip("when:N", title="From (UTC)"),
                alt.Tooltip("shown:N", title="Tasks, mean"),
            ],
        )
    )


def _count(mean: float) -> str:
    return f"{mean:,.3g}" if mean < 100 else f"{mean:,.0f}"


def _unfinished_overlay(edges: Numbers) -> Any:
    """Return a layer that makes a bin faint."""
    alt = _altair.altair()
    start, end = (edges * 1000).tolist()
    overlay = _altair.base_chart(_altair.to_records({"from": [start], "to": [end]}))
    return overlay.mark_rect(style="unfinished", tooltip=None).encode(x=alt.X("from:T"), x2="to")


def _counts_beyond(totals: Numbers, edges: Numbers, limit: float) -> Any:
    """Return the highest number of each row of bins that end beyond the axis."""
    alt = _altair.altair()
    rows: dict[str, list[Any]] = {"at": [], "words": [], "limit": []}
    beyond = np.flatnonzero(totals > limit)
    for run in np.split(beyond, np.flatnonzero(np.diff(beyond) > 1) + 1):
        rows["at"].append(edges[run[-1] + 1] * 1000)
        rows["words"].append(f"{_altair.BEYOND} {_count(float(totals[run].max()))}")
        rows["limit"].append(limit)
    words = _altair.base_chart(_altair.to_records(rows))
    words = words.mark_text(align="left", baseline="top", dx=4, dy=2)
    return words.encode(x=alt.X("at:T"), y=alt.Y("limit:Q"), text="words:N")


def _mean_counts(starts: Numbers, ends: Numbers, edges: Numbers) -> Numbers:
    """Return the mean number of intervals in each bin: their time in it by its width."""
    entered = np.isfinite(starts)
    spent = _time_since(starts[entered], edges) - _time_since(ends[entered], edges)
    means: Numbers = np.diff(spent) / np.diff(edges)
    return np.maximum(means, 0.0)


def _time_since(moments: Numbers, edges: Numbers) -> Numbers:
    """Return for each edge the time since every moment before it, summed."""
    # Relative to the first edge, for small rounding errors.
    ordered = np.sort(moments - edges[0])
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    before = np.searchsorted(ordered, edges - edges[0])
    since: Numbers = before * (edges - edges[0]) - sums[before]
    return since


def _scale(names: list[str]) -> Any:
    return _altair.altair().Scale(domain=names, range=[_palette.PHASES[name] for name in names])


def _colour(names: list[str], field: str = "colour") -> Any:
    alt = _altair.altair()
    return alt.Color(f"{field}:N", scale=_scale(names), legend=_altair.legend(names))
