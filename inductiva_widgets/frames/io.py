"""Write and read frames as files; the suffix selects the format.

=========  ==========================================================================
``.csv``      times as ISO 8601 in UTC, durations in seconds as ``<name>_seconds``
``.parquet``  all types kept, ``attrs`` too
``.arrow``    all types kept, ``attrs`` too; Arrow's own file
``.xlsx``     dates in UTC and Excel durations; a second sheet describes the columns
=========  ==========================================================================

CSV may be compressed: ``.csv.gz``, ``.csv.bz2``, ``.csv.xz``, ``.csv.zip``.

A text that a spreadsheet may run as a formula stays a text: CSV files have an apostrophe before it,
which ``read`` removes; Excel files mark it as text.

Counts and sizes keep all digits; Excel itself rounds numbers to 15 digits when it saves a file.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

import pandas as pd

from inductiva_widgets._atomic import atomic_path
from inductiva_widgets._warnings import warn_caller
from inductiva_widgets.errors import ExportWarning, InputError
from inductiva_widgets.frames import schema
from inductiva_widgets.frames._coerce import coerce_to_schema

Target = str | os.PathLike[str] | IO[Any]
"""A path or an open file."""

Write = Callable[[pd.DataFrame], Counter[tuple[str, str]] | None]
"""Appends a frame; may return the numbers of changed values, by description and column."""


class _Format(NamedTuple):
    """A file format; its engine is imported when first used.

    Parameters
    ----------
    suffixes
        Suffixes of files, that of the format first, then those of compressed files.
    method
        Method of ``df.inductiva``.
    module
        Module of the functions.
    writer, reader
        Functions of the module, which take an open file.
    is_text
        If True, ``writer`` takes a text file.
    """

    suffixes: tuple[str, ...]
    method: str
    module: str
    writer: str
    reader: str
    is_text: bool = False

    def function(self, name: str) -> Any:
        """Return a function of the format."""
        return getattr(import_module(self.module), name)


_COMPRESSIONS = (".gz", ".bz2", ".xz", ".zip")
# Other formats and compressions, whose suffixes would be wrong.
_FOREIGN = re.compile(
    r"\.(7z|br|db|feather|h5|hdf5?|html|json|jsonl|lz4|ods|orc|pickle|pkl|sqlite|tar|tgz|tsv|xls"
    r"|xlsb|xlsm|xml|zst)"
)
_CSV = _Format(
    (".csv", *(".csv" + compression for compression in _COMPRESSIONS)),
    "to_csv",
    "inductiva_widgets.frames._csv",
    "writer",
    "read",
    is_text=True,
)
_FORMATS = (
    _CSV,
    _Format(
        (".parquet",),
        "to_parquet",
        "inductiva_widgets.frames._arrow",
        "parquet_writer",
        "read_parquet",
    ),
    _Format(
        (".arrow",), "to_arrow", "inductiva_widgets.frames._arrow", "arrow_writer", "read_arrow"
    ),
    _Format((".xlsx",), "to_excel", "inductiva_widgets.frames._excel", "writer", "read"),
)
_UNREADABLE = (
    ValueError,
    LookupError,
    OSError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
)


def write_frames(frames: Iterable[pd.DataFrame], target: Target, suffix: str | None = None) -> int:
    """Write frames of the same columns as one table.

    Parameters
    ----------
    frames
        At least one frame; each is released once it is written.
    target
        Path or open file. A file is written atomically: an existing one is replaced when the new
        one is complete. ``~`` is the home folder.
    suffix
        The format: ``".csv"``, ``".parquet"``, ``".arrow"`` or ``".xlsx"``; by default that of the
        path.

    Returns
    -------
    int
        Number of rows.

    Raises
    ------
    InputError
        The suffix is not one of the format, the folder does not exist, the open file is one of text
        and the format is not, or a package is missing; raised before the first frame is read from
        ``frames``.

    Warns
    -----
    ExportWarning
        The format cannot hold some values.
    """
    form, compression = _format_of(target, suffix)
    writer: Callable[[IO[Any]], AbstractContextManager[Write]] = form.function(form.writer)
    count, losses = 0, Counter[tuple[str, str]]()
    with _open_target(target, form, compression) as file, writer(file) as write:
        for frame in frames:
            losses.update(write(frame) or {})
            count += len(frame)
    for (change, name), number in losses.items():
        warn_caller(
            f"{number:,} value{'s' if number > 1 else ''} of the column {name!r} "
            f"{'are' if number > 1 else 'is'} {change}. CSV and Parquet files keep them.",
            ExportWarning,
        )
    return count


def read(source: Target, suffix: str | None = None) -> pd.DataFrame:
    """Read a frame from a file, with the types that it was written with.

    Parameters
    ----------
    source
        A file that ``df.inductiva.to_csv`` and the like, or ``tasks export``, have written: its
        path, or the open file.
    suffix
        The format, such as ``".csv"`` or ``".csv.gz"``; by default that of the path.

    Returns
    -------
    pandas.DataFrame
        Index ``task_id``; columns as from ``to_frame``, further columns unchanged. A CSV file has
        no ``attrs``.

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
    given = suffix or source
    if not isinstance(given, (str, os.PathLike)):
        raise InputError('An open file needs its format: read(file, suffix=".csv").')
    form, compression = _format_of(given, None)
    reader: Callable[[IO[Any]], pd.DataFrame] = form.function(form.reader)
    shown = repr(os.fspath(source)) if isinstance(source, (str, os.PathLike)) else "The open file"
    try:
        with _open_source(source) as file, _compressed(file, compression, "rb") as plain:
            frame = reader(plain)
    except FileNotFoundError:
        raise InputError(f"There is no file {shown}.") from None
    except _UNREADABLE as error:
        raise InputError(
            f"{shown} cannot be read as {form.suffixes[0].removeprefix('.')}: {error}. "
            "Was it written by df.inductiva or tasks export, and copied as a whole?"
        ) from error
    if frame.index.name != schema.INDEX:
        if schema.INDEX not in frame:
            raise InputError(f"{shown} is not a table of tasks: it has no column {schema.INDEX!r}.")
        attrs, frame = frame.attrs, frame.set_index(schema.INDEX)
        frame.attrs = attrs
    frame.index = pd.Index(frame.index, dtype=str, name=schema.INDEX)
    return coerce_to_schema(frame)


