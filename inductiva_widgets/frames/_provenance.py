"""Task ids and provenance of a frame."""

from __future__ import annotations

from typing import Any

import pandas as pd

from inductiva_widgets.columns import SERVICE
from inductiva_widgets.errors import InputError
from inductiva_widgets.frames import schema
from inductiva_widgets.frames._to_frame import ATTRS


def task_ids(frame: Any, *, may_repeat: bool = False) -> list[str]:
    """Return the ids of the tasks of a frame.

    Parameters
    ----------
    frame
        A DataFrame with the ids in its index ``task_id``, or in a column of that name.
    may_repeat
        If True, a task may be in several rows.

    Raises
    ------
    InputError
        The frame is not one of tasks. The message has the reason and a fix.
    """
    if not isinstance(frame, pd.DataFrame):
        hint = ": for one column, keep the frame: df[['cost_usd']]" if _is_series(frame) else ""
        raise InputError(f"The tasks must be a DataFrame, got {type(frame).__name__}{hint}.")
    if frame.index.name == schema.INDEX:
        found: Any = frame.index
    elif list(frame.columns).count(schema.INDEX) == 1:
        found = frame[schema.INDEX]
    else:
        raise InputError(
            f"The rows of this frame are no tasks: neither its index ({_index_name(frame)}) nor a "
            f"column is called {schema.INDEX!r}. The results of groupby, agg and pivot are groups: "
            "select tasks before you group them, or add their ids, for example with "
            f"df.reset_index().groupby(...)[{schema.INDEX!r}].first()."
        )
    ids: list[str] = found.astype(object).tolist()
    for row, task_id in enumerate(ids):
        if not isinstance(task_id, str) or not task_id.strip():
            raise InputError(
                f"The task id of row {row} must be a non-empty string, got {task_id!r}. "
                f"Drop such rows, or put the ids into the index {schema.INDEX!r}."
            )
    if not may_repeat and len(set(ids)) < len(ids):
        twice = found[found.duplicated()]
        first = twice.iloc[0] if isinstance(twice, pd.Series) else twice[0]
        raise InputError(
            f"The task {first!r} is in this frame more than once, as after pd.concat or a merge. "
            "Keep one row per task: df[~df.index.duplicated()]."
        )
    return ids


def frame_source(frame: pd.DataFrame) -> dict[str, Any]:
    """Return the provenance in a frame's ``attrs``, or {} if it has none.

    Raises
    ------
    InputError
        A newer version of this package made the frame, whose columns may have other meanings.
    """
    source = frame.attrs.get(ATTRS)
    if not isinstance(source, dict):
        return {}
    made_by = source.get("schema")
    if isinstance(made_by, int) and made_by > schema.SCHEMA_VERSION:
        raise InputError(
            f"This frame was made by inductiva_widgets {source.get('version')}, whose columns this "
            "version cannot read: pip install --upgrade inductiva-widgets."
        )
    return source


def frame_service(frame: pd.DataFrame) -> str | None:
    """Return the service in the column ``service`` of a frame, or None if it is unknown.

    Raises
    ------
    InputError
        The frame has tasks of several services, as after ``pd.concat``.
    """
    if list(frame.columns).count(SERVICE) != 1:
        return None
    names = sorted(map(str, frame[SERVICE].dropna().unique()))
    if len(names) > 1:
        raise InputError(
            f"This frame has tasks of {len(names)} services, but a list of tasks from a frame has "
            f"one client: {', '.join(names)}. Select the tasks of one service: "
            f"df[df[{SERVICE!r}] == {names[0]!r}]."
        )
    return names[0] if names else None


def _is_series(value: object) -> bool:
    return isinstance(value, pd.Series)


def _index_name(frame: pd.DataFrame) -> str:
    names = [name for name in frame.index.names if name is not None]
    return f"called {', '.join(map(repr, names))}" if names else "which has no name"
