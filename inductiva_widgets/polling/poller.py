"""Poller of a service: one request per tick for all cards and tables.

The poller requests the status of a single task, or one listing of the active tasks if there are
more. It fetches the detail of a task only if its status has changed, and stops if no task with a
subscription is active.

A failed request is not repeated within a tick. If the listing fails, the service counts as offline,
and the delay between two ticks grows. If a request for one task fails, only its own delay grows.
"""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from inductiva_widgets._callbacks import run_in_thread
from inductiva_widgets.errors import (
    APIConnectionError,
    APITimeoutError,
    InductivaError,
    InvalidRequestError,
    NotFoundError,
    RateLimitError,
    ServerError,
)
from inductiva_widgets.http.paging import iter_pages
from inductiva_widgets.http.time_limits import single_try
from inductiva_widgets.polling.status import PollStatus, Trouble
from inductiva_widgets.polling.weak_list import WeakList
from inductiva_widgets.status import Status

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client
    from inductiva_widgets.models.tasks import TaskInfo, TaskPage


_log = logging.getLogger(__name__)

# Seconds between two ticks.
FAST, NORMAL, SLOW = 1.0, 2.0, 5.0
_MAX_BACKOFF = 30.0
_MAX_RETRY_AFTER = 300.0
_MAX_DETAILS_PER_TICK = 20
_PER_PAGE = 500
# 10,000 active tasks. For tasks beyond them the details are requested, in turn.
_MAX_PAGES = 20
# Seconds of each tick for requests about single tasks. A request that takes longer continues on a
# thread of its own.
_DETAILS_BUDGET = 5.0
_MAX_BACKGROUND = 4

_pollers_lock = threading.Lock()
PERIOD = 3.0
"""Minimum seconds between two requests."""
# Small, since there is rarely more than one new task.
PER_PAGE = 50


class PollableState(Protocol):
    """Cached state of a task that the poller reads and updates."""

    @property
    def last_info(self) -> TaskInfo | None:
        """The cached info, or None if there is none yet."""

    @property
    def queue_position(self) -> int | None:
        """The cached queue position."""

    def refresh(self, max_age: float = 0.0) -> TaskInfo:
        """Request the current info."""

    def update(
        self, info: TaskInfo, tasks_ahead: int | None = None, asked_at: float | None = None
    ) -> TaskInfo:
        """Merge new info into the cache."""


class Pollable(Protocol):
    """A task with a state that can be polled."""

    id: str

    @property
    def _state(self) -> PollableState:
        """The cached state, private because it is not for users of a task."""


T = TypeVar("T", bound=Pollable)


