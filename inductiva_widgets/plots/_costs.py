"""Chart of costs over time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from inductiva_widgets.formatting import format_cost
from inductiva_widgets.plots import _altair, _columns, _groups, _palette, _scales
from inductiva_widgets.plots._columns import Numbers

TITLE = "Costs"


def costs(df: pd.DataFrame, by: str = "project") -> Any:
    """Chart the costs of tasks over time.

    Costs are summed by hour, day, week or month, depending on the period, and stacked by group.

    Parameters
    ----------
    df
        Tasks with the columns ``cost_usd`` and ``created``. The estimated cost of the computation
        is shown, without the fee of the service.
    by
        Column of the groups, a colour each; beyond eight groups, the seven most expensive are
        shown and the rest are summed up.

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
    >>> chart = inductiva.plots.costs(df, by="machine_type")
    >>> chart.title.text
    'Costs by machine type'
    """
    alt = _altair.altair()
    frame = _columns.require_columns(df, "costs", "cost_usd", "created")
    cost, created = _columns.numbers(frame, "cost_usd"), _columns.timestamps(frame, "created")
    kept = _groups.grouped(frame, by, "costs", _palette.MAX_GROUPS, np.nan_to_num(cost))
    title = f"{TITLE} by {_columns.xml_safe(by).replace('_', ' ')}"
    if frame.empty:
        return _altair.empty_chart(title)
    known = np.isfinite(cost) & np.isfinite(created)
    note = _note(cost, created)
    if not known.any():
        return _altair.empty_chart(title, f"No costs to show: {note}")
    first, last = float(created[known].min()), float(created[known].max())
    bins = _scales.calendar_bins(first, last)
    colours = _palette.group_colours(len(kept), has_others=kept.has_others)
    picture = _altair.base_chart(
        _altair.to_records(_sums(kept.select(known), cost[known], created[known], bins))
    )
    picture = (
        picture.mark_rect(cornerRadius=1, y2Offset=1)
        .encode(
            x=_scales.time_axis(
                "from",
                last - first,
                nice=False,
                domain=[bins.edges[0] * 1000, bins.edges[-1] * 1000],
            ),
            x2="to",
            y=alt.Y(
                "base:Q", axis=alt.Axis(title=f"US$ per {bins.width}", format=",~r", tickCount=5)
            ),
            y2="top",
            color=alt.Color(
                "group:N",
                scale=alt.Scale(domain=kept.names, range=colours),
                legend=_altair.legend(kept.names),
            ),
            tooltip=[
                alt.Tooltip("group:N", title="Group"),
                alt.Tooltip("when:N", title=f"{bins.width.capitalize()} from (UTC)"),
                alt.Tooltip("cost:N", title="Cost"),
                alt.Tooltip("tasks:Q", title="Tasks", format=","),
            ],
        )
        .properties(width=_altair.WIDTH, height=260)
    )
    total = _scales.format_usd(float(cost[known].sum()))
    subtitle = (
        f"{total} for {_altair.count_label(int(known.sum()))}, "
        f"{_scales.format_period(first, last)}, summed by {bins.width}"
    )
    return _altair.titled(picture, title, subtitle, note)


def _sums(
    kept: _groups.GroupedTasks, cost: Numbers, created: Numbers, bins: _scales.Bins
) -> dict[str, list[Any]]:
    """Return a row per bin and group with tasks, stacked in the order of the groups."""
    columns_of = len(kept)
    index = np.searchsorted(bins.edges, created, side="right") - 1
    cell = index * columns_of + kept.indices
    shape = (len(bins.edges) - 1, columns_of)
    sums = np.bincount(cell, cost, shape[0] * shape[1]).reshape(shape)
    tasks = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)
    tops = np.cumsum(sums, axis=1)
    used, group = np.nonzero(tasks)
    amounts, high = sums[used, group], tops[used, group]
    gap = 0.05 * (bins.edges[used + 1] - bins.edges[used])
    return {
        "group": [kept.names[index] for index in group],
        "from": ((bins.edges[used] + gap) * 1000).tolist(),
        "to": ((bins.edges[used + 1] - gap) * 1000).tolist(),
        "base": (high - amounts).tolist(),
        "top": high.tolist(),
        "usd": amounts.tolist(),
        "cost": [format_cost(amount) for amount in amounts.tolist()],
        "tasks": tasks[used, group].tolist(),
        "when": [_scales.format_time(edge) for edge in bins.edges[used].tolist()],
    }


def _note(cost: Numbers, created: Numbers) -> str:
    parts = []
    if unknown := int(np.isnan(cost).sum()):
        parts.append(f"{unknown:,} without a cost")
    if lost := int((np.isnan(created) & np.isfinite(cost)).sum()):
        amount = _scales.format_usd(float(cost[np.isnan(created) & np.isfinite(cost)].sum()))
        parts.append(f"{lost:,} without a time ({amount}) left out")
    return ", ".join(parts)
