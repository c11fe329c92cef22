"""Panels of distributions: a row for each group, as points or as boxes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from inductiva_widgets.formatting import format_cost, format_duration
from inductiva_widgets.plots import _altair, _scales
from inductiva_widgets.plots._columns import GroupedTasks, Numbers

_GAP = 24
_COUNTS_WIDTH = 60
_LEVELS = {"low": 0.05, "first": 0.25, "middle": 0.5, "third": 0.75, "high": 0.95}


class Quantity(NamedTuple):
    """What a panel shows: durations or amounts of money."""

    title: str
    field: str
    """Field of the values in the data."""
    format: Callable[[float], str]
    axis: Callable[[Numbers], _scales.AxisRange]


def duration(title: str) -> Quantity:
    """Return durations in seconds as a quantity."""
    return Quantity(title, "seconds", format_duration, _scales.duration_axis)


def cost(title: str) -> Quantity:
    """Return amounts of money as a quantity."""
    return Quantity(title, "usd", format_cost, _scales.cost_axis)


class Panel(NamedTuple):
    """The distributions of one quantity, a row for each group."""

    quantity: Quantity
    values: Numbers
    kept: GroupedTasks
    colour: str

    def points(self, ids: Sequence[str]) -> list[Any]:
        """Return layers with a point for each task and a line at each median."""
        alt = _altair.altair()
        quantity, axis = self.quantity, self.quantity.axis(self.values)
        # Points of a group are spread vertically, the first in the middle, the same in every run.
        indices = self.kept.indices
        turn = pd.Series(indices).groupby(indices).cumcount().to_numpy()
        data = {
            **self._names(indices.tolist()),
            "task": list(ids),
            quantity.field: self.values.tolist(),
            "drawn": axis.drawn(self.values).tolist(),
            "aside": ((0.5 + turn * 0.618) % 1).tolist(),
            "words": [quantity.format(value) for value in self.values.tolist()],
        }
        points = (
            _altair.base_chart(_altair.to_records(data))
            .mark_circle(size=36, opacity=0.75, color=self.colour)
            .encode(
                x=alt.X("drawn:Q", **axis.parts(quantity.title)),
                yOffset=alt.YOffset("aside:Q", scale=alt.Scale(domain=[-0.15, 1.15])),
                tooltip=[
                    alt.Tooltip("task:N", title="Task"),
                    alt.Tooltip("group:N", title="Group"),
                    alt.Tooltip("words:N", title=quantity.title),
                ],
            )
        )
        base = _altair.base_chart(_altair.to_records(self._levels(axis)))
        return [points, self._medians(base, axis)]

    def boxes(self) -> list[Any]:
        """Return layers with a box and a line at the median of each group."""
        alt = _altair.altair()
        # The visible quantiles determine the axis, not a single outlier.
        visible = [_quantiles(own) for _, own in self._groups()]
        axis = self.quantity.axis(np.concatenate(visible) if visible else self.values)
        base = _altair.base_chart(_altair.to_records(self._levels(axis)))
        tooltip = self._tooltip()
        whiskers = base.mark_rule(color=self.colour, strokeWidth=1.5).encode(
            x=alt.X("low:Q", **axis.parts(self.quantity.title)), x2="high", tooltip=tooltip
        )
        boxes = base.mark_bar(
            color=self.colour, fillOpacity=0.4, stroke=self.colour, strokeWidth=1
        ).encode(x="first:Q", x2="third", tooltip=tooltip)
        return [whiskers, boxes, self._medians(base, axis)]

    def _medians(self, base: Any, axis: _scales.AxisRange) -> Any:
        alt = _altair.altair()
        size = 0.7 * _step(self.kept)
        line = base.mark_tick(color=self.colour, opacity=1, thickness=3, size=size)
        x = alt.X("middle:Q", **axis.parts(self.quantity.title))
        return line.encode(x=x, tooltip=self._tooltip())

    def _groups(self) -> list[tuple[int, Numbers]]:
        """Return the index and the values of each group with values."""
        order = np.argsort(self.kept.indices, kind="stable")
        edges = np.searchsorted(self.kept.indices[order], np.arange(len(self.kept) + 1))
        each = [self.values[order[first:last]] for first, last in pairwise(edges)]
        return [(index, own) for index, own in enumerate(each) if own.size]

    def _names(self, indices: Sequence[int]) -> dict[str, list[str]]:
        names, labels = self.kept.names, self.kept.labels
        return {
            "group": [names[index] for index in indices],
            "label": [labels[index] for index in indices],
        }

    def _levels(self, axis: _scales.AxisRange) -> dict[str, list[Any]]:
        """Return the quantiles of each group as positions and as text."""
        groups = self._groups()
        levels = np.array([_quantiles(own) for _, own in groups]).reshape(-1, len(_LEVELS))
        rows: dict[str, list[Any]] = {
            **self._names([index for index, _ in groups]),
            "tasks": [int(own.size) for _, own in groups],
            self.quantity.field: [float(own.sum()) for _, own in groups],
        }
        for index, level in enumerate(_LEVELS):
            rows[level] = axis.drawn(levels[:, index]).tolist()
            rows[f"{level}_words"] = [
                self.quantity.format(value) for value in levels[:, index].tolist()
            ]
        return rows

    def _tooltip(self) -> list[Any]:
        alt = _altair.altair()
        return [
            alt.Tooltip("group:N", title="Group"),
            alt.Tooltip("tasks:Q", title="Tasks", format=","),
            alt.Tooltip("middle_words:N", title=f"{self.quantity.title}, median"),
            alt.Tooltip("first_words:N", title="25%"),
            alt.Tooltip("third_words:N", title="75%"),
            alt.Tooltip("low_words:N", title="5%"),
            alt.Tooltip("high_words:N", title="95%"),
        ]


def panels(kept: GroupedTasks, layers: Sequence[list[Any]]) -> Any:
    """Return panels side by side, with the names of the groups and their numbers of tasks.

    Parameters
    ----------
    kept
        The groups of all tasks.
    layers
        The layers of each panel, of groups with the same names.
    """
    width = (_altair.WIDTH - _COUNTS_WIDTH - _GAP * len(layers)) // len(layers)
    height = _step(kept) * len(kept)
    made = []
    for index, own in enumerate(layers):
        y = _rows_axis(kept, has_labels=index == 0)
        picture = _altair.layer(*(each.encode(y=y) for each in own))
        made.append(picture.properties(width=width, height=height))
    return _altair.hconcat(*made, _counts(kept, height), spacing=_GAP)


def _rows_axis(kept: GroupedTasks, *, has_labels: bool) -> Any:
    alt = _altair.altair()
    return alt.Y(
        "label:N",
        scale=alt.Scale(domain=kept.labels, paddingInner=0.35),
        axis=alt.Axis(
            title=None,
            labelLimit=_altair.LABEL_LIMIT,
            ticks=False,
            domain=False,
            labels=has_labels,
        ),
    )


def _counts(kept: GroupedTasks, height: int) -> Any:
    """Return a column with the number of tasks of each group."""
    alt = _altair.altair()
    counts = np.bincount(kept.indices, minlength=len(kept)).tolist()
    data = {
        "group": kept.names,
        "label": kept.labels,
        "words": [_altair.count_label(count) for count in counts],
    }
    words = _altair.base_chart(_altair.to_records(data)).mark_text(align="left")
    return words.encode(
        x=alt.value(0),
        y=_rows_axis(kept, has_labels=False),
        text="words:N",
        tooltip=alt.Tooltip("group:N", title="Group"),
    ).properties(width=_COUNTS_WIDTH, height=height)


def _step(kept: GroupedTasks) -> int:
    """Return the height of a row in pixels."""
    return 22 if len(kept) > 4 else 34


def _quantiles(values: Numbers) -> Numbers:
    levels: Numbers = np.quantile(values, list(_LEVELS.values()))
    return levels
