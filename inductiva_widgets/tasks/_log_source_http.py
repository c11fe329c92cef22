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
    from inductiva_widgets.tasks._state import RemoteTask

# Maximum age of the task's info while its file grows, as then the task is alive.
_MAX_AGE_GROWING = 5.0


class HttpLogSource:
    """Polls a file of the embedded server.

    A poll costs one request, rarely two, and sometimes one for the task.

    Parameters
    ----------
    task
        The task.
    name
        Name of the file.
    """

    pause = PERIOD

    def __init__(self, task: RemoteTask, name: str) -> None:
        self._task, self._name = task, name
        self._at: int | None = None
        self._has_read = False
        self._was_quiet = True
        # The file grows faster than it is read: request only its end.
        self._is_flooding = False

    def poll(self) -> ReadResult:
        """Read what was added since the last poll."""
        # Requested first: if the task has ended by then, the read includes its last bytes.
        is_over = self._task.refresh(
            PERIOD / 2 if self._was_quiet else _MAX_AGE_GROWING
        ).is_terminal
        try:
            piece, part = self._added()
        except NotFoundError:
            if is_over:
                return read_from_archive(self._task, self._name, self._at or 0)
            return ReadResult([], StreamState(note=f"{self._name} is not there yet."))
        self._was_quiet = piece is None
        # The rest may be longer than one poll reads.
        is_read = is_over and part.size <= (self._at or 0)
        return ReadResult([piece] if piece else [], StreamState(is_read, part.modified))

    def close(self) -> None:
        """Do nothing, as no connection stays open between two polls."""

    def _added(self) -> tuple[LogChunk | None, FileRange]:
        if self._at is None:
            return self._end(BACKLOG)
        if self._is_flooding:
            return self._end(FLOOD)
        part = self._read(BUDGET, after=self._at)
        if part.size < self._at:
            # The file was truncated.
            self._at = None
            return self._end(BACKLOG)
        if part.size > self._at + len(part.data) + BUDGET:
            return self._end(FLOOD)
        self._at += len(part.data)
        return (LogChunk(part.data, follows=True) if part.data else None), part

    def _end(self, max_bytes: int) -> tuple[LogChunk | None, FileRange]:
        """Read the end of the file."""
        part = self._read(max_bytes)
        start, at = part.size - len(part.data), self._at
        self._at = part.size
        if at is not None and at > part.size:
            at = None
        self._is_flooding = at is not None and start > at
        if at is not None and start <= at:
            new = part.data[at - start :]
            return (LogChunk(new, follows=True) if new else None), part
        # A first poll that reaches back to the beginning skips nothing.
        is_first = at is None and start == 0 and not self._has_read
        self._has_read = True
        return (LogChunk(part.data, is_first) if part.data else None), part

    def _read(self, max_bytes: int, *, after: int | None = None) -> FileRange:
        client = self._task.client
        return client.read_task_file(self._task.id, self._name, after=after, limit=max_bytes)
