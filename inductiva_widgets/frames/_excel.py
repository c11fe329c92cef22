"""Write Excel files: a sheet of tasks and a sheet that describes columns.

Excel has no time zones: times are UTC, which the second sheet states. Durations are Excel
durations, shown as ``h:mm:ss``. Numbers are passed to openpyxl as text, since it rounds floats to
16 digits and microseconds need 17. Texts are marked as texts, so that none is run as a formula. An
empty text is an empty cell with this mark, as if it were typed into Excel as an apostrophe.
"""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import zip_longest
from typing import Any, BinaryIO
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from inductiva_widgets.errors import InputError
from inductiva_widgets.frames import schema
from inductiva_widgets.frames._coerce import column_kind
from inductiva_widgets.frames._columnar import microseconds
from inductiva_widgets.frames._formulas import is_formula
from inductiva_widgets.frames._to_frame import ATTRS

try:
    import openpyxl
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter
    from openpyxl.utils.datetime import WINDOWS_EPOCH
except ImportError as error:
    raise InputError(
        f"Excel files need openpyxl ({error}): pip install 'inductiva-widgets[export]'. "
        "CSV files, which Excel opens as well, need no further package."
    ) from None

ToCell = Callable[[str], Any]

_TASKS, _ABOUT = "tasks", "about"
_MAX_ROWS = 1_048_576
_MAX_TEXT = 32_767
_INFINITE = [np.inf, -np.inf]
_DAY = 86_400 * 10**6
_UNITS: dict[str, str] = {"time": " (UTC)", "duration": " (hours:minutes:seconds)"}
_FORMATS = {"M": "yyyy-mm-dd hh:mm:ss", "m": "[h]:mm:ss"}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]")


@contextmanager
def writer(file: BinaryIO) -> Iterator[Callable[[pd.DataFrame], Counter[tuple[str, str]]]]:
    """Yield a function that appends a frame; all frames have the same columns.

    The function returns the numbers of values that are changed, by description and column.
    """
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(_TASKS)
    rows = 0

    def write(frame: pd.DataFrame) -> Counter[tuple[str, str]]:
        nonlocal rows
        columns = [frame.index.to_series(), *(values for _, values in frame.items())]
        if not rows:
            _head(sheet, [frame.index.name or schema.INDEX, *frame.columns])
            _about(book.create_sheet(_ABOUT), frame)
            rows = 1
        rows += len(frame)
        if rows > _MAX_ROWS:
            raise InputError(
                f"An Excel sheet has room for {_MAX_ROWS - 1:,} tasks, got at least {rows - 1:,}. "
                "Write fewer, or write a .csv or .parquet file."
            )
        to_cells = [_to_cell(sheet, values) for values in columns]
        for row in zip(*map(_values, columns), strict=True):
            sheet.append(
                None if value is None else to_cell(value)
                for to_cell, value in zip(to_cells, row, strict=True)
            )
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{rows}"
        return sum(map(_losses, columns), Counter())

    try:
        yield write
    except BaseException:
        # openpyxl closes its temporary files only when it saves (observed with 3.1.5).
        with suppress(Exception):
            book.save(io.BytesIO())
        raise
    book.save(file)


def read(file: BinaryIO) -> pd.DataFrame:
    """Read the table of a file."""
    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
    except BadZipFile as error:
        raise ValueError(str(error)) from error
    # openpyxl rounds times to milliseconds (observed with 3.1.5). It returns exact numbers if it
    # does not recognize the formats.
    for formats in ("_date_formats", "_timedelta_formats"):
        getattr(book, formats, set()).clear()
    try:
        sheet = book[_TASKS] if _TASKS in book.sheetnames else book[book.sheetnames[0]]
        quoted = {number for number, style in enumerate(book._cell_styles) if style.quotePrefix}
        names, *rows = [[_value(cell, quoted) for cell in row] for row in sheet.iter_rows()] or [[]]
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
            frame.attrs.update(_read_attrs(book[_ABOUT]))
        return frame
    finally:
        book.close()


def _value(cell: Any, quoted: Collection[int]) -> Any:
    """Return the value of a cell, "" for an empty one whose style is in ``quoted``."""
    is_empty_text = cell.value is None and getattr(cell, "_style_id", None) in quoted
    return "" if is_empty_text else cell.value


