"""``tasks export``: the history as a file, page by page, so that memory stays flat."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inductiva_widgets.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_PAGE = 500


def export_tasks(path: Path, *, status: str | None, project: str | None, last_n: int | None) -> int:
    """Write tasks to a file that is whole or not there.

    Parameters
    ----------
    path
        Target; ``.csv`` or ``.parquet``.
    status, project, last_n
        Which tasks; see :func:`inductiva_widgets.tasks.get`.

    Returns
    -------
    int
        How many.

    Raises
    ------
    InputError
        The ending is neither, or Parquet needs a package that is missing.
    """
    write = {".csv": _write_csv, ".parquet": _write_parquet}.get(path.suffix.lower())
    if write is None:
        raise InputError(f"{path.name!r}: the name must end in .csv or .parquet.")
    if not path.absolute().parent.is_dir():
        raise InputError(f"The folder {str(path.absolute().parent)!r} does not exist.")
    scratch = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        count = write(_pages(status, project, last_n), scratch)
        scratch.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            scratch.unlink()
    return count


def _pages(status: str | None, project: str | None, last_n: int | None) -> Iterator[pd.DataFrame]:
    """Yield frames of one page each, at least one, so that an empty history has a header too."""
    from inductiva_widgets.frames import to_frame
    from inductiva_widgets.tasks.find import iterate

    infos = iterate(status, project, last_n=last_n)
    yield to_frame(list(islice(infos, _PAGE)))
    while page := list(islice(infos, _PAGE)):
        yield to_frame(page)


def _write_csv(pages: Iterator[pd.DataFrame], path: Path) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        for number, page in enumerate(pages):
            plain = page.copy()
            for name, column in page.items():
                if column.dtype.kind == "m":
                    # Seconds, since no reader of CSV knows durations.
                    plain[name] = column.dt.total_seconds()
            renamed = {name: f"{name}_seconds" for name in page if page[name].dtype.kind == "m"}
            plain.rename(columns=renamed).to_csv(file, header=number == 0)
            count += len(page)
    return count


def _write_parquet(pages: Iterator[pd.DataFrame], path: Path) -> int:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise InputError("Parquet needs pyarrow: pip install pyarrow. CSV needs nothing.") from None
    count, writer = 0, None
    try:
        for page in pages:
            table: Any = pa.Table.from_pandas(_without_categories(page))
            writer = writer or pq.ParquetWriter(path, table.schema)
            writer.write_table(table.cast(writer.schema))
            count += len(page)
    finally:
        if writer is not None:
            writer.close()
    return count


def _without_categories(page: pd.DataFrame) -> pd.DataFrame:
    """Return text in place of categories, which differ from page to page."""
    texts = {name: "string" for name in page if page[name].dtype == "category"}
    return page.astype(texts)
