"""The journal of a task: an append-only file of JSON lines.

The supervisor writes it and the server reads it, each at its own pace; either may be killed and
started again. Needs nothing but the standard library, since the supervisor starts with it.
"""

from __future__ import annotations

import json
import os
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import Any


class JournalWriter:
    """Appends events, each one visible to readers as soon as ``write`` returns.

    Parameters
    ----------
    path
        The journal; made at first use.
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
        """Append one event with the present time.

        Parameters
        ----------
        event
            Name of the event.
        **facts
            Its JSON-ready details.
        """
        line = {"event": event, "time": datetime.now(timezone.utc).isoformat(), **facts}
        content = json.dumps(line).encode() + b"\n"
        if self._is_torn():
            # Left by a full disk, or by a writer that was killed: it must not spoil this line.
            content = b"\n" + content
        # One write call for the whole line: a reader never sees half of it for long. The system
        # takes less than the whole when the disk fills up; the next call says so.
        while content:
            content = content[os.write(self._descriptor, content) :]

    def _is_torn(self) -> bool:
        end = os.fstat(self._descriptor).st_size
        return end > 0 and os.pread(self._descriptor, 1, end - 1) != b"\n"


def read_lines_from(path: Path, offset: int) -> tuple[list[bytes], int]:
    """Return the complete lines after a place in the journal, and the place after them.

    Parameters
    ----------
    path
        The journal; a missing one reads as empty.
    offset
        Where the last reading ended.

    Returns
    -------
    tuple[list[bytes], int]
        The lines without their ends, and the offset for the next reading. A line that is still
        being written is left for then.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            content = file.read()
    except FileNotFoundError:
        return [], offset
    whole = content[: content.rfind(b"\n") + 1]
    return whole.splitlines(), offset + len(whole)
