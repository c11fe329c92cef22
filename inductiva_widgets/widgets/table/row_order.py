"""Which tasks match a query, and in which order they lie: the filter, the sort, the groups."""

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
    """A stretch of the order: the tasks of one value."""

    key: str
    label: str | None
    is_open: bool
    start: int
    stop: int


@dataclass(frozen=True)
class RowOrder:
    """How the lines lie.

    Parameters
    ----------
    order
        Positions of the tasks that match, in their order, folded ones included.
    groups
        The groups, in their order; none where nothing is grouped.
    lines
        What each line shows: the position of a task, or ``-1 - place`` of a group's head.
    """

    order: Positions
    groups: Sequence[RowGroup]
    rows: Positions

    def is_same_order(self, other: RowOrder) -> bool:
        """Return whether every line and every group has kept its place."""
        return (
            np.array_equal(self.rows, other.rows)
            and np.array_equal(self.order, other.order)
            and self.groups == other.groups
        )


def compute_order(columns: ColumnStore, query: TableQuery) -> RowOrder:
    """Return how the lines lie; tasks of equal values keep the order of the list."""
    order: Positions = np.flatnonzero(filter_mask(columns, query))
    if query.sort is not None:
        keys = columns.sort_keys(query.sort.key)[order]
        # Turned round by the sign, not-a-number stays last and equal ones keep their order.
        order = order[np.argsort(-keys if query.sort.descending else keys, kind="stable")]
    if query.group is None:
        return RowOrder(order, (), order)
    return _grouped(columns, query, query.group, order)


def filter_mask(
    columns: ColumnStore, query: TableQuery, *, status_groups: bool = True, but: str = ""
) -> Mask:
    """Return which tasks match.

    Parameters
    ----------
    columns
        The tasks.
    query
        The query.
    status_groups
        If True, the filter by status group counts.
    but
        Key of a column whose filter does not count.
    """
    found = np.ones(len(columns), dtype=np.bool_)
    if query.text:
        found &= _holds(columns, query.text)
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
    """Return the codes among some that have a text in them or in their name for people."""
    return [code for code in codes if contains(code, text) or contains(Status(code).alias, text)]


def contains(text: str, part: str) -> bool:
    """Return whether a text contains another, whatever the case; as ``str.contains`` of pandas."""
    return part.upper() in text.upper()


def _holds(columns: ColumnStore, text: str) -> Mask:
    statuses = columns.text("status")
    codes = [code for code in statuses.values if code is not None]
    found = statuses.isin(statuses_matching(codes, text))
    wanted = text.upper()
    for key in SEARCHED:
        found |= columns.text(key).where(lambda value: wanted in value.upper())
    return found


def _passes(columns: ColumnStore, key: str, chosen: Filter) -> Mask:
    if not isinstance(chosen, ValueRange):
        return columns.text(key).isin(chosen)
    values = columns.numbers(key)
    if chosen == (None, None):
        return np.ones(len(columns), dtype=np.bool_)
    # Comparisons with not-a-number are false: what is unknown lies in no range.
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
    lines: list[Positions] = []
    for start, stop in pairwise([*starts, len(order)]):
        value = values[codes[start]]
        key = UNKNOWN_GROUP if value is None else value
        label = Status(value).alias if by == "status" and value is not None else value
        is_open = key not in query.collapsed
        lines.append(np.array([-1 - len(groups)], dtype=np.intp))
        groups.append(RowGroup(key, label, is_open, start, stop))
        if is_open:
            lines.append(order[start:stop])
    return RowOrder(order, groups, np.concatenate(lines) if lines else order)


def statuses_of_groups(groups: Sequence[str]) -> tuple[bool, list[str]]:
    """Return the codes of status groups as ``(True, these)`` or ``(False, all but these)``.

    Codes that this version does not know are in the unknown group: all other codes exclude them.
    """
    inside = StatusGroup.UNKNOWN.value not in groups
    return inside, [code for code in KNOWN_STATUSES if (status_group_of(code) in groups) == inside]
