"""Build a DataFrame of tasks with a fixed schema, and records of its rows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import make_dataclass
from datetime import datetime, timezone
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inductiva_widgets._version import __version__
from inductiva_widgets.columns import SERVICE
from inductiva_widgets.frames import schema
from inductiva_widgets.frames._columnar import (
    METADATA,
    NO_COUNT,
    TEXTS,
    Counts,
    DictionaryColumn,
    TaskColumns,
    duration,
)
from inductiva_widgets.frames.schema import INDEX, validate_columns
from inductiva_widgets.models.tasks import Executer, Fee, TaskInfo, TaskMetrics
from inductiva_widgets.status import order_codes

_NESTED: dict[str, type[msgspec.Struct]] = {
    "metrics": TaskMetrics,
    "executer": Executer,
    "orchestration_fee": Fee,
}
# Only the details of a task have these, not a listing.
_DETAIL = {"status_history", "machine_operations", "steps", "extra_params"}

ATTRS = "inductiva"
"""Key of the provenance in ``df.attrs``."""
# Since pandas 3, texts have a dtype of their own, and `dtype=str` in pandas 2 turns None into
# "None": https://pandas.pydata.org/pdeps/0014-string-dtype.html
_TEXTS_HAVE_A_TYPE = int(pd.__version__.partition(".")[0]) >= 3
# Without slots: pandas 2.0 reads the fields of a record by ``dataclasses.asdict``.
TaskRecord = make_dataclass("TaskRecord", [schema.INDEX, *schema.DEFAULT_COLUMNS], frozen=True)
"""The default columns of a task, by name; None if missing."""


def _names() -> Iterator[tuple[str, ...]]:
    for field in TaskInfo.__struct_fields__:
        if field in _NESTED:
            yield from ((field, inner) for inner in _NESTED[field].__struct_fields__)
        elif field not in _DETAIL and field != INDEX:
            yield (field,)


COLUMNS = {".".join(path): path for path in _names()}


def raw_frame(infos: Sequence[TaskInfo], columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Return tasks with the field names and values of the service.

    Parameters
    ----------
    infos
        The tasks.
    columns
        Names of the columns, in order; by default all that a listing has.

    Returns
    -------
    pandas.DataFrame
        Index ``task_id``; the same columns for any tasks, such as ``estimated_computation_cost``
        and ``metrics.total_seconds``. All have dtype object: texts, numbers, datetimes, lists,
        dictionaries, and None for unknown values.

    Raises
    ------
    InputError
        A column does not exist, or is named twice.
    """
    names = validate_columns(columns, COLUMNS)
    made = {name: _raw_column([_value(info, COLUMNS[name]) for info in infos]) for name in names}
    index = pd.Index([info.task_id for info in infos], dtype=str, name=INDEX)
    return pd.DataFrame(made, index=index, columns=names, dtype=object)


def _value(info: TaskInfo, path: tuple[str, ...]) -> Any:
    value: Any = info
    for field in path:
        value = getattr(value, field, None)
    return str(value) if path == ("status",) else value


def _raw_column(values: Sequence[Any]) -> Any:
    # Assigned, since np.array would turn lists into further dimensions.
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def to_frame(
    infos: Sequence[TaskInfo],
    *,
    columns: Sequence[str] | None = None,
    metadata: bool = False,
    raw: bool = False,
    now: datetime | None = None,
    source: Mapping[str, Any] | None = None,
    services: Sequence[str] = (),
) -> pd.DataFrame:
    """Return tasks as a DataFrame; costs no request.

    Parameters
    ----------
    infos
        The tasks.
    columns
        Names of the columns, in order; by default the usual ones, which
        ``inductiva_widgets.frames`` lists. A key of the tasks' metadata is the column
        ``metadata.<key>``.
    metadata
        Whether to add a column for every key of the tasks' metadata.
    raw
        Whether to give the service's own names and values instead, as objects, with nothing worked
        out; ``metadata`` is a column there anyway.
    now
        The service's present time, for the durations of tasks that are still alive.
    source
        Provenance of the tasks as JSON values, added to ``df.attrs["inductiva"]`` with the
        time, the version of the schema and that of this package.
    services
        The service of each task, or the one of all tasks, for the column ``service``.

    Returns
    -------
    pandas.DataFrame
        One row a task in the given order, index ``task_id``.

    Raises
    ------
    InputError
        There is no such column, or one is named twice.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> infos = [task.info for task in tasks]
    >>> inductiva.frames.to_frame(infos, columns=["simulator", "status"])["status"].tolist()
    ['success', 'failed', 'success']
    """
    now = now or datetime.now(timezone.utc)
    if raw:
        return _with_provenance(raw_frame(infos, columns), now, source)
    fields = TaskColumns.read(infos, _texts(columns, metadata=metadata))
    return build_frame(
        fields, columns=columns, metadata=metadata, now=now, source=source, services=services
    )


