"""What is known of one task, and how it is brought up to date with few requests."""

from __future__ import annotations

import math
import threading
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import msgspec

from inductiva_widgets import timing
from inductiva_widgets.errors import InputError
from inductiva_widgets.http.default_client import default_client
from inductiva_widgets.models.tasks import TaskFromFrame, TaskInfo, TaskStatus
from inductiva_widgets.status import Status

if TYPE_CHECKING:
    from typing_extensions import Self

    from inductiva_widgets.http.client import Client


class TaskState:
    """A task as far as it is known here; base of ``inductiva_widgets.tasks.Task``.

    News come from a method that asks for them, from a listing, or from a live view that polls.
    Methods may be called from several threads.
    """

    def __init__(
        self, task_id: str, *, client: Client | None = None, _info: TaskInfo | None = None
    ) -> None:
        if not isinstance(task_id, str) or not task_id.strip():
            raise InputError("A task id is text, such as 'n7pbtxunxqzuca6nwe9v0gn75'.")
        self.id = task_id.strip()
        self.client = client or default_client()
        self._lock = threading.Lock()
        self._info = _info
        self._tasks_ahead: int | None = None
        self._ended_as: Status | None = None
        # A frame may be old.
        needs_detail = _info is not None and not isinstance(_info, TaskFromFrame)
        self._seen_at = time.monotonic() if needs_detail else -math.inf
        # When the service was asked for what is known: answers may overtake each other.
        self._asked_at = -math.inf

    @classmethod
    def from_info(cls, info: TaskInfo, client: Client | None) -> Self:
        """Return the task of a listing's row; costs no request.

        Parameters
        ----------
        info
            What the listing tells of the task.
        client
            The service; None for the default one.
        """
        return cls(info.task_id, client=client, _info=info)

    def __repr__(self) -> str:
        info = self._info
        if info is None:
            return f"{type(self).__name__}({self.id!r})"
        facts = f"simulator={info.simulator!r}, status='{info.status}'"
        return f"{type(self).__name__}({self.id!r}, {facts})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TaskState):
            return NotImplemented
        return (self.id, self.client.url) == (other.id, other.client.url)

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def last_info(self) -> TaskInfo | None:
        """What was last learnt of the task, None for nothing yet; never costs a request."""
        return self._info

    @property
    def queue_position(self) -> int | None:
        """Queue position as last learnt; never costs a request."""
        return self._tasks_ahead

    @property
    def info(self) -> TaskInfo:
        """What is known of the task; costs a request only the first time."""
        return self._info or self.get_info()

    @property
    def server_time(self) -> datetime:
        """The service's present time, by its last answer; costs no request."""
        return datetime.now(timezone.utc) + timedelta(seconds=self.client.transport.clock_skew)

    def get_info(self) -> TaskInfo:
        """Return the detail of the task, fresh; costs one request.

        A finished task whose detail is known costs none, since nothing changes any more.

        Returns
        -------
        TaskInfo
            Times with their zone, durations in seconds, sizes in bytes, costs in US dollars.

        Raises
        ------
        NotFoundError
            The service knows no such task.

        Examples
        --------
        >>> info = task.get_info()
        >>> info.simulator, info.is_terminal
        ('swmm', True)
        >>> [str(event.status) for event in info.status_history]
        ['pending-input', 'submitted', 'started', ..., 'success']
        """
        last_info = self._info
        if last_info is not None and last_info.is_terminal and last_info.status_history is not None:
            return last_info
        asked_at = time.monotonic()
        return self.update(self.client.get_task(self.id), asked_at=asked_at)

    def update(
        self, info: TaskInfo, tasks_ahead: int | None = None, asked_at: float | None = None
    ) -> TaskInfo:
        """Take over news of the task, and return the newest knowledge; costs no request.

        A late answer takes nothing back, and never brings an ended task back to life.

        Parameters
        ----------
        info
            What a listing or a poll tells.
        tasks_ahead
            Position in the queue, where that is told.
        asked_at
            When the service was asked, by ``time.monotonic``; None for just now.
        """
        server_time = time.monotonic()
        with self._lock:
            known, is_newest = self._info, self._record_answer(tasks_ahead, server_time, asked_at)
            if known is None or info.is_terminal or (is_newest and not known.is_terminal):
                self._info = info if known is None else _with_detail(info, known)
            return self._info or info

    def _record_answer(self, tasks_ahead: int | None, now: float, asked_at: float | None) -> bool:
        """Note an answer, and return whether no later question was answered before it."""
        asked_at = now if asked_at is None else asked_at
        is_newest = asked_at >= self._asked_at
        if is_newest:
            self._asked_at, self._tasks_ahead = asked_at, tasks_ahead
        self._seen_at = now
        return is_newest

    def refresh(self, max_age: float = 0.0) -> TaskInfo:
        """Return the present state, with as few requests as it takes.

        Costs none when the task has ended and its detail is known, or when it was looked at within
        ``max_age`` seconds (by a live card, say); else one for the status, and one more when the
        status has changed or the detail is missing.

        Parameters
        ----------
        max_age
            How old the knowledge may be, in seconds.

        Examples
        --------
        >>> task.refresh().status
        <Status.SUCCESS: 'success'>
        """
        last_info = self._info
        if last_info is not None and last_info.is_terminal and last_info.status_history is not None:
            return last_info
        if last_info is not None and time.monotonic() - self._seen_at < max_age:
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
        """Return whether a status answer says that the detail should be fetched again.

        Costs no request.

        Parameters
        ----------
        status
            The answer.
        """
        last_info = self._info
        return (
            last_info is None
            or last_info.status_history is None
            or last_info.status != status.status
            or last_info.is_terminal != status.is_terminal
        )

    def get_status(self) -> Status:
        """Return the status; costs one request while the task is alive, none once it has ended.

        Takes 60 s at most, retries included, and 60 s more if the service asks for a pause.

        Raises
        ------
        APITimeoutError
            The service has not answered in that time.
        NotFoundError
            The service knows no such task.

        Examples
        --------
        >>> print(task.get_status())
        success
        >>> task.get_status() == "success"
        True
        """
        known = self._info
        if known is not None and known.is_terminal:
            return known.status
        if self._ended_as is not None:
            return self._ended_as
        status = self.client.get_task_status(self.id)
        if status.is_terminal:
            self._ended_as = status.status
        return status.status

    def get_position_in_queue(self) -> int | None:
        """Return how many tasks stand before this one, None when it is not queued; one request."""
        return self.client.get_task_status(self.id).tasks_ahead

    def get_machine_type(self) -> str | None:
        """Return the machine's type, such as ``"c2-standard-4"``.

        Returns
        -------
        str or None
            None until a machine has picked the task up. Costs one request while not known.

        Examples
        --------
        >>> task.get_machine_type()
        'local'
        """
        known = self._info
        if known is not None and (known.is_terminal or known.machine_type is not None):
            return known.machine_type
        return self.get_info().machine_type

    def get_simulator_name(self) -> str | None:
        """Return the simulator's name on the service, such as ``"reef3d"``.

        Costs one request while nothing is known of the task.
        """
        return self.info.simulator

    def get_storage_path(self) -> str | None:
        """Return the task's folder in the remote storage; costs one request while not known."""
        return self._stored_info().storage_path

    def _stored_info(self) -> TaskInfo:
        """Return what is known of the task, its places in the storage included."""
        return self.get_info() if isinstance(self._info, TaskFromFrame) else self.info

    def is_running(self) -> bool:
        """Return whether a machine works on the task; costs a request as ``get_status`` does."""
        return self.get_status().is_running

    def is_failed(self) -> bool:
        """Return whether the task ended without success; costs a request as ``get_status`` does."""
        return self.get_status().is_failed

    def is_terminal(self) -> bool:
        """Return whether the task has ended; costs requests as ``refresh`` does."""
        return self.refresh().is_terminal

    def get_computation_time(self) -> float | None:
        """Return how long the simulator ran, or has been running, in seconds.

        Returns
        -------
        float or None
            None while the computation has not started. Costs requests as ``refresh`` does.

        Examples
        --------
        >>> 0 < task.get_computation_time() < task.get_total_time()
        True
        """
        return timing.computation_seconds(self.refresh(), self.server_time)

    get_execution_time = get_computation_time

    def get_total_time(self) -> float | None:
        """Return the seconds from creation to the end, or until now.

        Returns
        -------
        float or None
            Costs requests as ``refresh`` does.

        Examples
        --------
        >>> task.get_total_time() > 0
        True
        """
        return timing.total_seconds(self.refresh(), self.server_time)


def _with_detail(info: TaskInfo, known: TaskInfo) -> TaskInfo:
    """Keep the history that a listing leaves out, as long as it still tells the whole story.

    So it is with what was submitted, which goes with it.
    """
    if info.status_history is not None or known.status != info.status:
        return info
    return msgspec.structs.replace(
        info, status_history=known.status_history, extra_params=known.extra_params
    )
