"""The journal of a task: an append-only file of JSON lines.

The supervisor writes it and the server reads it independently; either may be killed and restarted.
Imports only the standard library, since the supervisor uses it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any

from inductiva_widgets.server import clock


class JournalWriter:
    """Appends events, which readers can see when ``write`` returns.

    Parameters
    ----------
    path
        The journal, created on first use.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)

    def __enter__(self) -> JournalWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)

    def write(self, event: str, **facts: Any) -> None:
        """Append an event with the current time.

        Parameters
        ----------
        event
            Name of the event.
        **facts
            Its JSON-ready details.
        """
        moment = clock.current_moment()
        line = {
            "event": event,
            "time": moment.time.isoformat(),
            "uptime": moment.uptime,
            "boot": moment.boot,
            **facts,
        }
        content = json.dumps(line).encode() + b"\n"
        if self._is_torn():
            # End an incomplete line, left by a full disk or a killed writer.
            content = b"\n" + content
        # A single write call, so that readers rarely see an incomplete line. On a full disk the
        # call may write less, and the next call raises.
        while content:
            content = content[os.write(self._descriptor, content) :]

    def _is_torn(self) -> bool:
        end = os.fstat(self._descriptor).st_size
        return end > 0 and os.pread(self._descriptor, 1, end - 1) != b"\n"


def read_lines_from(path: Path, offset: int) -> tuple[list[bytes], int]:
    """Return the complete lines from an offset in the journal, and the next offset.

    Parameters
    ----------
    path
        The journal; a missing one reads as empty.
    offset
        End of the previous reading.

    Returns
    -------
    tuple[list[bytes], int]
        The lines without line ends, and the offset for the next reading, which begins with an
        incomplete line, if any.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            content = file.read()
    except FileNotFoundError:
        return [], offset
    whole = content[: content.rfind(b"\n") + 1]
    return whole.splitlines(), offset + len(whole)
