"""Poller of a service: one request per tick for all cards and tables.

One watched task is asked for by its status, several by one listing of the active tasks; the detail
of a task is fetched only when its status has changed. It stops when nothing watched is alive.

Each request is tried once a tick. If the listing fails, the service counts as away, and is asked
less and less often. If only a request about one task fails, only that task is asked less often.
"""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

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
from inductiva_widgets.polling.worker import run_in_thread
from inductiva_widgets.status import Status

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client
    from inductiva_widgets.models.tasks import TaskInfo, TaskPage

_log = logging.getLogger(__name__)

FAST, NORMAL, SLOW = 1.0, 2.0, 5.0
_LONGEST_BACKOFF = 30.0
_LONGEST_RETRY_AFTER = 300.0
_MAX_DETAILS_A_TICK = 20
_PER_PAGE = 500
# 10,000 active tasks. The tasks behind them are asked for by their details, in turn.
_MAX_PAGES = 20
# Seconds that all requests about single tasks may hold up one tick. A task whose answer takes
# longer is asked for on a thread of its own.
_DETAILS_BUDGET = 5.0
_MAX_BACKGROUND = 4


class PollableState(Protocol):
    """Cached state of a task that the poller reads and updates."""

    @property
    def last_info(self) -> TaskInfo | None:
        """The cached info, or None if nothing is known yet."""

    @property
    def queue_position(self) -> int | None:
        """The cached queue position."""

    def refresh(self, max_age: float = 0.0) -> TaskInfo:
        """Request the present state."""

    def update(
        self, info: TaskInfo, tasks_ahead: int | None = None, asked_at: float | None = None
    ) -> TaskInfo:
        """Merge new info into the cache."""


class Pollable(Protocol):
    """A task, as the poller sees it."""

    id: str

    @property
    def _state(self) -> PollableState:
        """Private, since users of a task call its public methods."""


T = TypeVar("T", bound=Pollable)


class Subscription(Generic[T]):
    """Subscription to updates of tasks. It ends with ``cancel`` or with its owner.

    Parameters
    ----------
    tasks
        The tasks.
    on_tasks
        Called on the poller's thread with the tasks that have been updated.
    on_status
        Called on the poller's thread after each tick.
    positions
        Ids of the tasks whose queue position is shown; the owner may change the set.
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
        #: Called on the poller's thread with what one of the above raised.
        self.on_error: Callable[[Exception], None] | None = None
        #: Called on the poller's thread with a task that cannot be updated and why, once for each
        #: try; with None when it can be again.
        self.on_trouble: Callable[[T, Trouble | None], None] | None = None
        self._troubles: dict[str, Trouble] = {}
        # Of ``poll_extra``.
        self._extra_trouble: Trouble | None = None
        self._extra_poll_due = -float("inf")
        self._poller: weakref.ref[Poller] | None = None
        self._delivered = {task.id: _state(task) for task in self.tasks.values()}
        # Reentrant: a callback may ask for more.
        self._delivery = threading.RLock()

    @property
    def has_extra_poll(self) -> bool:
        """Whether it has something to ask the service at each tick; see ``poll_extra``."""
        return False

    def poll_extra(self, client: Client) -> None:
        """Ask for more than the state of the tasks, on the poller's thread."""

    def add(self, tasks: Iterable[T]) -> None:
        """Be interested in further tasks; what is known of them now is no news."""
        more = {task.id: task for task in tasks}
        self._delivered |= {task.id: _state(task) for task in more.values()}
        # Another dict, not a longer one: the poller may be on its way through it.
        self.tasks = {**self.tasks, **more}

    def pending(self) -> list[T]:
        """Return the tasks of which the subscriber has not heard the latest.

        Compared with what was told, not with the last tick: a ``wait()`` in a cell learns of a
        task's end too, and may be faster than the poller.
        """
        return [task for task in self.tasks.values() if _state(task) != self._delivered[task.id]]

    def notify(self, feed: PollStatus) -> None:
        """Hand on the news and the freshness."""
        self.notify_pending()
        self.on_status(feed)

    def notify_pending(self) -> None:
        """Pass on pending updates; return only when no other thread is passing them on."""
        with self._delivery:
            news = self.pending()
            for task in news:
                self._delivered[task.id] = _state(task)
            if news:
                self.on_tasks(news)

    def notify_troubles(self, troubles: dict[str, Trouble]) -> None:
        """Hand on which of the tasks cannot be updated, as far as that has changed."""
        told = self._troubles
        self._troubles = {key: troubles[key] for key in troubles.keys() & self.tasks.keys()}
        if self.on_trouble is None:
            return
        for key in told.keys() | self._troubles.keys():
            trouble = self._troubles.get(key)
            if trouble != told.get(key):
                self.on_trouble(self.tasks[key], trouble)

    def cancel(self) -> None:
        """End the interest."""
        self.is_cancelled = True

    def pause(self) -> None:
        """Let the interest rest: nothing is asked for its sake, and it is told nothing."""
        self.is_paused = True

    def resume(self) -> None:
        """Take the interest up again, with a look at once."""
        poller = self._poller() if self._poller is not None else None
        if self.is_paused and poller is not None:
            self.is_paused = False
            poller.subscribe(self)

    def report_error(self, error: Exception) -> None:
        """Tell the owner that it could not take the news."""
        if self.on_error is not None:
            self.on_error(error)


