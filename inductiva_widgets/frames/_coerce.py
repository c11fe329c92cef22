"""Convert columns to the types of the schema."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from inductiva_widgets.columns import Kind
from inductiva_widgets.errors import InputError
from inductiva_widgets.frames import schema
from inductiva_widgets.frames._columnar import METADATA, microseconds
from inductiva_widgets.status import order_codes

SECONDS = "_seconds"
"""How a file that knows no durations names their columns: they are numbers there."""


def coerce_to_schema(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose columns have the types of the schema; what it does not know is kept.

    Parameters
    ----------
    frame
        Columns of the schema in any equivalent form: times as text or without a zone
        (UTC is meant), durations as text or in ``<name>_seconds``, numbers as text, the metadata
        as one column of JSON. The index is kept.

    Returns
    -------
    pandas.DataFrame
        The same columns in the same order, and the same ``attrs``.

    Raises
    ------
    InputError
        The values of a column are nothing of its kind.
    """
    made: dict[Any, Any] = {}
    for name, values in frame.items():
        if name == METADATA:
            made |= _unpacked(values)
            continue
        own = _schema_name(name)
        if own in made:
            raise InputError(f"The column {own!r} is in this frame twice: rename one of them.")
        made[own] = _column(own, values, in_seconds=own != name)
    conformed = pd.DataFrame(made, index=frame.index, copy=False)
    conformed.attrs = frame.attrs
    return conformed


def column_kind(name: Any) -> Kind | None:
    """Return of what kind a column is in a frame or a file; None for one of the user's own."""
    own = _schema_name(name)
    if own in schema.COLUMNS:
        return "number" if own != name else schema.COLUMNS[own].kind
    is_metadata = isinstance(name, str) and name.startswith(schema.METADATA)
    return "text" if is_metadata or name == METADATA else None


def _schema_name(name: Any) -> Any:
    """Return the name of the schema's column that a column holds."""
    if isinstance(name, str) and name.endswith(SECONDS):
        own = name.removesuffix(SECONDS)
        if own in schema.COLUMNS and schema.COLUMNS[own].kind == "duration":
            return own
    return name


def _column(name: Any, values: pd.Series[Any], *, in_seconds: bool) -> Any:
    if isinstance(name, str) and name.startswith(schema.METADATA):
        return to_text_array(values)
    column = schema.COLUMNS.get(name)
    if column is None:
        return values.array
    try:
        return _seconds(values) if in_seconds else _READERS[column.kind](values)
    except (ValueError, TypeError, OverflowError) as error:
        raise InputError(
            f"The column {name!r} should be a {column.kind}: {column.description}. "
            f"What it has cannot be read as that: {error}. Correct it, or leave the column out."
        ) from error


def to_text_array(values: Any) -> Any:
    """Return texts in the type that texts have in this pandas, None where there is none."""
    texts: Any = np.asarray(values, dtype=object)
    texts = np.where(pd.isna(texts), None, texts)
    return pd.Series(texts, dtype=str if _TEXTS_HAVE_A_TYPE else object).array


def _category(values: pd.Series[Any]) -> Any:
    return _categorical(values, is_status=False)


def _status(values: pd.Series[Any]) -> Any:
    return _categorical(values, is_status=True)


def _categorical(values: pd.Series[Any], *, is_status: bool) -> Any:
    codes, found = pd.factorize(values)
    texts = [str(value) for value in found]
    if (strange := next((value for value in found if not isinstance(value, str)), "")) != "":
        raise ValueError(f"{strange!r} is no text")
    used = order_codes(texts) if is_status else sorted(set(texts))
    places = {text: place for place, text in enumerate(used)}
    # The last place stands for -1.
    moved = np.array([*(places[text] for text in texts), -1], dtype=np.int32)
    categories = pd.Index(used, dtype=str)
    return pd.Categorical.from_codes(moved[codes], categories, ordered=is_status)


def _time(values: pd.Series[Any]) -> Any:
    if not isinstance(values.dtype, pd.DatetimeTZDtype) and values.dtype.kind != "M":
        values = pd.Series(np.asarray(values, dtype=object))
        values = pd.to_datetime(values, utc=True, format="ISO8601")
    times = pd.DatetimeIndex(values)
    return (times.tz_localize("UTC") if times.tz is None else times.tz_convert("UTC")).as_unit("us")


def _duration(values: pd.Series[Any]) -> Any:
    if values.dtype.kind in "iuf" and not values.isna().all():
        raise ValueError(
            f"numbers have no unit; the name of a column of seconds must end in {SECONDS}"
        )
    return pd.TimedeltaIndex(pd.to_timedelta(values)).as_unit("us")


def _seconds(values: pd.Series[Any]) -> Any:
    return pd.TimedeltaIndex(microseconds(_number(values)))


def _number(values: pd.Series[Any]) -> Any:
    # Texts one by one: what pandas makes of them may be off in the last place.
    return values.to_numpy(dtype=np.float64, na_value=np.nan)


def _count(values: pd.Series[Any]) -> Any:
    missing = np.asarray(values.isna())
    if values.dtype.kind == "i":
        return pd.arrays.IntegerArray(values.to_numpy(dtype=np.int64, na_value=1), missing)
    numbers = np.where(missing, 1.0, _number(values))
    if (broken := numbers != np.floor(numbers)).any():
        raise ValueError(f"{numbers[broken][0]} is no whole number")
    is_large = np.abs(numbers) >= _EXACT
    whole = np.where(is_large, 1, numbers).astype(np.int64)
    for place in np.flatnonzero(is_large).tolist():
        # A text has more digits than a float.
        whole[place] = int(Decimal(str(values.iloc[place])))
    return pd.arrays.IntegerArray(whole, missing)


_EXACT = 2.0**53
"""From this number on, floats are not all whole numbers."""

_READERS: dict[Kind, Callable[[pd.Series[Any]], Any]] = {
    "status": _status,
    "category": _category,
    "time": _time,
    "duration": _duration,
    "number": _number,
    "count": _count,
}


def _unpacked(values: pd.Series[Any]) -> dict[str, Any]:
    """Return the columns of metadata that one column of JSON holds."""
    codes, found = pd.factorize(values)
    try:
        decoded = [msgspec.json.decode(text, type=dict[str, str]) for text in found]
    except (msgspec.MsgspecError, TypeError) as error:
        raise InputError(
            f"The column {METADATA!r} should hold the metadata of each task as a JSON object of "
            f"texts: {error}. Correct it, or leave the column out."
        ) from error
    keys = sorted({key for metadata in decoded for key in metadata})
    columns = {
        key: np.array([*(metadata.get(key) for metadata in decoded), None], dtype=object)
        for key in keys
    }
    return {schema.METADATA + key: to_text_array(column[codes]) for key, column in columns.items()}


# Since pandas 3, texts have a dtype of their own, and `dtype=str` in pandas 2 turns None into
# "None": https://pandas.pydata.org/pdeps/0014-string-dtype.html
_TEXTS_HAVE_A_TYPE = int(pd.__version__.partition(".")[0]) >= 3
