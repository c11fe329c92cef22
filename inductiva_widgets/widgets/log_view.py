"""Stretches of a task's logs, as the page asks for them."""

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
_END = 1 << 16
_MORE = 1 << 18
# A packed file that is longer is not inflated for a look at its end.
_LONGEST = 256 << 20
# Whether the task has ended is news of the poller, which asks at least this often, in seconds.
_NEWS = 6.0

_NOT_YET = {
    Status.PENDING_INPUT: "The input files are being uploaded: the log begins afterwards.",
    Status.SUBMITTED: "The task waits in the queue: its log begins with the computation.",
    Status.STARTED: "The machine prepares the task: its log begins with the computation.",
}


def log_view(task: Task, content: dict[str, Any]) -> contract.LogView:
    """Return a stretch of a log.

    Parameters
    ----------
    task
        The task.
    content
        The request: ``name`` of the file; ``after`` for what follows this byte, ``before`` for
        what precedes this one, neither for the end; ``edition`` in which these bytes are counted.
        A log of another edition, one that was begun anew, or that has grown by more than fits an
        answer, is begun at its end again: the answer then does not start at ``after``.

    Returns
    -------
    LogView
        Without a text, ``note`` says why. Costs one or two requests; none before the task
        computes on the cloud, nor for what is read there while it does: see ``tasks.reading``.

    Raises
    ------
    InputError
        The request makes no sense, or there is no such file.
    """
    name, after, before = _name(content), _byte(content, "after"), _byte(content, "before")
    edition = _edition(content)
    info = task.refresh(max_age=_NEWS)
    if info.status in _NOT_YET and not task.client.is_local:
        return _nothing(name, _NOT_YET[info.status], can_grow=True)
    try:
        with open_text(task, name, max_age=_NEWS) as file:
            if edition not in (None, file.edition):
                after = before = None
            return _read_range(file, name, after, before) or _nothing(
                name, _why_empty(info, name, file), can_grow=file.can_grow, edition=file.edition
            )
    except (ConfigurationError, TaskError, InputError) as error:
        if name not in STREAMS or before is not None:
            raise
        # What cannot be read while the task runs is in its outputs afterwards.
        return _nothing(name, str(error), can_grow=not info.is_terminal)


def _read_range(
    file: TextFile, name: str, after: int | None, before: int | None
) -> contract.LogView | None:
    """Return what was asked for; None where the file is empty."""
    size = file.size
    if size == 0:
        return None
    if size > _LONGEST and file.is_packed:
        raise TaskError(
            f"{name} has {format_bytes(size)}, too much to look at its end here: download it."
        )
    if before is not None:
        stop = min(before, size)
        start, data = _begin_at_line(file, stop - _END, stop)
    elif after is not None and after <= size <= after + _MORE:
        start, data = after, file.read(after, size)
    else:
        # Of one that runs away no more than the first look has brought: it would run on meanwhile.
        start, data = _begin_at_line(file, size - (_END if after is None else _END - 1), size)
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    # The end of a character may not be written yet; what precedes something is whole.
    is_whole = before is not None or not file.can_grow
    text = decoder.decode(data, final=is_whole)
    held = len(decoder.getstate()[0])
    return {
        "name": name,
        "edition": file.edition,
        "text": text,
        "start": start,
        "stop": start + len(data) - held,
        "size": size,
        "can_grow": file.can_grow,
        "note": "",
    }


def _begin_at_line(file: TextFile, start: int, stop: int) -> tuple[int, bytes]:
    """Return the first line's place and the bytes from there on; of one endless line a part."""
    if start <= 0:
        return 0, file.read(0, stop)
    # One byte more: the stretch may begin at a line by itself.
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
    return _NOT_YET.get(info.status, f"Nothing has been written to {name} yet.")


def _nothing(name: str, note: str, *, can_grow: bool, edition: str = "") -> contract.LogView:
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
        raise InputError("log needs the name of a file.")
    if not {"", ".", ".."}.isdisjoint(name.split("/")):
        raise InputError(f"{name[:100]!r} is no name of a file in the folder of a task.")
    return name


def _edition(content: dict[str, Any]) -> str | None:
    edition = content.get("edition")
    if edition is not None and not isinstance(edition, str):
        raise InputError("log needs a text for edition.")
    return edition


def _byte(content: dict[str, Any], key: str) -> int | None:
    value = content.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InputError(f"log needs a byte for {key}, 0 or more.")
    return value
