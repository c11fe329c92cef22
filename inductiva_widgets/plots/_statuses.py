"""Chart of the share of each status."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inductiva_widgets.plots import _altair, _columns, _palette
from inductiva_widgets.status import KNOWN_STATUSES, Status

_MAX_GROUPS = 16


def statuses(df: pd.DataFrame, by: str = "simulator") -> Any:
    """Chart the share of each status.

    Parameters
    ----------
    df
        Tasks with the column ``status``.
    by
        Column whose values are compared, a bar each; the 16 largest groups are shown, and the
        rest as one group.

    Returns
    -------
    altair.TopLevelMixin
        The chart, see ``inductiva_widgets.plots``. It names the six most frequent statuses, in the
        order of a task's life, and sums up the rest as "Other".

    Raises
    ------
    InputError
        A column is missing, or Altair is not installed.

    Examples
    --------
    >>> chart = inductiva.plots.statuses(df, by="project")
    >>> chart.title.text
    'Share of each status by project...'
    """
    alt = _altair.altair()
    rows = _columns.require_columns(df, "statuses", "status")
    frame = rows.frame
    kept = _columns.grouped(frame, by, "statuses", _MAX_GROUPS)
    title = f"Share of each status by {_columns.column_title(by)}"
    if frame.empty:
        return _altair.empty_chart(title, rows)
    indices, labels, colours = _in_order(frame["status"])
    cell = kept.indices * len(labels) + indices
    counts = np.bincount(cell, minlength=len(kept) * len(labels)).reshape(len(kept), len(labels))
    totals = counts.sum(axis=1)
    tops = np.cumsum(counts, axis=1)
    group, status = np.nonzero(counts)
    share = counts[group, status] / totals[group]
    group_labels = kept.labels
    data = {
        "group": [kept.names[index] for index in group],
        "label": [group_labels[index] for index in group],
        "status": [labels[index] for index in status],
        "tasks": counts[group, status].tolist(),
        "from": ((tops[group, status] - counts[group, status]) / totals[group]).tolist(),
        "to": (tops[group, status] / totals[group]).tolist(),
        "share": [f"{value:.1%}" for value in share.tolist()],
    }
    group_name = alt.Tooltip("group:N", title="Group")
    step = 22 if len(kept) > 4 else 34
    y = alt.Y(
        "label:N",
        scale=alt.Scale(domain=group_labels, paddingInner=0.28),
        axis=alt.Axis(title=None, labelLimit=_altair.LABEL_LIMIT, ticks=False, domain=False),
    )
    bars = (
        _altair.base_chart(_altair.to_records(data))
        .mark_bar(x2Offset=-1)
        .encode(
            x=alt.X(
                "from:Q",
                scale=alt.Scale(domain=[0, 1], nice=False),
                axis=alt.Axis(title="Share of tasks", format=".0%", tickCount=5),
            ),
            x2="to",
            y=y,
            color=alt.Color(
                "status:N",
                scale=alt.Scale(domain=labels, range=colours),
                legend=_altair.legend(labels),
            ),
            tooltip=[
                group_name,
                alt.Tooltip("status:N", title="Status"),
                alt.Tooltip("tasks:Q", title="Tasks", format=","),
                alt.Tooltip("share:N", title="Share"),
            ],
        )
    )
    sizes = {
        "group": kept.names,
        "label": group_labels,
        "words": [_altair.count_label(total) for total in totals.tolist()],
    }
    words = _altair.base_chart(_altair.to_records(sizes)).mark_text(align="left", dx=8)
    words = words.encode(
        x=alt.XDatum(1), y=y, text="words:N", tooltip=alt.Tooltip("group:N", title="Group")
    )
    picture = _altair.layer(bars, words).properties(
        width=_altair.WIDTH - 120, height=step * len(kept)
    )
    return _altair.titled(picture, title, rows, _altair.count_label(len(frame)))


def _in_order(column: pd.Series) -> tuple[Any, list[str], list[str]]:
    """Return each task's index into labels, the labels of statuses, and their colours."""
    codes, names = _columns.texts(column)
    named = _named_statuses(codes, names)
    aliases = [status.alias for status in named]
    labels = _columns.short_labels(aliases, _columns.MAX_LETTERS)
    colours = _palette.status_colours(named)
    index_of = {status.value: index for index, status in enumerate(named)}
    indices = np.array([index_of.get(name, len(named)) for name in names] + [len(named)])[codes]
    if (indices == len(named)).any():
        labels.append(_columns.unused_name("Other", labels))
        colours.append(_palette.OTHER)
    return indices, labels, colours


def _named_statuses(codes: NDArray[np.intp], names: list[str]) -> list[Status]:
    """Return the most frequent statuses, in the order of a task's life."""
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    rank = {code: index for index, code in enumerate(KNOWN_STATUSES)}
    in_order = sorted(
        (name for name, count in zip(names, counts, strict=True) if count),
        key=lambda name: (rank.get(name, len(rank)), name),
    )
    if len(in_order) > _palette.MAX_STATUSES:
        # Statuses that this version does not know are summed up first.
        known = [name for name in in_order if name in rank]
        count_of = dict(zip(names, counts.tolist(), strict=True))
        frequent = sorted(known, key=lambda name: -count_of[name])[: _palette.MAX_STATUSES]
        in_order = [name for name in in_order if name in frequent]
    return [Status(name) for name in in_order]
