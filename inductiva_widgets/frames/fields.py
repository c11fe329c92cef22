"""What a frame is made of, as arrays: read from tasks page by page, kept, joined, chosen from.

Texts are numbered: ``codes`` are places among ``values``. Times are microseconds since 1970 in UTC,
durations seconds; not-a-time and not-a-number stand for what is unknown. Nothing here depends on
the present time: what still grows is worked out in :mod:`inductiva_widgets.frames.durations`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from inductiva_widgets.models import Executer, Fee, Metrics, TaskInfo
from inductiva_widgets.timing import ended_at

Positions = NDArray[np.intp]
Mask = NDArray[np.bool_]
Numbers = NDArray[np.float64]
Times = NDArray[np.datetime64]
Codes = NDArray[np.int32]

METADATA = "metadata"
"""Name of the text that holds the metadata of a task, as JSON; None where there is none."""

_stamp: Callable[[datetime], float] = datetime.timestamp
_encode_metadata = msgspec.json.Encoder(order="deterministic").encode

_TEXTS: dict[str, str] = {
    "simulator": "simulator",
    "project": "project",
    "region": "storage_region",
    "machine_group": "machine_group_name",
    "container_image": "container_image",
}
_TIMES: dict[str, str] = {
    "created": "create_time",
    "submitted": "input_submit_time",
    "started": "start_time",
    "computation_started": "computation_start_time",
    "computation_ended": "computation_end_time",
    # As the service tells it; ``ended`` has in its place what is known otherwise.
    "end": "end_time",
}
_NUMBERS: dict[str, str] = {
    "cost_usd": "estimated_computation_cost",
    "retries": "num_retries",
}
_METRICS: dict[str, str] = {
    # As the service has measured it, for tasks that have ended.
    "queue_time": "queue_time_seconds",
    "computation_time": "computation_seconds",
    "total_time": "total_seconds",
    "container_image_download_time": "container_image_download_seconds",
    "input_upload_time": "input_upload_seconds",
    "input_download_time": "input_download_seconds",
    "input_decompression_time": "input_decompression_seconds",
    "output_compression_time": "output_compression_seconds",
    "output_upload_time": "output_upload_seconds",
    "container_image_bytes": "container_image_size_bytes",
    "input_bytes": "input_size_bytes",
    "input_archive_bytes": "input_zipped_size_bytes",
    "output_files": "output_total_files",
    "output_bytes": "output_size_bytes",
    "output_archive_bytes": "output_zipped_size_bytes",
}
_MACHINE: dict[str, str] = {
    "machines": "n_mpi_hosts",
    "cpus": "cpu_count_logical",
    "memory_bytes": "memory",
}
_NO_METRICS, _NO_MACHINE, _NO_FEE = Metrics(), Executer(), Fee(amount=float("nan"))
# Earlier than any task; stands for no time while times become numbers.
_NEVER = datetime(1, 1, 1, tzinfo=timezone.utc)
_CHUNK = 500

TEXTS = ("status", *_TEXTS, "machine_type", "provider", "error", METADATA)
TIMES = (*_TIMES, "ended")
NUMBERS = (*_NUMBERS, "fee_usd", *_METRICS, *_MACHINE, "is_over")


class _Places(dict[Any, int]):
    """Gives a text that it has not seen the next place: one look at each, none ahead."""

    def __missing__(self, text: str) -> int:
        place = self[text] = len(self) - 1
        return place


@dataclass(frozen=True)
class Text:
    """A column of texts: ``codes`` are places in ``values``, -1 where there is none."""

    codes: Codes
    values: tuple[str, ...]

    @classmethod
    def of(cls, texts: Sequence[str | None]) -> Text:
        """Number some texts."""
        places = _Places({None: -1})
        codes = np.fromiter(map(places.__getitem__, texts), np.int32, len(texts))
        del places[None]
        return cls(codes, tuple(places))

    @classmethod
    def join(cls, parts: Sequence[Text]) -> Text:
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

    def take(self, positions: Positions | Mask) -> Text:
        """Return the texts at some positions."""
        return Text(self.codes[positions], self.values)


@dataclass(frozen=True)
class Fields:
    """What is known of some tasks, in order.

    Parameters
    ----------
    ids
        Their ids.
    texts, times, numbers
        Arrays of the same length by the names in :data:`TEXTS`, :data:`TIMES`, :data:`NUMBERS`.
    """

    ids: list[str]
    texts: dict[str, Text]
    times: dict[str, Times]
    numbers: dict[str, Numbers]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def is_over(self) -> Mask:
        """Which tasks have ended."""
        return self.numbers["is_over"] > 0

    @classmethod
    def read(cls, infos: Iterable[TaskInfo]) -> Fields:
        """Return the fields of tasks; nothing of the tasks is kept."""
        tasks = list(infos)
        # As many at a time as fit the processor's memory: half the time of all at once.
        parts = range(0, len(tasks), _CHUNK)
        return cls.join([cls._read(tasks[start : start + _CHUNK]) for start in parts])

    @classmethod
    def _read(cls, tasks: Sequence[TaskInfo]) -> Fields:
        told = _columns(tasks, TaskInfo)
        executers = [one or _NO_MACHINE for one in told["executer"]]
        machines = _columns(executers, Executer)
        metrics = _columns([one or _NO_METRICS for one in told["metrics"]], Metrics)
        fees = _columns([one or _NO_FEE for one in told["orchestration_fee"]], Fee)
        times = {name: _stamps(told[field]) for name, field in _TIMES.items()}
        over = np.array([task.is_terminal for task in tasks], dtype=np.bool_)
        times["ended"] = _ended(tasks, over, times["end"])
        return cls(
            ids=list(told["task_id"]),
            texts={
                # The plain value: to hash a member of an enumeration takes longer than the rest.
                "status": Text.of([status._value_ for status in told["status"]]),
                **{name: Text.of(told[field]) for name, field in _TEXTS.items()},
                "machine_type": Text.of([machine.machine_type for machine in executers]),
                "provider": Text.of(machines["host_type"]),
                "error": Text.of([task.reason for task in tasks]),
                METADATA: Text.of([_metadata(one) for one in told["task_metadata"]]),
            },
            times=times,
            numbers={
                **{name: _numbers(told[field]) for name, field in _NUMBERS.items()},
                "fee_usd": _numbers(fees["amount"]),
                **{name: _numbers(metrics[field]) for name, field in _METRICS.items()},
                **{name: _numbers(machines[field]) for name, field in _MACHINE.items()},
                "is_over": over.astype(np.float64),
            },
        )

    @classmethod
    def join(cls, parts: Sequence[Fields]) -> Fields:
        """Return the tasks of several parts, one after the other."""
        if len(parts) == 1:
            return parts[0]
        # So that there are arrays to join where there is no part.
        parts = parts or (cls._read(()),)
        return cls(
            ids=[task_id for part in parts for task_id in part.ids],
            texts={name: Text.join([part.texts[name] for part in parts]) for name in TEXTS},
            times={name: np.concatenate([part.times[name] for part in parts]) for name in TIMES},
            numbers={
                name: np.concatenate([part.numbers[name] for part in parts]) for name in NUMBERS
            },
        )

    def take(self, positions: Positions | Mask) -> Fields:
        """Return the tasks at some positions, or those that a mask has, in the order given."""
        places = np.arange(len(self))[positions].tolist()
        return Fields(
            ids=[self.ids[place] for place in places],
            texts={name: text.take(positions) for name, text in self.texts.items()},
            times={name: times[positions] for name, times in self.times.items()},
            numbers={name: numbers[positions] for name, numbers in self.numbers.items()},
        )


def _columns(rows: Sequence[msgspec.Struct], kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the fields of some values of the wire as columns: a third of the time of each alone.

    A row of a listing may be of a class with the same fields under the same names.
    """
    names = kind.__struct_fields__
    columns = list(zip(*map(msgspec.structs.astuple, rows), strict=True)) or [()] * len(names)
    return dict(zip(names, columns, strict=True))


