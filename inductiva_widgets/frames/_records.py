"""Rows of a task frame as records, from which pandas makes a DataFrame."""

from __future__ import annotations

from dataclasses import make_dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inductiva_widgets.frames import schema

# Without slots: pandas 2.0 reads the fields of a record by ``dataclasses.asdict``.
TaskRecord = make_dataclass("TaskRecord", [schema.INDEX, *schema.DEFAULT_COLUMNS], frozen=True)
"""The default columns of a task, by name; None if missing."""


def to_records(frame: pd.DataFrame) -> NDArray[Any]:
    """Return the rows of a frame with the default columns as an array of ``TaskRecord``."""
    columns = [list(frame.index), *(_values(frame[name]) for name in schema.DEFAULT_COLUMNS)]
    records = np.empty(len(frame), dtype=object)
    records[:] = [TaskRecord(*row) for row in zip(*columns, strict=True)]
    return records


def _values(column: pd.Series[Any]) -> list[Any]:
    return column.astype(object).where(column.notna(), None).tolist()
