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


def require_columns(df: object, picture: str, *names: str) -> pd.DataFrame:
    """Return the frame, once it is sure to have some columns.

    Raises
    ------
    InputError
        It is no DataFrame, or misses a column; the error names those, and says how to get them.
    """
    if not isinstance(df, pd.DataFrame):
        raise InputError(
            f"plots.{picture} takes a DataFrame of tasks, as tasks.to_frame() returns, "
            f"not {type(df).__name__}."
        )
    missing = [name for name in dict.fromkeys(names) if name not in df.columns]
    if missing:
        raise InputError(
            f"plots.{picture} needs the columns {', '.join(missing)}, which this frame does not "
            f"have. Ask for them: to_frame(columns=[{', '.join(map(repr, missing))}, ...]), "
            "or leave columns= out to get all the usual ones."
        )
    return df


def seconds(df: pd.DataFrame, name: str) -> Numbers:
    """Return a column of durations in seconds, not-a-number where unknown."""
    # pandas 2.0 takes no NA for a duration: https://github.com/pandas-dev/pandas/issues/52909
    return _told(
        df,
        name,
        "durations",
        lambda given: pd.to_timedelta(given.where(given.notna(), None)) / _SECOND,
    )


def timestamps(df: pd.DataFrame, name: str) -> Numbers:
    """Return a column of times in seconds since 1970, not-a-number where unknown."""
    return _told(
        df,
        name,
        "times",
        lambda given: (pd.to_datetime(given, utc=True, format="ISO8601") - _EPOCH) / _SECOND,
    )


def numbers(df: pd.DataFrame, name: str) -> Numbers:
    """Return a column of numbers, not-a-number where unknown."""
    # None and its like are numbers only where the column is not of objects.
    return _told(
        df, name, "numbers", lambda given: pd.to_numeric(given.where(given.notna(), np.nan))
    )


def _told(df: pd.DataFrame, name: str, what: str, read: Any) -> Numbers:
    try:
        told = read(df[name]).to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError, AttributeError) as error:
        raise InputError(f"The column {name!r} does not hold {what}: {error}.") from error
    return cast(Numbers, np.where(np.isfinite(told), told, np.nan))


def as_of(df: pd.DataFrame, *known: Numbers) -> float:
    """Return the time that the frame tells of, in seconds since 1970; tasks alive last until then.

    A frame that has lost its ``attrs`` is of now; no time of its own lies after it.
    """
    about: Any = df.attrs.get("inductiva")
    told = about.get("as_of") if isinstance(about, dict) else None
    try:
        moment = datetime.fromisoformat(told) if isinstance(told, str) else None
    except ValueError:
        moment = None
    now = (moment or datetime.now(timezone.utc)).timestamp()
    return max([now, *(float(np.nanmax(some)) for some in known if np.isfinite(some).any())])


def texts(series: Sequence[Any] | pd.Series) -> tuple[NDArray[np.intp], list[str]]:
    """Return a column as places in a list of texts; -1 where there is none."""
    codes, values = pd.factorize(pd.Series(series))
    return codes, [xml_safe(value) for value in values]


def xml_safe(value: object) -> str:
    """Return a text that can be drawn: what XML cannot hold is replaced."""
    return "".join(
        char if _is_drawable(char) else "\N{REPLACEMENT CHARACTER}" for char in str(value)
    )


def _is_drawable(char: str) -> bool:
    code = ord(char)
    return not (
        code < 0x20 or 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000 or code in {0xFFFE, 0xFFFF}
    )
