"""Split log bytes into lines, and lines into messages."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import msgspec

MAX_LINE = 32 << 10
"""Maximum number of characters of a line; longer lines are split."""

MAX_MESSAGE = 56_000
"""Maximum number of bytes of a message; some peers reject more than 64 kB."""

_BLOCK = 64 << 10
_LINE_END = re.compile(rb"\n|\r(?!\n)")


class LineSplitter:
    """Splits a stream of bytes into lines, replacing invalid UTF-8.

    A carriage return ends a line, too, so that each redraw of a progress bar is a line.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def feed(self, data: bytes) -> list[str]:
        """Add bytes and return the lines that they complete."""
        return self._split(self._decoder.decode(data))

    def end(self) -> list[str]:
        """Return the incomplete last line, and reset for the next file."""
        text = self._decoder.decode(b"", final=True)
        self._decoder.reset()
        # A held carriage return is a line end.
        is_open = text or self._rest.strip("\r")
        lines = self._split(f"{text}\n") if is_open else []
        self._rest = ""
        return lines

    def _split(self, new: str) -> list[str]:
        text = self._rest + new
        # A last carriage return may be followed by a line feed.
        held = "\r" if text.endswith("\r") else ""
        text = text[: len(text) - len(held)]
        if "\r" in text:
            text = text.lstrip("\r").replace("\r\n", "\n")
            text = re.sub(r"\n?\r+\n?", "\n", text)
        *lines, rest = text.split("\n")
        whole = [piece for line in lines for piece in _pieces(line)]
        if len(rest) > MAX_LINE:
            *more, rest = _pieces(rest)
            whole += more
        self._rest = rest + held
        return whole


def _pieces(line: str) -> Iterator[str]:
    if len(line) <= MAX_LINE:
        yield line
        return
    for begin in range(0, len(line), MAX_LINE):
        yield line[begin : begin + MAX_LINE]


def batch_by_size(lines: Iterable[str], max_bytes: int = MAX_MESSAGE) -> Iterator[list[str]]:
    """Yield the lines in lists of at most ``max_bytes`` bytes of JSON."""
    batch: list[str] = []
    size = 0
    for line in lines:
        for piece, cost in _bounded(line, max_bytes):
            if batch and size + cost > max_bytes:
                yield batch
                batch, size = [], 0
            batch.append(piece)
            size += cost
    if batch:
        yield batch


def _bounded(line: str, max_bytes: int) -> Iterator[tuple[str, int]]:
    # Including the comma.
    cost = len(msgspec.json.encode(line)) + 1
    if cost <= max_bytes:
        yield line, cost
        return
    # JSON needs six bytes for a control character, so a short line may be too long.
    middle = len(line) // 2
    yield from _bounded(line[:middle], max_bytes)
    yield from _bounded(line[middle:], max_bytes)


def last_that_fit(lines: list[str], max_bytes: int) -> list[str]:
    """Return the last lines that fit into ``max_bytes`` bytes of JSON."""
    kept: list[str] = []
    left = max_bytes
    for line in reversed(lines):
        pieces = list(_bounded(line, max_bytes))
        for piece, cost in reversed(pieces):
            left -= cost
            if left < 0:
                return kept[::-1]
            kept.append(piece)
    return kept[::-1]


def offset_of_last_lines(file: BinaryIO, count: int) -> int:
    """Return the offset of the last lines of a file, including an incomplete one.

    Parameters
    ----------
    file
        The file; its position changes.
    count
        Number of lines; 0 for the beginning of the incomplete line.
    """
    begin = end = file.seek(0, os.SEEK_END)
    if end == 0:
        return 0
    file.seek(end - 1)
    # The line end at the end of the file does not separate two lines.
    left = count + 1 if file.read(1) in (b"\n", b"\r") else max(1, count)
    after = b""
    while begin > 0:
        before = max(0, begin - _BLOCK)
        file.seek(before)
        block = file.read(begin - before)
        # The next byte determines whether a carriage return ends a line.
        ends = [one.end() for one in _LINE_END.finditer(block + after) if one.end() <= len(block)]
        if len(ends) >= left:
            return before + ends[-left]
        left -= len(ends)
        begin, after = before, block[:1]
    return 0
