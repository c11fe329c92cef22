"""Frames with the field names and values of the service."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from inductiva_widgets.frames.schema import INDEX, validate_columns
from inductiva_widgets.models.tasks import Executer, Fee, TaskInfo, TaskMetrics

_NESTED: dict[str, type[msgspec.Struct]] = {
    "metrics": TaskMetrics,
    "executer": Executer,
    "orchestration_fee": Fee,
}
# Only the details of a task have these, not a listing.
_DETAIL = {"status_history", "machine_operations", "steps", "extra_params"}


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
    made = {name: _column([_value(info, COLUMNS[name]) for info in infos]) for name in names}
    index = pd.Index([info.task_id for info in infos], dtype=str, name=INDEX)
    return pd.DataFrame(made, index=index, columns=names, dtype=object)


def _value(info: TaskInfo, path: tuple[str, ...]) -> Any:
    value: Any = info
    for field in path:
        value = getattr(value, field, None)
    return str(value) if path == ("status",) else value


def _column(values: Sequence[Any]) -> Any:
    # Assigned, since np.array would turn lists into further dimensions.
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column
