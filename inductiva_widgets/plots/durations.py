"""How long tasks took, by machine, simulator or any other column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from inductiva_widgets.errors import InputError
from inductiva_widgets.formatting import format_short
from inductiva_widgets.plots import chart, columns, groups, scales
from inductiva_widgets.plots.columns import Numbers
from inductiva_widgets.plots.groups import Groups

TITLE = "Times"
MOST_POINTS = 200
_MOST_GROUPS = 16
_COLOURS = ("#b48a1c", "#1769c9", "#8a6fc0", "#2a9d8f")
_LEVELS = {"low": 0.05, "first": 0.25, "middle": 0.5, "third": 0.75, "high": 0.95}


def times(
    df: pd.DataFrame,
    by: str = "machine_type",
    what: Sequence[str] = ("queue_time", "computation_time"),
) -> Any:
    """Return how queue and computation times are distributed; costs no request.

    Up to 200 tasks are a point each, with a line at the median. Of more there are boxes: the
    median, the middle half, and a line from 5 % to 95 %.

    Parameters
    ----------
    df
        Tasks.
    by
        Column whose values are compared, such as ``"simulator"`` or ``"metadata.<key>"``; the 16
        largest groups are shown, the others as one.
    what
        Columns of durations, one panel each.

    Returns
    -------
    altair.TopLevelMixin
        The chart, see :mod:`inductiva_widgets.plots`. An axis is logarithmic where times differ by
        much.

    Raises
    ------
    InputError
        A column is missing, or Altair is not installed.
    """
    wanted = [what] if isinstance(what, str) else list(what)
    if not wanted:
        raise InputError('plots.times needs columns of durations: what=["queue_time"].')
    frame = columns.require(df, "times", *wanted)
    kept = groups.grouped(frame, by, "times", _MOST_GROUPS)
    title = f"{TITLE} by {_title(by).lower()}"
    if frame.empty:
        return chart.no_tasks(title)
    values = {name: columns.seconds(frame, name) for name in wanted}
    is_few = len(frame) <= MOST_POINTS
    width = (chart.WIDTH - 24 * (len(wanted) - 1)) // len(wanted)
    panels = []
    for place, (name, told) in enumerate(values.items()):
        draw = _points if is_few else _boxes
        layers = draw(frame, kept, told, name, _COLOURS[place % len(_COLOURS)], place == 0)
        step = 22 if len(kept) > 4 else 34
        panels.append(chart.layers(*layers).properties(width=width, height=step * len(kept)))
    count = chart.tasks(len(frame))
    how = (
        f"{count}, a point each; line: median"
        if is_few
        else f"{count}, aggregated: median, middle half (box), 5 % to 95 % (line)"
    )
    missing = [
        f"{int(np.isnan(told).sum()):,} without a {_title(name).lower()}"
        for name, told in values.items()
        if np.isnan(told).any()
    ]
    return chart.finished(chart.row(*panels), title, how, ", ".join(missing))


def _title(name: str) -> str:
    return columns.safe(name).replace("_", " ").capitalize()


def _y(kept: Groups, is_first: bool) -> Any:
    alt = chart.altair()
    axis = alt.Axis(title=None, labelLimit=150, ticks=False, domain=False, labels=is_first)
    return alt.Y("group:N", scale=alt.Scale(domain=kept.names, paddingInner=0.3), axis=axis)


def _points(
    frame: pd.DataFrame, kept: Groups, told: Numbers, name: str, colour: str, is_first: bool
) -> list[Any]:
    alt = chart.altair()
    known = np.isfinite(told)
    axis = scales.duration_axis(told)
    seconds = told[known]
    # Beside each other, the first in the middle, the same in every run.
    turn = pd.Series(kept.places[known]).groupby(kept.places[known]).cumcount().to_numpy()
    aside = (0.5 + turn * 0.618) % 1
    data = {
        "group": [kept.names[place] for place in kept.places[known]],
        "task": [columns.safe(task) for task in frame.index[known]],
        "seconds": seconds.tolist(),
        "drawn": axis.drawn(seconds).tolist(),
        "aside": aside.tolist(),
        "took": [format_short(value) for value in seconds.tolist()],
    }
    tooltip = [
        alt.Tooltip("task:N", title="Task"),
        alt.Tooltip("group:N", title="Group"),
        alt.Tooltip("took:N", title=_title(name)),
    ]
    x = alt.X("drawn:Q", **axis.parts(_title(name)))
    points = (
        chart.single(chart.data_of(data))
        .mark_circle(size=36, opacity=0.75, color=colour)
        .encode(
            x=x,
            y=_y(kept, is_first),
            yOffset=alt.YOffset("aside:Q", scale=alt.Scale(domain=[-0.15, 1.15])),
            tooltip=tooltip,
        )
    )
    medians = _levels(kept.of(known), seconds, axis)
    line = (
        chart.single(chart.data_of(medians))
        .mark_tick(thickness=2.5, color=colour, height={"band": 0.9})
        .encode(x=alt.X("middle:Q"), y=_y(kept, is_first), tooltip=_told(name))
    )
    return [points, line]


def _boxes(
    frame: pd.DataFrame, kept: Groups, told: Numbers, name: str, colour: str, is_first: bool
) -> list[Any]:
    del frame
    alt = chart.altair()
    known = np.isfinite(told)
    axis = scales.duration_axis(told)
    base = chart.single(chart.data_of(_levels(kept.of(known), told[known], axis)))
    shared = {"y": _y(kept, is_first), "tooltip": _told(name)}
    whisker = base.mark_rule(color=colour, strokeWidth=1.5).encode(
        x=alt.X("low:Q", **axis.parts(_title(name))), x2="high", **shared
    )
    box = base.mark_bar(
        color=colour, fillOpacity=0.4, stroke=colour, strokeWidth=1, height={"band": 0.8}
    ).encode(x="first:Q", x2="third", **shared)
    line = base.mark_tick(color=colour, thickness=3, height={"band": 0.8}).encode(
        x="middle:Q", **shared
    )
    return [whisker, box, line]


def _levels(kept: Groups, seconds: Numbers, axis: scales.Range) -> dict[str, list[Any]]:
    """Return the quantiles of every group: where they are drawn, and in words."""
    rows: dict[str, list[Any]] = {"group": [], "tasks": [], "total": []}
    rows |= {level: [] for level in _LEVELS} | {f"{level}_words": [] for level in _LEVELS}
    order = np.argsort(kept.places, kind="stable")
    edges = np.searchsorted(kept.places[order], np.arange(len(kept) + 1))
    for place, name in enumerate(kept.names):
        own = seconds[order[edges[place] : edges[place + 1]]]
        if not own.size:
            continue
        rows["group"].append(name)
        rows["tasks"].append(int(own.size))
        rows["total"].append(float(own.sum()))
        levels = np.quantile(own, list(_LEVELS.values()))
        for level, value, at in zip(_LEVELS, levels.tolist(), axis.drawn(levels), strict=True):
            rows[level].append(float(at))
            rows[f"{level}_words"].append(format_short(value))
    return rows


def _told(name: str) -> list[Any]:
    alt = chart.altair()
    return [
        alt.Tooltip("group:N", title="Group"),
        alt.Tooltip("tasks:Q", title="Tasks", format=","),
        alt.Tooltip("middle_words:N", title=f"{_title(name)}, median"),
        alt.Tooltip("first_words:N", title="25 %"),
        alt.Tooltip("third_words:N", title="75 %"),
        alt.Tooltip("low_words:N", title="5 %"),
        alt.Tooltip("high_words:N", title="95 %"),
    ]
