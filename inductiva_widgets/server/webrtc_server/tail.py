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
