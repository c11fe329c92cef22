"""The columns of the table as arrays: read when first needed, brought up to date in place.

A hundred thousand tasks are sorted and filtered as arrays of numbers; a text is a number too, the
place of its value among those of the column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from inductiva_widgets import timing
from inductiva_widgets.models.tasks import TaskInfo, TaskMetrics
from inductiva_widgets.status import KNOWN_STATUSES

Kind = Literal["text", "number", "time", "duration", "drawing"]
Positions = NDArray[np.intp]
Mask = NDArray[np.bool_]
Numbers = NDArray[np.float64]

_NO_METRICS = TaskMetrics()


class TableColumn(NamedTuple):
    """How a column is read, and what ``inductiva_widgets.frames.to_frame`` calls it.

    ``read`` takes a task and the service's present time. Times are read as datetimes and kept as
    epoch milliseconds; durations are seconds. ``read_all`` does the same for many tasks, for those
    columns that each list needs before it is shown: a call for each task takes longer than all the
    rest.
    """

    kind: Kind
    frame: str
    read: Callable[[TaskInfo, datetime], Any]
    read_all: Callable[[Sequence[TaskInfo], datetime], list[Any]] | None = None

    def values(self, infos: Sequence[TaskInfo], now: datetime) -> list[Any]:
        """Return the column of some tasks."""
        if self.read_all is not None:
            return self.read_all(infos, now)
        read = self.read
        return [read(info, now) for info in infos]


def _computations(infos: Sequence[TaskInfo], now: datetime) -> list[float | None]:
    told = [None if (m := info.metrics) is None else m.computation_seconds for info in infos]
    return [
        timing.computation_seconds(info, now)
        if seconds is None and info.computation_start_time is not None
        else seconds
        for info, seconds in zip(infos, told, strict=True)
    ]


def _are_live(infos: Sequence[TaskInfo], _: datetime) -> list[bool]:
    told = [info.is_terminated for info in infos]
    return [
        not info.is_terminal if is_over is None else not is_over
        for info, is_over in zip(infos, told, strict=True)
    ]


def _metric(name: str) -> Callable[[TaskInfo, datetime], Any]:
    return lambda info, _: getattr(info.metrics or _NO_METRICS, name)


COLUMNS: dict[str, TableColumn] = {
    # The plain value: to hash a member of an enumeration takes longer than all the rest.
    "status": TableColumn(
        "text",
        "status",
        lambda info, _: info.status._value_,
        lambda infos, _: [info.status._value_ for info in infos],
    ),
    "simulator": TableColumn("text", "simulator", lambda info, _: info.simulator),
    "project": TableColumn("text", "project", lambda info, _: info.project),
    "id": TableColumn("text", "task_id", lambda info, _: info.task_id),
    "submitted": TableColumn(
        "time", "submitted", lambda info, _: info.input_submit_time or info.create_time
    ),
    "started": TableColumn("time", "started", lambda info, _: info.start_time),
    "ended": TableColumn("time", "ended", lambda info, _: timing.end_time(info)),
    "queue": TableColumn("duration", "queue_time", timing.queue_seconds),
    "computation": TableColumn(
        "duration", "computation_time", timing.computation_seconds, _computations
    ),
    "total": TableColumn("duration", "total_time", timing.total_seconds),
    # Drawn as a bar; its length is what it is sorted by.
    "phases": TableColumn("duration", "total_time", timing.total_seconds),
    # Known to the readers of the logs alone, and only of the tasks in sight.
    "metric": TableColumn("drawing", "", lambda *_: None),
    "machine": TableColumn("text", "machine_type", lambda info, _: info.machine_type),
    "cost": TableColumn(
        "number",
        "cost_usd",
        lambda info, _: info.estimated_computation_cost,
        lambda infos, _: [info.estimated_computation_cost for info in infos],
    ),
    "files": TableColumn("number", "output_files", _metric("output_total_files")),
    "size": TableColumn("number", "output_bytes", _metric("output_size_bytes")),
}
# The key of each column by the name that people write: that of the frame. The page uses keys.
KEYS_BY_NAME: dict[str, str] = {
    **{column.frame: key for key, column in COLUMNS.items() if key not in ("phases", "metric")},
    "phases": "phases",
    "metric": "metric",
}
# Not shown as columns, but looked at.
_OTHERS: dict[str, TableColumn] = {
    "error": TableColumn("text", "error", lambda info, _: info.reason),
    "can_kill": TableColumn("number", "", lambda info, _: info.can_be_killed),
    "has_outputs": TableColumn("number", "", lambda info, _: info.has_outputs),
    "is_live": TableColumn("number", "", lambda info, _: not info.is_terminal, _are_live),
}
SEARCHED = ("id", "simulator", "project", "machine", "error")


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
            texts = _column(key).values(self.infos, self._now)
            column = self._texts[key] = CategoryColumn(texts, key == "status")
        return column

    def numbers(self, key: str) -> Numbers:
        """Return a column of numbers, not-a-number where unknown."""
        key = "total" if key == "phases" else key
        column = self._numbers.get(key)
        if column is None:
            column = self._numbers[key] = self._read(key, self.infos)
        return column

    def bool_column(self, key: str) -> Mask:
        """Return ``can_kill``, ``has_outputs`` or ``is_live`` of each task."""
        return self.numbers(key) > 0

    def sort_keys(self, key: str) -> Numbers:
        """Return what to sort a column by."""
        text = _column(key).kind == "text"
        return self.text(key).sort_keys() if text else self.numbers(key)

    def set_time(self, now: datetime) -> None:
        """Let the durations of live tasks grow."""
        self._now = now
        growing = [key for key in self._numbers if _column(key).kind == "duration"]
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
            if column.set(position, _column(key).read(info, self._now)):
                changed.add(key)
        return changed

    def _set(self, key: str, position: int) -> bool:
        column = self._numbers[key]
        before = column[position]
        column[position] = after = self._read(key, [self.infos[position]])[0]
        return not (before == after or (np.isnan(before) and np.isnan(after)))

    def _read(self, key: str, infos: Sequence[TaskInfo]) -> Numbers:
        kind = _column(key).kind
        values = _column(key).values(infos, self._now)
        if kind == "time":
            values = [None if value is None else value.timestamp() for value in values]
        numbers = np.array(values, dtype=np.float64)
        if kind == "number":
            return numbers
        # To whole microseconds, as a frame does: what is equal there is equal here.
        return np.round(numbers * 1e6) / (1e3 if kind == "time" else 1e6)


def _column(key: str) -> TableColumn:
    return COLUMNS.get(key) or _OTHERS[key]
