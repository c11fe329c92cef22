"""Columns of a task frame as arrays, for every supported pandas."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inductiva_widgets.errors import InputError

Numbers = NDArray[np.float64]

_EPOCH = pd.Timestamp(0, tz="UTC")
_SECOND = pd.Timedelta(seconds=1)


def require_columns(df: object, chart: str, *names: str) -> pd.DataFrame:
    """Return the frame after a check of its columns.

    Raises
    ------
    InputError
        ``df`` is not a DataFrame, or lacks columns. The message has the columns and a fix.
    """
    if not isinstance(df, pd.DataFrame):
        raise InputError(
            f"plots.{chart} takes a DataFrame of tasks, such as tasks.to_frame(), "
            f"got {type(df).__name__}."
        )
    missing = [name for name in dict.fromkeys(names) if name not in df.columns]
    if missing:
        raise InputError(
            f"plots.{chart} needs the columns {', '.join(missing)}, which this frame does not "
            f"have. Pass them to to_frame(columns=[{', '.join(map(repr, missing))}, ...]), "
            "or leave columns= out for the default columns."
        )
    return df


def seconds(df: pd.DataFrame, name: str) -> Numbers:
    """Return a column of durations in seconds, with NaN for unknown ones."""
    # pandas 2.0 does not parse NA: https://github.com/pandas-dev/pandas/issues/52909
    return _to_numbers(
        df,
        name,
        "durations",
        lambda given: pd.to_timedelta(given.where(given.notna(), None)) / _SECOND,
    )


def timestamps(df: pd.DataFrame, name: str) -> Numbers:
    """Return a column of times in seconds since 1970, with NaN for unknown ones."""
    return _to_numbers(
        df,
        name,
        "times",
        lambda given: (pd.to_datetime(given, utc=True, format="ISO8601") - _EPOCH) / _SECOND,
    )


def numbers(df: pd.DataFrame, name: str) -> Numbers:
    """Return a column of numbers, with NaN for unknown ones."""
    # pd.to_numeric accepts None and NA only in columns that have no dtype object.
    return _to_numbers(
        df, name, "numbers", lambda given: pd.to_numeric(given.where(given.notna(), np.nan))
    )


def _to_numbers(df: pd.DataFrame, name: str, what: str, read: Any) -> Numbers:
    try:
        values = read(df[name]).to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError, AttributeError) as error:
        raise InputError(f"The column {name!r} does not hold {what}: {error}.") from error
    return cast(Numbers, np.where(np.isfinite(values), values, np.nan))


def as_of(df: pd.DataFrame, *known: Numbers) -> float:
    """Return the time of the frame, at which live tasks end, in seconds since 1970.

    Without ``attrs`` it is the current time, and at least the latest of the ``known`` times.
    """
    provenance: Any = df.attrs.get("inductiva")
    text = provenance.get("as_of") if isinstance(provenance, dict) else None
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        moment = None
    now = (moment or datetime.now(timezone.utc)).timestamp()
    return max([now, *(float(np.nanmax(some)) for some in known if np.isfinite(some).any())])


def texts(series: Sequence[Any] | pd.Series) -> tuple[NDArray[np.intp], list[str]]:
    """Return a column as indices into a list of texts, -1 for missing values."""
    codes, values = pd.factorize(pd.Series(series))
    return codes, [xml_safe(value) for value in values]


def xml_safe(value: object) -> str:
    """Return a value as text, without characters that are not allowed in XML."""
    return "".join(
        char if _is_drawable(char) else "\N{REPLACEMENT CHARACTER}" for char in str(value)
    )


def _is_drawable(char: str) -> bool:
    code = ord(char)
    return not (
        code < 0x20 or 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000 or code in {0xFFFE, 0xFFFF}
    )
