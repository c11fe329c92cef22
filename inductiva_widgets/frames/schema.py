"""Schema of a task frame: names, types and meanings of its columns.

A column of the service is called as the service calls it, with two rules: ``<x>_seconds`` becomes
the duration ``<x>_time``, ``<x>_size_bytes`` becomes ``<x>_bytes`` and ``<x>_zipped_size_bytes``
``<x>_archive_bytes``.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Sequence
from typing import Literal, NamedTuple

from inductiva_widgets.errors import InputError

SCHEMA_VERSION = 1
"""Raised whenever a column changes its name, type or meaning."""

METADATA = "metadata."
"""How the name of a column of metadata begins; what follows is the key."""

INDEX = "task_id"

Kind = Literal["status", "category", "time", "duration", "number", "count"]


class Column(NamedTuple):
    """One column: its type, what it means, and whether a frame has it without being asked."""

    kind: Kind
    description: str
    is_default: bool = True


COLUMNS: dict[str, Column] = {
    "status": Column("status", "code of the status, in the order of a task's life"),
    "simulator": Column("category", "simulator, as the service calls it"),
    "project": Column("category", "project"),
    "machine_type": Column("category", "machine type, such as c2-standard-16; else its name"),
    "provider": Column("category", "whose machine it is, such as GCP"),
    "region": Column("category", "region of the storage"),
    "created": Column("time", "the service made the task"),
    "submitted": Column("time", "the input files were there and the task entered the queue"),
    "started": Column("time", "a machine picked the task up"),
    "computation_started": Column("time", "the simulator began"),
    "computation_ended": Column("time", "the simulator ended"),
    "ended": Column("time", "the task ended, its output stored"),
    "queue_time": Column("duration", "wait for a machine; until now while it lasts"),
    "computation_time": Column("duration", "run of the simulator; until now while it lasts"),
    "total_time": Column("duration", "from creation to the end; until now while it lasts"),
    "container_image_download_time": Column("duration", "fetching the image; missing if cached"),
    "input_upload_time": Column("duration", "input files, from here to the service"),
    "input_download_time": Column("duration", "input files, from the service to the machine"),
    "input_decompression_time": Column("duration", "unpacking the input files"),
    "output_compression_time": Column("duration", "packing the output files"),
    "output_upload_time": Column("duration", "output files, from the machine to the service"),
    "cost_usd": Column("number", "estimated cost of the computation, US dollars"),
    "fee_usd": Column("number", "fee of the service for the task, US dollars"),
    "container_image_bytes": Column("count", "size of the image"),
    "input_bytes": Column("count", "size of the input files"),
    "input_archive_bytes": Column("count", "size of the input archive"),
    "output_files": Column("count", "number of output files"),
    "output_bytes": Column("count", "size of the output files"),
    "output_archive_bytes": Column("count", "size of the output archive"),
    "retries": Column("count", "how often the service ran the task again"),
    "error": Column("category", "why the task failed, in the service's words"),
    "container_image": Column("category", "image that was run", is_default=False),
    "machine_group": Column("category", "name of the machine group", is_default=False),
    "machines": Column("count", "number of machines", is_default=False),
    "cpus": Column("count", "logical processors of one machine", is_default=False),
    "memory_bytes": Column("count", "memory of one machine", is_default=False),
}
DEFAULT_COLUMNS = tuple(name for name, column in COLUMNS.items() if column.is_default)

DTYPES: dict[Kind, str] = {
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
        Names that are wanted, those of metadata among them; None for the usual ones.
    keys
        Keys of metadata whose columns are wanted as well.

    Raises
    ------
    InputError
        There is no such column, or one is named twice.
    """
    names = validate_columns(DEFAULT_COLUMNS if columns is None else columns, COLUMNS, METADATA)
    return names + [name for key in keys if (name := METADATA + key) not in names]


def validate_columns(
    columns: Iterable[str] | None, known: Collection[str], beginning: str | None = None
) -> list[str]:
    """Return the names of columns, None being all that are known.

    Parameters
    ----------
    columns
        The names.
    known
        Those that there are.
    beginning
        How others may begin.

    Raises
    ------
    InputError
        There is no such column, or one is named twice.
    """
    if columns is None:
        return list(known)
    if isinstance(columns, str):
        raise InputError(f"columns must be a list of names: columns=[{columns!r}].")
    names = list(columns)
    for name in names:
        also = beginning and isinstance(name, str) and name.startswith(beginning)
        if name not in known and not also:
            others = f", and {beginning}<key> for a key of the tasks' metadata" if beginning else ""
            raise InputError(f"{_no_such(name, known)} Known: {', '.join(known)}{others}.")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"The column {twice!r} is named twice.")
    return names


def _no_such(name: object, known: Collection[str]) -> str:
    if name == INDEX:
        return f"{INDEX!r} is the index of the frame, which is always there."
    near = difflib.get_close_matches(str(name), known, n=1)
    return f"There is no column {name!r}.{f' Did you mean {near[0]!r}?' if near else ''}"


def markdown_table() -> list[str]:
    """Return the lines of the dictionary of columns, as documents have them."""
    return [
        f"| `{name}` | {DTYPES[column.kind]} | {_description(column)} |"
        for name, column in COLUMNS.items()
    ]


def _description(column: Column) -> str:
    return column.description if column.is_default else f"{column.description} (by name)"