def build_frame(
    fields: TaskColumns,
    *,
    columns: Sequence[str] | None = None,
    metadata: bool = False,
    now: datetime | None = None,
    source: Mapping[str, Any] | None = None,
    services: Sequence[str] = (),
) -> pd.DataFrame:
    """Return a DataFrame of fields; costs no request.

    Parameters
    ----------
    fields
        The tasks.
    columns
        Names of the columns, in order; by default those that ``schema`` calls usual. A key of
        the tasks' metadata is the column ``metadata.<key>``.
    metadata
        Whether to add a column for every key of the tasks' metadata.
    now
        The service's present time, for the durations of tasks that are still alive.
    source
        Provenance of the tasks as JSON values, added to ``df.attrs["inductiva"]`` with the
        time, the version of the schema and that of this package.
    services
        The service of each task, or the one of all tasks, for the column ``service``.

    Returns
    -------
    pandas.DataFrame
        Index ``task_id``; the columns have the types and meanings of ``schema.COLUMNS``,
        whatever the tasks are: categories, times in UTC, durations, floats, nullable integers.
        Columns of metadata are texts.

    Raises
    ------
    InputError
        There is no such column, or one is named twice.
    """
    now = now or datetime.now(timezone.utc)
    known = _metadata(fields.texts[METADATA]) if metadata or _asks_metadata(columns) else []
    keys = sorted({key for values in known for key in values}) if metadata else []
    names = schema.select_columns(columns, keys)
    made = {
        name: _services(services, len(fields))
        if name == SERVICE
        else _column(fields, name, now, known)
        for name in names
    }
    index = pd.Index(fields.ids, dtype=str, name=schema.INDEX)
    # Named, so that a frame of no column has names of the same type.
    frame = pd.DataFrame(made, index=index, columns=pd.Index(names, dtype=str), copy=False)
    return _with_provenance(frame, now, source)


def _with_provenance(
    frame: pd.DataFrame, now: datetime, source: Mapping[str, Any] | None
) -> pd.DataFrame:
    frame.attrs[ATTRS] = {
        **(source or {}),
        "as_of": now.astimezone(timezone.utc).isoformat(timespec="seconds"),
        "schema": schema.SCHEMA_VERSION,
        "version": __version__,
    }
    return frame


def _texts(columns: Sequence[str] | None, *, metadata: bool) -> set[str]:
    """Return the texts that it takes to make some columns."""
    named = set(schema.DEFAULT_COLUMNS if columns is None else columns) & set(TEXTS)
    return named | {METADATA} if metadata or _asks_metadata(columns) else named


def _asks_metadata(columns: Sequence[str] | None) -> bool:
    return any(str(name).startswith(schema.METADATA) for name in columns or ())


def _column(fields: TaskColumns, name: str, now: datetime, metadata: list[dict[str, str]]) -> Any:
    if name.startswith(schema.METADATA):
        return _metadata_column(fields.texts[METADATA], metadata, name[len(schema.METADATA) :])
    kind = schema.COLUMNS[name].kind
    if kind in ("status", "category"):
        return _categories(fields.texts[name], is_status=kind == "status")
    if kind == "time":
        return pd.DatetimeIndex(fields.times[name]).tz_localize("UTC")
    if kind == "duration":
        return pd.TimedeltaIndex(duration(fields, name, now))
    return fields.numbers[name] if kind == "number" else _nullable_int(fields.counts[name])


def _categories(text: DictionaryColumn, *, is_status: bool) -> Any:
    """Return a categorical of the values that occur in alphabetical order; all known statuses."""
    used = sorted(itertools.compress(text.values, text.in_use))
    if is_status:
        used = order_codes(used)
    places = {value: place for place, value in enumerate(used)}
    # The last place stands for -1.
    moved = np.array([*(places.get(value, -1) for value in text.values), -1], dtype=np.int32)
    # Named as texts, so that a column of nothing but None is one of text all the same.
    categories = pd.Index(used, dtype=str)
    return pd.Categorical.from_codes(moved[text.codes], categories, ordered=is_status)


def _services(services: Sequence[str], count: int) -> Any:
    codes, names = pd.factorize(np.array(services, dtype=object), sort=True)
    if len(codes) != count:
        codes = np.repeat(codes if len(codes) else [-1], count)
    # As texts: without a task there is no name.
    names = pd.Index(names[: len(names) if count else 0], dtype=str)
    return pd.Categorical.from_codes(codes, names)


def _nullable_int(counts: Counts) -> Any:
    missing = counts == NO_COUNT
    return pd.arrays.IntegerArray(np.where(missing, 1, counts), missing)


def _metadata(text: DictionaryColumn) -> list[dict[str, str]]:
    """Return the metadata of each place that occurs, an empty one last, which stands for -1."""
    values = [
        msgspec.json.decode(value, type=dict[str, str]) if occurs else {}
        for value, occurs in zip(text.values, text.in_use, strict=True)
    ]
    return [*values, {}]


def _metadata_column(text: DictionaryColumn, metadata: list[dict[str, str]], key: str) -> Any:
    values = np.array([found.get(key) for found in metadata], dtype=object)
    return pd.Series(values[text.codes], dtype=str if _TEXTS_HAVE_A_TYPE else object).array


def to_records(frame: pd.DataFrame) -> NDArray[Any]:
    """Return the rows of a frame with the default columns as an array of ``TaskRecord``."""
    columns = [list(frame.index), *(_values(frame[name]) for name in schema.DEFAULT_COLUMNS)]
    records = np.empty(len(frame), dtype=object)
    records[:] = [TaskRecord(*row) for row in zip(*columns, strict=True)]
    return records


def _values(column: pd.Series[Any]) -> list[Any]:
    return column.astype(object).where(column.notna(), None).tolist()
