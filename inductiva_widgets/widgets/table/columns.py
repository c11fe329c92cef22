"""Columns of the table as arrays, read on first use and updated in place.

All columns are arrays of numbers, so that 100,000 tasks can be sorted and filtered quickly. Texts
are stored as indices into the distinct values of the column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inductiva_widgets import timing
from inductiva_widgets.columns import COLUMNS, HEADERS, Kind, Reader, table_value
from inductiva_widgets.models.tasks import TaskInfo
from inductiva_widgets.status import KNOWN_STATUSES

Positions = NDArray[np.intp]
Mask = NDArray[np.bool_]
Numbers = NDArray[np.float64]
Readers = Callable[[Sequence[TaskInfo], datetime], list[Any]]

TEXT_KINDS = ("status", "category", "text")


def _computation_times(infos: Sequence[TaskInfo], now: datetime) -> list[float | None]:
    measured = [None if (m := info.metrics) is None else m.computation_seconds for info in infos]
    return [
        timing.computation_seconds(info, now)
        if seconds is None and info.computation_start_time is not None
        else seconds
        for info, seconds in zip(infos, measured, strict=True)
    ]


def _are_live(infos: Sequence[TaskInfo], _: datetime) -> list[bool]:
    reported = [info.is_terminated for info in infos]
    return [
        not info.is_terminal if is_over is None else not is_over
        for info, is_over in zip(infos, reported, strict=True)
    ]


def _are_computing(infos: Sequence[TaskInfo], now: datetime) -> list[bool]:
    live = _are_live(infos, now)
    return [on and timing.has_open_computation(info) for on, info in zip(live, infos, strict=True)]


# Columns that a list needs to be shown, read at once: a call per task would dominate the time.
_READ_ALL: dict[str, Readers] = {
    "status": lambda infos, _: [info.status._value_ for info in infos],
    "computation_time": _computation_times,
    "cost_usd": lambda infos, _: [info.estimated_computation_cost for info in infos],
    "is_live": _are_live,
    "is_computing": _are_computing,
}
# Columns for the table's own use, which no user sees.
_OWN: dict[str, Reader] = {
    "can_kill": lambda info, _: info.can_be_killed,
    "has_outputs": lambda info, _: info.has_outputs,
    "is_live": lambda info, _: not info.is_terminal,
    "is_computing": lambda info, _: timing.has_open_computation(info),
    "cost_rate": timing.cost_rate,
}
SEARCHED = tuple(name for name, column in COLUMNS.items() if column.is_searched)


def value_name(name: str) -> str:
    """Return the column by whose values a column is sorted and filtered."""
    return (name in HEADERS and HEADERS[name].sort_as) or name


def value_kind(name: str) -> Kind:
    """Return the type of the values by which a column is sorted and filtered."""
    return COLUMNS[value_name(name)].kind


_VALUES: dict[str, Reader] = {**{name: table_value(name) for name in COLUMNS}, **_OWN}


def _values(name: str, infos: Sequence[TaskInfo], now: datetime) -> list[Any]:
    if name in _READ_ALL:
        return _READ_ALL[name](infos, now)
    read = _VALUES[name]
    return [read(info, now) for info in infos]


class CategoryColumn:
    """Column of texts: ``codes`` are indices into ``values``, one of which may be None."""

    def __init__(self, texts: Sequence[str | None], is_status: bool = False) -> None:
        self._indices = {text: index for index, text in enumerate(dict.fromkeys(texts))}
        self._is_status = is_status
        found = map(self._indices.__getitem__, texts)
        self.codes: Positions = np.fromiter(found, np.intp, len(texts))
        self._ranks: Numbers = np.empty(0)

    @property
    def values(self) -> list[str | None]:
        """All present and former values, in the order of their first use."""
        return list(self._indices)

    def set(self, position: int, text: str | None) -> bool:
        """Set a value; return whether it has changed."""
        before = self.codes[position]
        self.codes[position] = self._index(text)
        return bool(self.codes[position] != before)

    def where(self, holds: Callable[[str], bool], unknown: bool = False) -> Mask:
        """Return the mask of values for which ``holds`` is true; ``unknown`` is that of None."""
        known = [unknown if value is None else holds(value) for value in self._indices]
        return np.array(known, dtype=np.bool_)[self.codes]

    def isin(self, values: Iterable[str | None]) -> Mask:
        """Return the mask of the given values."""
        chosen = np.zeros(len(self._indices), dtype=np.bool_)
        chosen[[self._indices[text] for text in values if text in self._indices]] = True
        return chosen[self.codes]

    def sort_ranks(self) -> Numbers:
        """Return the rank of each value, NaN for None; statuses are in chronological order."""
        if len(self._ranks) != len(self._indices):
            values = self.values
            known = [index for index, value in enumerate(values) if value is not None]
            known.sort(key=lambda index: self._order(values[index]))
            self._ranks = np.full(len(values), np.nan)
            self._ranks[known] = np.arange(len(known))
        return self._ranks

    def sort_keys(self) -> Numbers:
        """Return the sort key of each position."""
        return self.sort_ranks()[self.codes]

    def _index(self, text: str | None) -> int:
        return self._indices.setdefault(text, len(self._indices))

    def _order(self, value: str | None) -> Any:
        if not self._is_status:
            return value
        return (_STATUS_ORDER.get(str(value), len(_STATUS_ORDER)), value)


_STATUS_ORDER = {code: index for index, code in enumerate(KNOWN_STATUSES)}


class ColumnStore:
    """Columns of tasks.

    Parameters
    ----------
    infos
        The tasks; ``update`` replaces single ones.
    now
        The current time of the service, for growing durations.
    """

    def __init__(self, infos: Sequence[TaskInfo], now: datetime) -> None:
        self.infos = list(infos)
        self.now = now
        self._texts: dict[str, CategoryColumn] = {}
        self._numbers: dict[str, Numbers] = {}

    def __len__(self) -> int:
        return len(self.infos)

    def text(self, key: str) -> CategoryColumn:
        """Return a column of texts."""
        column = self._texts.get(key)
        if column is None:
            texts = _values(key, self.infos, self.now)
            column = self._texts[key] = CategoryColumn(texts, key == "status")
        return column

    def numbers(self, key: str) -> Numbers:
        """Return a column of numbers, with NaN for unknown ones."""
        key = value_name(key)
        column = self._numbers.get(key)
        if column is None:
            column = self._numbers[key] = self._read(key, self.infos)
        return column

    def bool_column(self, key: str) -> Mask:
        """Return ``can_kill``, ``has_outputs``, ``is_live`` or ``is_computing`` of each task."""
        return self.numbers(key) > 0

    def sort_keys(self, key: str) -> Numbers:
        """Return the sort keys of a column."""
        is_text = value_kind(key) in TEXT_KINDS
        return self.text(key).sort_keys() if is_text else self.numbers(key)

    def set_time(self, now: datetime) -> None:
        """Set the current time, and update the durations of live tasks."""
        self.now = now
        growing = [key for key in self._numbers if _kind(key) == "duration"]
        if not growing:
            return
        live = np.flatnonzero(self.bool_column("is_live"))
        infos = [self.infos[position] for position in live]
        for key in growing:
            self._numbers[key][live] = self._read(key, infos)

    def update(self, position: int, info: TaskInfo) -> set[str]:
        """Update a task; return the names of the loaded columns that have changed."""
        self.infos[position] = info
        changed = {key for key in self._numbers if self._set(key, position)}
        for key, column in self._texts.items():
            if column.set(position, _VALUES[key](info, self.now)):
                changed.add(key)
        return changed

    def _set(self, key: str, position: int) -> bool:
        column = self._numbers[key]
        before = column[position]
        column[position] = after = self._read(key, [self.infos[position]])[0]
        return not (before == after or (np.isnan(before) and np.isnan(after)))

    def _read(self, key: str, infos: Sequence[TaskInfo]) -> Numbers:
        kind = _kind(key)
        values = _values(key, infos, self.now)
        if kind == "time":
            values = [None if value is None else value.timestamp() for value in values]
        numbers = np.array(values, dtype=np.float64)
        if kind in ("number", "count"):
            return numbers
        # Rounded to microseconds as in a frame, so that equal values are equal in both.
        return np.round(numbers * 1e6) / (1e3 if kind == "time" else 1e6)


def _kind(name: str) -> Kind:
    return "number" if name in _OWN else COLUMNS[name].kind
