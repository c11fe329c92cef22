"""The last lines of a task's text files, and what is added to them."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from inductiva_widgets.errors import InputError, NotFoundError, TaskError

if TYPE_CHECKING:
    from inductiva_widgets.tasks.files import TaskFiles

# Bytes read for the first look; the last lines of a log are rarely longer.
_FIRST_LOOK = 1 << 16
_PERIOD = 1.0


def tail(task: TaskFiles, names: list[str], lines: int, follow: bool) -> None:
    """Print the last lines of files; see :meth:`inductiva_widgets.tasks.Task.tail_files`."""
    if isinstance(lines, bool) or not isinstance(lines, int) or lines < 0:
        raise InputError("lines must be a whole number, 0 or more.")
    seen: dict[str, int] = {}
    for name in names:
        content, seen[name] = _read(task, name, _FIRST_LOOK)
        shown = content.decode("utf-8", "replace").splitlines()[-lines:] if lines else []
        if len(names) > 1:
            _write(f"==> {name} <==\n")
        _write("".join(f"{line}\n" for line in shown))
    while follow:
        # Looked at once more after the end, for the last words.
        is_over = task.refresh().is_terminal
        for name in names:
            _write(_added(task, name, seen).decode("utf-8", "replace"))
        if is_over:
            return
        time.sleep(_PERIOD)


def _added(task: TaskFiles, name: str, seen: dict[str, int]) -> bytes:
    """Return what was added to a file since the last look."""
    content, length = _read(task, name, _FIRST_LOOK)
    new = length - seen[name]
    if new > len(content):
        content, length = _read(task, name, new)
    seen[name] = length
    return content[-new:] if new > 0 else b""


def _read(task: TaskFiles, name: str, size: int) -> tuple[bytes, int]:
    """Return the end of a file, and the file's length."""
    # Asked first, for the first answer tells what kind of service this is.
    is_over = task.is_terminal()
    if task.client.is_local:
        try:
            return task.client.tail(task.id, name, size)
        except NotFoundError:
            if is_over:
                raise
            # The task waits in the queue, or has not written this file yet.
            return b"", 0
    if not is_over:
        raise TaskError(
            f"Task {task.id} has not ended: its files can be read afterwards. "
            "Reading them while it runs is not supported on the cloud yet."
        )
    with task.open_output(name) as file:
        length = file.seek(0, 2)
        file.seek(max(0, length - size))
        return file.read(size), length


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
