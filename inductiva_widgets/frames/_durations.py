"""Queue, computation and total time as arrays; see also ``timing``."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import cast

import numpy as np
from numpy.typing import NDArray

from inductiva_widgets.frames._columnar import Mask, Numbers, TaskColumns, Times

Durations = NDArray[np.timedelta64]


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
    return cast(Durations, np.where(np.isnat(measured), derived, measured))


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
