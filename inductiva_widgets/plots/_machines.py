"""Chart that compares machine types by time and cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from inductiva_widgets.formatting import format_cost, format_duration
from inductiva_widgets.plots import _altair, _columns, _groups, _palette, _scales
from inductiva_widgets.plots._columns import Numbers

TITLE = "Machines"
MAX_POINTS = 300
_LEVELS = {"first": 0.25, "middle": 0.5, "third": 0.75}


def machines(df: pd.DataFrame) -> Any:
    """Chart the computation time of tasks against their cost, by machine.

    Up to 300 tasks are a point each. More tasks are shown as a point for each machine at its
    medians, with lines over the middle half of times and costs.

    Parameters
    ----------
    df
        Tasks with the columns ``machine_type``, ``computation_time`` and ``cost_usd``; tasks
        without a time or a cost are left out. Beyond eight machines, the seven with the most tasks
        are shown, and the rest as one.

    Returns
    -------
    altair.TopLevelMixin
        The chart, see ``inductiva_widgets.plots``. Left is fast, low is cheap.

    Raises
    ------
    InputError
        A column is missing, or Altair is not installed.

    Examples
    --------
    >>> chart = inductiva.plots.machines(df)
    >>> chart.properties(width=400).save("machines.png")
    """
    frame = _columns.require_columns(df, "machines", "machine_type", "computation_time", "cost_usd")
    time, cost = _columns.seconds(frame, "computation_time"), _columns.numbers(frame, "cost_usd")
    known = np.isfinite(time) & np.isfinite(cost)
    if frame.empty:
        return _altair.empty_chart(TITLE)
    if not known.any():
        return _altair.empty_chart(TITLE, "No task has both a computation time and a cost")
    shown = frame[known]
    kept = _groups.grouped(shown, "machine_type", "machines", _palette.MAX_GROUPS)
    time, cost = time[known], cost[known]
    is_few = len(shown) <= MAX_POINTS
    picture = _points(shown.index, kept, time, cost) if is_few else _medians(kept, time, cost)
    how = "a point each" if is_few else "medians of each machine, lines: middle half of its tasks"
    left_out = len(frame) - len(shown)
    note = f"{left_out:,} without a computation time or a cost left out" if left_out else ""
    picture = picture.properties(width=_altair.WIDTH, height=320)
    return _altair.titled(picture, TITLE, f"{_altair.count_label(len(shown))}, {how}", note)


def _points(ids: pd.Index, kept: _groups.GroupedTasks, time: Numbers, cost: Numbers) -> Any:
    alt = _altair.altair()
    across, up = _scales.duration_axis(time), _scales.cost_axis(cost)
    data = {
        "machine": [kept.names[index] for index in kept.indices],
        "task": [_columns.xml_safe(task) for task in ids],
        "seconds": time.tolist(),
        "usd": cost.tolist(),
        "x": across.drawn(time).tolist(),
        "y": up.drawn(cost).tolist(),
        "took": [format_duration(value) for value in time.tolist()],
        "cost": [format_cost(value) for value in cost.tolist()],
    }
    return (
        _altair.base_chart(_altair.to_records(data))
        .mark_circle(size=60, opacity=0.8)
        .encode(
            x=alt.X("x:Q", **across.parts("Computation time")),
            y=alt.Y("y:Q", **up.parts("Cost (US$)")),
            color=_colour(kept),
            tooltip=[
                alt.Tooltip("task:N", title="Task"),
                alt.Tooltip("machine:N", title="Machine"),
                alt.Tooltip("took:N", title="Computation time"),
                alt.Tooltip("cost:N", title="Cost"),
            ],
        )
    )


def _medians(kept: _groups.GroupedTasks, time: Numbers, cost: Numbers) -> Any:
    alt = _altair.altair()
    levels = list(_LEVELS.values())
    rows = [kept.indices == index for index in range(len(kept))]
    times = np.array([np.quantile(time[own], levels) for own in rows])
    costs = np.array([np.quantile(cost[own], levels) for own in rows])
    across, up = _scales.duration_axis(times.ravel()), _scales.cost_axis(costs.ravel())
    data: dict[str, list[Any]] = {
        "machine": kept.names,
        "tasks": [int(own.sum()) for own in rows],
        "usd": [float(cost[own].sum()) for own in rows],
        "seconds": [float(time[own].sum()) for own in rows],
        "took": [format_duration(value) for value in times[:, 1].tolist()],
        "cost": [format_cost(value) for value in costs[:, 1].tolist()],
        "total": [format_cost(float(cost[own].sum())) for own in rows],
    }
    for index, name in enumerate(_LEVELS):
        data[f"time_{name}"] = across.drawn(times[:, index]).tolist()
        data[f"cost_{name}"] = up.drawn(costs[:, index]).tolist()
    base = _altair.base_chart(_altair.to_records(data)).encode(
        color=_colour(kept),
        tooltip=[
            alt.Tooltip("machine:N", title="Machine"),
            alt.Tooltip("tasks:Q", title="Tasks", format=","),
            alt.Tooltip("took:N", title="Computation time, median"),
            alt.Tooltip("cost:N", title="Cost, median"),
            alt.Tooltip("total:N", title="Cost in all"),
        ],
    )
    x = alt.X("time_middle:Q", **across.parts("Computation time, median"))
    y = alt.Y("cost_middle:Q", **up.parts("Cost of a task (US$), median"))
    over_times = base.mark_rule(strokeWidth=1.5, opacity=0.7).encode(
        x=alt.X("time_first:Q"), x2="time_third", y=y
    )
    over_costs = base.mark_rule(strokeWidth=1.5, opacity=0.7).encode(
        x=x, y=alt.Y("cost_first:Q"), y2="cost_third"
    )
    points = base.mark_circle(size=140, opacity=1).encode(x=x, y=y)
    return _altair.layer(over_times, over_costs, points)


def _colour(kept: _groups.GroupedTasks) -> Any:
    alt = _altair.altair()
    colours = _palette.group_colours(len(kept), has_others=kept.has_others)
    return alt.Color(
        "machine:N",
        scale=alt.Scale(domain=kept.names, range=colours),
        legend=_altair.legend(kept.names),
    )
