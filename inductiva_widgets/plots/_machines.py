"""Chart that compares machine types by time and cost."""

from __future__ import annotations

from itertools import compress
from typing import Any

import numpy as np
import pandas as pd

from inductiva_widgets.formatting import format_cost, format_duration
from inductiva_widgets.plots import _altair, _columns, _distributions, _palette, _scales
from inductiva_widgets.plots._columns import Numbers

MAX_POINTS = 300
_TITLE = "Computation time and cost of each task by machine type"
_MEDIANS = "Median computation time and cost of a task by machine type"


def machines(df: pd.DataFrame) -> Any:
    """Chart the computation time of tasks against their cost, by machine.

    Up to 300 tasks are a point each. More tasks are shown as two boxes for each machine, of times
    and of costs: the median, the middle half, and a line from 5% to 95%.

    Parameters
    ----------
    df
        Tasks with the columns ``machine_type``, ``computation_time`` and ``cost_usd``; tasks
        without a time or a cost are left out, and those that still compute. Beyond eight machines,
        the seven with the most tasks are shown, and the rest as one.

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
    >>> chart.properties(background="black").save("machines.png")
    """
    rows = _columns.require_columns(df, "machines", "machine_type", "computation_time", "cost_usd")
    frame = rows.frame
    if frame.empty:
        return _altair.empty_chart(_TITLE, rows)
    time, cost = _columns.seconds(frame, "computation_time"), _columns.numbers(frame, "cost_usd")
    known = np.isfinite(time) & np.isfinite(cost)
    grows = _columns.is_growing(frame, "computation_time") & known
    shown = known & ~grows
    if not shown.any():
        why = "No finished task has both a computation time and a cost"
        return _altair.empty_chart(_TITLE, rows, why)
    kept = _columns.grouped(frame[shown], "machine_type", "machines", _palette.MAX_GROUPS)
    time, cost = time[shown], cost[shown]
    count = _altair.count_label(int(shown.sum()))
    notes = []
    if lost := int((~known).sum()):
        notes.append(f"{lost:,} without a computation time or a cost left out")
    if grows.any():
        notes.append(f"{int(grows.sum()):,} that still compute left out")
    if len(time) <= MAX_POINTS:
        ids = list(compress(rows.ids, shown.tolist()))
        picture, title, how = _points(ids, kept, time, cost), _TITLE, "a point each"
    else:
        picture, title = _boxes(kept, time, cost), _MEDIANS
        how = "aggregated: median, middle half (box), 5% to 95% (line)"
    return _altair.titled(picture, title, rows, f"{count}, {how}", ", ".join(notes))


def _points(ids: list[str], kept: _columns.GroupedTasks, time: Numbers, cost: Numbers) -> Any:
    alt = _altair.altair()
    across, up = _scales.duration_axis(time), _scales.cost_axis(cost)
    labels = kept.labels
    data = {
        "machine": [kept.names[index] for index in kept.indices],
        "label": [labels[index] for index in kept.indices],
        "task": ids,
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
        .properties(width=_altair.WIDTH, height=320)
    )


def _boxes(kept: _columns.GroupedTasks, time: Numbers, cost: Numbers) -> Any:
    times = _distributions.Panel(
        _distributions.duration("Computation time"), time, kept, _palette.PHASES["Computing"]
    )
    costs = _distributions.Panel(
        _distributions.cost("Cost of a task (US$)"), cost, kept, _palette.COST
    )
    return _distributions.panels(kept, [times.boxes(), costs.boxes()])


def _colour(kept: _columns.GroupedTasks) -> Any:
    alt = _altair.altair()
    colours = _palette.group_colours(len(kept), has_others=kept.has_others)
    return alt.Color(
        "label:N",
        scale=alt.Scale(domain=kept.labels, range=colours),
        legend=_altair.legend(kept.labels),
    )
