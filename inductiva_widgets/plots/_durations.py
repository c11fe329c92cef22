"""Chart of durations by machine, simulator or any other column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from inductiva_widgets.errors import InputError
from inductiva_widgets.plots import _altair, _columns, _distributions, _palette

MAX_POINTS = 200
_MAX_GROUPS = 16


def durations(
    df: pd.DataFrame,
    by: str = "machine_type",
    what: Sequence[str] = ("queue_time", "computation_time"),
) -> Any:
    """Chart the distribution of queue and computation times.

    Up to 200 tasks are a point each, with a line at the median. More tasks are shown as boxes:
    the median, the middle half, and a line from 5% to 95%.

    Parameters
    ----------
    df
        Tasks. Times that still grow, as those of running tasks, are left out, if the frame has
        the columns ``status`` and those of times.
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
    Median queue time by simulator...
    """
    columns = [what] if isinstance(what, str) else list(what)
    if not columns:
        raise InputError('plots.durations needs columns of durations: what=["queue_time"].')
    rows = _columns.require_columns(df, "durations", *columns)
    frame = rows.frame
    kept = _columns.grouped(frame, by, "durations", _MAX_GROUPS)
    names = [_columns.column_title(name) for name in columns]
    shown = " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    title = f"Median {shown} by {_columns.column_title(by)}"
    if frame.empty:
        return _altair.empty_chart(title, rows)
    is_few = len(frame) <= MAX_POINTS
    ids = np.array(rows.ids, dtype=object)
    layers, notes = [], []
    for index, (column, name) in enumerate(zip(columns, names, strict=True)):
        seconds = _columns.seconds(frame, column)
        grows = _columns.is_growing(frame, column) & np.isfinite(seconds)
        known = np.isfinite(seconds) & ~grows
        panel = _distributions.Panel(
            _distributions.duration(name.capitalize()),
            seconds[known],
            kept.select(known),
            _palette.DURATIONS[index % len(_palette.DURATIONS)],
        )
        layers.append(panel.points(ids[known].tolist()) if is_few else panel.boxes())
        missing = int(np.isnan(seconds).sum())
        notes += [f"{missing:,} without a {name}"] * bool(missing)
        notes += [f"{int(grows.sum()):,} whose {name} still grows left out"] * bool(grows.any())
    how = (
        "a point each; line: median"
        if is_few
        else "aggregated: median, middle half (box), 5% to 95% (line)"
    )
    count = _altair.count_label(len(frame))
    picture = _distributions.panels(kept, layers)
    return _altair.titled(picture, title, rows, f"{count}, {how}", ", ".join(notes))
