"""Read and write Apache Arrow tables, Parquet files and Arrow files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import pandas as pd

from inductiva_widgets.errors import InputError

_ATTRS = b"PANDAS_ATTRS"
"""Metadata key that pandas itself uses for ``df.attrs``."""

try:
    import pyarrow as pa
    import pyarrow.ipc
    import pyarrow.parquet as pq
except ImportError as error:
    raise InputError(
        f"Parquet and Arrow need pyarrow ({error}): pip install 'inductiva-widgets[export]'. "
        "CSV needs no further package."
    ) from None


def to_arrow_table(frame: pd.DataFrame) -> Any:
    """Return a frame as a ``pyarrow.Table`` with categories as dictionaries."""
    made = pa.Table.from_pandas(frame)
    return made.replace_schema_metadata(_described(made.schema, frame).metadata)


@contextmanager
def parquet_writer(file: BinaryIO) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Yield a function that appends a frame; all frames have the same columns."""
    with _writer(lambda schema: pq.ParquetWriter(file, schema), dictionaries=True) as write:
        yield write


@contextmanager
def arrow_writer(file: BinaryIO) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Yield a function that appends a frame; all frames have the same columns."""
    # Plain texts, since an Arrow file needs the complete dictionary of a column in advance.
    with _writer(lambda schema: pa.ipc.new_file(file, schema), dictionaries=False) as write:
        yield write


def read_parquet(file: BinaryIO) -> pd.DataFrame:
    """Read the table of a Parquet file."""
    return _frame(pq.ParquetFile(file).read())


def read_arrow(file: BinaryIO) -> pd.DataFrame:
    """Read the table of an Arrow file."""
    with pa.ipc.open_file(file) as reader:
        return _frame(reader.read_all())


@contextmanager
def _writer(
    open_file: Callable[[Any], Any], *, dictionaries: bool
) -> Iterator[Callable[[pd.DataFrame], None]]:
    file: Any = None
    schema: Any = None

    def write(frame: pd.DataFrame) -> None:
        nonlocal file, schema
        # Texts instead of categories, which differ from frame to frame.
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
    # A column of nulls is a text column: numbers and times have a dtype even without values.
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
