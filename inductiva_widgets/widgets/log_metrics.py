"""The watches in which a widget takes part: those that people made, else one of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from typing import TYPE_CHECKING

from inductiva_widgets.polling import WeakList
from inductiva_widgets.tasks.log_watch import preset_for, registry
from inductiva_widgets.widgets import automatic_watches

if TYPE_CHECKING:
    from inductiva_widgets.tasks.log_watch import LogWatch
    from inductiva_widgets.tasks.task import Task

PERIOD = 1.0
"""Seconds between two words about a task, however many watches it has."""


class LogMetrics:
    """Follows the watches of some tasks; every method may run on any thread and never blocks.

    Nothing is read before ``resume``: a widget that nobody sees costs nothing.

    Parameters
    ----------
    on_news
        Called with a task whose watches have read something or have ended, at most once a period.
    """

    def __init__(self, on_news: Callable[[Task], None]) -> None:
        self._on_news = on_news
        self._lock = threading.RLock()
        self._tasks: dict[str, _FollowedTask] = {}
        self._is_resting = True
        self._is_closed = False
        _all.add(self)

    def set_tasks(self, tasks: Iterable[Task]) -> None:
        """Take part in the watches of these tasks from now on, and in those of no others."""
        with self._lock:
            if self._is_closed:
                return
            wanted = {task.id: task for task in tasks}
            for task_id in self._tasks.keys() - wanted.keys():
                self._tasks.pop(task_id).rest()
            for task_id, task in wanted.items():
                if task_id not in self._tasks:
                    self._tasks[task_id] = _FollowedTask(task, self._on_news)
                if not self._is_resting:
                    self._tasks[task_id].go_on()

    def watches_for(self, task: Task) -> list[LogWatch]:
        """Return the watches of a task as far as they are followed here."""
        reading = self._tasks.get(task.id)
        return [] if reading is None else reading.watches()

    def pause(self) -> None:
        """Read nothing for this widget."""
        with self._lock:
            self._is_resting = True
            for reading in self._tasks.values():
                reading.rest()

    def resume(self) -> None:
        """Begin, or go on."""
        with self._lock:
            if self._is_closed:
                return
            self._is_resting = False
            for reading in self._tasks.values():
                reading.go_on()

    def close(self) -> None:
        """End everything."""
        self.set_tasks(())
        with self._lock:
            self._is_closed = True

    def on_new_watch(self, watch: LogWatch) -> None:
        """Take part in a watch that somebody has just made."""
        with self._lock:
            reading = self._tasks.get(watch.task.id)
            if reading is not None and not self._is_resting and reading.task == watch.task:
                reading.go_on()


class _FollowedTask:
    """The watches of one task."""

    def __init__(self, task: Task, on_news: Callable[[Task], None]) -> None:
        self.task = task
        self._on_news = on_news
        self._followed: dict[LogWatch, Callable[[], None]] = {}
        self._claim: automatic_watches.AutomaticWatch | None = None
        self._told = -float("inf")
        self._later: threading.Timer | None = None

    def watches(self) -> list[LogWatch]:
        watch = None if self._claim is None else self._claim.watch
        return [*self._followed, *([] if watch is None else [watch])]

    def go_on(self) -> None:
        """Follow all watches that people made, and one of our own beside those that add to it."""
        made = [watch for watch in watches_of(self.task) if watch not in self._followed]
        for watch in made:
            self._followed[watch] = watch.subscribe(self._tell)
        if any(watch.has_preset for watch in self._followed):
            self._drop_claim()
        elif self._claim is None and self._is_quietly_read():
            self._claim = automatic_watches.request_watch(self.task, self._tell)
        if made:
            # Not at once: whoever calls holds locks that the listener may want.
            self._tell_in(0)

    def rest(self) -> None:
        for end in self._followed.values():
            end()
        self._followed.clear()
        self._drop_claim()
        if self._later is not None:
            self._later.cancel()

    def _is_quietly_read(self) -> bool:
        # When a log was written last, which is read without numbers too, any watch tells.
        is_worth_it = is_metric_known(self.task) or not self._followed
        return is_worth_it and is_auto_watched(self.task)

    def _drop_claim(self) -> None:
        if self._claim is not None:
            self._claim.cancel()
            self._claim = None

    def _tell(self) -> None:
        """Hand on the news: at once, or when the period of the last ones is over."""
        if self._later is not None and self._later.is_alive():
            return
        left = self._told + PERIOD - time.monotonic()
        if left <= 0:
            self._told = time.monotonic()
            self._on_news(self.task)
        else:
            self._tell_in(left)

    def _tell_in(self, seconds: float) -> None:
        self._told = time.monotonic() + seconds
        self._later = threading.Timer(seconds, self._on_news, (self.task,))
        self._later.daemon = True
        self._later.start()


def watches_of(task: Task) -> list[LogWatch]:
    """Return the watches of a task that people made, living or ended."""
    return automatic_watches.exclude_automatic(registry.for_task(task))


def is_auto_watched(task: Task) -> bool:
    """Return whether a card reads the log of a task by itself.

    On the embedded server that of any task that computes, which at least tells when it wrote last;
    elsewhere, where it takes a connection, only that of a simulator whose numbers are known.
    """
    info = task._state.last_info
    if info is None or not info.status.is_computing:
        return False
    return task.client.is_local or (is_metric_known(task) and can_stream_log(task))


def can_stream_log(task: Task) -> bool:
    """Return whether the log of a running task can be had here; costs no request."""
    return task.client.is_local or find_spec("aiortc") is not None


def is_metric_known(task: Task) -> bool:
    """Return whether there are numbers that the simulator of a task is known to print."""
    info = task._state.last_info
    return info is not None and preset_for(info.simulator) is not None


_all: WeakList[LogMetrics] = WeakList()


def _notice(watch: LogWatch) -> None:
    for readings in _all:
        readings.on_new_watch(watch)


registry.on_new_watch(_notice)
