"""Schema of a task frame: its columns, from ``inductiva_widgets.columns``.

Columns have the names of the service, with these exceptions: ``<x>_seconds`` becomes the duration
``<x>_time``, ``<x>_size_bytes`` becomes ``<x>_bytes`` and ``<x>_zipped_size_bytes`` becomes
``<x>_archive_bytes``.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Sequence

from inductiva_widgets.columns import COLUMNS as ALL_COLUMNS
from inductiva_widgets.columns import Column, Kind
from inductiva_widgets.errors import InputError

SCHEMA_VERSION = 2
"""Raised whenever a column changes its name, type or meaning."""

METADATA = "metadata."
"""Prefix of the columns of metadata; the key follows."""

INDEX = "task_id"

COLUMNS = {name: column for name, column in ALL_COLUMNS.items() if column.in_frame}
DEFAULT_COLUMNS = tuple(name for name, column in COLUMNS.items() if column.is_default)

DTYPES: dict[Kind, str] = {
    "text": "text",
    "status": "ordered category",
    "category": "category",
    "time": "datetime64[us, UTC]",
    "duration": "timedelta64[us]",
    "number": "float64",
    "count": "Int64",
}


def select_columns(columns: Iterable[str] | None, keys: Sequence[str]) -> list[str]:
    """Return the names of the columns of a frame, in order.

    Parameters
    ----------
    columns
        Names, including those of metadata columns; None for the default columns.
    keys
        Keys of metadata whose columns to add.

    Raises
    ------
    InputError
        A column does not exist, or is named twice.
    """
    names = validate_columns(DEFAULT_COLUMNS if columns is None else columns, COLUMNS, METADATA)
    return names + [name for key in keys if (name := METADATA + key) not in names]


def validate_columns(
    columns: Iterable[str] | None, known: Collection[str], prefix: str | None = None
) -> list[str]:
    """Return the names of columns after a check.

    Parameters
    ----------
    columns
        The names; None for all known ones.
    known
        Names of the existing columns.
    prefix
        Prefix of further accepted names.

    Raises
    ------
    InputError
        A column does not exist, or is named twice.
    """
    if columns is None:
        return list(known)
    if isinstance(columns, str):
        raise InputError(
            f"`columns` must be a list of names, got {columns!r}. Pass columns=[{columns!r}]."
        )
    names = list(columns)
    for name in names:
        has_prefix = prefix and isinstance(name, str) and name.startswith(prefix)
        if name not in known and not has_prefix:
            further = f", or {prefix}<key> for a key of the tasks' metadata" if prefix else ""
            expected = f"Expected one of: {', '.join(known)}{further}."
            raise InputError(f"{_no_such(name, known)} {expected}")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"The column {twice!r} is named twice.")
    return names


def _no_such(name: object, known: Collection[str]) -> str:
    if name == INDEX:
        return f"{INDEX!r} is the index of the frame, which is always included."
    near = difflib.get_close_matches(str(name), known, n=1)
    return f"There is no column {name!r}.{f' Did you mean {near[0]!r}?' if near else ''}"


def markdown_table() -> list[str]:
    """Return the rows of the table of columns, in Markdown, for the documentation."""
    return [_markdown_row(name, column) for name, column in COLUMNS.items()]


def _markdown_row(name: str, column: Column) -> str:
    on_request = "" if column.is_default else " (by name)"
    return f"| `{name}` | {DTYPES[column.kind]} | {column.description}{on_request} |"
