"""Read the last lines of a file, and follow it until the task ends."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import closing
from typing import BinaryIO

from inductiva_widgets.server.errors import MissingError
from inductiva_widgets.server.webrtc_server.line_splitter import (
    LineSplitter,
    last_that_fit,
    offset_of_last_lines,
)
from inductiva_widgets.server.webrtc_server.running_task import RunningTask

_PERIOD = 0.25
_CHUNK = 64 << 10


async def opened(task: RunningTask, name: str, *, wait: bool) -> BinaryIO:
    """Open a file of a task, optionally waiting until it exists.

    Raises
    ------
    RefusedError
        There is no such file, or, at the end of the task, there never was one.
    """
    while True:
        # Asked first: what is not there after the end will never be.
        is_over = task.is_over()
        try:
            return await asyncio.to_thread(task.open, name)
        except MissingError:
            if is_over or not wait:
                raise
        await asyncio.sleep(_PERIOD)


def last_lines(file: BinaryIO, count: int, max_bytes: int) -> list[str]:
    """Return the last lines of a file, as many as fit into JSON of so many bytes."""
    size = file.seek(0, os.SEEK_END)
    # No byte takes less than itself.
    file.seek(max(offset_of_last_lines(file, count), size - max_bytes))
    splitter = LineSplitter()
    lines = [*splitter.feed(file.read(max_bytes)), *splitter.end()]
    return last_that_fit(lines[max(0, len(lines) - count) :], max_bytes)


async def iter_new_lines(
    task: RunningTask, name: str, file: BinaryIO, count: int
) -> AsyncIterator[list[str]]:
    """Yield the last lines of a file, then those that are added, until the task has ended.

    A line comes when it is whole, or when nothing more can come. A file that was cut short or
    replaced is read on from its beginning. The next bytes are read when the lines before them were
    taken, and the file stays open: what is removed with the working folder is still read.

    Parameters
    ----------
    task
        The task.
    name
        Name of the file.
    file
        The file, opened; it gets closed.
    count
        How many of the lines that are there already to begin with.
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
                # The others on this loop have their turn, however much there is.
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
