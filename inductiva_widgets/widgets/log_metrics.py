"""Log metrics of the tasks that a widget shows, read while the widget is visible.

A widget follows the watches that users began with ``Task.watch``. If a task has none with a preset,
an automatic watch is requested for it. Automatic watches are shared between all widgets of the
kernel, and at most `MAX_AUTOMATIC_WATCHES` of them read at a time.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable, Iterable
from functools import partial
from importlib.util import find_spec
from itertools import islice
from typing import TYPE_CHECKING

from inductiva_widgets._throttle import ThrottledNotifier
from inductiva_widgets.polling import WeakList
from inductiva_widgets.tasks.log_watch import LogWatch, preset_for, registry
from inductiva_widgets.widgets import contract
from inductiva_widgets.widgets.log_metrics_view import log_metrics_view, metric_view, prefer_newer

if TYPE_CHECKING:
    from inductiva_widgets.tasks.task import Task

_log = logging.getLogger(__name__)

MAX_AUTOMATIC_WATCHES = 8
"""Maximum number of automatic watches that read at a time."""
PERIOD = 1.0
"""Minimum number of seconds between two updates of one task."""
# Several times the rows in the window, since the front end requests only rows that it lacks.
_MAX_VISIBLE_ROWS = 200


class LogMetrics:
    """Follow the watches of some tasks; every method may run on any thread and never blocks.

    Nothing is read before ``resume``, so that a widget that is not visible causes no reading.

    Parameters
    ----------
    on_update
        Called with a task whose watches have read something or have ended, at most once per
        `PERIOD`.
    """

    def __init__(self, on_update: Callable[[Task], None]) -> None:
        self._on_update = on_update
        self._lock = threading.RLock()
        self._tasks: dict[str, _FollowedTask] = {}
        self._is_paused = True
        self._is_closed = False
        _all.add(self)

    def set_tasks(self, tasks: Iterable[Task]) -> None:
        """Set the tasks to follow, dropping all others."""
        with self._lock:
            if self._is_closed:
                return
            followed = {task.id: task for task in tasks}
            for task_id in self._tasks.keys() - followed.keys():
                self._tasks.pop(task_id).pause()
            for task_id, task in followed.items():
                if task_id not in self._tasks:
                    self._tasks[task_id] = _FollowedTask(task, self._on_update)
                if not self._is_paused:
                    self._tasks[task_id].resume()

    def watches_for(self, task: Task) -> list[LogWatch]:
        """Return the watches of a task that are followed here."""
        followed = self._tasks.get(task.id)
        return [] if followed is None else followed.watches()

    def pause(self) -> None:
        """Stop reading until ``resume``."""
        with self._lock:
            self._is_paused = True
            for followed in self._tasks.values():
                followed.pause()

    def resume(self) -> None:
        """Start or continue to read."""
        with self._lock:
            if self._is_closed:
                return
            self._is_paused = False
            for followed in self._tasks.values():
                followed.resume()

    def close(self) -> None:
        """Drop all tasks, and ignore later calls."""
        self.set_tasks(())
        with self._lock:
            self._is_closed = True

    def on_new_watch(self, watch: LogWatch) -> None:
        """Follow a watch that a user has just begun, if its task is followed."""
        with self._lock:
            followed = self._tasks.get(watch.task.id)
            if followed is not None and not self._is_paused and followed.task == watch.task:
                followed.resume()


class TableLogMetrics:
    """Log metrics of a table: for its open cards, and for the column "metric" of visible rows.

    Parameters
    ----------
    find_task
        Returns the task of an id, or None.
    on_card
        Called with the task id of an open card, and the view of its log metrics.
    on_row
        Called with the task id of a row, and the view of its metric.
    """

    def __init__(
        self,
        find_task: Callable[[str], Task | None],
        on_card: Callable[[str, contract.LogMetricsView], None],
        on_row: Callable[[str, contract.MetricView], None],
    ) -> None:
        self._find_task = find_task
        self._on_card = on_card
        self._on_row = on_row
        self._cards = LogMetrics(self._send_card)
        self._rows = LogMetrics(self._send_row)
        self._open: dict[str, contract.LogMetricsView | None] = {}
        self._visible: dict[str, None] = {}
        self._has_column = False

    def open_card(self, task: Task) -> contract.LogMetricsView | None:
        """Start to read for a card, and return what has been read before."""
        self._open.setdefault(task.id, None)
        self.update()
        return self._open.get(task.id) or log_metrics_view(self._cards.watches_for(task))

    def close_card(self, task_id: str) -> None:
        """Stop reading for a card."""
        self._open.pop(task_id, None)
        self.update()

    def add_visible(self, task_ids: Iterable[str]) -> None:
        """Add rows that are being sent to the front end to the visible ones."""
        sent = dict.fromkeys(task_ids)
        self._visible = dict.fromkeys(islice({**sent, **self._visible}, _MAX_VISIBLE_ROWS))
        if self._has_column:
            self.update()

    def show_column(self, is_shown: bool) -> None:
        """Start or stop to read for the visible rows."""
        self._has_column = is_shown
        self.update()

    def update(self) -> None:
        """Select the tasks to read from their current states."""
        cards = (self._find_task(task_id) for task_id in list(self._open))
        self._cards.set_tasks(task for task in cards if task is not None)
        self._rows.set_tasks(self._row_tasks() if self._has_column else ())

    def pause(self) -> None:
        """Stop reading until ``resume``."""
        self._cards.pause()
        self._rows.pause()

    def resume(self) -> None:
        """Start or continue to read."""
        self._cards.resume()
        self._rows.resume()

    def close(self) -> None:
        """Stop reading for good."""
        self._cards.close()
        self._rows.close()

    def _row_tasks(self) -> list[Task]:
        """Return the visible tasks that have watches, then the first ones to read automatically."""
        found = [self._find_task(task_id) for task_id in self._visible]
        tasks = [task for task in found if task is not None]
        watched = [task for task in tasks if watches_of(task)]
        others = (
            task
            for task in tasks
            if task not in watched and is_metric_known(task) and is_auto_watched(task)
        )
        # Not more than can be read at a time: rows above must not delay those that are visible.
        return [*watched, *islice(others, MAX_AUTOMATIC_WATCHES)]

    def _send_card(self, task: Task) -> None:
        found = log_metrics_view(self._cards.watches_for(task))
        if found is None or task.id not in self._open:
            return
        shown = self._open[task.id]
        view = prefer_newer(shown, found)
        if view != shown:
            self._open[task.id] = view
            self._on_card(task.id, view)

    def _send_row(self, task: Task) -> None:
        metric = metric_view(self._rows.watches_for(task))
        if metric is not None:
            self._on_row(task.id, metric)


def watches_of(task: Task) -> list[LogWatch]:
    """Return the watches of a task that users began, running or finished."""
    return _pool.exclude_automatic(registry.for_task(task))


def is_auto_watched(task: Task) -> bool:
    """Return whether a card reads the log of a task without a watch of the user.

    The embedded server's logs are read for every computing task, at least to show the time of the
    last output. Elsewhere each log takes a connection, so only those of simulators with a preset
    are read.
    """
    info = task._state.last_info
    if info is None or not info.status.is_computing:
        return False
    return task.client.is_local or (is_metric_known(task) and can_stream_log(task))


def can_stream_log(task: Task) -> bool:
    """Return whether the log of a running task can be read here."""
    return task.client.is_local or find_spec("aiortc") is not None


def is_metric_known(task: Task) -> bool:
    """Return whether there is a preset for the simulator of a task."""
    info = task._state.last_info
    return info is not None and preset_for(info.simulator) is not None


class _FollowedTask:
    """Watches of one task, whose updates are throttled."""

    def __init__(self, task: Task, on_update: Callable[[Task], None]) -> None:
        self.task = task
        self._unsubscribe: dict[LogWatch, Callable[[], None]] = {}
        self._automatic: _AutomaticWatch | None = None
        self._updates = ThrottledNotifier(self._log_error, PERIOD)
        self._updates.subscribe(lambda: on_update(task))

    def watches(self) -> list[LogWatch]:
        watch = None if self._automatic is None else _pool.watch_of(self.task)
        return [*self._unsubscribe, *([] if watch is None else [watch])]

    def resume(self) -> None:
        """Subscribe to the watches of the user, and request an automatic one if it adds to them."""
        new = [watch for watch in watches_of(self.task) if watch not in self._unsubscribe]
        for watch in new:
            self._unsubscribe[watch] = watch.subscribe(self._updates.notify)
        if any(watch.has_preset for watch in self._unsubscribe):
            self._drop_automatic()
        elif self._automatic is None and self._needs_automatic():
            self._automatic = _AutomaticWatch(self.task, self._updates.notify)
            _pool.add(self._automatic)
        if new:
            # On another thread: the caller holds locks that the listener may need.
            self._updates.notify(in_thread=True)

    def pause(self) -> None:
        for unsubscribe in self._unsubscribe.values():
            unsubscribe()
        self._unsubscribe.clear()
        self._drop_automatic()
        self._updates.cancel()

    def _needs_automatic(self) -> bool:
        # Any watch knows the time of the last output, all that is read without a preset.
        return (is_metric_known(self.task) or not self._unsubscribe) and is_auto_watched(self.task)

    def _drop_automatic(self) -> None:
        if self._automatic is not None:
            _pool.drop(self._automatic)
            self._automatic = None

    def _log_error(self, error: Exception) -> None:
        _log.error("Log metrics of task %s could not be shown", self.task.id, exc_info=error)


class _AutomaticWatch:
    """Request for an automatic watch; ends with ``_pool.drop`` or with the widget that made it.

    Parameters
    ----------
    task
        The task.
    on_update
        Called on the reading thread when the watch has begun, has read something or has finished.
    """

    def __init__(self, task: Task, on_update: Callable[[], None]) -> None:
        self.task = task
        self.on_update = on_update


class _AutomaticWatchPool:
    """Automatic watches of this kernel: one for each task, however many widgets request it."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        # Weak, so that a forgotten widget does not keep a log being read; in the order of requests.
        self._requests: dict[Task, weakref.WeakSet[_AutomaticWatch]] = {}
        self._watches: dict[Task, LogWatch] = {}
        # Finished ones too, as long as they are referenced.
        self._made: weakref.WeakSet[LogWatch] = weakref.WeakSet()

    def watch_of(self, task: Task) -> LogWatch | None:
        """Return the watch of a task, or None while it waits for others to finish."""
        return self._watches.get(task)

    def exclude_automatic(self, watches: Iterable[LogWatch]) -> list[LogWatch]:
        # Under the lock: a new watch is in the registry before it is in this pool.
        with self._lock:
            return [watch for watch in watches if watch not in self._made]

    def add(self, request: _AutomaticWatch) -> None:
        """Read the log of a task as soon as fewer than the maximum are read; never blocks."""
        with self._lock:
            self._requests.setdefault(request.task, weakref.WeakSet()).add(request)
            # Those of discarded widgets, too, of which nothing else may be reported.
            self._stop_unrequested()

    def drop(self, request: _AutomaticWatch) -> None:
        """Withdraw a request; the watch ends with the last request for its task."""
        with self._lock:
            requests = self._requests.get(request.task)
            if requests is not None:
                requests.discard(request)
                self._stop_unrequested()

    def _fill(self) -> None:
        """Begin watches up to the maximum."""
        n_running = sum(not watch.is_finished for watch in self._watches.values())
        for task in list(self._requests):
            if n_running >= MAX_AUTOMATIC_WATCHES:
                return
            if task not in self._watches:
                n_running += 1
                self._watches[task] = watch = LogWatch.automatic(task)
                self._made.add(watch)
                watch.subscribe(partial(self._notify, task))

    def _stop_unrequested(self) -> None:
        tasks = [task for task, requests in self._requests.items() if not requests]
        for task in tasks:
            del self._requests[task]
        watches = [self._watches.pop(task) for task in tasks if task in self._watches]
        # A watch that stops notifies its subscribers: this method is then called recursively.
        for watch in watches:
            watch.stop()
        self._fill()

    def _notify(self, task: Task) -> None:
        with self._lock:
            requests = list(self._requests.get(task, ()))
            watch = self._watches.get(task)
            if not requests or (watch is not None and watch.is_finished):
                self._stop_unrequested()
        for request in requests:
            request.on_update()


_pool = _AutomaticWatchPool()
_all: WeakList[LogMetrics] = WeakList()


def _on_new_watch(watch: LogWatch) -> None:
    for metrics in _all:
        metrics.on_new_watch(watch)


registry.on_new_watch(_on_new_watch)
