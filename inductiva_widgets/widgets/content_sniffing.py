"""Detection and formatting of the content of unknown files. Pure functions, safe on any content."""

from __future__ import annotations

import codecs
import csv
import re
import struct
from collections import Counter
from itertools import islice
from typing import NamedTuple

ROWS = 200
COLUMNS = 50
CELL = 200
# Formatted JSON may be many times as long if it is deeply nested.
_MAX_FORMATTED_LENGTH = 1024 * 1024
_MAX_INDENT = 20
# Number of lines from which the delimiter of a table is detected.
_N_SAMPLE_LINES = 50

_BOMS = (
    (codecs.BOM_UTF8, "utf-8", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)


def image_type(head: bytes) -> str:
    """Return the media type of an image that browsers support, or "".

    SVG is not supported: it may have scripts, so it is shown as text.
    """
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    # Two letters are not enough: the size of the second header must be valid as well.
    if head[:2] == b"BM" and head[14:18] in {bytes((n, 0, 0, 0)) for n in (12, 40, 108, 124)}:
        return "image/bmp"
    return ""


def image_size(head: bytes, mime: str) -> tuple[int, int]:
    """Return (width, height) in pixels, or (0, 0) if the header lacks them."""
    try:
        if mime == "image/png":
            width, height = struct.unpack_from(">II", head, 16)
        elif mime == "image/gif":
            width, height = struct.unpack_from("<HH", head, 6)
        elif mime == "image/bmp" and head[14] > 12:
            width, height = struct.unpack_from("<ii", head, 18)
        else:
            return 0, 0
    except struct.error:
        return 0, 0
    return abs(width), abs(height)


def decode(data: bytes, *, is_whole: bool) -> tuple[str, str] | None:
    """Decode text, and return it with the name of the encoding, or None if it is not text.

    Parameters
    ----------
    data
        Beginning of a file.
    is_whole
        If False, the file is longer, and the last character may be incomplete.
    """
    for bom, codec, name in _BOMS:
        if data.startswith(bom):
            text = _decode(data[len(bom) :], codec, is_whole)
            return None if text is None else (text, name)
    if 0 in data:
        # In Western text in UTF-16, every other byte is zero.
        for codec, high_bytes in (("utf-16-le", data[1::2]), ("utf-16-be", data[::2])):
            if high_bytes.count(0) > 0.7 * len(high_bytes) and data.count(0) < 0.6 * len(data):
                text = _decode(data, codec, is_whole)
                if text is not None and "\0" not in text:
                    return text, "UTF-16"
        return None
    text = _decode(data, "utf-8", is_whole)
    if text is not None:
        return (text, "UTF-8") if _is_readable(text) else None
    # Older programs write a degree sign or an umlaut in one byte.
    text = data.decode("latin-1")
    high = sum(byte >= 0xA0 for byte in data)
    odd = sum(0x7F <= byte < 0xA0 for byte in data)
    is_text = high + odd < 0.15 * len(data) and odd <= high // 4 and _is_readable(text)
    return (text, "Latin-1") if is_text else None


def _decode(data: bytes, codec: str, is_whole: bool) -> str | None:
    try:
        return codecs.getincrementaldecoder(codec)().decode(data, is_whole)
    except UnicodeDecodeError:
        return None


def _is_readable(text: str) -> bool:
    """Return whether few characters of a text are such as control a terminal."""
    return sum(c < " " and c not in "\t\n\r\f\b\x1b" for c in text) <= 0.02 * len(text)


_ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|[@-Z\\^_])")
# Seen instead of obeyed: controls as their pictures, changes of direction by their numbers.
_VISIBLE = (
    {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\t\n"}
    | {0x7F: "\u2421"}
    | {code: f"<{code:02X}>" for code in range(0x80, 0xA0)}
    | {code: f"<U+{code:04X}>" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
)


def escape_controls(text: str) -> str:
    """Return a text without what would colour, hide or turn around parts of it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n")
    return _ESCAPES.sub("", text).translate(_VISIBLE)


def hex_lines(data: bytes) -> str:
    """Return a hex dump: the offset, 16 bytes and their ASCII characters in each line."""
    lines = []
    for offset in range(0, len(data), 16):
        part = data[offset : offset + 16]
        numbers = f"{part[:8].hex(' ')}  {part[8:].hex(' ')}"
        letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        lines.append(f"{offset:08x}  {numbers:<48}  |{letters}|")
    return "\n".join(lines)


_TOKENS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)


def pretty_json(text: str) -> str | None:
    """Format JSON with a line for each value, or return None if the result is too long.

    The text is not parsed, which would round numbers, drop duplicate keys and reject a truncated
    text.
    """
    parts: list[str] = []
    length = depth = 0
    before = ""
    for match in _TOKENS.finditer(text):
        word = match[0]
        depth -= word in ("}", "]")
        is_empty = before + word in ("{}", "[]")
        if (before in ("{", "[", ",") or word in ("}", "]")) and before and not is_empty:
            parts.append("\n" + "  " * max(0, min(depth, _MAX_INDENT)))
            length += len(parts[-1])
        parts.append(": " if word == ":" else word)
        length += len(word)
        if length > _MAX_FORMATTED_LENGTH:
            return None
        depth += word in ("{", "[")
        before = word
    return "".join(parts)


class ParsedTable(NamedTuple):
    """Table of a text file.

    Parameters
    ----------
    columns
        Names of the columns, or their numbers.
    rows
        Rows of cells.
    notes
        Notes about omitted rows and columns.
    """

    columns: list[str]
    rows: list[list[str]]
    notes: list[str]


def parse_table(text: str, extension: str, *, is_whole: bool) -> ParsedTable | None:
    """Parse a table, or return None if the text is not a table.

    Parameters
    ----------
    text
        Beginning of the file.
    extension
        Extension of the file. Files other than ``csv`` and ``tsv`` are tables only if they have
        nothing but numbers and at most one line of names.
    is_whole
        If False, the file is longer, and the last line may be incomplete.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not is_whole:
        text = text[: text.rfind("\n") + 1]
    lines = text.split("\n")
    is_named = extension in {"csv", "tsv"}
    first = islice(lines, _N_SAMPLE_LINES)
    sample = [line for line in first if line.strip() and len(line) < 20_000]
    if not sample:
        return None
    try:
        if is_named:
            delimiter = _delimiter(sample, extension)
            if not delimiter:
                return None
            return _cut([row for row in csv.reader(lines, delimiter=delimiter) if row], is_whole)
        return _numbers(lines, is_whole=is_whole)
    except csv.Error:
        return None


def _delimiter(sample: list[str], extension: str) -> str:
    """Return the delimiter that gives most lines the same number of cells, or "".

    The comma is tried last, since it may be a part of numbers.
    """
    best, found = 0.0, ""
    for delimiter in ("\t", ";", "|", ","):
        widths = Counter(len(row) for row in csv.reader(sample, delimiter=delimiter))
        width, count = max(widths.items(), key=lambda item: item[1] if item[0] > 1 else 0)
        share = count / sum(widths.values()) if width > 1 else 0.0
        if share > best:
            best, found = share, delimiter
    return found if best > 0.5 else "\t" if extension == "tsv" else ""


_NUMBER = re.compile(
    r"[-+]?(\d+\.?\d*|\.\d+)([eEdD][-+]?\d+)?|[-+]?(nan|inf|infinity)", re.IGNORECASE
)


def _is_number(cell: str) -> bool:
    return _NUMBER.fullmatch(cell.strip()) is not None


def _numbers(lines: list[str], *, is_whole: bool) -> ParsedTable | None:
    """Parse a table of numbers, with at most one line of names above them."""
    rows: list[list[str]] = []
    head: list[str] | None = None
    for line in lines:
        cells = line.split()
        if not cells:
            continue
        if all(map(_is_number, cells)):
            rows.append(cells)
        elif rows or head is not None:
            return None
        else:
            head = line.lstrip("#%! \t").split()
    if len(rows) < 3 or len(rows[0]) < 2 or any(len(row) != len(rows[0]) for row in rows):
        return None
    if head is None:
        return _cut(rows, is_whole)
    return _cut([head, *rows], is_whole) if len(head) == len(rows[0]) else None


def _cut(rows: list[list[str]], is_whole: bool) -> ParsedTable | None:
    """Return the rows, columns and cells that are shown of a table."""
    if not rows or max(map(len, rows)) < 2:
        return None
    width = max(map(len, rows))
    has_head = len(rows) > 1 and not any(_is_number(cell) for cell in rows[0])
    columns = rows[0] if has_head else [str(n + 1) for n in range(width)]
    body = rows[has_head:]
    notes = []
    if len(body) > ROWS:
        notes.append(f"first {ROWS} of {len(body):,} rows" if is_whole else f"first {ROWS} rows")
    if width > COLUMNS:
        notes.append(f"first {COLUMNS} of {width:,} columns")
    columns = columns + [""] * (width - len(columns))
    shown = [[_cell(cell) for cell in row[:COLUMNS]] for row in body[:ROWS]]
    return ParsedTable([_cell(cell) for cell in columns[:COLUMNS]], shown, notes)


def _cell(cell: str) -> str:
    text = escape_controls(cell.strip()).replace("\n", " ")
    return text if len(text) <= CELL else text[:CELL] + "\N{HORIZONTAL ELLIPSIS}"
