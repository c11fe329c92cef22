"""Watches that cards make by themselves: shared, and no more at a time than a kernel can bear."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from inductiva_widgets.tasks.log_watch import LogWatch

if TYPE_CHECKING:
    from inductiva_widgets.tasks.task import Task

MOST = 8
"""Quiet watches that read at a time."""


class AutomaticWatch:
    """A widget's wish to have the log of a task read; ends with ``cancel`` or with its owner.

    Parameters
    ----------
    task
        The task.
    on_news
        Called on the reading thread when the watch has begun, has read something, or is over.
    """

    def __init__(self, task: Task, on_news: Callable[[], None]) -> None:
        self.task = task
        self.on_news = on_news

    @property
    def watch(self) -> LogWatch | None:
        """The watch, None while others have to end first."""
        return _pool.watch_of(self.task)

    def cancel(self) -> None:
        """Give the wish up; with its last one the watch ends."""
        _pool.drop(self)


def exclude_automatic(watches: Iterable[LogWatch]) -> list[LogWatch]:
    """Return those of some watches that people made."""
    return _pool.others(watches)


def request_watch(task: Task, on_news: Callable[[], None]) -> AutomaticWatch:
    """Have the log of a task read, as soon as there is room for it; never blocks."""
    made = AutomaticWatch(task, on_news)
    _pool.add(made)
    return made


class _AutomaticWatchPool:
    """The quiet watches of a kernel; one a task, whoever wants it."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        # Weak, so that a forgotten widget does not go on reading; in the order of asking.
        self._claims: dict[Task, weakref.WeakSet[AutomaticWatch]] = {}
        self._watches: dict[Task, LogWatch] = {}
        # Those that have ended too, as long as anybody knows them.
        self._made: weakref.WeakSet[LogWatch] = weakref.WeakSet()

    def watch_of(self, task: Task) -> LogWatch | None:
        return self._watches.get(task)

    def others(self, watches: Iterable[LogWatch]) -> list[LogWatch]:
        # With the lock: one that is just being made is known elsewhere before it is here.
        with self._lock:
            return [watch for watch in watches if watch not in self._made]

    def add(self, claim: AutomaticWatch) -> None:
        with self._lock:
            self._claims.setdefault(claim.task, weakref.WeakSet()).add(claim)
            self._fill()

    def drop(self, claim: AutomaticWatch) -> None:
        with self._lock:
            claims = self._claims.get(claim.task)
            if claims is not None:
                claims.discard(claim)
                self._end_unwanted()

    def _fill(self) -> None:
        """Begin watches while there is room."""
        living = sum(not watch.is_finished for watch in self._watches.values())
        for task in list(self._claims):
            if living >= MOST:
                return
            if task not in self._watches:
                living += 1
                self._watches[task] = watch = LogWatch.automatic(task)
                self._made.add(watch)
                watch.subscribe(partial(self._tell, task))

    def _end_unwanted(self) -> None:
        unwanted = [task for task, claims in self._claims.items() if not claims]
        for task in unwanted:
            del self._claims[task]
        watches = [self._watches.pop(task) for task in unwanted if task in self._watches]
        # A watch that is stopped says so, by which this runs again within itself.
        for watch in watches:
            watch.stop()
        self._fill()

    def _tell(self, task: Task) -> None:
        with self._lock:
            claims = list(self._claims.get(task, ()))
            watch = self._watches.get(task)
            if not claims or (watch is not None and watch.is_finished):
                self._end_unwanted()
        for claim in claims:
            claim.on_news()


_pool = _AutomaticWatchPool()
