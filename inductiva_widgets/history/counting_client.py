"""Client for the history that counts its requests."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from inductiva_widgets.http.client import MAX_PER_PAGE
from inductiva_widgets.models.tasks import TaskInfo, TaskPage

if TYPE_CHECKING:
    from datetime import datetime

    from inductiva_widgets.http.client import Client

PER_PAGE = MAX_PER_PAGE


class CountingClient:
    """Client that counts its requests. Thread-safe.

    Parameters
    ----------
    client
        The client.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._head: TaskPage | None = None
        self.requests = 0
        self.per_page = PER_PAGE

    def fetch_first_page(self) -> None:
        """Request the first page, and keep it for the next call of ``page``."""
        self._head = self.page(1)

    @property
    def url(self) -> str:
        """Address of the service."""
        return self._client.url

    @property
    def now(self) -> datetime:
        """The service's present time."""
        return self._client.server_time

    def page(self, number: int) -> TaskPage:
        """Request a page of the listing."""
        head, self._head = self._head, None
        if head is not None and number == 1:
            return head
        self._count()
        return self._client.list_tasks(page=number, per_page=self.per_page)

    def list_active(self, number: int) -> TaskPage:
        """Request a page of the listing of tasks that have not ended."""
        self._count()
        return self._client.list_tasks(page=number, per_page=self.per_page, active=True)

    def task(self, task_id: str) -> TaskInfo:
        """Request the details of a task."""
        self._count()
        return self._client.get_task(task_id)

    def _count(self) -> None:
        with self._lock:
            self.requests += 1
