"""Columnar storage of task fields.

Texts are numbered: ``codes`` are places among ``values``. Times are microseconds since 1970 in UTC,
durations seconds, counts and sizes 64-bit integers, as a float has no more than 53 bits.
Missing values are NaT, NaN and ``NO_COUNT``. Durations that still
grow are computed from the columns and the current time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from inductiva_widgets.columns import COLUMNS, SERVICE, Kind
from inductiva_widgets.models.tasks import NO_TYPE, Executer, TaskInfo, TaskMetrics
from inductiva_widgets.timing import end_time

Positions = NDArray[np.intp]
Mask = NDArray[np.bool_]
Numbers = NDArray[np.float64]
Counts = NDArray[np.int64]
Times = NDArray[np.datetime64]
Codes = NDArray[np.int32]

METADATA = "metadata"
"""Name of the text that holds the metadata of a task, as JSON; None where there is none."""

_pack = msgspec.msgpack.Encoder().encode
_PACKED = np.dtype([("type", ">u2"), ("value", ">u8")])
_encode_metadata = msgspec.json.Encoder(order="deterministic").encode

# Parts with many columns, and their values if a task lacks them.
_NO_PARTS: dict[str, msgspec.Struct] = {
    "metrics": TaskMetrics(),
    "executer": Executer(),
}
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)
# Earlier than any task; stands for no time while times become numbers.
_NEVER = _EPOCH + _MICROSECOND
_NOT_A_TIME = np.iinfo(np.int64).min
_CHUNK = 500
NO_COUNT = int(np.iinfo(np.int64).min)
"""Stands for an unknown count, as the same bits stand for not-a-time."""
Durations = NDArray[np.timedelta64]


def _paths(*kinds: Kind) -> dict[str, str]:
    """Return the attributes of tasks that columns of some kinds hold, by column."""
    columns = (
        (name, column) for name, column in COLUMNS.items() if column.in_frame and name != SERVICE
    )
    return {name: column.path for name, column in columns if column.kind in kinds}


_TEXTS = _paths("status", "category")
# "end" as the service reports it; "ended" falls back on other times.
_TIMES = {**_paths("time"), "end": "end_time"}
# Durations as the service has measured them.
_NUMBERS = _paths("duration", "number")
_COUNTS = _paths("count")

TEXTS = (*_TEXTS, METADATA)
TIMES = tuple(_TIMES)
NUMBERS = (*_NUMBERS, "is_over")
COUNTS = tuple(_COUNTS)


class _Dictionary(dict[Any, int]):
    """Gives a text that it has not seen the next place: one look at each, none ahead."""

    def __missing__(self, text: str) -> int:
        place = self[text] = len(self) - 1
        return place

    def codes(self, texts: Sequence[str | None]) -> Codes:
        """Return the places of some texts."""
        return np.fromiter(map(self.__getitem__, texts), np.int32, len(texts))

    def texts(self) -> tuple[str, ...]:
        """Return the texts, each at its place."""
        return tuple(text for text in self if text is not None)


@dataclass(frozen=True)
class DictionaryColumn:
    """A column of texts: ``codes`` are places in ``values``, -1 where there is none."""

    codes: Codes
    values: tuple[str, ...]

    @classmethod
    def join(cls, parts: Sequence[DictionaryColumn]) -> DictionaryColumn:
        """Return texts one after the other, each value once."""
        places: dict[str, int] = {}
        codes = []
        for part in parts:
            # The last place stands for -1.
            here = [places.setdefault(value, len(places)) for value in part.values]
            codes.append(np.array([*here, -1], dtype=np.int32)[part.codes])
        joined = np.concatenate(codes) if codes else np.empty(0, np.int32)
        return cls(joined, tuple(places))

    @property
    def in_use(self) -> Mask:
        """Which values occur; others may be left from tasks that are not here any more."""
        occurs = np.zeros(len(self.values) + 1, dtype=np.bool_)
        occurs[self.codes] = True
        return occurs[:-1]

    def replace(self, positions: Positions, new: DictionaryColumn) -> DictionaryColumn:
        """Return the texts with others at some positions."""
        count, joined = len(self.codes), DictionaryColumn.join([self, new])
        codes = joined.codes[:count]
        codes[positions] = joined.codes[count:]
        return DictionaryColumn(codes, joined.values)

    def select(self, positions: Positions | Mask) -> DictionaryColumn:
        """Return the texts at some positions."""
        return DictionaryColumn(self.codes[positions], self.values)


@dataclass(frozen=True)
class TaskColumns:
    """What is known of some tasks, in order.

    Parameters
    ----------
    ids
        Their ids.
    texts, times, numbers, counts
        Arrays of the same length by the names in ``TEXTS``, ``TIMES``, ``NUMBERS``, ``COUNTS``.
    """

    ids: list[str]
    texts: dict[str, DictionaryColumn]
    times: dict[str, Times]
    numbers: dict[str, Numbers]
    counts: dict[str, Counts]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def is_finished(self) -> Mask:
        """Which tasks have ended."""
        return self.numbers["is_over"] > 0

    @classmethod
    def read(
        cls,
        infos: Iterable[TaskInfo],
        texts: Collection[str] = TEXTS,
        *,
        read_at: datetime | None = None,
    ) -> TaskColumns:
        """Return the fields of tasks; nothing of the tasks is kept.

        Parameters
        ----------
        infos
            The tasks.
        texts
            Which of the texts; to number those that nobody looks at is a quarter of the work.
        read_at
            Time at which the service returned the tasks, by its clock; None if unknown.
        """
        tasks, reader = list(infos), ColumnBuilder(texts, read_at=read_at)
        for start in range(0, len(tasks), _CHUNK):
            reader.add(tasks[start : start + _CHUNK])
        return reader.fields()

    @classmethod
    def join(cls, parts: Sequence[TaskColumns]) -> TaskColumns:
        """Return the tasks of several parts, one after the other."""
        if len(parts) == 1:
            return parts[0]
        # So that there are arrays to join where there is no part.
        parts = parts or (cls.read(()),)
        return cls(
            ids=[task_id for part in parts for task_id in part.ids],
            texts={
                name: DictionaryColumn.join([part.texts[name] for part in parts]) for name in TEXTS
            },
            times={name: np.concatenate([part.times[name] for part in parts]) for name in TIMES},
            numbers={
                name: np.concatenate([part.numbers[name] for part in parts]) for name in NUMBERS
            },
            counts={name: np.concatenate([part.counts[name] for part in parts]) for name in COUNTS},
        )

    def replace(self, positions: Positions, new: TaskColumns) -> TaskColumns:
        """Return the tasks with new values of those at some positions, whose ids stay."""

        def put(old: NDArray[Any], values: NDArray[Any]) -> NDArray[Any]:
            changed = old.copy()
            changed[positions] = values
            return changed

        return TaskColumns(
            ids=self.ids,
            texts={n: text.replace(positions, new.texts[n]) for n, text in self.texts.items()},
            times={n: put(times, new.times[n]) for n, times in self.times.items()},
            numbers={n: put(numbers, new.numbers[n]) for n, numbers in self.numbers.items()},
            counts={n: put(counts, new.counts[n]) for n, counts in self.counts.items()},
        )

    def select(self, positions: Positions | Mask) -> TaskColumns:
        """Return the tasks at some positions, or those that a mask has, in the order given."""
        places = np.arange(len(self))[positions].tolist()
        return TaskColumns(
            ids=[self.ids[place] for place in places],
            texts={name: text.select(positions) for name, text in self.texts.items()},
            times={name: times[positions] for name, times in self.times.items()},
            numbers={name: numbers[positions] for name, numbers in self.numbers.items()},
            counts={name: counts[positions] for name, counts in self.counts.items()},
        )


class ColumnBuilder:
    """Turns tasks into fields, some at a time: fewer than a page of a listing is slower."""

    def __init__(self, texts: Collection[str] = TEXTS, *, read_at: datetime | None = None) -> None:
        self._read_at = _stamps([read_at])
        self._ids: list[str] = []
        self._places = {name: _Dictionary({None: -1}) for name in texts}
        self._codes: dict[str, list[Codes]] = {name: [] for name in texts}
        self._times: dict[str, list[Times]] = {name: [] for name in TIMES}
        self._numbers: dict[str, list[Numbers]] = {name: [] for name in NUMBERS}
        self._counts: dict[str, list[Counts]] = {name: [] for name in COUNTS}

    def add(self, tasks: Sequence[TaskInfo]) -> None:
        """Read some tasks."""
        # Up to a hundred thousand tasks pass here: what is done per task decides the speed.
        given = _columns(tasks, TaskInfo)
        parts = {"": given}
        for part, empty in _NO_PARTS.items():
            parts[part] = _columns([value or empty for value in given[part]], type(empty))
        over = [
            status.is_terminal if is_over is None else is_over
            for status, is_over in zip(given["status"], given["is_terminated"], strict=True)
        ]
        machines = parts["executer"]
        computed = {
            # The plain value: hashing a member of an enumeration is slow.
            "status": [status._value_ for status in given["status"]],
            # Most tasks have a machine type and no error: properties are read for the rest only.
            "machine_type": [
                task.machine_type if vm_type in NO_TYPE else vm_type
                for task, vm_type in zip(tasks, machines["vm_type"], strict=True)
            ],
            "error": [
                task.reason if own or its else None
                for task, own, its in zip(
                    tasks, given["error_detail"], machines["error_detail"], strict=True
                )
            ],
        }

        def values(path: str) -> Sequence[Any]:
            part, _, field = path.rpartition(".")
            found: Sequence[Any] | None = parts.get(part, {}).get(field)
            if found is not None:
                return found
            owners = given[part] if part else tasks
            return [None if owner is None else getattr(owner, field) for owner in owners]

        self._ids += given["task_id"]
        self._add_text(
            METADATA, [_metadata(one) if one else None for one in given["task_metadata"]]
        )
        for name, path in _TEXTS.items():
            if name in self._places:
                self._add_text(name, computed[name] if name in computed else values(path))
        for name, path in _TIMES.items():
            if path:
                self._times[name].append(_stamps(values(path)))
        self._times["ended"].append(_ended(tasks, np.array(over, bool), self._times["end"][-1]))
        self._times["read_at"].append(np.repeat(self._read_at, len(tasks)))
        for name, path in _NUMBERS.items():
            self._add_numbers(name, values(path))
        self._add_numbers("is_over", over)
        for name, path in _COUNTS.items():
            known = [NO_COUNT if count is None else count for count in values(path)]
            self._counts[name].append(np.array(known, dtype=np.int64))

    def fields(self) -> TaskColumns:
        """Return all that was read."""
        return TaskColumns(
            self._ids,
            {name: self._text(name) for name in self._places},
            {name: _whole(self._times[name], "datetime64[us]") for name in TIMES},
            {name: _whole(self._numbers[name], "float64") for name in NUMBERS},
            {name: _whole(self._counts[name], "int64") for name in COUNTS},
        )

    def _add_text(self, name: str, texts: Sequence[str | None]) -> None:
        if name in self._places:
            self._codes[name].append(self._places[name].codes(texts))

    def _add_numbers(self, name: str, numbers: Sequence[float | None]) -> None:
        self._numbers[name].append(np.array(numbers, dtype=np.float64))

    def _text(self, name: str) -> DictionaryColumn:
        return DictionaryColumn(_whole(self._codes[name], "int32"), self._places[name].texts())


def _columns(rows: Sequence[msgspec.Struct], kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the fields of some values as columns: a third of the time of each alone."""
    names = kind.__struct_fields__
    columns = list(zip(*map(msgspec.structs.astuple, rows), strict=True)) or [()] * len(names)
    return dict(zip(names, columns, strict=True))


