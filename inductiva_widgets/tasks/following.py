"""What is added to a text file of a running task, read once for all who are interested."""

from __future__ import annotations

import threading
import time
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

from inductiva_widgets.errors import InductivaError
from inductiva_widgets.tasks.reading import open_text

if TYPE_CHECKING:
    from inductiva_widgets.tasks.files import TaskFiles

PERIOD = 1.0
"""Seconds between two looks at a file."""

BUDGET = 1 << 20
"""Bytes that are read of a file in a period; of one that grows faster, the last ones."""


class Piece(NamedTuple):
    """Bytes that were added to a file; lines and characters may be cut anywhere.

    Parameters
    ----------
    data
        The bytes.
    follows
        Whether they follow on the bytes of the piece before: False for the first one, unless the
        file begins there; where the file grew faster than it is read; after a lost connection whose
        gap could not be closed; where the file was begun anew.
    """

    data: bytes
    follows: bool


class State(NamedTuple):
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

    is_over: bool = False
    last_output: datetime | None = None
    error: InductivaError | None = None
    note: str = ""


class Listener(Protocol):
    """Somebody who is interested; called on the reading thread, one call at a time."""

    def take(self, piece: Piece, /) -> None:
        """Take bytes."""

    def tell(self, state: State, /) -> None:
        """Take how the reading stands: after each look that brought news, and once at the end."""


class Interest:
    """A listener's interest in a file; ends with ``cancel``."""

    def __init__(self) -> None:
        self.is_cancelled = False

    def cancel(self) -> None:
        """End the interest: no call begins after this."""
        self.is_cancelled = True


def follow(task: TaskFiles, name: str, listener: Listener) -> Interest:
    """Read a file from its beginning, as far as it can be had, and go on until the task ends.

    Returns at once; the reading happens on a thread of its own, one for each file of a task.

    Parameters
    ----------
    task
        The task.
    name
        Name of the file, such as ``"stdout.txt"``.
    listener
        Gets what was read so far first, as one piece.
    """
    interest = Interest()

    def run() -> None:
        at = 0
        while not interest.is_cancelled:
            is_over = task.refresh(max_age=PERIOD).is_terminal
            try:
                with open_text(task, name, max_age=PERIOD) as file:
                    start = max(at, file.size - BUDGET)
                    data = file.read(start, file.size)
                    if data:
                        listener.take(Piece(data, start == at))
                    at = start + len(data)
                listener.tell(State(is_over))
            except InductivaError as error:
                listener.tell(State(is_over, error=error))
            if is_over:
                return
            time.sleep(PERIOD)

    threading.Thread(target=run, name="inductiva-follow", daemon=True).start()
    return interest