class Poller:
    """Watch tasks of one service.

    Parameters
    ----------
    client
        The service.
    clock
        Seconds since the epoch; tests pass their own.
    """

    def __init__(self, client: Client, *, clock: Callable[[], float] = time.time) -> None:
        self._client = client
        self._clock = clock
        # Reentrant: what is done with it looks at the subscriptions, too.
        self._lock = threading.RLock()
        self._wake = threading.Event()
        # Weak, so that a closed or forgotten widget costs nothing more.
        self._subscriptions: WeakList[Subscription[Any]] = WeakList()
        self._thread: threading.Thread | None = None
        self._last_change = clock()
        self._failures = 0
        self._retry_after = 0.0
        self._pages_read = 1
        self._troubles: dict[str, Trouble] = {}
        self._retry_at: dict[str, float] = {}
        # Tasks that are asked for on threads of their own.
        self._background: set[str] = set()
        # When each task was last asked for by itself, for taking turns.
        self._turns: dict[str, int] = {}
        self._n_turns = 0
        self._queue_seen: object = None
        self._queue_due: dict[str, None] = {}
        self.status = PollStatus()

    def subscribe(self, subscription: Subscription[Any]) -> None:
        """Take up an interest; the caller keeps the subscription as long as it lasts."""
        subscription._poller = weakref.ref(self)
        with self._lock:
            self._subscriptions.add(subscription)
            self._last_change = self._clock()
            # A task that counts as removed is asked for again if it is shown again.
            for task_id in self._troubles.keys() & subscription.tasks.keys():
                if self._troubles[task_id].is_final:
                    self._clear_trouble(task_id)
            if self._thread is None and self._has_work():
                self._thread = threading.Thread(
                    target=self._run, name="inductiva-poller", daemon=True
                )
                self._thread.start()
        self._wake.set()

    def poll_now(self) -> None:
        """Look at once, as after a kill."""
        self._last_change = self._clock()
        self._wake.set()

    def poll_once(self) -> None:
        """Look at every live task once and tell the subscribers."""
        try:
            with single_try():
                has_asked = self._poll_all()
        except InductivaError as error:
            # Where asking again cannot help (a refused key, say) it is done slowly all the same.
            passing = isinstance(error, (APIConnectionError, RateLimitError, ServerError))
            self._failures = self._failures + 1 if passing else max(5, self._failures)
            self._retry_after = getattr(error, "retry_after", None) or 0.0
            since = self.status.offline_since or self._clock()
            self.status = PollStatus.failed(error, self.status.updated, since)
        else:
            if has_asked:
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
            # A failing listener is its own fault: the others still get their news.
            _log.exception("A listener of the poller failed")
            self._report(subscription, error)

    def _report(self, subscription: Subscription[Any], error: Exception) -> None:
        try:
            subscription.report_error(error)
        except Exception:
            _log.exception("Nor could its failure be told")

    def next_delay(self) -> float:
        """Return the seconds until the next tick: longer when little happens or nobody answers."""
        if self._failures:
            pause = min(_LONGEST_BACKOFF, FAST * 2.0 ** min(self._failures, 10))
            return max(pause, min(_LONGEST_RETRY_AFTER, self._retry_after))
        quiet = self._clock() - self._last_change
        pause = FAST if quiet < 120 else NORMAL if quiet < 600 else SLOW
        # One page a second on the average, however many tasks are active.
        return max(pause, FAST * self._pages_read)

    def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                self.poll_once()
            except Exception:
                # A fault of ours must not silence every card for good.
                _log.exception("The poller met an unexpected error")
                self._failures += 1
            with self._lock:
                if not self._has_work():
                    self._thread = None
                    return
            self._wake.wait(self.next_delay())

    def _active(self) -> list[Subscription[Any]]:
        return [item for item in self._subscriptions if not (item.is_cancelled or item.is_paused)]

    def _has_work(self) -> bool:
        active = self._active()
        return bool(self._live_tasks() or self._background) or any(
            item.has_extra_poll or item.pending() for item in active
        )

    def _live_tasks(self) -> dict[str, list[Pollable]]:
        """Return the live tasks by id; several objects may stand for one task."""
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
        """Ask for everything once; return whether the service has answered anything.

        Raises
        ------
        InductivaError
            The service does not answer, or refuses the key.
        """
        live = self._live_tasks()
        self._forget_unwatched(live)
        has_answered = self._poll(live) if live else True
        for subscription in self._active():
            if subscription.has_extra_poll:
                self._poll_extra(subscription, alone=not live)
        return has_answered

    def _poll_extra(self, subscription: Subscription[Any], *, alone: bool) -> None:
        """Let a subscription ask; what fails while the service answers is its trouble alone."""
        trouble, now = subscription._extra_trouble, self._clock()
        if trouble is not None and now < subscription._extra_poll_due:
            return
        try:
            subscription.poll_extra(self._client)
        except Exception as error:
            if alone and isinstance(error, InductivaError):
                raise
            if not isinstance(error, InductivaError):
                _log.exception("A subscription could not ask the service")
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
        """Ask for the only live task; where that fails, the listing tells whose fault it is."""
        if not self._is_due(task_id):
            return False
        if self._failures or task_id in self._troubles:
            self._poll_listing({task_id: task})
            return True
        try:
            task._state.refresh()
        except (APITimeoutError, RateLimitError):
            # Told at once; the next tick asks for the listing.
            raise
        except Exception as error:
            if not isinstance(error, (NotFoundError, InvalidRequestError)):
                self._list_active([task_id])
            self._record_trouble(task_id, error)
        return True

    def _poll_listing(self, live: dict[str, Pollable]) -> None:
        asked_at = time.monotonic()
        listed = self._list_active(live.keys())
        unclear: dict[str, Pollable] = {}
        for task_id, task in live.items():
            info = listed.get(task_id)
            if info is not None and (
                task._state.last_info is None or task._state.last_info.status == info.status
            ):
                task._state.update(info, task._state.queue_position, asked_at)
                self._clear_trouble(task_id)
            else:
                # Ended, or in another status: the detail tells all.
                unclear[task_id] = task
        steps = [
            partial(self._fetch_detail, task, listed.get(key)) for key, task in unclear.items()
        ]
        ends = time.monotonic() + _DETAILS_BUDGET
        self._poll_each(dict(zip(unclear, steps, strict=True)), ends)
        self._poll_queue_positions(live, {key: info.status for key, info in listed.items()}, ends)

    def _list_active(self, wanted: Iterable[str]) -> dict[str, TaskInfo]:
        """Return the active tasks by id, from as many pages as have all that are asked for."""

        def fetch(page: int) -> TaskPage:
            return self._client.list_tasks(page=page, per_page=_PER_PAGE, active=True)

        listed: dict[str, TaskInfo] = {}
        missing = set(wanted)
        self._pages_read = 0
        # Fetched one after the other: mostly the first page is enough.
        for page in islice(iter_pages(fetch, _PER_PAGE, prefetch_until=1), _MAX_PAGES):
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
                # Less than the detail, but the status is right.
                task._state.update(listed, asked_at=asked_at)
            raise
        task._state.update(info, asked_at=asked_at)

    def _poll_queue_positions(
        self, live: dict[str, Pollable], active: dict[str, Status], ends: float
    ) -> None:
        """Ask for queue positions: a listing has none, and they move only when a task does."""
        wanted = set().union(*(item.positions for item in self._active())) & live.keys()
        seen = (active, wanted)
        if seen != self._queue_seen:
            self._queue_seen = seen
            self._queue_due = dict.fromkeys(key for key in live if key in wanted)
        due = {
            key: live[key]._state.refresh
            for key in self._queue_due
            if key in live and _is_queued(live[key])
        }
        for task_id in self._poll_each(due, ends):
            self._queue_due.pop(task_id, None)

    # Requests about single tasks

    def _poll_each(self, steps: Mapping[str, Callable[[], object]], ends: float) -> list[str]:
        """Ask for single tasks, those first whose turn it is; return the ids that were answered."""
        due = [task_id for task_id in steps if self._is_due(task_id)]
        due.sort(key=lambda task_id: self._turns.get(task_id, 0))
        answered: list[str] = []
        for task_id in due[:_MAX_DETAILS_A_TICK]:
            left = ends - time.monotonic()
            if left <= 0 or self._is_slow(task_id):
                self._poll_in_background(task_id, steps[task_id])
                continue
            self._record_turn(task_id)
            try:
                with single_try(left):
                    steps[task_id]()
            except APITimeoutError:
                # It gets the whole time, without keeping the others waiting.
                self._poll_in_background(task_id, steps[task_id])
            except Exception as error:
                self._record_trouble(task_id, error)
            else:
                self._clear_trouble(task_id)
                answered.append(task_id)
        return answered

    def _poll_in_background(self, task_id: str, step: Callable[[], object]) -> None:
        with self._lock:
            if len(self._background) >= _MAX_BACKGROUND:
                return
            self._background.add(task_id)
        self._record_turn(task_id)

        def ask() -> None:
            with single_try():
                step()
            self._clear_trouble(task_id)
            done()

        def fail(error: Exception) -> None:
            self._record_trouble(task_id, error)
            done()

        def done() -> None:
            with self._lock:
                self._background.discard(task_id)
            self._wake.set()

        run_in_thread(ask, fail, "poller-task")

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
        """Ask less often for a task that could not be asked for."""
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

    def _forget_unwatched(self, live: dict[str, list[Pollable]]) -> None:
        """Forget what is noted about tasks that are not watched any more."""
        with self._lock:
            watched = {key for item in self._active() for key in item.tasks}
            for task_id in self._troubles.keys() - watched:
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


def _state(task: Pollable) -> tuple[object, ...]:
    return (task._state.last_info, task._state.queue_position)


_pollers: weakref.WeakKeyDictionary[Client, Poller] = weakref.WeakKeyDictionary()
_pollers_lock = threading.Lock()


def get_poller(client: Client) -> Poller:
    """Return the poller of a service, made at the first call."""
    with _pollers_lock:
        poller = _pollers.get(client)
        if poller is None:
            poller = _pollers[client] = Poller(client)
        return poller
