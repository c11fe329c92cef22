"""One poller a service: it serves every card and table of the kernel with one request a tick.

One watched task is asked for by its status, several by one listing of the active tasks; the detail
of a task is fetched only when its status has changed. It stops when nothing watched is alive.
"""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from inductiva_widgets.errors import APIConnectionError, InductivaError, RateLimitError, ServerError
from inductiva_widgets.status import Status

if TYPE_CHECKING:
    from inductiva_widgets.api.client import Client
    from inductiva_widgets.models import TaskInfo

_log = logging.getLogger(__name__)

FAST, CALM, SLOW = 1.0, 2.0, 5.0
_LONGEST_BACKOFF = 30.0
_MAX_DETAILS_A_TICK = 20


@dataclass(frozen=True)
class Feed:
    """How fresh the news is.

    Parameters
    ----------
    updated
        When the service last answered, seconds of our clock since the epoch; None before.
    offline_since
        Since when it has not answered, None while it does.
    error
        Why it did not answer, in words.
    """

    updated: float | None = None
    offline_since: float | None = None
    error: str | None = None


class Polled(Protocol):
    """What the poller needs of a task."""

    id: str

    @property
    def known(self) -> TaskInfo | None:
        """What was last learnt of it."""

    @property
    def tasks_ahead(self) -> int | None:
        """Its position in the queue, as last learnt."""

    def refresh(self, max_age: float = 0.0) -> TaskInfo:
        """Ask for its status."""

    def learn(
        self, info: TaskInfo, tasks_ahead: int | None = None, asked_at: float | None = None
    ) -> TaskInfo:
        """Take over news of it."""


T = TypeVar("T", bound=Polled)


