"""Write and read frames as files; the suffix selects the format.

=========  ==========================================================================
``.csv``      times as ISO 8601 in UTC, durations in seconds as ``<name>_seconds``
``.parquet``  all types kept, ``attrs`` too
``.arrow``    all types kept, ``attrs`` too; Arrow's own file
``.xlsx``     dates in UTC and durations of Excel; a second sheet tells what columns are
=========  ==========================================================================

A text that begins like a formula (``=``, ``+``, ``-``, ``@``) stays a text: in CSV an apostrophe
is put before it, which ``read`` takes away; in Excel it is marked as text.
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
    """Where the functions of a format are; their engines are imported when they are needed."""

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
    frames: Iterable[pd.DataFrame], path: str | os.PathLike[str], ending: str | None = None
) -> int:
    """Write frames one after the other as one table, to a file that is whole or not there.

    Parameters
    ----------
    frames
        Frames of the same columns, at least one; each is let go once it is written.
    path
        Target; one that is there is replaced once the new one is whole.
    ending
        ``".csv"``, ``".parquet"``, ``".arrow"`` or ``".xlsx"``; by default that of the name.

    Returns
    -------
    int
        How many rows.

    Raises
    ------
    InputError
        The ending is none of these, the folder is not there, or a package is missing. None of the
        frames has been asked for then.
    """
    path = Path(path)
    writer = cast(
        Callable[[Path], AbstractContextManager[Write]], _function("writer", ending or path.suffix)
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
    """Return the frame that a file holds, with the types that it had before.

    Parameters
    ----------
    path
        A file that ``df.inductiva.to_csv`` and the like, or ``tasks export``, have written: the
        ending of its name tells the format.

    Returns
    -------
    pandas.DataFrame
        Index ``task_id``; columns as from ``to_frame``, those of your own as they are. CSV has
        no place for ``attrs``, and a text that is empty is missing there.

    Raises
    ------
    InputError
        The file is not there, is no table of tasks, or a package is missing.

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
                f"{str(path)!r} is no table of tasks: it has no column {schema.INDEX!r}."
            )
        attrs, frame = frame.attrs, frame.set_index(schema.INDEX)
        frame.attrs = attrs
    frame.index = pd.Index(frame.index, dtype=str, name=schema.INDEX)
    return coerce_to_schema(frame)


def _function(name: str, ending: str) -> Any:
    found = _FORMATS.get(ending.lower())
    if found is None:
        *others, last = _FORMATS
        raise InputError(
            f"{ending or 'No ending'!r} tells no format: the name must end in "
            f"{', '.join(others)} or {last}."
        )
    module = import_module(found.module)
    return getattr(module, getattr(found, name))