class Subscription(Generic[T]):
    """Subscription to updates of tasks.

    It ends with `cancel` or when it is garbage-collected: the poller has only a weak reference.

    Parameters
    ----------
    tasks
        Tasks to poll.
    on_tasks
        Called on the poller's thread with updated tasks.
    on_status
        Called on the poller's thread after each tick.
    positions
        Ids of the tasks whose queue position is needed. The caller may change the set later.
    """

    def __init__(
        self,
        tasks: Iterable[T],
        on_tasks: Callable[[list[T]], None],
        on_status: Callable[[PollStatus], None],
        positions: set[str] | None = None,
    ) -> None:
        self.tasks = {task.id: task for task in tasks}
        self.on_tasks = on_tasks
        self.on_status = on_status
        self.positions = set() if positions is None else positions
        self.is_cancelled = False
        self.is_paused = False
        #: Whether the last status that was delivered has an error that may pass.
        self.shows_error = False
        #: Called on the poller's thread with an exception raised by another callback.
        self.on_error: Callable[[Exception], None] | None = None
        #: Called on the poller's thread with a task and the reason after each failed request, and
        #: with None after the next successful one.
        self.on_trouble: Callable[[T, Trouble | None], None] | None = None
        self._troubles: dict[str, Trouble] = {}
        # State of ``poll_extra``.
        self._extra_trouble: Trouble | None = None
        self._extra_poll_due = -float("inf")
        self._poller: weakref.ref[Poller] | None = None
        self._delivered = {task.id: _snapshot(task) for task in self.tasks.values()}
        # Reentrant, since a callback may call a method.
        self._delivery_lock = threading.RLock()

    @property
    def has_extra_poll(self) -> bool:
        """Whether `poll_extra` is to be called at each tick."""
        return False

    def poll_extra(self, client: Client) -> None:
        """Request more than the state of the tasks, on the poller's thread."""

    def add(self, tasks: Iterable[T]) -> None:
        """Subscribe to further tasks, whose current state counts as delivered."""
        added = {task.id: task for task in tasks}
        self._delivered |= {task.id: _snapshot(task) for task in added.values()}
        # A new dict, since the poller may be iterating over the old one.
        self.tasks = {**self.tasks, **added}

    def pending(self) -> list[T]:
        """Return the tasks whose current state has not been delivered.

        The comparison is with the last delivery, not with the last tick: a ``wait()`` in a cell
        updates a task as well, and may be faster than the poller.
        """
        return [task for task in self.tasks.values() if _snapshot(task) != self._delivered[task.id]]

    def notify(self, status: PollStatus) -> None:
        """Deliver pending updates and the status."""
        self.notify_pending()
        has_trouble = any(not trouble.is_final for trouble in self._troubles.values())
        self.shows_error = has_trouble or status.offline_since is not None
        self.on_status(status)

    def notify_pending(self) -> None:
        """Deliver pending updates, after a delivery by another thread has finished."""
        with self._delivery_lock:
            updated = self.pending()
            for task in updated:
                self._delivered[task.id] = _snapshot(task)
            if updated:
                self.on_tasks(updated)

    def notify_troubles(self, troubles: dict[str, Trouble]) -> None:
        """Call ``on_trouble`` for each task whose trouble has changed.

        Parameters
        ----------
        troubles
            Troubles of all tasks of the poller, by id.
        """
        previous = self._troubles
        self._troubles = {key: troubles[key] for key in troubles.keys() & self.tasks.keys()}
        if self.on_trouble is None:
            return
        for key in previous.keys() | self._troubles.keys():
            trouble = self._troubles.get(key)
            if trouble != previous.get(key):
                self.on_trouble(self.tasks[key], trouble)

    def cancel(self) -> None:
        """End the subscription."""
        self.is_cancelled = True

    def pause(self) -> None:
        """Suspend polling and callbacks until `resume`."""
        self.is_paused = True

    def resume(self) -> None:
        """Continue after `pause`, and poll immediately."""
        poller = self._poller() if self._poller is not None else None
        if self.is_paused and poller is not None:
            self.is_paused = False
            poller.subscribe(self)

    def report_error(self, error: Exception) -> None:
        """Report an exception raised by another callback."""
        if self.on_error is not None:
            self.on_error(error)


