"""View model of a part of a log."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Any

from inductiva_widgets.errors import ConfigurationError, InputError, TaskError
from inductiva_widgets.formatting import format_bytes
from inductiva_widgets.status import Status
from inductiva_widgets.tasks._text_file import TextFile, open_text
from inductiva_widgets.widgets import contract

if TYPE_CHECKING:
    from inductiva_widgets.models.tasks import TaskInfo
    from inductiva_widgets.tasks.task import Task

STREAMS = ("stdout.txt", "stderr.txt")
# Bytes that are read at the end of a log, and after an offset.
_TAIL_BYTES = 1 << 16
_MAX_NEW_BYTES = 1 << 18
# The end of a longer file in the output archive is not decompressed.
_MAX_ARCHIVED_SIZE = 256 << 20
# Maximum age of the info in seconds. The poller updates it more often.
_MAX_AGE = 6.0

_NOT_STARTED = {
    Status.PENDING_INPUT: "The input files are being uploaded: the log begins afterwards.",
    Status.SUBMITTED: "The task waits in the queue: its log begins with the computation.",
    Status.STARTED: "The machine prepares the task: its log begins with the computation.",
}


def log_view(task: Task, content: dict[str, Any]) -> contract.LogView:
    """Return a part of a log.

    Parameters
    ----------
    task
        The task.
    content
        The request, with the ``name`` of the file. It may have the offset ``after`` which or
        ``before`` which to read, and the ``edition`` of the file that the offset belongs to. The
        end of the log is returned if there is no offset, if the file has another edition since it
        has been overwritten, or if there are too many bytes after the offset.

    Returns
    -------
    LogView
        If there is no text, ``note`` is the reason.

    Raises
    ------
    InputError
        The request is malformed, or there is no such file.

    Notes
    -----
    Requests: 1 or 2 for the embedded server and for finished tasks.
    """
    name, after, before = _name(content), _offset(content, "after"), _offset(content, "before")
    edition = _edition(content)
    info = task.refresh(max_age=_MAX_AGE)
    if info.status in _NOT_STARTED and not task.client.is_local:
        return _empty_view(name, _NOT_STARTED[info.status], can_grow=True)
    try:
        with open_text(task, name, max_age=_MAX_AGE) as file:
            if edition not in (None, file.edition):
                after = before = None
            return _read_range(file, name, after, before) or _empty_view(
                name, _why_empty(info, name, file), can_grow=file.can_grow, edition=file.edition
            )
    except (ConfigurationError, TaskError, InputError) as error:
        if name not in STREAMS or before is not None:
            raise
        # The log can be read from the outputs when the task has finished.
        return _empty_view(name, str(error), can_grow=not info.is_terminal)


def _read_range(
    file: TextFile, name: str, after: int | None, before: int | None
) -> contract.LogView | None:
    """Return the requested part, or None if the file is empty."""
    size = file.size
    if size == 0:
        return None
    if size > _MAX_ARCHIVED_SIZE and file.is_packed:
        raise TaskError(
            f"{name} must have at most {format_bytes(_MAX_ARCHIVED_SIZE)} to be shown, got "
            f"{format_bytes(size)}. Download it."
        )
    if before is not None:
        stop = min(before, size)
        start, data = _read_lines(file, stop - _TAIL_BYTES, stop)
    elif after is not None and after <= size <= after + _MAX_NEW_BYTES:
        start, data = after, file.read(after, size)
    else:
        # If the log grows too fast, read no more than the first time, when one more byte was read.
        n_bytes = _TAIL_BYTES if after is None else _TAIL_BYTES - 1
        start, data = _read_lines(file, size - n_bytes, size)
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    # The last character may be incomplete at the end of a growing file only.
    is_whole = before is not None or not file.can_grow
    text = decoder.decode(data, final=is_whole)
    n_pending = len(decoder.getstate()[0])
    return {
        "name": name,
        "edition": file.edition,
        "text": text,
        "start": start,
        "stop": start + len(data) - n_pending,
        "size": size,
        "can_grow": file.can_grow,
        "note": "",
    }


def _read_lines(file: TextFile, start: int, stop: int) -> tuple[int, bytes]:
    """Read from the first line after ``start``; return its offset and the bytes.

    If there is no newline, the part begins at ``start``, moved to the next character.
    """
    if start <= 0:
        return 0, file.read(0, stop)
    # One more byte, since a line may begin at `start`.
    data = file.read(start - 1, stop)
    cut = data.find(b"\n") + 1
    if cut in (0, len(data)):
        cut = 1
        while cut < min(4, len(data)) and data[cut] & 0xC0 == 0x80:
            cut += 1
    return start - 1 + cut, data[cut:]


def _why_empty(info: TaskInfo, name: str, file: TextFile) -> str:
    if not file.can_grow:
        return f"Nothing was written to {name}."
    if info.status == Status.COMPUTATION_ENDED:
        return "The computation has ended: its outputs are being stored."
    return _NOT_STARTED.get(info.status, f"Nothing has been written to {name} yet.")


def _empty_view(name: str, note: str, *, can_grow: bool, edition: str = "") -> contract.LogView:
    return {
        "name": name,
        "edition": edition,
        "text": "",
        "start": 0,
        "stop": 0,
        "size": 0,
        "can_grow": can_grow,
        "note": note,
    }


def _name(content: dict[str, Any]) -> str:
    name = content.get("name")
    if not isinstance(name, str) or not name:
        raise InputError("A request 'log' must have the `name` of a file.")
    if not {"", ".", ".."}.isdisjoint(name.split("/")):
        raise InputError(f"`name` must be a path in the folder of a task, got {name[:100]!r}.")
    return name


def _edition(content: dict[str, Any]) -> str | None:
    edition = content.get("edition")
    if edition is not None and not isinstance(edition, str):
        raise InputError("`edition` of a request 'log' must be a string.")
    return edition


def _offset(content: dict[str, Any], key: str) -> int | None:
    value = content.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InputError(f"`{key}` of a request 'log' must be an integer of at least 0.")
    return value
