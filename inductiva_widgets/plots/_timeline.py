"""Chart of task phases: one bar per task, or counts per phase."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inductiva_widgets.formatting import format_duration
from inductiva_widgets.plots import _altair, _columns, _palette, _scales
from inductiva_widgets.plots._columns import Numbers
from inductiva_widgets.status import Status, StatusGroup

TITLE = "Timeline"
MAX_ROWS = 60
# Four pixels each.
_MAX_BINS = _altair.WIDTH // 4
_MARKS = {
    "Queue": "submitted",
    "Preparing": "started",
    "Computing": "computation_started",
    "Finalizing": "computation_ended",
}
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
    phase, by bins of time.

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
    frame = _columns.require_columns(df, "timeline", "status", *_MARKS.values(), "ended")
    codes, statuses = _statuses(frame)
    intervals = phase_intervals(frame, codes, statuses)
    has_begun = intervals.entered.any(axis=0)
    count = int(has_begun.sum())
    if count == 0:
        return _altair.empty_chart(
            TITLE, "No tasks" if frame.empty else "No task has been submitted"
        )
    left_out = len(frame) - count
    note = f"{left_out:,} not yet submitted" if left_out else ""
    shown = PhaseIntervals(intervals.starts[:, has_begun], intervals.ends[:, has_begun])
    if count > MAX_ROWS:
        return _counted(shown, note)
    names = [_columns.xml_safe(name) for name in frame.index[np.flatnonzero(has_begun)]]
    return _lines(shown, names, [statuses[code] for code in codes[has_begun]], note)


def _statuses(frame: pd.DataFrame) -> tuple[NDArray[np.intp], list[Status]]:
    codes, names = _columns.texts(frame["status"])
    # The last item is for -1, a missing status.
    return codes, [*map(Status, names), Status("unknown")]


def phase_intervals(
    frame: pd.DataFrame, codes: NDArray[np.intp], statuses: list[Status]
) -> PhaseIntervals:
    """Return the phases of tasks; each ends when the next entered phase begins."""
    starts = np.array([_columns.timestamps(frame, name) for name in _MARKS.values()])
    ended = _columns.timestamps(frame, "ended")
    is_over = np.array([status.is_terminal for status in statuses])[codes]
    now = _columns.as_of(frame, starts, ended)
    following = np.where(np.isnan(ended) & ~is_over, now, ended)
    ends = np.empty_like(starts)
    for index in reversed(range(len(starts))):
        # If its end is unknown, the last phase has no length, rather than a wrong one.
        ends[index] = np.fmax(starts[index], following)
        following = np.where(np.isnan(starts[index]), following, starts[index])
    return PhaseIntervals(starts, np.where(np.isnan(starts), np.nan, ends))


def _lines(shown: PhaseIntervals, names: list[str], statuses: list[Status], note: str) -> Any:
    alt = _altair.altair()
    begins, last = np.nanmin(shown.starts, axis=0), float(np.nanmax(shown.ends))
    first = float(begins.min())
    lengths = np.nanmax(shown.ends, axis=0) - begins
    is_aligned = float(np.median(lengths)) < 0.01 * (last - first)
    origin = begins if is_aligned else np.zeros_like(begins)
    rows: dict[str, list[Any]] = {name: [] for name in _FIELDS}
    for row in np.argsort(begins, kind="stable"):
        failed = _failed_phase(shown, int(row), statuses[row])
        for phase in np.flatnonzero(shown.entered[:, row]):
            start, end = float(shown.starts[phase, row]), float(shown.ends[phase, row])
            values = (
                names[row],
                "Failed" if phase == failed else PHASES[phase],
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
    order = list(dict.fromkeys(rows["task"]))
    if is_aligned:
        x = alt.X("from:Q", **_scales.linear_axis(lengths).parts("Time since submission"))
    else:
        x = _scales.time_axis("from", last - first, grid=True)
    step = 18 if len(order) <= 20 else 12
    picture = _altair.base_chart(_altair.to_records(rows)).mark_bar(
        height={"band": 0.72}, strokeWidth=0.6, x2Offset=-1.6
    )
    picture = picture.encode(
        x=x,
        x2="to",
        y=alt.Y(
            "task:N",
            scale=alt.Scale(domain=order),
            axis=alt.Axis(
                title=None,
                labelLimit=78,
                ticks=False,
                domain=False,
                labelFontSize=min(11, step - 2),
            ),
        ),
        color=_colour(colours),
        stroke=alt.Stroke("colour:N", legend=None, scale=_scale(colours)),
        tooltip=[
            alt.Tooltip("task:N", title="Task"),
            alt.Tooltip("status:N", title="Status"),
            alt.Tooltip("phase:N", title="Phase"),
            alt.Tooltip("began:N", title="From (UTC)"),
            alt.Tooltip("took:N", title="Took"),
        ],
    ).properties(width=_altair.WIDTH, height=alt.Step(step))
    count = _altair.count_label(len(names))
    how = "each from its own submission" if is_aligned else ""
    said = ", ".join(
        part for part in (count, _scales.format_period(first, last), how, note) if part
    )
    return _altair.titled(picture, TITLE, said)


_FIELDS = ("task", "colour", "phase", "from", "to", "seconds", "took", "began", "status")


def _failed_phase(shown: PhaseIntervals, row: int, status: Status) -> int | None:
    """Return the phase in which a task went wrong, as the widgets show it."""
    if status.info.group is not StatusGroup.FAILED:
        return None
    entered = shown.entered[:, row]
    computing = PHASES.index("Computing")
    # The files are stored even if a command has failed or timed out.
    if status in (Status.FAILED, Status.TTL_EXCEEDED) and entered[computing]:
        return computing
    # A phase without length would be invisible.
    lasted = entered & (shown.ends[:, row] > shown.starts[:, row])
    return int(np.flatnonzero(lasted if lasted.any() else entered)[-1])


def _counted(shown: PhaseIntervals, note: str) -> Any:
    alt = _altair.altair()
    first, last = float(np.nanmin(shown.starts)), float(np.nanmax(shown.ends))
    bins = _scales.time_bins(first, last, _MAX_BINS)
    rows: dict[str, list[Any]] = {name: [] for name in ("at", "phase", "tasks", "shown", "when")}
    for index, phase in enumerate(PHASES):
        means = _mean_counts(shown.starts[index], shown.ends[index], bins.edges)
        # A step ends where the next begins: the last needs one more, of no height.
        steps = [*means.tolist(), 0.0]
        rows["at"] += (bins.edges * 1000).tolist()
        rows["phase"] += [phase] * len(steps)
        rows["tasks"] += steps
        rows["shown"] += [f"{mean:,.3g}" if mean < 100 else f"{mean:,.0f}" for mean in steps]
        rows["when"] += [_scales.format_time(edge) for edge in bins.edges.tolist()]
    rows["rank"] = [PHASES.index(phase) for phase in rows["phase"]]
    picture = _altair.base_chart(_altair.to_records(rows)).mark_area(
        interpolate="step-after", style="segment"
    )
    picture = picture.encode(
        x=_scales.time_axis("at", last - first, nice=False),
        y=alt.Y(
            "tasks:Q",
            stack="zero",
            axis=alt.Axis(title="Tasks at a time, mean", tickCount=5, format=",~r"),
        ),
        color=_colour(list(PHASES), "phase"),
        order=alt.Order("rank:Q", sort="descending"),
        tooltip=[
            alt.Tooltip("phase:N", title="Phase"),
            alt.Tooltip("when:N", title="From (UTC)"),
            alt.Tooltip("shown:N", title="Tasks, mean"),
        ],
    ).properties(width=_altair.WIDTH, height=260)
    period = _scales.format_period(first, last)
    count = f"{shown.starts.shape[1]:,} tasks, {period}, in bins of {bins.width}"
    return _altair.titled(picture, TITLE, ", ".join(part for part in (count, note) if part))


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
