"""Interface of log sources, and reading from the archive."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

from inductiva_widgets.errors import InductivaError

if TYPE_CHECKING:
    from inductiva_widgets.tasks._state import RemoteTask

PERIOD = 1.0
"""Seconds between two looks at a file."""

BUDGET = 1 << 20
"""Bytes that are read of a file in a period."""

FLOOD = 128 << 10
"""Bytes that are read in a period of a file that grows faster than that: the last ones."""

BACKLOG = 4 << 20
"""Bytes that are read of a file at first, and that are kept for those who come later."""

# A packed file that is longer is not inflated for its end.
_LONGEST_PACKED = 256 << 20


class LogChunk(NamedTuple):
    """Bytes that were added to a file; lines and characters may be cut anywhere.

    Parameters
    ----------
    data
        The bytes.
    follows
        Whether they follow on the bytes of the piece before: False for the first one, unless the
        file begins there; where the file grew faster than it is read; after a lost connection whose
        gap could not be closed; where the file was begun anew.
    is_backlog
        Whether the listener joined after the bytes were written, so that they are no news to it.
    """

    data: bytes
    follows: bool
    is_backlog: bool = False


class StreamState(NamedTuple):
    """How the reading stands.

    Parameters
    ----------
    is_over
        Whether nothing more will come: the task has ended and all was read.
    last_output
        When the file was last written, by the service's clock; None where that is not known.
    error
        Why nothing comes at the moment; it is tried again unless ``is_over``.
    note
        What is waited for, in words: "" while all is well.
    """

    is_finished: bool = False
    last_output: datetime | None = None
    error: InductivaError | None = None
    note: str = ""


class ReadResult(NamedTuple):
    """What a look brought.

    Parameters
    ----------
    pieces
        What was added.
    state
        How it stands now.
    is_complete
        Whether all that was in the file before is among what was read; False while a connection
        has not brought anything yet.
    """

    chunks: Sequence[LogChunk]
    state: StreamState
    is_complete: bool = True


class LogSource(Protocol):
    """A file that is looked at again and again, always from the same thread."""

    @property
    def pause(self) -> float:
        """Seconds to wait before the next look."""

    def poll(self) -> ReadResult:
        """Read what was added since the last look."""

    def close(self) -> None:
        """Let go of what is open."""


def read_from_archive(task: RemoteTask, name: str, at: int) -> ReadResult:
    """Return what the archive of an ended task has of a file from a byte on.

    Parameters
    ----------
    task
        The task.
    name
        Name of the file.
    at
        How much was read before.
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
        # Of a file that was read while the task ran, no more than its last words are missing.
        return ReadResult([], StreamState(is_finished=True, error=None if at else error))
