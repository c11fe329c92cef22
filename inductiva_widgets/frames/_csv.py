"""Read and write CSV: ISO 8601 times, durations in seconds, no formulas."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, TextIO

import numpy as np
import pandas as pd

from inductiva_widgets.frames import schema
from inductiva_widgets.frames._coerce import SECONDS, column_kind
from inductiva_widgets.frames._formulas import guard, unguard


@contextmanager
def writer(file: TextIO) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Yield a function that appends a frame; all frames have the same columns."""
    has_header = False

    def write(frame: pd.DataFrame) -> None:
        nonlocal has_header
        # With the line ends of RFC 4180, texts with either of their characters are quoted.
        _plain(frame).to_csv(file, header=not has_header, lineterminator="\r\n")
        has_header = True

    yield write


def read(file: BinaryIO) -> pd.DataFrame:
    """Read the table of a file; columns of the schema are still text."""
    start = file.tell()
    names = pd.read_csv(file, nrows=0).columns
    kinds = {name: "text" if name == schema.INDEX else column_kind(name) for name in names}
    types: dict[Any, Any] = {name: str for name, kind in kinds.items() if kind is not None}
    # Only an empty field is missing, since a project may be called "NA".
    file.seek(start)
    frame = pd.read_csv(file, dtype=types, keep_default_na=False, na_values=[""])
    for name, kind in kinds.items():
        if kind in ("status", "category", "text") or (
            kind is None and frame[name].dtype.kind in "OUT"
        ):
            frame[name] = _by_value(frame[name], _unguarded)
    return frame.rename(columns=_unguarded)


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    columns: dict[Any, Any] = {}
    for given_name, values in frame.items():
        name = _guarded(given_name)
        kind = values.dtype.kind
        if kind == "m":
            columns[f"{name}{SECONDS}"] = values.dt.total_seconds().array
        elif kind == "M":
            columns[name] = _iso(values)
        elif kind in "OUT":
            columns[name] = _by_value(values, _guarded)
        else:
            columns[name] = values.array
    index = pd.Index(_by_value(frame.index, _guarded), name=frame.index.name)
    return pd.DataFrame(columns, index=index)


def _iso(values: Any) -> Any:
    times = pd.DatetimeIndex(values)
    utc = times if times.tz is None else times.tz_convert("UTC").tz_localize(None)
    texts = np.datetime_as_string(utc.to_numpy(), unit="us").astype(object) + "Z"
    texts[utc.isna()] = None
    return texts


def _by_value(values: Any, change: Callable[[Any], Any]) -> Any:
    """Apply a function to each distinct value."""
    codes, found = pd.factorize(values)
    # The last item is for the code -1, a missing value.
    changed = np.empty(len(found) + 1, dtype=object)
    changed[:] = [*map(change, found), None]
    return changed[codes]


def _guarded(value: Any) -> Any:
    return guard(value) if isinstance(value, str) else value


def _unguarded(value: Any) -> Any:
    return unguard(value) if isinstance(value, str) else value
