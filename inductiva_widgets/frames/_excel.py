"""Write Excel files: a sheet of tasks and a sheet that describes columns.

Excel knows no time zones: times are UTC, which the second sheet says. Durations are Excel's own,
shown as ``h:mm:ss``. Numbers are written as texts of numbers, since openpyxl keeps 16 digits only
where microseconds need 17. Texts are marked as texts, whatever they begin with, so that none is
ever run as a formula.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from inductiva_widgets.errors import InputError
from inductiva_widgets.frames import schema
from inductiva_widgets.frames._coerce import column_kind
from inductiva_widgets.frames._durations import microseconds
from inductiva_widgets.frames._to_frame import ATTRS

try:
    import openpyxl
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter
    from openpyxl.utils.datetime import WINDOWS_EPOCH
except ImportError as error:
    raise InputError(
        f"Excel needs openpyxl ({error}): pip install 'inductiva-widgets[export]'. "
        "CSV needs nothing, and Excel opens it, too."
    ) from None

Show = Callable[[str], Any]

_TASKS, _ABOUT = "tasks", "about"
_MOST_ROWS = 1_048_576
_LONGEST_TEXT = 32_767
_DAY = 86_400 * 10**6
_UNITS: dict[str, str] = {"time": " (UTC)", "duration": " (hours:minutes:seconds)"}
_FORMATS = {"M": "yyyy-mm-dd hh:mm:ss", "m": "[h]:mm:ss"}
# Editing such a cell would else make a formula of it.
_FORMULA = re.compile(r"[=+\-@\t\r]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]")


@contextmanager
def writer(path: Path) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Give a function that writes frames of the same columns one after the other."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(_TASKS)
    rows = 0

    def write(frame: pd.DataFrame) -> None:
        nonlocal rows
        columns = [frame.index.to_series(), *(values for _, values in frame.items())]
        if not rows:
            _head(sheet, [frame.index.name or schema.INDEX, *frame.columns])
            _about(book.create_sheet(_ABOUT), frame)
            rows = 1
        rows += len(frame)
        if rows > _MOST_ROWS:
            raise InputError(
                f"An Excel sheet has room for {_MOST_ROWS - 1:,} tasks, these are more: choose "
                "fewer, or a name that ends in .csv or .parquet, which have room for all."
            )
        shows = [_shown(sheet, values) for values in columns]
        for row in zip(*map(_values, columns), strict=True):
            sheet.append(
                None if value is None else show(value)
                for show, value in zip(shows, row, strict=True)
            )
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{rows}"

    try:
        yield write
    except BaseException:
        # openpyxl closes its temporary files only when it saves (observed with 3.1.5); the caller
        # removes this one.
        with suppress(Exception):
            book.save(path)
        raise
    book.save(path)


def read(path: Path) -> pd.DataFrame:
    """Return the table of a file."""
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except BadZipFile as error:
        raise ValueError(str(error)) from error
    # openpyxl rounds times to milliseconds (observed with 3.1.5). Without known formats it returns
    # the numbers.
    for formats in ("_date_formats", "_timedelta_formats"):
        getattr(book, formats, set()).clear()
    try:
        sheet = book[_TASKS] if _TASKS in book.sheetnames else book[book.sheetnames[0]]
        names, *rows = [*sheet.iter_rows(values_only=True)] or [()]
        # Rows end at their last value.
        columns = zip_longest(names, *rows)
        frame = pd.DataFrame(
            {
                name: _read_column(name, values, book.epoch)
                for name, *values in columns
                if name is not None
            }
        )
        if _ABOUT in book.sheetnames:
            frame.attrs.update(_told(book[_ABOUT]))
        return frame
    finally:
        book.close()


def _head(sheet: Any, names: list[Any]) -> None:
    sheet.freeze_panes = "B2"
    for place, name in enumerate(names, 1):
        width = 28 if place == 1 else max(12, min(40, len(str(name)) + 2))
        sheet.column_dimensions[get_column_letter(place)].width = width
    sheet.append([_bold(sheet, name) for name in names])


def _about(sheet: Any, frame: pd.DataFrame) -> None:
    sheet.column_dimensions["A"].width = 32
    sheet.column_dimensions["B"].width = 80
    show = _texts(sheet)
    for key, value in (frame.attrs.get(ATTRS) or {}).items():
        sheet.append([_bold(sheet, key), show(json.dumps(value))])
    sheet.append([])
    sheet.append([_bold(sheet, "column"), _bold(sheet, "meaning")])
    for name in frame.columns:
        if name in schema.COLUMNS:
            column = schema.COLUMNS[name]
            sheet.append([name, column.description + _UNITS.get(column.kind, "")])


def _told(sheet: Any) -> dict[str, Any]:
    """Return the ``attrs`` that the second sheet holds; empty where it is another's sheet."""
    told = {}
    for key, value, *_ in sheet.iter_rows(values_only=True, min_col=1, max_col=2):
        if key is None:
            break
        try:
            told[str(key)] = json.loads(value)
        except (TypeError, ValueError):
            return {}
    return {ATTRS: told} if told else {}


