"""Chart of durations by machine, simulator or any other column."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from inductiva_widgets.errors import InputError
from inductiva_widgets.formatting import format_duration
from inductiva_widgets.plots import _altair, _columns, _palette, _scales
from inductiva_widgets.plots import _groups as groups
from inductiva_widgets.plots._columns import Numbers
from inductiva_widgets.plots._groups import GroupedTasks

TITLE = "Times"
MAX_POINTS = 200
_MAX_GROUPS = 16
_LEVELS = {"low": 0.05, "first": 0.25, "middle": 0.5, "third": 0.75, "high": 0.95}


def durations(
    df: pd.DataFrame,
    by: str = "machine_type",
    what: Sequence[str] = ("queue_time", "computation_time"),
) -> Any:
    """Chart the distribution of queue and computation times.

    Up to 200 tasks are a point each, with a line at the median. More tasks are shown as boxes:
    the median, the middle half, and a line from 5 % to 95 %.

    Parameters
    ----------
    df
        Tasks.
    by
        Column whose values are compared, such as ``"simulator"`` or ``"metadata.<key>"``; the 16
        largest groups are shown, and the rest as one group.
    what
        Columns of durations, one panel each.

    Returns
    -------
    altair.TopLevelMixin
        The chart, see ``inductiva_widgets.plots``. An axis is logarithmic if times differ by
        orders of magnitude.

    Raises
    ------
    InputError
        A column is missing, or Altair is not installed.

    Examples
    --------
    >>> chart = inductiva.plots.durations(df, by="simulator", what=["queue_time"])
    >>> print(chart.title.text)
    Times by simulator
    """
    columns = [what] if isinstance(what, str) else list(what)
    if not columns:
        raise InputError('plots.durations needs columns of durations: what=["queue_time"].')
    frame = _columns.require_columns(df, "times", *columns)
    kept = groups.grouped(frame, by, "times", _MAX_GROUPS)
    title = f"{TITLE} by {_title(by).lower()}"
    if frame.empty:
        return _altair.empty_chart(title)
    values = {name: _columns.seconds(frame, name) for name in columns}
    is_few = len(frame) <= MAX_POINTS
    width = (_altair.WIDTH - 24 * (len(columns) - 1)) // len(columns)
    step = 22 if len(kept) > 4 else 34
    panels = []
    for index, (name, seconds) in enumerate(values.items()):
        known = np.isfinite(seconds)
        ids = frame.index[np.flatnonzero(known)] if is_few else None
        colour = _palette.DURATIONS[index % len(_palette.DURATIONS)]
        panel = _Panel(_title(name), seconds[known], kept.select(known), colour, step, index == 0)
        layers = panel.boxes() if ids is None else panel.points(ids)
        panels.append(_altair.layer(*layers).properties(width=width, height=step * len(kept)))
    count = _altair.count_label(len(frame))
    how = (
        f"{count}, a point each; line: median"
        if is_few
        else f"{count}, aggregated: median, middle half (box), 5 % to 95 % (line)"
    )
    missing = [
        f"{int(np.isnan(seconds).sum()):,} without a {_title(name).lower()}"
        for name, seconds in values.items()
        if np.isnan(seconds).any()
    ]
    return _altair.titled(_altair.hconcat(*panels), title, how, ", ".join(missing))


def _title(name: str) -> str:
    return _columns.xml_safe(name).replace("_", " ").capitalize()


class _Panel(NamedTuple):
    """The distributions of one column, a row for each group."""

    title: str
    seconds: Numbers
    kept: GroupedTasks
    colour: str
    step: int
    is_first: bool

    def points(self, ids: pd.Index) -> list[Any]:
        alt = _altair.altair()
        axis = _scales.duration_axis(self.seconds)
        # Points of a group are spread vertically, the first in the middle, the same in every run.
        indices = self.kept.indices
        turn = pd.Series(indices).groupby(indices).cumcount().to_numpy()
        data = {
            "group": [self.kept.names[index] for index in indices],
            "task": [_columns.xml_safe(task) for task in ids],
            "seconds": self.seconds.tolist(),
            "drawn": axis.drawn(self.seconds).tolist(),
            "aside": ((0.5 + turn * 0.618) % 1).tolist(),
            "took": [format_duration(value) for value in self.seconds.tolist()],
        }
        points = (
            _altair.base_chart(_altair.to_records(data))
            .mark_circle(size=36, opacity=0.75, color=self.colour)
            .encode(
                x=alt.X("drawn:Q", **axis.parts(self.title)),
                y=self._y(),
                yOffset=alt.YOffset("aside:Q", scale=alt.Scale(domain=[-0.15, 1.15])),
                tooltip=[
                    alt.Tooltip("task:N", title="Task"),
                    alt.Tooltip("group:N", title="Group"),
                    alt.Tooltip("took:N", title=self.title),
                ],
            )
        )
        return [
            points,
            self._medians(_altair.base_chart(_altair.to_records(self._levels(axis))), axis),
        ]

    def boxes(self) -> list[Any]:
        alt = _altair.altair()
        # The visible quantiles determine the axis, not a single outlier.
        visible = [_quantiles(own) for _, own in self._groups()]
        axis = _scales.duration_axis(np.concatenate(visible) if visible else self.seconds)
        base = _altair.base_chart(_altair.to_records(self._levels(axis)))
        shared = {"y": self._y(), "tooltip": self._tooltip()}
        whiskers = base.mark_rule(color=self.colour, strokeWidth=1.5).encode(
            x=alt.X("low:Q", **axis.parts(self.title)), x2="high", **shared
        )
        boxes = base.mark_bar(
            color=self.colour, fillOpacity=0.4, stroke=self.colour, strokeWidth=1
        ).encode(x="first:Q", x2="third", **shared)
        return [whiskers, boxes, self._medians(base, axis)]

    def _medians(self, base: Any, axis: _scales.AxisRange) -> Any:
        alt = _altair.altair()
        line = base.mark_tick(color=self.colour, opacity=1, thickness=3, size=0.7 * self.step)
        x = alt.X("middle:Q", **axis.parts(self.title))
        return line.encode(x=x, y=self._y(), tooltip=self._tooltip())

    def _y(self) -> Any:
        alt = _altair.altair()
        axis = alt.Axis(title=None, labelLimit=150, ticks=False, domain=False, labels=self.is_first)
        scale = alt.Scale(domain=self.kept.names, paddingInner=0.35)
        return alt.Y("group:N", scale=scale, axis=axis)

    def _groups(self) -> list[tuple[str, Numbers]]:
        """Return the times of each group with times."""
        order = np.argsort(self.kept.indices, kind="stable")
        edges = np.searchsorted(self.kept.indices[order], np.arange(len(self.kept) + 1))
        each = [self.seconds[order[first:last]] for first, last in pairwise(edges)]
        return [(name, own) for name, own in zip(self.kept.names, each, strict=True) if own.size]

    def _levels(self, axis: _scales.AxisRange) -> dict[str, list[Any]]:
        """Return the quantiles of each group as positions and as text."""
        groups = self._groups()
        levels = np.array([_quantiles(own) for _, own in groups]).reshape(-1, len(_LEVELS))
        rows: dict[str, list[Any]] = {
            "group": [name for name, _ in groups],
            "tasks": [int(own.size) for _, own in groups],
            "seconds": [float(own.sum()) for _, own in groups],
        }
        for index, level in enumerate(_LEVELS):
            rows[level] = axis.drawn(levels[:, index]).tolist()
            rows[f"{level}_words"] = [format_duration(value) for value in levels[:, index].tolist()]
        return rows

    def _tooltip(self) -> list[Any]:
        alt = _altair.altair()
        return [
            alt.Tooltip("group:N", title="Group"),
            alt.Tooltip("tasks:Q", title="Tasks", format=","),
            alt.Tooltip("middle_words:N", title=f"{self.title}, median"),
            alt.Tooltip("first_words:N", title="25 %"),
            alt.Tooltip("third_words:N", title="75 %"),
            alt.Tooltip("low_words:N", title="5 %"),
            alt.Tooltip("high_words:N", title="95 %"),
        ]


def _quantiles(seconds: Numbers) -> Numbers:
    levels: Numbers = np.quantile(seconds, list(_LEVELS.values()))
    return levels
