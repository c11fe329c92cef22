"""Chart of costs over time."""

from __future__ import annotations

from itertools import compress
from typing import Any

import numpy as np
import pandas as pd

from inductiva_widgets.formatting import format_cost
from inductiva_widgets.plots import _altair, _columns, _palette, _scales
from inductiva_widgets.plots._columns import Numbers


def costs(df: pd.DataFrame, by: str = "project") -> Any:
    """Chart the costs of tasks over time.

    Costs are summed by hour, day, week or month, depending on the period, and stacked by group.
    A bin that is not over is faint. A few bins that are ten times higher than the rest end at
    the top of the chart, where a text has their sum.

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
    'Cost per ... by machine type...'
    """
    rows = _columns.require_columns(df, "costs", "cost_usd", "created")
    frame = rows.frame
    cost, created = _columns.numbers(frame, "cost_usd"), _columns.timestamps(frame, "created")
    kept = _columns.grouped(frame, by, "costs", _palette.MAX_GROUPS, np.nan_to_num(cost))
    by_group = f"by {_columns.column_title(by)}"
    if frame.empty:
        return _altair.empty_chart(f"Cost {by_group}", rows)
    known = np.isfinite(cost) & np.isfinite(created)
    notes = _notes(cost, created)
    if not known.any():
        why = f"No costs to show: {', '.join(notes)}"
        return _altair.empty_chart(f"Cost {by_group}", rows, why)
    growing = int((_columns.is_unfinished(frame) & known).sum())
    notes += [f"{growing:,} unfinished, whose costs may grow"] * bool(growing)
    first, last = float(created[known].min()), float(created[known].max())
    bins = _scales.calendar_bins(first, last)
    data = _sums(kept.select(known), cost[known], created[known], bins)
    unfinished = bins.unfinished(_columns.as_of(frame, created))
    data["is_unfinished"] = [index == unfinished for index in data["bin"]]
    notes += [f"faint: unfinished {bins.width}"] * any(data["is_unfinished"])
    totals: Numbers = np.bincount(data["bin"], data["usd"], len(bins.edges) - 1).astype(np.float64)
    limit = _scales.outlier_limit(totals)
    picture = _bars(data, bins, last - first, kept, limit)
    if limit is not None:
        above = np.flatnonzero(totals > limit)
        notes.append(f"{len(above):,} {bins.width}{'s' * (len(above) > 1)} beyond the axis")
        picture = _altair.layer(picture, _sums_beyond(bins, totals, above, limit))
    total = _scales.format_usd(float(cost[known].sum()))
    subtitle = (
        f"{total} for {_altair.count_label(int(known.sum()))}, {_scales.format_period(first, last)}"
    )
    picture = picture.properties(width=_altair.WIDTH, height=260)
    title = f"Cost per {bins.width} {by_group}"
    return _altair.titled(picture, title, rows, subtitle, ", ".join(notes))


def _bars(
    data: dict[str, list[Any]],
    bins: _scales.Bins,
    span: float,
    kept: _columns.GroupedTasks,
    limit: float | None,
) -> Any:
    alt = _altair.altair()
    # Room for a text above the bars that end at the limit.
    highest = alt.Scale(domain=[0, limit * 1.1], nice=False) if limit is not None else alt.Scale()
    drawn = data if limit is None else _clipped(data, limit)
    domain = [bins.edges[0] * 1000, bins.edges[-1] * 1000]
    return (
        _altair.base_chart(_altair.to_records(drawn))
        .mark_rect(cornerRadius=1, y2Offset=1)
        .encode(
            x=_scales.time_axis("from", span, nice=False, domain=domain),
            x2="to",
            y=alt.Y(
                "base:Q",
                axis=alt.Axis(title=f"US$ per {bins.width}", format=",~r", tickCount=5),
                scale=highest,
            ),
            y2="top",
            opacity=alt.condition(
                "datum.is_unfinished", alt.value(_palette.UNFINISHED_OPACITY), alt.value(1)
            ),
            color=alt.Color(
                "label:N",
                scale=alt.Scale(
                    domain=kept.labels,
                    range=_palette.group_colours(len(kept), has_others=kept.has_others),
                ),
                legend=_altair.legend(kept.labels),
            ),
            tooltip=[
                alt.Tooltip("group:N", title="Group"),
                alt.Tooltip("when:N", title=f"{bins.width.capitalize()} from (UTC)"),
                alt.Tooltip("cost:N", title="Cost"),
                alt.Tooltip("tasks:Q", title="Tasks", format=","),
            ],
        )
    )


def _clipped(data: dict[str, list[Any]], limit: float) -> dict[str, list[Any]]:
    """Return the rows that begin below a limit, ending at most there."""
    below = [base < limit for base in data["base"]]
    kept = {name: list(compress(values, below)) for name, values in data.items()}
    return kept | {"top": [min(top, limit) for top in kept["top"]]}


def _sums_beyond(bins: _scales.Bins, totals: Numbers, above: Any, limit: float) -> Any:
    alt = _altair.altair()
    data = {
        "at": ((bins.edges[above] + bins.edges[above + 1]) * 500).tolist(),
        "limit": [limit] * len(above),
        "words": [f"{_altair.BEYOND} {_scales.format_usd(total)}" for total in totals[above]],
    }
    words = _altair.base_chart(_altair.to_records(data)).mark_text(baseline="bottom", dy=-2)
    return words.encode(x=alt.X("at:T"), y=alt.Y("limit:Q"), text="words:N")


def _sums(
    kept: _columns.GroupedTasks, cost: Numbers, created: Numbers, bins: _scales.Bins
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
    labels = kept.labels
    return {
        "group": [kept.names[index] for index in group],
        "label": [labels[index] for index in group],
        "bin": used.tolist(),
        "from": ((bins.edges[used] + gap) * 1000).tolist(),
        "to": ((bins.edges[used + 1] - gap) * 1000).tolist(),
        "base": (high - amounts).tolist(),
        "top": high.tolist(),
        "usd": amounts.tolist(),
        "cost": [format_cost(amount) for amount in amounts.tolist()],
        "tasks": tasks[used, group].tolist(),
        "when": [_scales.format_time(edge) for edge in bins.edges[used].tolist()],
    }


def _notes(cost: Numbers, created: Numbers) -> list[str]:
    parts = []
    if unknown := int(np.isnan(cost).sum()):
        parts.append(f"{unknown:,} without a cost")
    if lost := int((np.isnan(created) & np.isfinite(cost)).sum()):
        amount = _scales.format_usd(float(cost[np.isnan(created) & np.isfinite(cost)].sum()))
        parts.append(f"{lost:,} without a time ({amount}) left out")
    return parts
