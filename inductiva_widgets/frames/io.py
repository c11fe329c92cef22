"""Write and read frames as files; the suffix selects the format.

=========  ==========================================================================
``.csv``      times as ISO 8601 in UTC, durations in seconds as ``<name>_seconds``
``.parquet``  all types kept, ``attrs`` too
``.arrow``    all types kept, ``attrs`` too; Arrow's own file
``.xlsx``     dates in UTC and Excel durations; a second sheet describes the columns
=========  ==========================================================================

A text that begins like a formula (``=``, ``+``, ``-``, ``@``) stays a text: CSV files have an
apostrophe before it, which ``read`` removes; Excel files mark it as text.

Counts and sizes keep all digits; Excel itself rounds numbers to 15 digits when it saves a file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, cast

import pandas as pd

from inductiva_widgets._atomic import atomic_path
from inductiva_widgets.errors import InputError
from inductiva_widgets.frames import schema
from inductiva_widgets.frames._coerce import coerce_to_schema

Write = Callable[[pd.DataFrame], None]


class _Format(NamedTuple):
    """Names of the functions of a format, which import its engine when first used."""

    module: str
    writer: str
    reader: str


_FORMATS = {
    ".csv": _Format("inductiva_widgets.frames._csv", "writer", "read"),
    ".parquet": _Format("inductiva_widgets.frames._arrow", "parquet_writer", "read_parquet"),
    ".arrow": _Format("inductiva_widgets.frames._arrow", "arrow_writer", "read_arrow"),
    ".xlsx": _Format("inductiva_widgets.frames._excel", "writer", "read"),
}


def write_frames(
    frames: Iterable[pd.DataFrame], path: str | os.PathLike[str], suffix: str | None = None
) -> int:
    """Write frames of the same columns as one table, atomically.

    Parameters
    ----------
    frames
        At least one frame; each is released once it is written.
    path
        Target; an existing file is replaced when the new one is complete.
    suffix
        ``".csv"``, ``".parquet"``, ``".arrow"`` or ``".xlsx"``; by default that of ``path``.

    Returns
    -------
    int
        Number of rows.

    Raises
    ------
    InputError
        The suffix is not supported, the folder does not exist, or a package is missing; raised
        before the first frame is read from ``frames``.
    """
    path = Path(path)
    writer = cast(
        Callable[[Path], AbstractContextManager[Write]], _function("writer", suffix or path.suffix)
    )
    if not path.absolute().parent.is_dir():
        raise InputError(f"The folder {str(path.absolute().parent)!r} does not exist.")
    count = 0
    with atomic_path(path) as scratch, writer(scratch) as write:
        for frame in frames:
            write(frame)
            count += len(frame)
    return count


def read(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a frame from a file, with the types that it was written with.

    Parameters
    ----------
    path
        A file that ``df.inductiva.to_csv`` and the like, or ``tasks export``, have written; its
        suffix selects the format.

    Returns
    -------
    pandas.DataFrame
        Index ``task_id``; columns as from ``to_frame``, further columns unchanged. From a CSV
        file, ``attrs`` and empty texts are missing.

    Raises
    ------
    InputError
        The file does not exist, is not a table of tasks, or a package is missing.

    Examples
    --------
    >>> df.inductiva.to_parquet("history.parquet")
    >>> again = inductiva.frames.read("history.parquet")
    >>> again.equals(df)
    True
    """
    path = Path(path)
    reader = cast(Callable[[Path], pd.DataFrame], _function("reader", path.suffix))
    try:
        frame = reader(path)
    except FileNotFoundError:
        raise InputError(f"There is no file {str(path)!r}.") from None
    except (ValueError, KeyError, OSError) as error:
        raise InputError(
            f"{str(path)!r} cannot be read as {path.suffix.removeprefix('.')}: {error}. "
            "Was it written by df.inductiva or tasks export, and copied as a whole?"
        ) from error
    if frame.index.name != schema.INDEX:
        if schema.INDEX not in frame:
            raise InputError(
                f"{str(path)!r} is not a table of tasks: it has no column {schema.INDEX!r}."
            )
        attrs, frame = frame.attrs, frame.set_index(schema.INDEX)
        frame.attrs = attrs
    frame.index = pd.Index(frame.index, dtype=str, name=schema.INDEX)
    return coerce_to_schema(frame)


def _function(name: str, suffix: str) -> Any:
    found = _FORMATS.get(suffix.lower())
    if found is None:
        *others, last = _FORMATS
        raise InputError(
            f"The suffix of the file must be one of {', '.join(others)} or {last}, got {suffix!r}."
        )
    module = import_module(found.module)
    return getattr(module, getattr(found, name))
