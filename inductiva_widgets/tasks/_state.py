"""Cached state of one task."""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING, BinaryIO, Protocol

import msgspec

from inductiva_widgets.errors import InputError, NotFoundError
from inductiva_widgets.http.default_client import default_client
from inductiva_widgets.models.tasks import TaskFromFrame, TaskInfo, TaskStatus
from inductiva_widgets.status import Status

if TYPE_CHECKING:
    from datetime import datetime

    from inductiva_widgets.http.client import Client


class RemoteTask(Protocol):
    """A task, as far as its display, its watches and the readers of its files use it.

    They belong to a task, so they cannot import its class.
    """

    id: str
    client: Client
    _state: TaskState

    @property
    def info(self) -> TaskInfo:
        """The cached info, requested the first time."""

    def refresh(self, max_age: float = 0.0) -> TaskInfo:
        """Return the present info, at most `max_age` seconds old."""

    def open_output(self, name: str) -> BinaryIO:
        """Open one output file inside the remote archive."""

    def kill(self) -> bool | None:
        """Ask the service to kill the task."""


class TaskState:
    """Cached state of one task, updated with as few requests as possible.

    Updates come from methods that ask the service, from listings, and from the poller. Methods
    may be called from several threads.

    Parameters
    ----------
    task_id
        The task's id.
    client
        The service; None for the default one.
    info
        Info of a listing, a detail or a frame, if there is one.

    Raises
    ------
    InputError
        The id is not a non-empty string.
    """

    def __init__(
        self, task_id: str, *, client: Client | None = None, info: TaskInfo | None = None
    ) -> None:
        if not isinstance(task_id, str) or not task_id.strip():
            raise InputError("A task id is text, such as 'n7pbtxunxqzuca6nwe9v0gn75'.")
        self.id = task_id.strip()
        self.client = client or default_client()
        self._lock = threading.Lock()
        self._info = info
        self._tasks_ahead: int | None = None
        self._ended_as: Status | None = None
        # A frame may be old.
        is_recent = info is not None and not isinstance(info, TaskFromFrame)
        self._updated_at = time.monotonic() if is_recent else -math.inf
        # Time of the request behind the cached info: responses may overtake each other.
        self._asked_at = -math.inf

    @property
    def last_info(self) -> TaskInfo | None:
        """The cached info, or None if nothing is known yet."""
        return self._info

    @property
    def queue_position(self) -> int | None:
        """The cached queue position."""
        return self._tasks_ahead

    @property
    def info(self) -> TaskInfo:
        """The cached info, requested the first time."""
        return self._info or self.get_info()

    @property
    def server_time(self) -> datetime:
        """The service's present time, estimated from its last response."""
        return self.client.server_time

    def get_info(self) -> TaskInfo:
        """Request the detail, unless the cached detail is final."""
        last_info = self._info
        if last_info is not None and last_info.is_terminal and last_info.status_history is not None:
            return last_info
        asked_at = time.monotonic()
        return self.update(self.client.get_task(self.id), asked_at=asked_at)

    def listed_info(self) -> TaskInfo:
        """Return the cached info, or that of a row of a task that the service does not know."""
        try:
            return self.info
        except NotFoundError:
            self._info = TaskInfo(
                task_id=self.id,
                status=Status("not-found"),
                status_alias="Not Found",
                is_terminated=True,
                error_detail="The service knows no task with this id.",
            )
            return self._info

    def stored_info(self) -> TaskInfo:
        """Return the info including storage paths, which a frame lacks."""
        return self.get_info() if isinstance(self._info, TaskFromFrame) else self.info

    def expire(self) -> None:
        """Make the next `refresh` send a request, whatever its `max_age`."""
        self._updated_at = -math.inf

    def update(
        self, info: TaskInfo, tasks_ahead: int | None = None, asked_at: float | None = None
    ) -> TaskInfo:
        """Merge new info into the cache, and return the newest info.

        A late response replaces nothing newer, and never makes a finished task alive again.

        Parameters
        ----------
        info
            Info from a listing or a detail.
        tasks_ahead
            Position in the queue, if known.
        asked_at
            Time of the request by ``time.monotonic``; None for just now.
        """
        now = time.monotonic()
        with self._lock:
            known, is_newest = self._info, self._record_answer(tasks_ahead, now, asked_at)
            if known is None or info.is_terminal or (is_newest and not known.is_terminal):
                self._info = info if known is None else _with_detail(info, known)
            return self._info or info

    def _record_answer(self, tasks_ahead: int | None, now: float, asked_at: float | None) -> bool:
        """Record a response, and return whether it belongs to the latest request so far."""
        asked_at = now if asked_at is None else asked_at
        is_newest = asked_at >= self._asked_at
        if is_newest:
            self._asked_at, self._tasks_ahead = asked_at, tasks_ahead
        self._updated_at = now
        return is_newest

    def refresh(self, max_age: float = 0.0) -> TaskInfo:
        """Return the present info; see ``Task.refresh`` for the requests it sends."""
        last_info = self._info
        if last_info is not None and last_info.is_terminal and last_info.status_history is not None:
            return last_info
        if last_info is not None and time.monotonic() - self._updated_at < max_age:
            return last_info
        if last_info is None:
            return self.get_info()
        asked_at = time.monotonic()
        status = self.client.get_task_status(self.id)
        if self.needs_detail(status):
            asked_at = time.monotonic()
            return self.update(self.client.get_task(self.id), status.tasks_ahead, asked_at)
        with self._lock:
            self._record_answer(status.tasks_ahead, time.monotonic(), asked_at)
            return self._info or last_info

    def needs_detail(self, status: TaskStatus) -> bool:
        """Return whether a status response makes the cached detail out of date."""
        last_info = self._info
        return (
            last_info is None
            or last_info.status_history is None
            or last_info.status != status.status
            or last_info.is_terminal != status.is_terminal
            or status.waiting_reason not in (None, last_info.status_note)
        )

    def get_status(self) -> Status:
        """Request the status, unless the task is known to have finished."""
        last_info = self._info
        if last_info is not None and last_info.is_terminal:
            return last_info.status
        if self._ended_as is not None:
            return self._ended_as
        status = self.client.get_task_status(self.id)
        if status.is_terminal:
            self._ended_as = status.status
        return status.status


def _with_detail(info: TaskInfo, known: TaskInfo) -> TaskInfo:
    """Add the cached history and submission that a listing leaves out, if still complete."""
    if info.status_history is not None or known.status != info.status:
        return info
    return msgspec.structs.replace(
        info, status_history=known.status_history, extra_params=known.extra_params
    )
