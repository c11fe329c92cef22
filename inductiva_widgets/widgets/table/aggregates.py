"""Aggregates of the task table: counts, sums, time range, and values of a column."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from inductiva_widgets.status import StatusGroup
from inductiva_widgets.widgets import contract
from inductiva_widgets.widgets.table.columns import (
    TEXT_KINDS,
    ColumnStore,
    Mask,
    Numbers,
    Positions,
    value_kind,
)
from inductiva_widgets.widgets.table.row_order import RowGroup, status_group_of

# In display order.
_GROUPS = (
    StatusGroup.RUNNING,
    StatusGroup.PENDING,
    StatusGroup.SUCCEEDED,
    StatusGroup.FAILED,
    StatusGroup.STOPPED,
    StatusGroup.UNKNOWN,
)
_MAX_VALUES = 200


def count_by_group(columns: ColumnStore, chosen: Mask | Positions) -> dict[str, int]:
    """Return the number of tasks per status group, without groups that do not occur."""
    status = columns.text("status")
    counts = {group.value: 0 for group in _GROUPS}
    found = np.bincount(status.codes[chosen], minlength=len(status.values))
    for code, count in zip(status.values, found, strict=True):
        counts[status_group_of(str(code))] += int(count)
    return {group: count for group, count in counts.items() if count}


def total_cost(columns: ColumnStore, chosen: Mask | Positions) -> float | None:
    """Return the cost in US dollars, or None if it is 0 or unknown."""
    return round(float(np.nansum(columns.numbers("cost_usd")[chosen])), 6) or None


def sums(columns: ColumnStore, chosen: Mask | Positions) -> contract.SumsView:
    """Return cost, computation time in seconds to the microsecond, and how both grow.

    The front end counts them on and rounds them, as it does with the time in each row.
    """
    computing = int(np.count_nonzero(columns.bool_column("is_computing")[chosen]))
    rate = float(f"{np.nansum(columns.numbers('cost_rate')[chosen]):.3g}")
    at = round(columns.now.timestamp() * 1000)
    return {
        "cost": total_cost(columns, chosen),
        "seconds": round(float(np.nansum(columns.numbers("computation_time")[chosen])), 6),
        "growth": (computing, rate, at) if computing else None,
    }


def group_view(columns: ColumnStore, group: RowGroup, order: Positions) -> contract.GroupView:
    """Return the header row of a group."""
    tasks = order[group.start : group.stop]
    return {
        "group": group.key,
        "label": group.label,
        "is_open": group.is_open,
        "tasks": len(tasks),
        "counts": count_by_group(columns, tasks),
        **sums(columns, tasks),
    }


def time_range(columns: ColumnStore, chosen: Positions) -> tuple[int | None, int | None]:
    """Return the first submission and the last known time of tasks, in epoch milliseconds."""
    # Compared as datetimes, since converting each to a number takes longer. Sorted by index, in
    # which order they are in memory.
    infos = [columns.infos[index] for index in np.sort(chosen).tolist()]
    begun = [info.input_submit_time or info.create_time for info in infos]
    ended = [info.end_time or start for info, start in zip(infos, begun, strict=True)]
    first = min(filter(None, begun), default=None)
    latest = max(filter(None, ended), default=None)
    return _stamp(first, np.floor), _stamp(latest, np.ceil)


def column_values(columns: ColumnStore, key: str, chosen: Mask) -> contract.FacetView:
    """Return the value counts of a text column, most frequent first, or the range of a column.

    Parameters
    ----------
    columns
        The tasks.
    key
        Name of the column.
    chosen
        Mask of the tasks to include.
    """
    if value_kind(key) in TEXT_KINDS:
        column = columns.text(key)
        counts = np.bincount(column.codes[chosen], minlength=len(column.values))
        facet = _values(column.values, counts)
        if key == "status":
            for value in facet["values"]:
                # The front end sums up the statuses of a group.
                value["status_group"] = status_group_of(str(value["value"]))
        return facet
    low, high = _range(columns.numbers(key)[chosen])
    if value_kind(key) == "time":
        # Rounded outwards to whole milliseconds, so that the range includes all tasks.
        low, high = _whole(low, np.floor), _whole(high, np.ceil)
    return {"values": [], "more": 0, "min": low, "max": high}


def _values(values: Sequence[str | None], counts: Positions) -> contract.FacetView:
    indices = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
    listed = [
        {"value": values[index], "count": int(counts[index])} for index in indices[:_MAX_VALUES]
    ]
    return {"values": listed, "more": len(indices) - len(listed), "min": None, "max": None}


def _range(numbers: Numbers) -> tuple[float | None, float | None]:
    known = numbers[~np.isnan(numbers)]
    return (float(known.min()), float(known.max())) if known.size else (None, None)


def _stamp(moment: datetime | None, rounded: np.ufunc) -> int | None:
    return None if moment is None else _whole(moment.timestamp() * 1000, rounded)


def _whole(number: float | None, rounded: np.ufunc) -> int | None:
    return None if number is None else int(rounded(number))
