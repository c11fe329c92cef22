"""Tasks as a pandas DataFrame with one fixed schema, the same for no task and for many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from typing import Any

import numpy as np
import pandas as pd

from inductiva_widgets.models import Metrics, TaskInfo
from inductiva_widgets.status import KNOWN_STATUSES
from inductiva_widgets.timing import computation_seconds, ended_at, queue_seconds, total_seconds

_NO_METRICS = Metrics()


def _metric(name: str) -> Callable[[TaskInfo], Any]:
    return lambda info: getattr(info.metrics or _NO_METRICS, name)


_TEXT: dict[str, Callable[[TaskInfo], Any]] = {
    "status": lambda info: info.status.value,
    "simulator": lambda info: info.simulator,
    "project": lambda info: info.project,
    "machine_type": lambda info: info.machine_type,
    "provider": lambda info: info.executer.host_type if info.executer else None,
    "error": lambda info: info.reason,
}
_TIMES: dict[str, Callable[[TaskInfo], Any]] = {
    "created": lambda info: info.create_time,
    "submitted": lambda info: info.input_submit_time,
    "started": lambda info: info.start_time,
    "computation_started": lambda info: info.computation_start_time,
    "computation_ended": lambda info: info.computation_end_time,
    "ended": ended_at,
}
_COUNTS: dict[str, Callable[[TaskInfo], Any]] = {
    "output_files": _metric("output_total_files"),
    "output_bytes": _metric("output_size_bytes"),
    "output_archive_bytes": _metric("output_zipped_size_bytes"),
}


def to_frame(infos: Sequence[TaskInfo], *, now: datetime | None = None) -> pd.DataFrame:
    """Return tasks as a DataFrame; costs no request.

    Parameters
    ----------
    infos
        The tasks.
    now
        The service's present time, for the durations of tasks that are still alive.

    Returns
    -------
    pandas.DataFrame
        One row a task in the given order, index ``task_id``, and the columns

        - ``status``: ordered categorical of the status codes;
        - ``simulator``, ``project``, ``machine_type``, ``provider``: categorical;
        - ``error``: why the task failed, in the service's words: categorical;
        - ``created``, ``submitted``, ``started``, ``computation_started``, ``computation_ended``,
          ``ended``: times in UTC;
        - ``queue_time``, ``computation_time``, ``total_time``: durations;
        - ``cost_usd``: estimated cost of the computation, US dollars;
        - ``output_files``, ``output_bytes``, ``output_archive_bytes``: nullable integers.
    """
    now = now or datetime.now(timezone.utc)
    columns: dict[str, Any] = {}
    for name, read in _TEXT.items():
        texts = [read(info) for info in infos]
        # Named, so that a column of nothing but None is one of text all the same.
        columns[name] = pd.Categorical(texts, sorted({text for text in texts if text is not None}))
    codes = [info.status.value for info in infos]
    unknown = sorted(set(codes) - set(KNOWN_STATUSES))
    columns["status"] = pd.Categorical(codes, [*KNOWN_STATUSES, *unknown], ordered=True)
    for name, read in _TIMES.items():
        columns[name] = _times([read(info) for info in infos])
    columns["queue_time"] = _durations([queue_seconds(info, now) for info in infos])
    columns["computation_time"] = _durations([computation_seconds(info, now) for info in infos])
    columns["total_time"] = _durations([total_seconds(info, now) for info in infos])
    columns["cost_usd"] = pd.array(
        [info.estimated_computation_cost for info in infos], dtype="Float64"
    ).to_numpy(dtype="float64", na_value=float("nan"))
    for name, read in _COUNTS.items():
        columns[name] = pd.array([read(info) for info in infos], dtype="Int64")
    index = pd.Index([info.task_id for info in infos], name="task_id", dtype=object)
    return pd.DataFrame(columns, index=index)


def _times(times: list[datetime | None]) -> Any:
    """Return times as a UTC column; twice as fast as having pandas look at each object.

    Seconds since 1970 as doubles are exact to less than a microsecond for the next centuries.
    """
    seconds = [None if time is None else time.timestamp() for time in times]
    return pd.DatetimeIndex(_microseconds(seconds, "datetime64[us]")).tz_localize("UTC")


def _durations(seconds: list[float | None]) -> Any:
    return pd.TimedeltaIndex(_microseconds(seconds, "timedelta64[us]"))


def _microseconds(seconds: list[float | None], kind: str) -> Any:
    known = np.array(seconds, dtype="float64")
    missing = np.isnan(known)
    whole = np.where(missing, 0.0, known * 1e6).round().astype("int64").astype(kind)
    whole[missing] = np.array("NaT", dtype=kind)
    return whole