class Poller:
    """Poll the tasks of one service on a thread of its own.

    Parameters
    ----------
    client
        Client of the service.
    clock
        Returns seconds since the epoch. Tests pass their own.
    """

    def __init__(self, client: Client, *, clock: Callable[[], float] = time.time) -> None:
        self._client = client
        self._clock = clock
        # Reentrant, since methods that hold it call each other.
        self._lock = threading.RLock()
        self._wake = threading.Event()
        # Weak, so that the tasks of a discarded widget are not polled any more.
        self._subscriptions: WeakList[Subscription[Any]] = WeakList()
        self._thread: threading.Thread | None = None
        self._last_change = clock()
        self._failures = 0
        self._retry_after = 0.0
        self._pages_read = 1
        self._troubles: dict[str, Trouble] = {}
        self._retry_at: dict[str, float] = {}
        # Tasks that are being requested on threads of their own.
        self._background: set[str] = set()
        # Turn of the last request for each single task, for a fair order.
        self._turns: dict[str, int] = {}
        self._n_turns = 0
        self._queue_seen: object = None
        self._queue_due: dict[str, None] = {}
        self.status = PollStatus()

    def subscribe(self, subscription: Subscription[Any]) -> None:
        """Start a subscription. The caller must keep a reference to it."""
        subscription._poller = weakref.ref(self)
        with self._lock:
            self._subscriptions.add(subscription)
            self._last_change = self._clock()
            # A task that counts as removed is requested again if it is shown again.
            for task_id in self._troubles.keys() & subscription.tasks.keys():
                if self._troubles[task_id].is_final:
                    self._clear_trouble(task_id)
            if self._thread is None and self.has_work():
                self._thread = threading.Thread(
                    target=self._run, name="inductiva-poller", daemon=True
                )
                self._thread.start()
        self._wake.set()

    def has_work(self) -> bool:
        """Return whether there is anything to poll; the thread ends when there is not."""
        active = self._active()
        return bool(self._live_tasks() or self._background) or any(
            # A task may finish by another request after a failed poll: the error is withdrawn.
            item.has_extra_poll or item.shows_error or item.pending()
            for item in active
        )

    def poll_now(self) -> None:
        """Poll immediately, for example after a kill."""
        self._last_change = self._clock()
        self._wake.set()

    def poll_once(self) -> None:
        """Poll every active task once, and notify the subscribers."""
        try:
            with single_try():
                has_answered = self._poll_all()
        except InductivaError as error:
            # Other errors, such as a refused key, are likely to last: retry slowly at once.
            is_transient = isinstance(error, (APIConnectionError, RateLimitError, ServerError))
            self._failures = self._failures + 1 if is_transient else max(5, self._failures)
            self._retry_after = getattr(error, "retry_after", None) or 0.0
            since = self.status.offline_since or self._clock()
            self.status = PollStatus.failed(error, self.status.updated, since)
        else:
            if has_answered:
                self._failures, self._retry_after = 0, 0.0
                self.status = PollStatus(self._clock())
        with self._lock:
            troubles = dict(self._troubles)
        for subscription in self._active():
            if subscription.pending():
                self._last_change = self._clock()
            self._notify(subscription, troubles)

    def _notify(self, subscription: Subscription[Any], troubles: dict[str, Trouble]) -> None:
        try:
            subscription.notify_troubles(troubles)
            subscription.notify(self.status)
        except Exception as error:
            # The remaining subscriptions must still be notified.
            _log.exception("A callback of the poller failed")
            self._report(subscription, error)

    def _report(self, subscription: Subscription[Any], error: Exception) -> None:
        try:
            subscription.report_error(error)
        except Exception:
            _log.exception("The error callback of the poller failed")

    def next_delay(self) -> float:
        """Return the seconds until the next tick.

        The delay grows if no task changes or the service does not answer.
        """
        if self._failures:
            delay = min(_MAX_BACKOFF, FAST * 2.0 ** min(self._failures, 10))
            return max(delay, min(_MAX_RETRY_AFTER, self._retry_after))
        idle = self._clock() - self._last_change
        delay = FAST if idle < 120 else NORMAL if idle < 600 else SLOW
        # On average one page per second, however many tasks are active.
        return max(delay, FAST * self._pages_read)

    def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                self.poll_once()
            except Exception:
                # A bug must not end the updates of all cards.
                _log.exception("The poller failed unexpectedly")
                self._failures += 1
            with self._lock:
                if not self.has_work():
                    self._thread = None
                    return
            self._wake.wait(self.next_delay())

    def _active(self) -> list[Subscription[Any]]:
        return [item for item in self._subscriptions if not (item.is_cancelled or item.is_paused)]

    def _live_tasks(self) -> dict[str, list[Pollable]]:
        """Return the active tasks by id; a task may be represented by several objects."""
        live: dict[str, list[Pollable]] = {}
        for subscription in self._active():
            for task in subscription.tasks.values():
                if task._state.last_info is None or not task._state.last_info.is_terminal:
                    live.setdefault(task.id, []).append(task)
        with self._lock:
            for task_id, trouble in self._troubles.items():
                if trouble.is_final:
                    live.pop(task_id, None)
        return live

    def _poll_all(self) -> bool:
        """Make all requests of a tick, and return whether the service has answered.

        Raises
        ------
        InductivaError
            The service does not answer, or refuses the key.
        """
        live = self._live_tasks()
        self._drop_records(live)
        has_answered = self._poll(live) if live else True
        for subscription in self._active():
            if subscription.has_extra_poll:
                self._poll_extra(subscription, alone=not live)
        return has_answered

    def _poll_extra(self, subscription: Subscription[Any], *, alone: bool) -> None:
        """Call `poll_extra` of a subscription; a failure affects only this subscription."""
        trouble, now = subscription._extra_trouble, self._clock()
        if trouble is not None and now < subscription._extra_poll_due:
            return
        try:
            subscription.poll_extra(self._client)
        except Exception as error:
            if alone and isinstance(error, InductivaError):
                raise
            if not isinstance(error, InductivaError):
                _log.exception("An extra poll of a subscription failed")
            trouble = _next_trouble(trouble, error, now, self.status.updated)
            subscription._extra_trouble, subscription._extra_poll_due = trouble, now + trouble.pause
            self._report(subscription, error)
        else:
            subscription._extra_trouble = None

    def _poll(self, live: dict[str, list[Pollable]]) -> bool:
        asked_at = time.monotonic()
        if len(live) == 1:
            ((task_id, (first, *_)),) = live.items()
            has_answered = self._poll_one(task_id, first)
        else:
            self._poll_listing({task_id: tasks[0] for task_id, tasks in live.items()})
            has_answered = True
        for first, *others in live.values():
            for other in others:
                if first._state.last_info is not None:
                    other._state.update(
                        first._state.last_info, first._state.queue_position, asked_at
                    )
        return has_answered

    def _poll_one(self, task_id: str, task: Pollable) -> bool:
        """Request the only active task.

        If that fails, the listing is requested: it fails too if the whole service is offline.
        """
        if not self._is_due(task_id):
            return False
        if self._failures or task_id in self._troubles:
            self._poll_listing({task_id: task})
            return True
        try:
            task._state.refresh()
        except (APITimeoutError, RateLimitError):
            # The next tick requests the listing.
            raise
        except Exception as error:
            if not isinstance(error, (NotFoundError, InvalidRequestError)):
                self._list_active([task_id])
            self._record_trouble(task_id, error)
        return True

    def _poll_listing(self, live: dict[str, Pollable]) -> None:
        asked_at = time.monotonic()
        listed = self._list_active(live.keys())
        changed: dict[str, Pollable] = {}
        for task_id, task in live.items():
            info = listed.get(task_id)
            if info is not None and (
                task._state.last_info is None or task._state.last_info.status == info.status
            ):
                task._state.update(info, task._state.queue_position, asked_at)
                self._clear_trouble(task_id)
            else:
                # Finished, or in another status: the listing has less than the detail.
                changed[task_id] = task
        requests = {
            key: partial(self._fetch_detail, task, listed.get(key)) for key, task in changed.items()
        }
        deadline = time.monotonic() + _DETAILS_BUDGET
        self._poll_each(requests, deadline)
        statuses = {key: info.status for key, info in listed.items()}
        self._poll_queue_positions(live, statuses, deadline)

    def _list_active(self, task_ids: Iterable[str]) -> dict[str, TaskInfo]:
        """Return active tasks by id, reading pages until all of ``task_ids`` are found."""

        def fetch(page: int) -> TaskPage:
            return self._client.list_tasks(page=page, per_page=_PER_PAGE, active=True)

        listed: dict[str, TaskInfo] = {}
        missing = set(task_ids)
        self._pages_read = 0
        # Fetched one after the other, since the first page is usually enough.
        for _, page in islice(iter_pages(fetch, _PER_PAGE, prefetch_until=1), _MAX_PAGES):
            self._pages_read += 1
            listed |= {info.task_id: info for info in page.tasks}
            missing -= listed.keys()
            if not missing:
                break
        return listed

    def _fetch_detail(self, task: Pollable, listed: TaskInfo | None) -> None:
        asked_at = time.monotonic()
        try:
            info = self._client.get_task(task.id)
        except Exception:
            if listed is not None:
                # Less than the detail, but with the current status.
                task._state.update(listed, asked_at=asked_at)
            raise
        task._state.update(info, asked_at=asked_at)

    def _poll_queue_positions(
        self, live: dict[str, Pollable], statuses: dict[str, Status], deadline: float
    ) -> None:
        """Request queue positions, which listings lack, if the status of a task has changed."""
        shown = set().union(*(item.positions for item in self._active())) & live.keys()
        seen = (statuses, shown)
        if seen != self._queue_seen:
            self._queue_seen = seen
            self._queue_due = dict.fromkeys(key for key in live if key in shown)
        due = {
            key: live[key]._state.refresh
            for key in self._queue_due
            if key in live and _is_queued(live[key])
        }
        for task_id in self._poll_each(due, deadline):
            self._queue_due.pop(task_id, None)

    # Requests about single tasks

    def _poll_each(
        self, requests: Mapping[str, Callable[[], object]], deadline: float
    ) -> list[str]:
        """Request single tasks, the longest waiting first; return the ids that succeeded."""
        due = [task_id for task_id in requests if self._is_due(task_id)]
        due.sort(key=lambda task_id: self._turns.get(task_id, 0))
        answered: list[str] = []
        for task_id in due[:_MAX_DETAILS_PER_TICK]:
            left = deadline - time.monotonic()
            if left <= 0 or self._is_slow(task_id):
                self._poll_in_background(task_id, requests[task_id])
                continue
            self._record_turn(task_id)
            try:
                with single_try(left):
                    requests[task_id]()
            except APITimeoutError:
                # Repeated with the full timeout, while the poller continues.
                self._poll_in_background(task_id, requests[task_id])
            except Exception as error:
                self._record_trouble(task_id, error)
            else:
                self._clear_trouble(task_id)
                answered.append(task_id)
        return answered

    def _poll_in_background(self, task_id: str, request: Callable[[], object]) -> None:
        with self._lock:
            if len(self._background) >= _MAX_BACKGROUND:
                return
            self._background.add(task_id)
        self._record_turn(task_id)

        def poll() -> None:
            with single_try():
                request()
            self._clear_trouble(task_id)
            done()

        def fail(error: Exception) -> None:
            self._record_trouble(task_id, error)
            done()

        def done() -> None:
            with self._lock:
                self._background.discard(task_id)
            self._wake.set()

        run_in_thread(poll, fail, "poller-task")

    def _record_turn(self, task_id: str) -> None:
        self._n_turns += 1
        self._turns[task_id] = self._n_turns

    def _is_due(self, task_id: str) -> bool:
        with self._lock:
            is_waiting = self._clock() < self._retry_at.get(task_id, -float("inf"))
            return not is_waiting and task_id not in self._background

    def _is_slow(self, task_id: str) -> bool:
        trouble = self._troubles.get(task_id)
        return trouble is not None and isinstance(trouble.error, APITimeoutError)

    def _record_trouble(self, task_id: str, error: Exception) -> None:
        """Record a failed request for a task, and postpone the next one."""
        if not isinstance(error, InductivaError):
            _log.error("Task %s could not be updated", task_id, exc_info=error)
        now = self._clock()
        with self._lock:
            trouble = _next_trouble(self._troubles.get(task_id), error, now, self.status.updated)
            self._troubles[task_id] = trouble
            self._retry_at[task_id] = now + trouble.pause

    def _clear_trouble(self, task_id: str) -> None:
        with self._lock:
            self._troubles.pop(task_id, None)
            self._retry_at.pop(task_id, None)

    def _drop_records(self, live: dict[str, list[Pollable]]) -> None:
        """Drop the records of tasks without a subscription, or that have finished."""
        with self._lock:
            watched = {key for item in self._active() for key in item.tasks}
            removed = {key for key, trouble in self._troubles.items() if trouble.is_final}
            for task_id in self._troubles.keys() - live.keys() - (watched & removed):
                self._clear_trouble(task_id)
            self._turns = {key: turn for key, turn in self._turns.items() if key in live}


