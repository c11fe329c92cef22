"""Compare tasks of a frame: columns that differ and columns that agree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from inductiva_widgets.errors import InputError
from inductiva_widgets.frames import schema
from inductiva_widgets.frames._detail_columns import detail_columns
from inductiva_widgets.frames._to_frame import ATTRS, to_frame
from inductiva_widgets.models.tasks import TaskInfo

SAME = "same"
"""Key in ``df.attrs["inductiva"]`` of the values that all tasks share."""

_SAMPLE_SIZE = 100


def compare(df: pd.DataFrame, *, always: Iterable[str] = ()) -> pd.DataFrame:
    """Return the columns of a frame in which its rows differ.

    Parameters
    ----------
    df
        A frame of tasks, such as from ``to_frame``, with any further columns.
    always
        Names of columns to keep even if they do not differ.

    Returns
    -------
    pandas.DataFrame
        The same rows, with the columns that differ, both in the same order. Values are compared
        exactly, and missing values are equal to each other. ``df.attrs["inductiva"]["same"]`` has
        the value of each column that was left out: texts, numbers, times in ISO format, durations
        in seconds, None if all values are missing.

    Raises
    ------
    InputError
        The frame has fewer than two rows, or lacks a column of ``always``.

    Examples
    --------
    >>> failed = df.query("simulator == 'reef3d' and status == 'failed'").head(3)
    >>> compared = inductiva.frames.compare(failed, always=["status"])
    >>> "status" in compared, "simulator" in compared
    (True, False)
    >>> compared.attrs["inductiva"]["same"]["simulator"]
    'reef3d'
    """
    kept = {always} if isinstance(always, str) else set(always)
    unknown = sorted(map(str, kept - set(df.columns)))
    if unknown:
        raise InputError(f"`always` must name columns of the frame, got {unknown[0]!r}.")
    if len(df) < 2:
        raise InputError(f"A comparison needs at least two tasks, got {len(df)}.")
    differ = [_differs(column) for _, column in df.items()]
    stays = [differs or name in kept for name, differs in zip(df.columns, differ, strict=True)]
    same = {
        str(name): _plain(column.iloc[0])
        for (name, column), differs in zip(df.items(), differ, strict=True)
        if not differs
    }
    compared = df.loc[:, stays].copy()
    compared.attrs = {**df.attrs, ATTRS: {**df.attrs.get(ATTRS, {}), SAME: same}}
    return compared


def comparison_frame(
    infos: Sequence[TaskInfo],
    *,
    details: bool = False,
    now: datetime | None = None,
    source: dict[str, Any] | None = None,
    services: Sequence[str] = (),
) -> pd.DataFrame:
    """Return all columns of tasks as one frame.

    Parameters
    ----------
    infos
        The tasks.
    details
        If True, add the ``detail_columns``, which need the details of the tasks.
    now, source, services
        As for ``to_frame``.
    """
    frame = to_frame(
        infos,
        columns=list(schema.COLUMNS),
        metadata=True,
        now=now,
        source=source,
        services=services,
    )
    return frame.assign(**detail_columns(infos, frame.index)) if details else frame


def to_json_columns(df: pd.DataFrame) -> dict[str, list[Any]]:
    """Return the values of each column of a frame as JSON values.

    Parameters
    ----------
    df
        The frame.

    Returns
    -------
    dict
        Values in the format of ``df.attrs["inductiva"]["same"]`` after ``compare``, by column.
    """
    return {str(name): [_plain(value) for value in column] for name, column in df.items()}


def _differs(column: pd.Series[Any]) -> bool:
    # If a long column differs, mostly its first values do.
    return _varies(column.iloc[:_SAMPLE_SIZE]) or (len(column) > _SAMPLE_SIZE and _varies(column))


def _varies(column: pd.Series[Any]) -> bool:
    try:
        codes, _ = pd.factorize(column)
    except TypeError:
        # Lists and other values that are not hashable.
        codes, _ = pd.factorize(column.map(repr, na_action="ignore"))
    return bool(np.any(codes != codes[0]))


def _plain(value: Any) -> Any:
    """Return the JSON value of a cell."""
    if pd.api.types.is_scalar(value):
        if pd.isna(value):
            return None
        if isinstance(value, pd.Timestamp):
            return value.isoformat()
        if isinstance(value, pd.Timedelta):
            return value.total_seconds()
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, (str, int, float)):
            return value
    return repr(value)
