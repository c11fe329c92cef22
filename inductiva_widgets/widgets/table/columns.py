"""The columns of the table as arrays: read when first needed, brought up to date in place.

A hundred thousand tasks are sorted and filtered as arrays of numbers; a text is a number too, the
place of its value among those of the column.
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


# What a list needs before it is shown: a call for each task would take longer than all the rest.
_READ_ALL: dict[str, Readers] = {
    "status": lambda infos, _: [info.status._value_ for info in infos],
    "computation_time": _computation_times,
    "cost_usd": lambda infos, _: [info.estimated_computation_cost for info in infos],
    "is_live": _are_live,
}
_FLAGS: dict[str, Reader] = {
    "can_kill": lambda info, _: info.can_be_killed,
    "has_outputs": lambda info, _: info.has_outputs,
    "is_live": lambda info, _: not info.is_terminal,
}
SEARCHED = tuple(name for name, column in COLUMNS.items() if column.is_searched)


def value_name(name: str) -> str:
    """Return the column whose values a column is sorted and filtered by."""
    return (name in HEADERS and HEADERS[name].sort_as) or name


def value_kind(name: str) -> Kind:
    """Return the type of the values that a column is sorted and filtered by."""
    return COLUMNS[value_name(name)].kind


_VALUES: dict[str, Reader] = {**{name: table_value(name) for name in COLUMNS}, **_FLAGS}


def _values(name: str, infos: Sequence[TaskInfo], now: datetime) -> list[Any]:
    if name in _READ_ALL:
        return _READ_ALL[name](infos, now)
    read = _VALUES[name]
    return [read(info, now) for info in infos]


class CategoryColumn:
    """A column of texts: ``codes`` are places in ``values``, which may hold None."""

    def __init__(self, texts: Sequence[str | None], is_status: bool = False) -> None:
        self._places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
        self._is_status = is_status
        found = map(self._places.__getitem__, texts)
        self.codes: Positions = np.fromiter(found, np.intp, len(texts))
        self._ranks: Numbers = np.empty(0)

    @property
    def values(self) -> list[str | None]:
        """The values that occur, or did, in the order of their first use."""
        return list(self._places)

    def set(self, position: int, text: str | None) -> bool:
        """Change one; returns whether it is another."""
        before = self.codes[position]
        self.codes[position] = self._place(text)
        return bool(self.codes[position] != before)

    def where(self, holds: Callable[[str], bool], unknown: bool = False) -> Mask:
        """Return of which positions something holds; ``unknown`` is for those without a text."""
        known = [unknown if value is None else holds(value) for value in self._places]
        return np.array(known, dtype=np.bool_)[self.codes]

    def isin(self, wanted: Iterable[str | None]) -> Mask:
        """Return which positions have one of some values."""
        chosen = np.zeros(len(self._places), dtype=np.bool_)
        chosen[[self._places[text] for text in wanted if text in self._places]] = True
        return chosen[self.codes]

    def sort_ranks(self) -> Numbers:
        """Return for each value its rank, not-a-number for None; statuses in order of a life."""
        if len(self._ranks) != len(self._places):
            values = self.values
            known = [place for place, value in enumerate(values) if value is not None]
            known.sort(key=lambda place: self._order(values[place]))
            self._ranks = np.full(len(values), np.nan)
            self._ranks[known] = np.arange(len(known))
        return self._ranks

    def sort_keys(self) -> Numbers:
        """Return what to sort by, for each position."""
        return self.sort_ranks()[self.codes]

    def _place(self, text: str | None) -> int:
        return self._places.setdefault(text, len(self._places))

    def _order(self, value: str | None) -> Any:
        if not self._is_status:
            return value
        return (_STATUS_ORDER.get(str(value), len(_STATUS_ORDER)), value)


_STATUS_ORDER = {code: place for place, code in enumerate(KNOWN_STATUSES)}


class ColumnStore:
    """All columns of some tasks.

    Parameters
    ----------
    infos
        The tasks; kept, and replaced one by one by ``learn``.
    now
        The service's present time, for what grows.
    """

    def __init__(self, infos: Sequence[TaskInfo], now: datetime) -> None:
        self.infos = list(infos)
        self._now = now
        self._texts: dict[str, CategoryColumn] = {}
        self._numbers: dict[str, Numbers] = {}

    def __len__(self) -> int:
        return len(self.infos)

    def text(self, key: str) -> CategoryColumn:
        """Return a column of texts."""
        column = self._texts.get(key)
        if column is None:
            texts = _values(key, self.infos, self._now)
            column = self._texts[key] = CategoryColumn(texts, key == "status")
        return column

    def numbers(self, key: str) -> Numbers:
        """Return a column of numbers, not-a-number where unknown."""
        key = value_name(key)
        column = self._numbers.get(key)
        if column is None:
            column = self._numbers[key] = self._read(key, self.infos)
        return column

    def bool_column(self, key: str) -> Mask:
        """Return ``can_kill``, ``has_outputs`` or ``is_live`` of each task."""
        return self.numbers(key) > 0

    def sort_keys(self, key: str) -> Numbers:
        """Return what to sort a column by."""
        is_text = value_kind(key) in TEXT_KINDS
        return self.text(key).sort_keys() if is_text else self.numbers(key)

    def set_time(self, now: datetime) -> None:
        """Let the durations of live tasks grow."""
        self._now = now
        growing = [key for key in self._numbers if _kind(key) == "duration"]
        if not growing:
            return
        live = np.flatnonzero(self.bool_column("is_live"))
        infos = [self.infos[position] for position in live]
        for key in growing:
            self._numbers[key][live] = self._read(key, infos)

    def update(self, position: int, info: TaskInfo) -> set[str]:
        """Take over news of a task; returns the keys of the read columns that have changed."""
        self.infos[position] = info
        changed = {key for key in self._numbers if self._set(key, position)}
        for key, column in self._texts.items():
            if column.set(position, _VALUES[key](info, self._now)):
                changed.add(key)
        return changed

    def _set(self, key: str, position: int) -> bool:
        column = self._numbers[key]
        before = column[position]
        column[position] = after = self._read(key, [self.infos[position]])[0]
        return not (before == after or (np.isnan(before) and np.isnan(after)))

    def _read(self, key: str, infos: Sequence[TaskInfo]) -> Numbers:
        kind = _kind(key)
        values = _values(key, infos, self._now)
        if kind == "time":
            values = [None if value is None else value.timestamp() for value in values]
        numbers = np.array(values, dtype=np.float64)
        if kind in ("number", "count"):
            return numbers
        # To whole microseconds, as a frame does: what is equal there is equal here.
        return np.round(numbers * 1e6) / (1e3 if kind == "time" else 1e6)


def _kind(name: str) -> Kind:
    return "number" if name in _FLAGS else COLUMNS[name].kind
