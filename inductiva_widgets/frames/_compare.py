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
"""Key in ``df.attrs["inductiva"]`` of what all tasks have in common."""

_FEW = 100


def compare(df: pd.DataFrame, *, always: Iterable[str] = ()) -> pd.DataFrame:
    """Return the columns of a frame in which its rows differ; costs no request.

    Parameters
    ----------
    df
        A frame of tasks, such as from ``to_frame``; other columns may be there too.
    always
        Names of columns that stay, whether they differ or not.

    Returns
    -------
    pandas.DataFrame
        The same rows in the same order, and of the columns those that differ, in their order.
        Values are compared exactly; what is missing is equal to what is missing, and to nothing
        else. ``df.attrs["inductiva"]["same"]`` has the value of each column that was left out:
        texts, numbers, times in ISO format, durations in seconds, None where all is missing.

    Raises
    ------
    InputError
        There are fewer than two rows, or ``always`` names a column that is not there.

    Examples
    --------
    >>> failed = df.query("simulator == 'reef3d' and status == 'failed'").head(3)
    >>> compared = inductiva.frames.compare(failed, always=["status"])
    >>> "status" in compared, "simulator" in compared
    (True, False)
    >>> compared.attrs["inductiva"]["same"]["simulator"]
    'reef3d'
    """
    wanted = {always} if isinstance(always, str) else set(always)
    unknown = sorted(map(str, wanted - set(df.columns)))
    if unknown:
        raise InputError(f"There is no column {unknown[0]!r} that could always stay.")
    if len(df) < 2:
        raise InputError(f"To compare takes two tasks or more; there {_count(len(df))}.")
    differ = [_differs(column) for _, column in df.items()]
    stays = [differs or name in wanted for name, differs in zip(df.columns, differ, strict=True)]
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
) -> pd.DataFrame:
    """Return all that is known of tasks as one frame; costs no request.

    Parameters
    ----------
    infos
        The tasks.
    details
        Whether to add what only the detail of a task tells: ``detail_columns``.
    now, source
        As for ``frame_of``.
    """
    frame = to_frame(infos, columns=list(schema.COLUMNS), metadata=True, now=now, source=source)
    return frame.assign(**detail_columns(infos, frame.index)) if details else frame


def to_json_columns(df: pd.DataFrame) -> dict[str, list[Any]]:
    """Return the values of a frame as JSON has them, by the names of the columns.

    Parameters
    ----------
    df
        The frame.

    Returns
    -------
    dict
        Values as ``compare`` tells those that are the same.
    """
    return {str(name): [_plain(value) for value in column] for name, column in df.items()}


def _differs(column: pd.Series[Any]) -> bool:
    # Of many tasks, the first few mostly tell.
    return _varies(column.iloc[:_FEW]) or (len(column) > _FEW and _varies(column))


def _varies(column: pd.Series[Any]) -> bool:
    try:
        codes, _ = pd.factorize(column)
    except TypeError:
        # Lists and the like, which have no place in a hash table.
        codes, _ = pd.factorize(column.map(repr, na_action="ignore"))
    return bool(np.any(codes != codes[0]))


def _plain(value: Any) -> Any:
    """Return a value as JSON has it."""
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


def _count(rows: int) -> str:
    return "is none" if rows == 0 else "is one"
