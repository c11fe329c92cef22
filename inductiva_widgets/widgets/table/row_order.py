"""Filter, sort and group tasks by a query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from inductiva_widgets.status import KNOWN_STATUSES, Status, StatusGroup
from inductiva_widgets.widgets.table.columns import SEARCHED, ColumnStore, Mask, Positions
from inductiva_widgets.widgets.table.query import UNKNOWN_GROUP, Filter, TableQuery, ValueRange


@dataclass(frozen=True)
class RowGroup:
    """Range of the order with the tasks of one value."""

    key: str
    label: str | None
    is_open: bool
    start: int
    stop: int


@dataclass(frozen=True)
class RowOrder:
    """Order of the rows.

    Parameters
    ----------
    order
        Positions of the matching tasks in order, including those in collapsed groups.
    groups
        The groups in order; empty without grouping.
    rows
        Content of each row: the position of a task, or ``-1 - index`` of a group for its header.
    """

    order: Positions
    groups: Sequence[RowGroup]
    rows: Positions

    def is_same_order(self, other: RowOrder) -> bool:
        """Return whether both have the same rows and groups in the same order."""
        return (
            np.array_equal(self.rows, other.rows)
            and np.array_equal(self.order, other.order)
            and self.groups == other.groups
        )


def compute_order(columns: ColumnStore, query: TableQuery) -> RowOrder:
    """Return the order of the rows; tasks of equal values keep the order of the list."""
    order: Positions = np.flatnonzero(filter_mask(columns, query))
    if query.sort is not None:
        keys = columns.sort_keys(query.sort.key)[order]
        # Negated instead of reversed: NaN stays last, and equal values keep their order.
        order = order[np.argsort(-keys if query.sort.descending else keys, kind="stable")]
    if query.group is None:
        return RowOrder(order, (), order)
    return _grouped(columns, query, query.group, order)


def filter_mask(
    columns: ColumnStore, query: TableQuery, *, status_groups: bool = True, but: str = ""
) -> Mask:
    """Return the mask of the matching tasks.

    Parameters
    ----------
    columns
        The tasks.
    query
        The query.
    status_groups
        If True, apply the filter by status group.
    but
        Name of a column whose filter to ignore.
    """
    found = np.ones(len(columns), dtype=np.bool_)
    if query.text:
        found &= _contains_text(columns, query.text)
    if status_groups and query.status_group:
        found &= columns.text("status").where(
            lambda code: status_group_of(code) in query.status_group
        )
    for key, chosen in query.filters.items():
        if key != but:
            found &= _passes(columns, key, chosen)
    return found


def status_group_of(code: str) -> str:
    """Return the status group of a status code."""
    return Status(code).info.group.value


def statuses_matching(codes: Sequence[str], text: str) -> list[str]:
    """Return the status codes that contain a text, in the code or in the label."""
    return [code for code in codes if contains(code, text) or contains(Status(code).alias, text)]


def contains(text: str, part: str) -> bool:
    """Return whether a text contains a part, ignoring case, like ``str.contains`` of pandas."""
    return part.upper() in text.upper()


def _contains_text(columns: ColumnStore, text: str) -> Mask:
    statuses = columns.text("status")
    codes = [code for code in statuses.values if code is not None]
    found = statuses.isin(statuses_matching(codes, text))
    upper = text.upper()
    for key in SEARCHED:
        found |= columns.text(key).where(lambda value: upper in value.upper())
    return found


def _passes(columns: ColumnStore, key: str, chosen: Filter) -> Mask:
    if not isinstance(chosen, ValueRange):
        return columns.text(key).isin(chosen)
    values = columns.numbers(key)
    if chosen == (None, None):
        return np.ones(len(columns), dtype=np.bool_)
    # Comparisons with NaN are false, so unknown values are in no range.
    low = -np.inf if chosen.min is None else chosen.min
    high = np.inf if chosen.max is None else chosen.max
    return (values >= low) & (values <= high)


def _grouped(columns: ColumnStore, query: TableQuery, by: str, order: Positions) -> RowOrder:
    column = columns.text(by)
    keys = column.sort_keys()[order]
    by_group = np.argsort(keys, kind="stable")
    order = order[by_group]
    codes = column.codes[order]
    starts = np.flatnonzero(np.diff(codes, prepend=-1)).tolist()
    values = column.values
    groups: list[RowGroup] = []
    rows: list[Positions] = []
    for start, stop in pairwise([*starts, len(order)]):
        value = values[codes[start]]
        key = UNKNOWN_GROUP if value is None else value
        label = Status(value).alias if by == "status" and value is not None else value
        is_open = key not in query.collapsed
        rows.append(np.array([-1 - len(groups)], dtype=np.intp))
        groups.append(RowGroup(key, label, is_open, start, stop))
        if is_open:
            rows.append(order[start:stop])
    return RowOrder(order, groups, np.concatenate(rows) if rows else order)


def statuses_of_groups(groups: Sequence[str]) -> tuple[bool, list[str]]:
    """Return the codes of status groups as ``(True, these)`` or ``(False, all but these)``.

    The unknown group includes codes that are not in ``KNOWN_STATUSES``, so it needs the latter.
    """
    inside = StatusGroup.UNKNOWN.value not in groups
    return inside, [code for code in KNOWN_STATUSES if (status_group_of(code) in groups) == inside]
