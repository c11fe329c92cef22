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
"""Minimum seconds between two requests."""
# Small, since there is rarely more than one new task.
PER_PAGE = 50


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
