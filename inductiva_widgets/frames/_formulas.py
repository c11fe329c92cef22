"""Keep spreadsheets from running texts as formulas.

A spreadsheet runs a cell that begins like a formula. It may also split a text into several cells,
if it opens a CSV file with another delimiter than the comma. The texts come from the service, so an
apostrophe is added before each part that would be run. An empty text gets one too, since an empty
field is a missing value.
"""

from __future__ import annotations

import re

_DELIMITERS = r";|\t\r\n"
_SIGNS = r"=+\-@\uff1d\uff0b\uff0d\uff20"
# Spaces, invisible characters and quotes, which a spreadsheet may remove.
_IGNORED = (
    r'["\x00-\x08\x0b\x0c\x0e-\x20\x7f-\xa0\u1680\u2000-\u200f'
    r"\u2028-\u202f\u205f-\u206f\u3000\ufeff]"
)
_NEGATIVE_NUMBER = r"-\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\Z"
# A whole text is guarded if it is empty, begins with a delimiter, or is run and not just a number.
_TEXT = rf"'*(?:\Z|[\t\r\n]|{_IGNORED}*(?!{_NEGATIVE_NUMBER})[{_SIGNS}])"
_PART = rf"'*{_IGNORED}*[{_SIGNS}]"
_UNGUARDED = re.compile(rf"\A(?={_TEXT})|(?<=[{_DELIMITERS}])(?={_PART})")
_GUARDED = re.compile(rf"\A'(?={_TEXT})|(?<=[{_DELIMITERS}])'(?={_PART})")
_CELL = re.compile(rf"{_IGNORED}*[{_SIGNS}]|[\t\r]")


def guard(text: str) -> str:
    """Return a text that no spreadsheet runs; ``unguard`` is the inverse.

    Parameters
    ----------
    text
        Any text, which may be guarded already.
    """
    return _UNGUARDED.sub("'", text)


def unguard(text: str) -> str:
    """Return the text that ``guard`` was called with.

    Parameters
    ----------
    text
        The guarded text.
    """
    return _GUARDED.sub("", text)


def is_formula(text: str) -> bool:
    """Return whether a spreadsheet may run a cell with this text when it is edited.

    Parameters
    ----------
    text
        The text of the cell.
    """
    return _CELL.match(text) is not None
