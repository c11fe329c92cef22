"""Apache Arrow: tables in memory, Parquet, and Arrow's own files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from inductiva_widgets.errors import InputError

_ATTRS = b"PANDAS_ATTRS"
"""Where pandas itself looks for ``df.attrs`` in a file."""

try:
    import pyarrow as pa
    import pyarrow.ipc
    import pyarrow.parquet as pq
except ImportError as error:
    raise InputError(
        f"Parquet and Arrow need pyarrow ({error}): pip install 'inductiva-widgets[export]'. "
        "CSV needs nothing."
    ) from None


def to_arrow_table(frame: pd.DataFrame) -> Any:
    """Return a frame as a ``pyarrow.Table``, its categories as dictionaries."""
    made = pa.Table.from_pandas(frame)
    return made.replace_schema_metadata(_described(made.schema, frame).metadata)


@contextmanager
def parquet_writer(path: Path) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Give a function that writes frames of the same columns one after the other."""
    with _writer(lambda schema: pq.ParquetWriter(path, schema), dictionaries=True) as write:
        yield write


@contextmanager
def arrow_writer(path: Path) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Give a function that writes frames of the same columns one after the other."""
    # A file of this kind has one dictionary for all of a column, which is not known before its
    # end: plain texts.
    with _writer(lambda schema: pa.ipc.new_file(str(path), schema), dictionaries=False) as write:
        yield write


def read_parquet(path: Path) -> pd.DataFrame:
    """Return the table of a Parquet file."""
    # By a file of its own: a name alone may be taken for a folder of files or an address.
    with path.open("rb") as file:
        return _frame(pq.ParquetFile(file).read())


def read_arrow(path: Path) -> pd.DataFrame:
    """Return the table of an Arrow file."""
    with pa.ipc.open_file(str(path)) as file:
        return _frame(file.read_all())


@contextmanager
def _writer(
    open_file: Callable[[Any], Any], *, dictionaries: bool
) -> Iterator[Callable[[pd.DataFrame], None]]:
    file: Any = None
    schema: Any = None

    def write(frame: pd.DataFrame) -> None:
        nonlocal file, schema
        # Texts in place of categories, which differ from frame to frame.
        plain = frame.astype(dict.fromkeys(_categorical(frame), object))
        if file is None:
            # The first frame decides: a later one may have nothing but nulls in a column.
            inferred = pa.Schema.from_pandas(plain)
            encoded = _categorical(frame) if dictionaries else []
            fields = [_field(field, is_encoded=field.name in encoded) for field in inferred]
            schema = _described(pa.schema(fields, metadata=inferred.metadata), frame)
            file = open_file(schema)
        file.write_table(pa.Table.from_pandas(plain, schema=schema))

    try:
        yield write
    finally:
        if file is not None:
            file.close()


def _categorical(frame: pd.DataFrame) -> list[Any]:
    return [name for name in frame if isinstance(frame[name].dtype, pd.CategoricalDtype)]


def _field(field: Any, *, is_encoded: bool) -> Any:
    if is_encoded:
        return field.with_type(pa.dictionary(pa.int32(), pa.string()))
    is_text = pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
    # Of a column without any value nothing is known but that numbers and times would show.
    return field.with_type(pa.string()) if is_text or field.type == pa.null() else field


def _described(schema: Any, frame: pd.DataFrame) -> Any:
    return schema.with_metadata(
        {**schema.metadata, _ATTRS: json.dumps(frame.attrs, default=str).encode()}
    )


def _frame(table: Any) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pandas()
    attrs = (table.schema.metadata or {}).get(_ATTRS)
    frame.attrs = frame.attrs if attrs is None else json.loads(attrs)
    return frame
