"""Subscription to new tasks of an account."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from inductiva_widgets.polling.poller import Subscription
from inductiva_widgets.polling.status import PollStatus

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client
    from inductiva_widgets.models.tasks import TaskInfo

PERIOD = 3.0
# Small, since mostly there is nothing new; a batch of submissions fills further pages.
PER_PAGE = 50


class NewTaskSubscription(Subscription[Any]):
    """Somebody's interest in tasks to come; each look costs one request, seldom more.

    Parameters
    ----------
    is_known
        Whether the task of an id is there already.
    since
        When the newest task that is there was made: older ones were left out on purpose.
    on_new
        Called on the poller's thread with new tasks, newest first; they are known from then on.
    clock
        Seconds; tests pass their own.
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
        self._looked = -float("inf")
        self._found: list[TaskInfo] = []

    @property
    def has_extra_poll(self) -> bool:
        """Whether it has something to ask: always."""
        return True

    def poll_extra(self, client: Client) -> None:
        """Read the listing from its head until a task that is there, or older than those."""
        if self._clock() - self._looked < PERIOD:
            return
        self._looked = self._clock()
        fresh: dict[str, TaskInfo] = {}
        page = 0
        while True:
            page += 1
            tasks = client.list_tasks(page=page, per_page=PER_PAGE).tasks
            new = [info for info in tasks if self._is_new(info)]
            # A submission between two pages moves a task into both.
            fresh |= {info.task_id: info for info in new}
            if len(new) < PER_PAGE:
                break
        self._found = list(fresh.values())

    def notify(self, feed: PollStatus) -> None:
        """Hand on the new tasks."""
        super().notify(feed)
        found, self._found = self._found, []
        if found:
            self._on_new(found)

    def _is_new(self, info: TaskInfo) -> bool:
        made = info.create_time
        is_old = self._since is not None and made is not None and made < self._since
        return not is_old and not self._is_known(info.task_id)