def _losses(values: pd.Series[Any]) -> Counter[tuple[str, str]]:
    """Return the numbers of values that Excel cannot hold, by description and column."""
    found: Counter[tuple[str, str]] = Counter()
    name = str(values.name)
    if values.dtype.kind in "OUT":
        texts: dict[Any, int] = values.dropna().astype(str).value_counts().to_dict()
        for text, count in texts.items():
            if len(text) > _MAX_TEXT:
                found[f"cut to {_MAX_TEXT:,} characters, the limit of a cell", name] += count
            if _CONTROL.search(text):
                found["written with \N{REPLACEMENT CHARACTER} for control characters", name] += (
                    count
                )
    elif values.dtype.kind == "f":
        found["left out, as they are infinite", name] += int(values.isin(_INFINITE).sum())
    return +found


def _head(sheet: Any, names: list[Any]) -> None:
    sheet.freeze_panes = "B2"
    for number, name in enumerate(names, 1):
        width = 28 if number == 1 else max(12, min(40, len(str(name)) + 2))
        sheet.column_dimensions[get_column_letter(number)].width = width
    sheet.append([_bold(sheet, name) for name in names])


def _about(sheet: Any, frame: pd.DataFrame) -> None:
    sheet.column_dimensions["A"].width = 32
    sheet.column_dimensions["B"].width = 80
    text_cell = _text_cells(sheet)
    for key, value in (frame.attrs.get(ATTRS) or {}).items():
        sheet.append([_bold(sheet, key), text_cell(json.dumps(value))])
    sheet.append([])
    sheet.append([_bold(sheet, "column"), _bold(sheet, "meaning")])
    for name in frame.columns:
        if name in schema.COLUMNS:
            column = schema.COLUMNS[name]
            sheet.append([name, column.description + _UNITS.get(column.kind, "")])


def _read_attrs(sheet: Any) -> dict[str, Any]:
    """Return the ``attrs`` in the second sheet, or {} if we have not written it."""
    attrs = {}
    for key, value, *_ in sheet.iter_rows(values_only=True, min_col=1, max_col=2):
        if key is None:
            break
        try:
            attrs[str(key)] = json.loads(value)
        except (TypeError, ValueError):
            return {}
    return {ATTRS: attrs} if attrs else {}


def _bold(sheet: Any, text: Any) -> Any:
    cell = WriteOnlyCell(sheet, _fit(str(text)))
    cell.data_type = "s"
    cell.font = Font(bold=True)
    return cell


def _to_cell(sheet: Any, values: pd.Series[Any]) -> ToCell:
    """Return a function from a column's values to cells; it reuses one cell."""
    if values.dtype.kind in "OUT":
        return _text_cells(sheet)
    cell = WriteOnlyCell(sheet)
    cell.number_format = _FORMATS.get(values.dtype.kind, "General")
    data_type = "b" if values.dtype.kind == "b" else "n"

    def to_cell(number: str) -> Any:
        cell.value = number
        cell.data_type = data_type
        return cell

    return to_cell


def _text_cells(sheet: Any) -> ToCell:
    plain, quoted = WriteOnlyCell(sheet), WriteOnlyCell(sheet)
    quoted.quotePrefix = True

    def to_cell(text: str) -> Any:
        cell = plain if text and not is_formula(text) else quoted
        cell.value = _fit(text) or None
        cell.data_type = "s" if text else "n"
        return cell

    return to_cell


def _fit(text: str) -> str:
    """Replace control characters and truncate to the length of a cell."""
    clean = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
    return clean if len(clean) <= _MAX_TEXT else f"{clean[: _MAX_TEXT - 1]}…"


def _values(values: pd.Series[Any]) -> list[str | None]:
    """Return the values of a column as they are written to the file."""
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
    missing = (values.isna() | values.isin(_INFINITE)).tolist()
    if kind == "b":
        found = [None if gone else int(value) for value, gone in zip(found, missing, strict=True)]
    text = str if kind in "OUT" else repr
    return [None if gone else text(value) for value, gone in zip(found, missing, strict=True)]


def _read_column(name: str, values: list[Any], epoch: datetime) -> Any:
    kind = column_kind(name)
    if kind in ("time", "duration") and not any(isinstance(value, str) for value in values):
        days = np.array(values, dtype=np.float64)
        # Convert whole days separately: only the fraction is exact to the microsecond.
        whole = np.floor(days)
        elapsed = microseconds((days - whole) * 86_400)
        elapsed += np.where(np.isnan(whole), 0, whole).astype("timedelta64[D]")
        return np.datetime64(epoch, "us") + elapsed if kind == "time" else elapsed
    # Excel may have stored a project called "2024" as a number.
    is_text = kind in ("status", "category", "text") or name == schema.INDEX
    found = [str(value) if is_text and value is not None else value for value in values]
    # With missing values, pandas would turn whole numbers into floats.
    return pd.Series(found, dtype=object if is_text or kind == "count" else None)