def _stamps(moments: Sequence[datetime | None]) -> Times:
    """Return times as microseconds since 1970."""
    known = [moment or _NEVER for moment in moments]
    stamps = _packed_stamps(known)
    if stamps is None:
        stamps = np.array([(moment - _EPOCH) // _MICROSECOND for moment in known], dtype=np.int64)
    stamps[stamps == 1] = _NOT_A_TIME
    return stamps.view("datetime64[us]")


def _packed_stamps(moments: Sequence[datetime]) -> NDArray[np.int64] | None:
    """Return times as whole microseconds, in a tenth of the time of asking each object.

    MessagePack writes a time with a fraction of a second, from 1970 to 2514, as two bytes that
    name the type and eight bytes with 30 bits of nanoseconds and 34 bits of seconds. None where
    there are others among them. Source: its specification, "Timestamp extension type".
    """
    packed = _pack(moments)
    # Before them stands the length of the list, in one, three or five bytes.
    start = len(packed) - _PACKED.itemsize * len(moments)
    if start not in (1, 3, 5):
        return None
    stamps = np.frombuffer(packed, _PACKED, offset=start)
    if not (stamps["type"] == 0xD7FF).all():
        return None
    value = stamps["value"].astype(np.uint64)
    seconds, nanoseconds = value & np.uint64(2**34 - 1), value >> np.uint64(34)
    return (seconds.astype(np.int64) * 1_000_000) + nanoseconds.astype(np.int64) // 1000


def _whole(parts: Sequence[NDArray[Any]], kind: str) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.empty(0, kind)


def _ended(tasks: Sequence[TaskInfo], over: Mask, end: Times) -> Times:
    """Return the end times of tasks, derived from other times if the service has not set one."""
    ended = np.where(over, end, np.datetime64("NaT", "us"))
    close = np.flatnonzero(np.isnat(end) & over)
    ended[close] = _stamps([end_time(tasks[place]) for place in close.tolist()])
    return ended


def _metadata(metadata: dict[str, str]) -> str:
    return _encode_metadata(metadata).decode()


def duration(fields: TaskColumns, name: str, now: datetime) -> Durations:
    """Return a column of durations, with NaT for unknown ones.

    Parameters
    ----------
    fields
        The tasks.
    name
        Name of the column.
    now
        The current time of the service, at which open durations end.
    """
    measured = microseconds(fields.numbers[name])
    derive = _DERIVED.get(name)
    if derive is None:
        return measured
    start, end = derive(fields, np.datetime64(now.astimezone(timezone.utc).replace(tzinfo=None)))
    derived = np.maximum(end - start, np.timedelta64(0, "us"))
    return cast("Durations", np.where(np.isnat(measured), derived, measured))


def _queue(fields: TaskColumns, now: np.datetime64) -> tuple[Times, Times]:
    times = fields.times
    ended = _first_known(times["started"], times["end"])
    return times["submitted"], _until(ended, now, ~fields.is_finished)


def _computation(fields: TaskColumns, now: np.datetime64) -> tuple[Times, Times]:
    times = fields.times
    ended = _first_known(times["computation_ended"], times["ended"])
    return times["computation_started"], _until(ended, now, ~fields.is_finished)


def _total(fields: TaskColumns, now: np.datetime64) -> tuple[Times, Times]:
    times = fields.times
    created = _first_known(times["created"], times["submitted"])
    return created, _until(times["ended"], now, ~fields.is_finished)


_DERIVED = {"queue_time": _queue, "computation_time": _computation, "total_time": _total}


def _first_known(times: Times, fallback: Times) -> Times:
    return np.where(np.isnat(times), fallback, times)


def _until(end: Times, now: np.datetime64, growing: Mask) -> Times:
    return np.where(np.isnat(end) & growing, now, end)


def microseconds(seconds: Numbers) -> Durations:
    """Return durations as whole microseconds, with NaT for NaN."""
    missing = np.isnan(seconds)
    whole = np.where(missing, 0.0, seconds * 1e6).round().astype(np.int64)
    whole[missing] = np.iinfo(np.int64).min  # NaT
    return whole.view("timedelta64[us]")