def _numbers(column: Sequence[float | None]) -> Numbers:
    return np.array(column, dtype=np.float64)


def _stamps(moments: Sequence[datetime | None]) -> Times:
    """Return times as microseconds; twice as fast as having numpy look at each object.

    Seconds since 1970 as doubles are exact to the microsecond from 1834 until 2106.
    """
    known = [moment or _NEVER for moment in moments]
    seconds = np.fromiter(map(_stamp, known), np.float64, len(known))
    return microseconds(np.where(seconds == _NEVER.timestamp(), np.nan, seconds), "datetime64[us]")


def microseconds(seconds: Numbers, kind: str) -> NDArray[Any]:
    """Return seconds as whole microseconds of a kind of numpy, not-a-time for not-a-number."""
    missing = np.isnan(seconds)
    whole = np.where(missing, 0.0, seconds * 1e6).round().astype(np.int64).astype(kind)
    whole[missing] = np.array("NaT", dtype=kind)
    return whole


def _ended(tasks: Sequence[TaskInfo], over: Mask, end: Times) -> Times:
    """Return when tasks ended; those for which the service does not tell are looked at closely."""
    ended = end.copy()
    ended[~over] = np.datetime64("NaT")
    close = np.flatnonzero(np.isnat(end) & over)
    ended[close] = _stamps([ended_at(tasks[place]) for place in close.tolist()])
    return ended


def _metadata(metadata: dict[str, str] | None) -> str | None:
    return _encode_metadata(metadata).decode() if metadata else None
