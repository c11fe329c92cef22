"""What the simulator of a failed task wrote last: often the cause, in its own words."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING

from inductiva_widgets.ansi import render_plain_lines
from inductiva_widgets.polling import run_in_thread
from inductiva_widgets.status import StatusGroup
from inductiva_widgets.tasks._text_file import open_text
from inductiva_widgets.widgets import contract

if TYPE_CHECKING:
    from inductiva_widgets.tasks.task import Task

_log = logging.getLogger(__name__)

# Errors first: of two streams people read the upper one.
_STREAMS = ("stderr.txt", "stdout.txt")
_LINES = 8
_LINE_LENGTH = 300
_BYTES = 1 << 12
# A packed file that is longer is not inflated for what nobody has asked for.
_LONGEST = 16 << 20


class FailureLogTail:
    """Fetches the last words of failed tasks beside the kernel; may be used from any thread.

    Parameters
    ----------
    on_words
        Called on a worker's thread with a task whose last words have come.
    """

    def __init__(self, on_words: Callable[[Task], None]) -> None:
        self._on_words = on_words
        self._lock = threading.Lock()
        self._asked: set[str] = set()

    def get(self, task: Task) -> list[contract.LogTailView]:
        """Return what is known; the first time for a failed task, the rest is fetched."""
        words = cached_tail(task)
        if words:
            return words
        info = task._state.last_info
        if info is None or not info.is_terminal or info.status.info.group is not StatusGroup.FAILED:
            return []
        with self._lock:
            is_new = info.has_outputs and task.id not in self._asked
            self._asked.add(task.id)
        if is_new:
            run_in_thread(lambda: self._fetch(task), lambda error: _tell(task, error), "last-words")
        return []

    def _fetch(self, task: Task) -> None:
        words = fetch_tail(task)
        if words:
            _known[task] = words
            self._on_words(task)


# The outputs of an ended task stay as they are, so one look serves every view of it.
_known: weakref.WeakKeyDictionary[Task, list[contract.LogTailView]] = weakref.WeakKeyDictionary()


def cached_tail(task: Task) -> list[contract.LogTailView]:
    """Return the last words that were fetched before, if any; never costs a request."""
    return _known.get(task, [])


def fetch_tail(task: Task) -> list[contract.LogTailView]:
    """Return the last lines of a task's streams; those that say nothing are left out.

    Costs two or three requests. Streams that cannot be read are missing.
    """
    words: list[contract.LogTailView] = []
    for name in _STREAMS:
        try:
            with open_text(task, name) as file:
                if file.is_packed and file.size > _LONGEST:
                    continue
                data = file.read(max(0, file.size - _BYTES), file.size)
        except Exception as error:
            # A file that is not there, a service that does not answer: the card does without.
            _tell(task, error)
            continue
        text = last_lines(data)
        if text:
            words.append({"name": name, "text": text})
    return words


def last_lines(data: bytes) -> str:
    r"""Return the last lines that are not blank, as plain text without control sequences.

    Examples
    --------
    >>> last_lines(b"10 %\r20 %\n\x1b[31mERROR\x1b[0m: no mesh\n\n")
    '20 %\nERROR: no mesh'
    """
    # A character that was cut off at the start is left out.
    text = data.lstrip(bytes(range(0x80, 0xC0))).decode("utf-8", "replace")
    lines = [line for line in render_plain_lines(text) if line][-_LINES:]
    return "\n".join(
        line if len(line) <= _LINE_LENGTH else f"{line[:_LINE_LENGTH]}…" for line in lines
    )


def _tell(task: Task, error: Exception) -> None:
    _log.debug("The last words of task %s could not be read", task.id, exc_info=error)