def _format_of(target: Target, suffix: str | None) -> tuple[_Format, str]:
    """Return the format and the compression of a target.

    Parameters
    ----------
    target
        Path or open file.
    suffix
        The format to write; by default that of the path. The path may then have any suffix that is
        not one of another format.
    """
    expected = next((form for form in _FORMATS if form.suffixes[0] == suffix), None)
    if not isinstance(target, (str, os.PathLike)):
        return expected or _CSV, ""
    name = os.fspath(target)
    formats = {end: form for form in _FORMATS for end in form.suffixes}
    found = next((end for end in formats if name.lower().endswith(end)), None)
    if found is not None and expected in (None, formats[found]):
        return formats[found], found.removeprefix(formats[found].suffixes[0])
    last_suffix = Path(name).suffix.lower()
    if expected is not None and found is None and not _FOREIGN.fullmatch(last_suffix):
        if last_suffix not in _COMPRESSIONS:
            return expected, ""
        if expected.is_text:
            return expected, last_suffix
    *others, last = formats if expected is None else expected.suffixes
    choice = f"{', '.join(others)} or {last}" if others else last
    fix = "" if found is None else f" Call df.inductiva.{formats[found].method}({name!r}) instead."
    raise InputError(f"The name of the file must end in {choice}, got {name!r}.{fix}")


@contextmanager
def _open_target(target: Target, form: _Format, compression: str) -> Iterator[IO[Any]]:
    """Open a target for writing, as text if the format is text."""
    if not isinstance(target, (str, os.PathLike)):
        if _is_text_file(target):
            if not form.is_text:
                raise InputError(
                    f"`{form.method}` needs a binary file, such as io.BytesIO(), got {target!r}."
                )
            yield target
        else:
            with _as_text(target) if form.is_text else nullcontext(target) as file:
                yield file
        return
    path = _expand(target)
    if not path.absolute().parent.is_dir():
        raise InputError(f"The folder {str(path.absolute().parent)!r} does not exist.")
    with (
        atomic_path(path) as scratch,
        scratch.open("wb") as raw,
        _compressed(raw, compression, "wb", path.name) as packed,
        _as_text(packed) if form.is_text else nullcontext(packed) as file,
    ):
        yield file


@contextmanager
def _as_text(file: IO[Any]) -> Iterator[IO[str]]:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    try:
        yield text
    finally:
        # Flushes the text, and leaves the file open.
        text.detach()


@contextmanager
def _open_source(source: Target) -> Iterator[IO[Any]]:
    if isinstance(source, (str, os.PathLike)):
        with _expand(source).open("rb") as file:
            yield file
    elif _is_text_file(source):
        yield io.BytesIO(source.read().encode())
    else:
        yield source


@contextmanager
def _compressed(file: IO[Any], compression: str, mode: Any, name: str = "") -> Iterator[IO[Any]]:
    """Yield a file that compresses into another one, or decompresses from it.

    Parameters
    ----------
    file
        The other file.
    compression
        Suffix of the compression; "" for none.
    mode
        ``"rb"`` or ``"wb"``.
    name
        Name of the compressed file.
    """
    if not compression:
        yield file
    elif compression == ".zip":
        with zipfile.ZipFile(file, mode[0], zipfile.ZIP_DEFLATED) as archive:
            member = name[: -len(compression)] if name else archive.namelist()[0]
            with archive.open(member, mode[0], force_zip64=mode == "wb") as inner:
                yield inner
    elif compression == ".gz":
        # Without the time, so that the same frame gives the same file.
        with gzip.GzipFile("", mode, fileobj=file, mtime=0) as inner:
            yield cast(IO[Any], inner)
    elif compression == ".bz2":
        # Imported here, as some builds of Python lack it, and lzma.
        import bz2

        with bz2.BZ2File(file, mode) as inner:
            yield inner
    else:
        import lzma

        try:
            with lzma.LZMAFile(file, mode) as inner:
                yield inner
        except lzma.LZMAError as error:
            raise ValueError(str(error)) from error


def _expand(path: str | os.PathLike[str]) -> Path:
    # Path.expanduser raises for a file that is called "~old.csv".
    return Path(os.path.expanduser(path))  # noqa: PTH111


def _is_text_file(file: Any) -> bool:
    # Wrappers such as those of tempfile have a mode only.
    return isinstance(file, io.TextIOBase) or "b" not in getattr(file, "mode", "b")
