"""Last lines of the log of a failed task, which often name the cause."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING

from inductiva_widgets._callbacks import run_in_thread
from inductiva_widgets.ansi import render_plain_lines
from inductiva_widgets.errors import (
    ArchiveError,
    ConfigurationError,
    InputError,
    NotFoundError,
    TaskError,
)
from inductiva_widgets.status import StatusGroup
from inductiva_widgets.tasks._text_file import open_text
from inductiva_widgets.widgets import contract

if TYPE_CHECKING:
    from inductiva_widgets.tasks.task import Task

_log = logging.getLogger(__name__)

# Errors first, since they are more important.
_STREAMS = ("stderr.txt", "stdout.txt")
_N_LINES = 8
_MAX_LINE_LENGTH = 300
_N_BYTES = 1 << 12
# Seconds between two tries if the files could not be reached: 22 minutes in total.
_PAUSES = (5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0, 400.0)
# No try would have another result.
_FINAL_ERRORS = (InputError, NotFoundError, TaskError, ConfigurationError, ArchiveError)
# A longer file in the output archive is not decompressed without a request of the user.
_MAX_ARCHIVED_SIZE = 16 << 20


class FailureLogTail:
    """Fetch the last log lines of failed tasks on worker threads. Thread-safe.

    Parameters
    ----------
    on_tail
        Called on a worker thread with a task whose last lines have been fetched.
    """

    def __init__(self, on_tail: Callable[[Task], None]) -> None:
        self._on_tail = on_tail
        self._lock = threading.Lock()
        self._requested: set[str] = set()
        self._closed = threading.Event()

    def close(self) -> None:
        """Stop the tries that are under way."""
        self._closed.set()

    def get(self, task: Task) -> list[contract.LogTailView]:
        """Return the cached lines. If there are none and the task has failed, fetch them once."""
        tail = cached_tail(task)
        if tail:
            return tail
        info = task._state.last_info
        if info is None or not info.is_terminal or info.status.info.group is not StatusGroup.FAILED:
            return []
        with self._lock:
            is_new = info.has_outputs and task.id not in self._requested
            self._requested.add(task.id)
        if is_new:
            run_in_thread(
                lambda: self._fetch(task), lambda error: _log_failure(task, error), "log-tail"
            )
        return []

    def _fetch(self, task: Task) -> None:
        for pause in (*_PAUSES, None):
            tail, is_complete = fetch_tail(task)
            if self._closed.is_set():
                return
            if tail and tail != cached_tail(task):
                _cache[task] = tail
                self._on_tail(task)
            # The task has ended, so no update from the poller would request the lines again.
            if is_complete or pause is None or self._closed.wait(pause):
                return


# Shared by all widgets, since the outputs of a finished task do not change.
_cache: weakref.WeakKeyDictionary[Task, list[contract.LogTailView]] = weakref.WeakKeyDictionary()


def cached_tail(task: Task) -> list[contract.LogTailView]:
    """Return the last lines that have been fetched, if any."""
    return _cache.get(task, [])


def fetch_tail(task: Task) -> tuple[list[contract.LogTailView], bool]:
    """Return the last lines of the error and the output stream, if they can be read.

    The second value is False if another try may read more, since the service did not answer.

    Notes
    -----
    Requests: 2 or 3.
    """
    tails: list[contract.LogTailView] = []
    is_complete = True
    for name in _STREAMS:
        try:
            with open_text(task, name) as file:
                if file.is_packed and file.size > _MAX_ARCHIVED_SIZE:
                    continue
                data = file.read(max(0, file.size - _N_BYTES), file.size)
        except Exception as error:
            # The lines are optional: the file may not exist, or the service may not answer.
            _log_failure(task, error)
            is_complete = is_complete and isinstance(error, _FINAL_ERRORS)
            continue
        text = last_lines(data)
        if text:
            tails.append({"name": name, "text": text})
    return tails, is_complete


def last_lines(data: bytes) -> str:
    r"""Return the last lines that are not blank, as plain text without control sequences.

    Examples
    --------
    >>> last_lines(b"10 %\r20 %\n\x1b[31mERROR\x1b[0m: no mesh\n\n")
    '20 %\nERROR: no mesh'
    """
    # Drop the rest of a character that is incomplete at the start.
    text = data.lstrip(bytes(range(0x80, 0xC0))).decode("utf-8", "replace")
    lines = [line for line in render_plain_lines(text) if line][-_N_LINES:]
    return "\n".join(
        line if len(line) <= _MAX_LINE_LENGTH else f"{line[:_MAX_LINE_LENGTH]}…" for line in lines
    )


def _log_failure(task: Task, error: Exception) -> None:
    _log.debug("The log of task %s could not be read", task.id, exc_info=error)
