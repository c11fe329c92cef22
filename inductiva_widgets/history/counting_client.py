"""Client for the history that counts its requests."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from inductiva_widgets.errors import APIConnectionError
from inductiva_widgets.http.client import MAX_PER_PAGE
from inductiva_widgets.http.time_limits import single_timeout
from inductiva_widgets.models.tasks import TaskInfo, TaskPage

if TYPE_CHECKING:
    from datetime import datetime

    from inductiva_widgets.http.client import Client

T = TypeVar("T")

PER_PAGE = MAX_PER_PAGE


class CountingClient:
    """Client that counts its requests. Thread-safe.

    After a connection error, all further requests fail immediately with the same error.

    Parameters
    ----------
    client
        The client.
    has_fallback
        If True, a request that times out is not repeated: it takes at most 35 s, and 15 s if no
        response begins.
    """

    def __init__(self, client: Client, *, has_fallback: bool = False) -> None:
        self._client = client
        self._has_fallback = has_fallback
        self._error: APIConnectionError | None = None
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
        return self._send(lambda: self._client.list_tasks(page=number, per_page=self.per_page))

    def list_active(self, number: int) -> TaskPage:
        """Request a page of the listing of tasks that have not ended."""
        return self._send(
            lambda: self._client.list_tasks(page=number, per_page=self.per_page, active=True)
        )

    def task(self, task_id: str) -> TaskInfo:
        """Request the details of a task."""
        return self._send(lambda: self._client.get_task(task_id))

    def _send(self, request: Callable[[], T]) -> T:
        with self._lock:
            if self._error is not None:
                raise self._error
            self.requests += 1
        try:
            with single_timeout() if self._has_fallback else contextlib.nullcontext():
                return request()
        except APIConnectionError as error:
            self._error = error
            raise