def _bold(sheet: Any, text: Any) -> Any:
    cell = WriteOnlyCell(sheet, _fit(str(text)))
    cell.data_type = "s"
    cell.font = Font(bold=True)
    return cell


def _shown(sheet: Any, values: pd.Series[Any]) -> Show:
    """Return what makes a cell of a value of a column; the same cell for each, once written."""
    if values.dtype.kind in "OUT":
        return _texts(sheet)
    cell = WriteOnlyCell(sheet)
    cell.number_format = _FORMATS.get(values.dtype.kind, "General")
    data_type = "b" if values.dtype.kind == "b" else "n"

    def show(number: str) -> Any:
        cell.value = number
        cell.data_type = data_type
        return cell

    return show


def _texts(sheet: Any) -> Show:
    plain, quoted = WriteOnlyCell(sheet), WriteOnlyCell(sheet)
    quoted.quotePrefix = True

    def show(text: str) -> Any:
        cell = quoted if _FORMULA.match(text) else plain
        cell.value = _fit(text)
        cell.data_type = "s"
        return cell

    return show


def _fit(text: str) -> str:
    """Return a text that a cell can hold: no control characters, none too long."""
    clean = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
    return clean if len(clean) <= _LONGEST_TEXT else f"{clean[: _LONGEST_TEXT - 1]}…"


def _values(values: pd.Series[Any]) -> list[str | None]:
    """Return the values of a column as the texts that a file has of them."""
    kind = values.dtype.kind
    if kind == "M":
        times = pd.DatetimeIndex(values)
        times = times if times.tz is None else times.tz_convert("UTC").tz_localize(None)
        since = times.to_numpy("datetime64[us]") - np.datetime64(WINDOWS_EPOCH, "us")
        found: list[Any] = (since.astype(np.int64) / _DAY).tolist()
    elif kind == "m":
        found = (values.to_numpy("timedelta64[us]").astype(np.int64) / _DAY).tolist()
    else:
        found = values.astype(object).tolist()
    missing = (values.isna() | values.isin([np.inf, -np.inf])).tolist()
    if kind == "b":
        found = [None if gone else int(value) for value, gone in zip(found, missing, strict=True)]
    text = str if kind in "OUT" else repr
    return [None if gone else text(value) for value, gone in zip(found, missing, strict=True)]


def _read_column(name: str, values: list[Any], epoch: datetime) -> Any:
    kind = column_kind(name)
    if kind in ("time", "duration") and not any(isinstance(value, str) for value in values):
        days = np.array(values, dtype=np.float64)
        # Whole days apart, since the rest alone is exact to less than a microsecond.
        whole = np.floor(days)
        lasts = microseconds((days - whole) * 86_400)
        lasts += np.where(np.isnan(whole), 0, whole).astype("timedelta64[D]")
        return np.datetime64(epoch, "us") + lasts if kind == "time" else lasts
    # Excel may have taken a project called "2024" for a number.
    is_text = kind in ("status", "category", "text") or name == schema.INDEX
    found = [str(value) if is_text and value is not None else value for value in values]
    return pd.Series(found, dtype=object if is_text else None)
