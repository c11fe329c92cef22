"""Interface of log sources, and reading from the archive."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

from inductiva_widgets.errors import InductivaError

if TYPE_CHECKING:
    from inductiva_widgets.tasks._state import RemoteTask

PERIOD = 1.0
"""Seconds between two polls of a file."""

BUDGET = 1 << 20
"""Bytes of a file that are read per period."""

FLOOD = 128 << 10
"""Bytes read per period from the end of a file that grows faster than `BUDGET`."""

BACKLOG = 4 << 20
"""Bytes that are read at first, and that are kept for listeners that join later."""

# The end of a longer file in an archive is not read, as all before it must be inflated.
_LONGEST_PACKED = 256 << 20


class LogChunk(NamedTuple):
    """Bytes that were added to a file; lines and characters may be cut anywhere.

    Parameters
    ----------
    data
        The bytes.
    follows
        Whether they continue the previous chunk. False for a first chunk inside the file, if bytes
        were skipped because the file grows too fast or the connection was lost, and if the file
        was truncated.
    is_backlog
        Whether the bytes were written before the listener joined.
    """

    data: bytes
    follows: bool
    is_backlog: bool = False


class StreamState(NamedTuple):
    """State of a stream.

    Parameters
    ----------
    is_finished
        Whether the task has ended and all was read.
    last_output
        When the file was last written, by the service's clock; None if unknown.
    error
        Error of the last poll, which is retried unless ``is_finished``.
    note
        Sentence for people that says what the stream waits for, or "".
    """

    is_finished: bool = False
    last_output: datetime | None = None
    error: InductivaError | None = None
    note: str = ""


class ReadResult(NamedTuple):
    """Result of one poll.

    Parameters
    ----------
    chunks
        The bytes that were added.
    state
        State after the poll.
    is_complete
        Whether all that the file had before was read; False until a connection has sent
        something.
    """

    chunks: Sequence[LogChunk]
    state: StreamState
    is_complete: bool = True


class LogSource(Protocol):
    """A file that is polled, always from the same thread."""

    @property
    def pause(self) -> float:
        """Seconds to wait before the next poll."""

    def poll(self) -> ReadResult:
        """Read what was added since the last poll."""

    def close(self) -> None:
        """Close the connection, if one is open."""


def read_from_archive(task: RemoteTask, name: str, at: int) -> ReadResult:
    """Return the rest of a file, from an offset, out of a finished task's output archive.

    Parameters
    ----------
    task
        The task.
    name
        Name of the file.
    at
        Offset of the first byte.
    """
    try:
        with task.open_output(name) as file:
            size = file.seek(0, 2)
            start = max(at, size - BACKLOG)
            if size > _LONGEST_PACKED or start >= size:
                return ReadResult([], StreamState(is_finished=True))
            file.seek(start)
            return ReadResult(
                [LogChunk(file.read(size - start), start == at)], StreamState(is_finished=True)
            )
    except InductivaError as error:
        # If the file was read while the task ran, at most its last bytes are missing.
        return ReadResult([], StreamState(is_finished=True, error=None if at else error))