class Subscription(Generic[T]):
    """Somebody's interest in some tasks; it ends with ``cancel`` or with its owner.

    Parameters
    ----------
    tasks
        The tasks.
    on_tasks
        Called on the poller's thread with the tasks that have news; the tasks carry it.
    on_feed
        Called on the poller's thread after each tick.
    positions
        Ids of the tasks whose queue position is shown; the owner may change the set.
    """

    def __init__(
        self,
        tasks: Iterable[T],
        on_tasks: Callable[[list[T]], None],
        on_feed: Callable[[Feed], None],
        positions: set[str] | None = None,
    ) -> None:
        self.tasks = {task.id: task for task in tasks}
        self.on_tasks = on_tasks
        self.on_feed = on_feed
        self.positions = set() if positions is None else positions
        self.is_cancelled = False
        self.is_paused = False
        #: Called on the poller's thread with what one of the above raised.
        self.on_error: Callable[[Exception], None] | None = None
        self._poller: weakref.ref[Poller] | None = None
        self._told = {task.id: _state(task) for task in self.tasks.values()}

    @property
    def looks_itself(self) -> bool:
        """Whether it has something to ask the service at each tick; see ``look``."""
        return False

    def look(self, client: Client) -> None:
        """Ask for more than the state of the tasks, on the poller's thread."""

    def watch(self, tasks: Iterable[T]) -> None:
        """Be interested in further tasks; what is known of them now is no news."""
        more = {task.id: task for task in tasks}
        self._told |= {task.id: _state(task) for task in more.values()}
        # Another dict, not a longer one: the poller may be on its way through it.
        self.tasks = {**self.tasks, **more}

    def untold(self) -> list[T]:
        """Return the tasks of which the subscriber has not heard the latest.

        Compared with what was told, not with the last tick: a ``wait()`` in a cell learns of a
        task's end too, and may be faster than the poller.
        """
        return [task for task in self.tasks.values() if _state(task) != self._told[task.id]]

    def tell(self, feed: Feed) -> None:
        """Hand on the news and the freshness."""
        news = self.untold()
        for task in news:
            self._told[task.id] = _state(task)
        if news:
            self.on_tasks(news)
        self.on_feed(feed)

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

    def fail(self, error: Exception) -> None:
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
        self._lock = threading.Lock()
        self._wake = threading.Event()
        # Weak, so that a closed or forgotten widget costs nothing more.
        self._subscriptions: weakref.WeakSet[Subscription[Any]] = weakref.WeakSet()
        self._thread: threading.Thread | None = None
        self._last_change = clock()
        self._failures = 0
        self._queue_seen: object = None
        self.feed = Feed()

    def subscribe(self, subscription: Subscription[Any]) -> None:
        """Take up an interest; the caller keeps the subscription as long as it lasts."""
        subscription._poller = weakref.ref(self)
        with self._lock:
            self._subscriptions.add(subscription)
            self._last_change = self._clock()
            if self._thread is None and self._has_work():
                self._thread = threading.Thread(
                    target=self._run, name="inductiva-poller", daemon=True
                )
                self._thread.start()
        self._wake.set()

    def poke(self) -> None:
        """Look at once, as after a kill."""
        self._last_change = self._clock()
        self._wake.set()

    def tick(self) -> None:
        """Look at every live task once and tell the subscribers."""
        live = self._live_tasks()
        try:
            if live:
                self._look(live)
            for subscription in self._active():
                subscription.look(self._client)
        except InductivaError as error:
            # Where asking again cannot help (a refused key, say) it is done slowly all the same.
            passing = isinstance(error, (APIConnectionError, RateLimitError, ServerError))
            self._failures = self._failures + 1 if passing else max(5, self._failures)
            since = self.feed.offline_since or self._clock()
            self.feed = Feed(self.feed.updated, since, str(error))
        else:
            self._failures = 0
            self.feed = Feed(self._clock())
        for subscription in self._active():
            if subscription.untold():
                self._last_change = self._clock()
            self._tell(subscription)

    def _tell(self, subscription: Subscription[Any]) -> None:
        try:
            subscription.tell(self.feed)
        except Exception as error:
            # A failing listener is its own fault: the others still get their news.
            _log.exception("A listener of the poller failed")
            try:
                subscription.fail(error)
            except Exception:
                _log.exception("Nor could its failure be told")

    def interval(self) -> float:
        """Return the seconds until the next tick: longer when little happens or nobody answers."""
        if self._failures:
            return min(_LONGEST_BACKOFF, FAST * 2.0 ** min(self._failures, 10))
        quiet = self._clock() - self._last_change
        return FAST if quiet < 120 else CALM if quiet < 600 else SLOW

    def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                self.tick()
            except Exception:
                # A fault of ours must not silence every card for good.
                _log.exception("The poller met an unexpected error")
                self._failures += 1
            with self._lock:
                if not self._has_work():
                    self._thread = None
                    return
            self._wake.wait(self.interval())

    def _active(self) -> list[Subscription[Any]]:
        return [
            item for item in list(self._subscriptions) if not (item.is_cancelled or item.is_paused)
        ]

    def _has_work(self) -> bool:
        active = self._active()
        return bool(self._live_tasks()) or any(
            item.looks_itself or item.untold() for item in active
        )

    def _live_tasks(self) -> dict[str, list[Polled]]:
        """Return the live tasks by id; several objects may stand for one task."""
        live: dict[str, list[Polled]] = {}
        for subscription in self._active():
            for task in subscription.tasks.values():
                if task.known is None or not task.known.is_terminal:
                    live.setdefault(task.id, []).append(task)
        return live

    def _look(self, live: dict[str, list[Polled]]) -> None:
        asked_at = time.monotonic()
        if len(live) == 1:
            ((first, *_),) = live.values()
            first.refresh()
        else:
            self._look_at_many({task_id: tasks[0] for task_id, tasks in live.items()})
        for first, *others in live.values():
            for other in others:
                if first.known is not None:
                    other.learn(first.known, first.tasks_ahead, asked_at)

    def _look_at_many(self, live: dict[str, Polled]) -> None:
        asked_at = time.monotonic()
        page = self._client.task_page(active=True)
        listed = {info.task_id: info for info in page.tasks}
        details = 0
        for task_id, task in live.items():
            info = listed.get(task_id)
            if info is not None and (task.known is None or task.known.status == info.status):
                task.learn(info, task.tasks_ahead, asked_at)
            elif details < _MAX_DETAILS_A_TICK:
                # Ended, or in another status: the detail tells all. The rest waits for a tick.
                details += 1
                then = time.monotonic()
                task.learn(self._client.task(task_id), asked_at=then)
        self._look_at_queue(live, {task_id: info.status for task_id, info in listed.items()})

    def _look_at_queue(self, live: dict[str, Polled], active: dict[str, Status]) -> None:
        """Ask for queue positions: a listing has none, and they move only when a task does."""
        wanted = set().union(*(item.positions for item in self._active())) & live.keys()
        seen = (active, wanted)
        if seen == self._queue_seen:
            return
        queued = [task for task_id, task in live.items() if task_id in wanted and _is_queued(task)]
        for task in queued[:_MAX_DETAILS_A_TICK]:
            task.refresh()
        self._queue_seen = seen


def _is_queued(task: Polled) -> bool:
    return task.known is not None and task.known.status == Status.SUBMITTED


def _state(task: Polled) -> tuple[object, ...]:
    return (task.known, task.tasks_ahead)


_pollers: weakref.WeakKeyDictionary[Client, Poller] = weakref.WeakKeyDictionary()
_pollers_lock = threading.Lock()


def poller_for(client: Client) -> Poller:
    """Return the poller of a service, made at the first call."""
    with _pollers_lock:
        poller = _pollers.get(client)
        if poller is None:
            poller = _pollers[client] = Poller(client)
        return poller
