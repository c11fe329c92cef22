"""Log source over HTTP, for the embedded server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inductiva_widgets.errors import NotFoundError
from inductiva_widgets.tasks._log_source import (
    BACKLOG,
    BUDGET,
    FLOOD,
    PERIOD,
    LogChunk,
    ReadResult,
    StreamState,
    read_from_archive,
)

if TYPE_CHECKING:
    from inductiva_widgets.http.transport import FileRange
    from inductiva_widgets.tasks.task import Task

# While a file grows its task is alive: that is not asked for at each look.
_NEWS = 5.0


class HttpLogSource:
    """A file of a task; a look costs one request, seldom two, and now and then one for the task.

    Parameters
    ----------
    task
        The task.
    name
        Name of the file.
    """

    pause = PERIOD

    def __init__(self, task: Task, name: str) -> None:
        self._task, self._name = task, name
        self._at: int | None = None
        self._has_read = False
        self._was_quiet = True
        # It grew faster than it is read: only its end is asked for.
        self._is_flooding = False

    def poll(self) -> ReadResult:
        """Read what was added since the last look."""
        # Asked before the file is read, so that the last words are among what is read.
        is_over = self._task.refresh(PERIOD / 2 if self._was_quiet else _NEWS).is_terminal
        try:
            piece, part = self._added()
        except NotFoundError:
            if is_over:
                return read_from_archive(self._task, self._name, self._at or 0)
            return ReadResult([], StreamState(note=f"{self._name} is not there yet."))
        self._was_quiet = piece is None
        # What came last may be more than one look brings.
        is_read = is_over and part.size <= (self._at or 0)
        return ReadResult([piece] if piece else [], StreamState(is_read, part.modified))

    def close(self) -> None:
        """Nothing is open between two looks."""

    def _added(self) -> tuple[LogChunk | None, FileRange]:
        if self._at is None:
            return self._end(BACKLOG)
        if self._is_flooding:
            return self._end(FLOOD)
        part = self._read(after=self._at, most=BUDGET)
        if part.size < self._at:
            # It was begun anew.
            self._at = None
            return self._end(BACKLOG)
        if part.size > self._at + len(part.data) + BUDGET:
            return self._end(FLOOD)
        self._at += len(part.data)
        return (LogChunk(part.data, follows=True) if part.data else None), part

    def _end(self, most: int) -> tuple[LogChunk | None, FileRange]:
        """Read the end of the file."""
        part = self._read(most=most)
        start, at = part.size - len(part.data), self._at
        self._at = part.size
        if at is not None and at > part.size:
            at = None
        self._is_flooding = at is not None and start > at
        if at is not None and start <= at:
            new = part.data[at - start :]
            return (LogChunk(new, follows=True) if new else None), part
        # A first look that reaches back to the beginning leaves nothing out.
        is_first = at is None and start == 0 and not self._has_read
        self._has_read = True
        return (LogChunk(part.data, is_first) if part.data else None), part

    def _read(self, *, after: int | None = None, most: int) -> FileRange:
        return self._task.client.read_task_file(self._task.id, self._name, after=after, limit=most)
