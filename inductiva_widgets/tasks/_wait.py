"""Wait for a condition in a loop that an interrupt ends at once; call functions with statuses."""

from __future__ import annotations

import queue
import threading
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from inductiva_widgets import _kernel
from inductiva_widgets._callbacks import CallContext, name_of
from inductiva_widgets.ansi import escape_control_chars
from inductiva_widgets.errors import APIConnectionError, InputError, RateLimitError, ServerError
from inductiva_widgets.http.time_limits import single_try
from inductiva_widgets.models.tasks import TaskInfo
from inductiva_widgets.polling import Subscription, get_poller
from inductiva_widgets.status import Status
from inductiva_widgets.tasks._state import RemoteTask

if TYPE_CHECKING:
    from inductiva_widgets.tasks._state import TaskState


T = TypeVar("T", bound=RemoteTask)

# Kept until their task ends, because a poller holds subscriptions weakly.
_active: set[StatusListener[Any]] = set()
_lock = threading.Lock()

_MAX_BACKOFF = 30.0


class StatusListener(Generic[T]):
    """The handle of ``Task.on_status``; ``cancel()`` ends it, and so does calling it.

    Parameters
    ----------
    task
        The task.
    callback
        The function, which gets the task and a status.
    """

    def __init__(self, task: T, callback: Callable[[T, Status], Any]) -> None:
        self._task = task
        self._callback = callback
        self._statuses: queue.SimpleQueue[Status | None] = queue.SimpleQueue()
        self._is_cancelled = False
        info = task.refresh(max_age=1.0)
        # Number of events that have been delivered; None until there is a history.
        self._position = None if info.status_history is None else len(info.status_history)
        self.last_status = info.status
        self._subscription = Subscription([task], self._on_tasks, lambda _: None)
        self._statuses.put(info.status)
        context = CallContext()
        threading.Thread(
            target=context.run, args=(self._run,), name="inductiva-on-status", daemon=True
        ).start()
        if info.is_terminal:
            self._statuses.put(None)
            return
        with _lock:
            _active.add(self)
        get_poller(task.client).subscribe(self._subscription)

    @property
    def is_active(self) -> bool:
        """Whether the function is called at further changes."""
        return self in _active

    def cancel(self) -> None:
        """Stop calling the function. Does nothing if called again."""
        self._is_cancelled = True
        self._end()

    __call__ = cancel

    def __repr__(self) -> str:
        state = f"{self.last_status}, waiting for changes" if self.is_active else "ended"
        name = name_of(self._callback)
        text = f"{name} at each status of task {self._task.id}: {state}; cancel() ends it"
        return f"<{escape_control_chars(text)}>"

    def _end(self) -> None:
        self._subscription.cancel()
        with _lock:
            _active.discard(self)
        self._statuses.put(None)

    def _on_tasks(self, tasks: list[T]) -> None:
        info = tasks[0].info
        for status in self._changes(info):
            self.last_status = status
            self._statuses.put(status)
        if info.is_terminal:
            self._end()

    def _changes(self, info: TaskInfo) -> list[Status]:
        """Return the statuses since the last call, those between two polls included."""
        known = [event.status for event in info.status_history or ()]
        start = self._position
        if start is None or start > len(known):
            # The history begins before the status that was delivered last.
            indices = [index for index, one in enumerate(known) if one == self.last_status]
            start = indices[-1] + 1 if indices else len(known)
        if info.status_history is not None:
            self._position = len(known)
        changes: list[Status] = []
        for status in (*known[start:], info.status):
            if status != (changes[-1] if changes else self.last_status):
                changes.append(status)
        return changes

    def _run(self) -> None:
        """Call the function on this thread, as it may take long or wait for the task."""
        while (status := self._statuses.get()) is not None and not self._is_cancelled:
            self._deliver(status)

    def _deliver(self, status: Status) -> None:
        try:
            self._callback(self._task, status)
        except Exception as error:
            warnings.warn(
                f"What was to be called on the status {status} of task {self._task.id} "
                f"failed: {type(error).__name__}: {error}",
                stacklevel=2,
            )


def poll_until(
    state: TaskState,
    is_over: Callable[[TaskInfo], bool],
    period: float,
    display: AbstractContextManager[Callable[..., Any]],
    *,
    shows_end: bool = True,
) -> TaskInfo:
    """Refresh a task until a condition holds.

    A service that fails, cannot be reached or does not answer does not end the wait, as the task
    goes on there. Each failed request is shown; the pauses between retries grow up to 30 s. Only
    the first request for an unknown task raises its error.

    Parameters
    ----------
    state
        State of the task.
    is_over
        Returns whether an info ends the wait.
    period
        Seconds between two requests.
    display
        Entered if there is something to show; its value is called with each info, and with the
        error if a request has failed.
    shows_end
        If False, nothing is shown if the condition holds already.

    Raises
    ------
    InputError
        The period is no positive number.
    """
    if isinstance(period, bool) or not isinstance(period, (int, float)) or not period > 0:
        raise InputError("polling_period must be a positive number of seconds.")
    backoff, trouble = 0.0, None
    info = state.last_info
    if info is None:
        info = state.refresh()
    else:
        info, trouble = _try_refresh(state, info, 0.0)
    if not shows_end and is_over(info):
        return info
    with display as show:
        while not is_over(info):
            show(info, trouble)
            if trouble is None:
                backoff = 0.0
            else:
                asked = getattr(trouble, "retry_after", None) or 0.0
                backoff = max(asked, min(_MAX_BACKOFF, 2 * backoff + period))
            _kernel.sleep_and_process_messages(max(period, backoff))
            # Less than the period, so that the last request of this loop counts as too old.
            info, trouble = _try_refresh(state, info, 0.9 * period)
        show(info)
    return info


def _try_refresh(
    state: TaskState, known: TaskInfo, max_age: float
) -> tuple[TaskInfo, Exception | None]:
    """Return the newest info, and the error if the only request for it has failed."""
    try:
        with single_try():
            return state.refresh(max_age), None
    except (APIConnectionError, RateLimitError, ServerError) as error:
        return state.last_info or known, error
