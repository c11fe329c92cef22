"""Wait for a condition in a loop that an interrupt ends at once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from inductiva_widgets import _kernel
from inductiva_widgets.errors import APIConnectionError, InputError, RateLimitError, ServerError
from inductiva_widgets.http.time_limits import single_try
from inductiva_widgets.models.tasks import TaskInfo

if TYPE_CHECKING:
    from inductiva_widgets.tasks._state import TaskState

_MAX_BACKOFF = 30.0


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