def _next_trouble(
    before: Trouble | None, error: Exception, now: float, updated: float | None
) -> Trouble:
    if before is None:
        return Trouble(error, now, updated)
    tries = before.tries + 1 if type(before.error) is type(error) else 1
    return replace(before, error=error, tries=tries)


def _is_queued(task: Pollable) -> bool:
    return task._state.last_info is not None and task._state.last_info.status == Status.SUBMITTED


def _snapshot(task: Pollable) -> tuple[object, ...]:
    return (task._state.last_info, task._state.queue_position)


_pollers: weakref.WeakKeyDictionary[Client, Poller] = weakref.WeakKeyDictionary()


def get_poller(client: Client) -> Poller:
    """Return the poller of a service, created at the first call."""
    with _pollers_lock:
        poller = _pollers.get(client)
        if poller is None:
            poller = _pollers[client] = Poller(client)
        return poller


class NewTaskSubscription(Subscription[Any]):
    """Subscription to tasks that are created from now on.

    Parameters
    ----------
    is_known
        Returns True if the list has the task of an id.
    since
        Creation time of the newest task of the list. Older tasks are ignored.
    on_new
        Called on the poller's thread with new tasks, newest first. It must make them known.
    clock
        Returns seconds. Tests pass their own.

    Notes
    -----
    Requests: 1 every 3 s, more only if there are over 50 new tasks.
    """

    def __init__(
        self,
        is_known: Callable[[str], bool],
        since: datetime | None,
        on_new: Callable[[list[TaskInfo]], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__((), lambda _: None, lambda _: None)
        self._is_known = is_known
        self._since = since
        self._on_new = on_new
        self._clock = clock
        self._last_poll = -float("inf")
        self._found: list[TaskInfo] = []

    @property
    def has_extra_poll(self) -> bool:
        """Always True."""
        return True

    def poll_extra(self, client: Client) -> None:
        """Read pages of the listing, newest first, until one has a known or older task."""
        if self._clock() - self._last_poll < PERIOD:
            return
        self._last_poll = self._clock()
        fresh: dict[str, TaskInfo] = {}
        page = 0
        while True:
            page += 1
            tasks = client.list_tasks(page=page, per_page=PER_PAGE).tasks
            new = [info for info in tasks if self._is_new(info)]
            # A submission between two requests shifts a task to the next page, so it comes twice.
            fresh |= {info.task_id: info for info in new}
            if len(new) < PER_PAGE:
                break
        self._found = list(fresh.values())

    def notify(self, status: PollStatus) -> None:
        """Call the callbacks, ``on_new`` included."""
        super().notify(status)
        found, self._found = self._found, []
        if found:
            self._on_new(found)

    def _is_new(self, info: TaskInfo) -> bool:
        created = info.create_time
        is_old = self._since is not None and created is not None and created < self._since
        return not is_old and not self._is_known(info.task_id)
