"""The last lines of a task's text files, and what is added to them."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from inductiva_widgets.errors import InputError
from inductiva_widgets.tasks.reading import open_text

if TYPE_CHECKING:
    from inductiva_widgets.tasks.files import TaskFiles

# Bytes that the last lines are looked for in.
_LAST = 1 << 16
_PERIOD = 1.0


def tail(task: TaskFiles, names: list[str], lines: int, follow: bool) -> None:
    """Print the last lines of files; see ``inductiva_widgets.tasks.Task.tail_files``."""
    if isinstance(lines, bool) or not isinstance(lines, int) or lines < 0:
        raise InputError("lines must be a whole number, 0 or more.")
    seen: dict[str, int] = {}
    for name in names:
        with open_text(task, name) as file:
            content = file.read(max(0, file.size - _LAST), file.size)
            seen[name] = file.size
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
    with open_text(task, name, max_age=_PERIOD) as file:
        added = file.read(seen[name], file.size)
        seen[name] = file.size
    return added


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
