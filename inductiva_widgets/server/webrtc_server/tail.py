"""Follow the last lines of a file, split into lines and messages."""

from __future__ import annotations

import asyncio
import codecs
import os
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import closing
from typing import BinaryIO

import msgspec

from inductiva_widgets.server.errors import MissingError
from inductiva_widgets.server.webrtc_server.running_task import RunningTask

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


_PERIOD = 0.25
_CHUNK = 64 << 10


async def opened(task: RunningTask, name: str, *, wait: bool) -> BinaryIO:
    """Open a file of a task, optionally waiting until it exists.

    Raises
    ------
    MissingError
        There is no such file, or the task has ended without creating it.
    """
    while True:
        # Read before opening: a file that is missing after the end will not be created.
        is_over = task.is_over()
        try:
            return await asyncio.to_thread(task.open, name)
        except MissingError:
            if is_over or not wait:
                raise
        await asyncio.sleep(_PERIOD)


def last_lines(file: BinaryIO, count: int, max_bytes: int) -> list[str]:
    """Return the last lines of a file that fit into ``max_bytes`` bytes of JSON."""
    size = file.seek(0, os.SEEK_END)
    # A byte of the file takes at least one byte of JSON.
    file.seek(max(offset_of_last_lines(file, count), size - max_bytes))
    splitter = LineSplitter()
    lines = [*splitter.feed(file.read(max_bytes)), *splitter.end()]
    return last_that_fit(lines[max(0, len(lines) - count) :], max_bytes)


async def iter_new_lines(
    task: RunningTask, name: str, file: BinaryIO, count: int
) -> AsyncIterator[list[str]]:
    """Yield the last lines of a file, and new lines until the task has ended.

    An incomplete line is yielded at the end. A truncated or replaced file is read from its
    beginning. Bytes are read when the previous lines have been consumed. The file stays open, so
    that its last lines are read even after the working folder is removed.

    Parameters
    ----------
    task
        The task.
    name
        Name of the file.
    file
        The open file, which is closed at the end.
    count
        Number of existing lines to begin with.
    """
    splitter = LineSplitter()
    try:
        file.seek(await asyncio.to_thread(offset_of_last_lines, file, count))
        while True:
            is_over = task.is_over()
            if _size(file) < file.tell():
                yield splitter.end()
                file.seek(0)
            while data := file.read(_CHUNK):
                yield splitter.feed(data)
                # Let further tasks of the event loop run.
                await asyncio.sleep(0)
            if (successor := task.reopen(name, file)) is not None:
                with closing(file):
                    yield [*splitter.feed(file.read()), *splitter.end()]
                file = successor
                continue
            if is_over:
                break
            await asyncio.sleep(_PERIOD)
        yield splitter.end()
    finally:
        file.close()


def _size(file: BinaryIO) -> int:
    position = file.tell()
    size = file.seek(0, os.SEEK_END)
    file.seek(position)
    return size
