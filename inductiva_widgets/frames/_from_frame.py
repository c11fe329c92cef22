"""Rebuild tasks from the rows of a DataFrame."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from inductiva_widgets.frames import schema
from inductiva_widgets.frames._coerce import coerce_to_schema, column_kind
from inductiva_widgets.frames._provenance import task_ids
from inductiva_widgets.models.tasks import NO_TYPE, Executer, Fee, TaskFromFrame, TaskMetrics
from inductiva_widgets.status import Status


def tasks_from_frame(frame: pd.DataFrame) -> list[TaskFromFrame | str]:
    """Rebuild the tasks of a frame from the columns that it has.

    Growing durations of live tasks are left out, since they are computed from the times again.

    Parameters
    ----------
    frame
        The frame; columns that are not in the schema are ignored.

    Returns
    -------
    list
        A task for each row, or only its id if the row has no status.

    Raises
    ------
    InputError
        The frame is not one of tasks, or a column has values of another type.
    """
    ids = task_ids(frame)
    if "status" not in frame:
        return list(ids)
    rows = _FrameRows(frame)
    over = _is_finished(rows)
    # Written out, since a call with a dict takes five times as long.
    return [
        task_id
        if status is None
        else TaskFromFrame(
            task_id=task_id,
            status=status,
            is_terminated=is_over,
            simulator=simulator,
            project=project,
            storage_region=region,
            machine_group_name=group,
            container_image=image,
            error_detail=error,
            create_time=created,
            input_submit_time=submitted,
            start_time=started,
            computation_start_time=computation_started,
            computation_end_time=computation_ended,
            end_time=ended,
            estimated_computation_cost=cost,
            num_retries=retries,
            metrics=metrics,
            executer=machine,
            orchestration_fee=None if fee is None else Fee(amount=fee, charged=fee != 0),
            task_metadata=metadata,
        )
        for (
            task_id, status, is_over, simulator, project, region, group, image, error,
            created, submitted, started, computation_started, computation_ended, ended,
            cost, retries, metrics, machine, fee, metadata,
        ) in zip(
            ids,
            rows.statuses(),
            _or_none(over == 1, over == _UNKNOWN),
            *map(rows.texts, ("simulator", "project", "region", "machine_group")),
            *map(rows.texts, ("container_image", "error")),
            *map(rows.times, ("created", "submitted", "started")),
            *map(rows.times, ("computation_started", "computation_ended")),
            rows.times("ended"),
            rows.numbers("cost_usd"),
            rows.counts("retries"),
            _metrics(rows, over == 1),
            _machines(rows),
            rows.numbers("fee_usd"),
            _metadata(rows),
            strict=True,
        )
    ]  # fmt: skip


class _FrameRows:
    """Columns of a frame in the types of the schema; all values of a missing column are None."""

    def __init__(self, frame: pd.DataFrame) -> None:
        known = [name for name in frame.columns if column_kind(name) is not None]
        self.frame = coerce_to_schema(frame[known])
        self._none: list[Any] = [None] * len(frame)

    def __len__(self) -> int:
        return len(self.frame)

    def __contains__(self, name: str) -> bool:
        return name in self.frame

    def statuses(self) -> list[Status | None]:
        # One member per code, since an unknown code creates a member on each call.
        status = self.frame["status"].array
        members: Any = [*map(Status, status.categories), None]
        return [members[code] for code in status.codes.tolist()]

    def texts(self, name: str) -> list[str | None]:
        if name not in self:
            return self._none
        column: Any = self.frame[name].array
        if not isinstance(column, pd.Categorical):
            return _or_none(column.astype(object), column.isna())
        values: list[str | None] = [*column.categories, None]
        return [values[code] for code in column.codes.tolist()]

    def stamps(self, name: str) -> Any:
        """Return times in UTC, or durations, as a numpy array."""
        if name in self:
            column: Any = self.frame[name]
            return column.to_numpy(dtype=_NUMPY_TYPES[schema.COLUMNS[name].kind])
        kind = _NUMPY_TYPES[schema.COLUMNS[name].kind]
        return np.full(len(self), np.array("NaT", kind), kind)

    def times(self, name: str) -> list[Any]:
        return _moments(self.stamps(name)) if name in self else self._none

    def seconds(self, name: str, where: Any = True) -> list[float | None]:
        if name not in self:
            return self._none
        durations = self.stamps(name)
        missing = np.isnat(durations) | ~np.asarray(where)
        return _or_none(durations.astype(np.int64) / 1e6, missing)

    def numbers(self, name: str) -> list[float | None]:
        if name not in self:
            return self._none
        values = self.frame[name].to_numpy(np.float64)
        return _or_none(values, np.isnan(values))

    def counts(self, name: str) -> list[int | None]:
        if name not in self:
            return self._none
        column: Any = self.frame[name].array
        return _or_none(column.to_numpy(np.int64, na_value=0), column.isna())


_NUMPY_TYPES = {"time": "datetime64[us]", "duration": "timedelta64[us]"}
_UNKNOWN = -1


# A task with one of these statuses may return to the queue: it has ended if its end is known.
_MAY_RETURN = (Status.SPOT_INSTANCE_PREEMPTED, Status.EXECUTER_TERMINATED)


def _is_finished(rows: _FrameRows) -> Any:
    """Return 1 for finished tasks, 0 for live ones, -1 if their status decides."""
    ended = ~np.isnat(rows.stamps("ended"))
    was_submitted = np.zeros(len(rows), np.bool_)
    if "ended" in rows:
        for name in ("submitted", "started", "computation_started", "computation_ended"):
            was_submitted |= ~np.isnat(rows.stamps(name))
    status: Any = rows.frame["status"].array
    kinds = [Status(code) for code in status.categories]
    # The last item is for a missing status.
    is_terminal = np.array([*(kind.is_terminal for kind in kinds), False])
    is_final = np.array([*(kind.is_terminal and kind not in _MAY_RETURN for kind in kinds), False])
    by_row = np.where(was_submitted, 0, _UNKNOWN)
    by_row = np.where(ended | is_final[status.codes], 1, by_row)
    return np.where((by_row == _UNKNOWN) & is_terminal[status.codes], 1, by_row)


def _metrics(rows: _FrameRows, over: Any) -> list[TaskMetrics | None]:
    def settled(name: str, end: str, *starts: str) -> list[float | None]:
        """Return durations, or None if they still grow."""
        has_begun = np.any([~np.isnat(rows.stamps(start)) for start in starts], axis=0)
        return rows.seconds(name, over | ~np.isnat(rows.stamps(end)) | ~has_begun)

    return [
        None
        if values == _NO_METRICS
        else TaskMetrics(
            total_seconds=values[0],
            queue_time_seconds=values[1],
            computation_seconds=values[2],
            container_image_download_seconds=values[3],
            input_upload_seconds=values[4],
            input_download_seconds=values[5],
            input_decompression_seconds=values[6],
            output_compression_seconds=values[7],
            output_upload_seconds=values[8],
            container_image_size_bytes=values[9],
            input_size_bytes=values[10],
            input_zipped_size_bytes=values[11],
            output_total_files=values[12],
            output_size_bytes=values[13],
            output_zipped_size_bytes=values[14],
        )
        for values in zip(
            settled("total_time", "ended", "created", "submitted"),
            settled("queue_time", "started", "submitted"),
            settled("computation_time", "computation_ended", "computation_started"),
            *map(rows.seconds, ("container_image_download_time", "input_upload_time")),
            *map(rows.seconds, ("input_download_time", "input_decompression_time")),
            *map(rows.seconds, ("output_compression_time", "output_upload_time")),
            *map(rows.counts, ("container_image_bytes", "input_bytes", "input_archive_bytes")),
            *map(rows.counts, ("output_files", "output_bytes", "output_archive_bytes")),
            strict=True,
        )
    ]


_NO_METRICS = (None,) * 15


def _machines(rows: _FrameRows) -> list[Executer | None]:
    # Tasks share the few kinds of machines.
    made: dict[tuple[Any, ...], Executer | None] = {(None,) * 5: None}
    machines = list(
        zip(
            *map(rows.texts, ("machine_type", "provider")),
            *map(rows.counts, ("machines", "cpus", "memory_bytes")),
            strict=True,
        )
    )
    for machine in set(machines) - made.keys():
        kind, provider, count, cpus, memory = machine
        made[machine] = Executer(
            vm_type=kind,
            # A machine without a type has only a name.
            vm_name=kind if kind in NO_TYPE else None,
            host_type=provider,
            n_mpi_hosts=count,
            cpu_count_logical=cpus,
            memory=memory,
        )
    return [made[machine] for machine in machines]


def _metadata(rows: _FrameRows) -> list[dict[str, str] | None]:
    names = [name for name in rows.frame if str(name).startswith(schema.METADATA)]
    found: list[dict[str, str]] = [{} for _ in range(len(rows))]
    for name in names:
        key = str(name).removeprefix(schema.METADATA)
        for metadata, value in zip(found, rows.texts(str(name)), strict=True):
            if value is not None:
                metadata[key] = str(value)
    return [metadata or None for metadata in found]


def _moments(times: Any) -> list[Any]:
    """Return times as datetimes in UTC, with None for NaT."""
    moments = pd.DatetimeIndex(times).tz_localize("UTC").to_pydatetime()
    return _or_none(moments, np.isnat(times))


def _or_none(values: Any, missing: Any) -> list[Any]:
    listed: list[Any] = values.tolist()
    for index in np.flatnonzero(missing).tolist():
        listed[index] = None
    return listed
