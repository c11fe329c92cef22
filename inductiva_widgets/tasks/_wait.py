"""Wait for a condition in a loop that an interrupt ends at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from inductiva_widgets import _kernel
from inductiva_widgets.errors import APIConnectionError, InputError, RateLimitError, ServerError
from inductiva_widgets.http.time_limits import single_try
from inductiva_widgets.models.tasks import TaskInfo
from inductiva_widgets.tasks import _display

if TYPE_CHECKING:
    from inductiva_widgets.tasks.task import Task

_LONGEST_BACKOFF = 30.0


def poll_until(
    task: Task,
    is_over: Callable[[TaskInfo], bool],
    period: float,
    silent: bool,
    *,
    shows_end: bool = True,
) -> TaskInfo:
    """Look at a task until a condition holds.

    A service that fails, cannot be reached or does not answer does not end the wait, however long
    it takes: the service runs the task, not we. Each failed try is shown; the next ones come less
    and less often, up to 30 s apart. Only the first look at an unknown task raises its error.

    Parameters
    ----------
    task
        The task.
    is_over
        Whether what is known of the task ends the wait.
    period
        Seconds between two looks.
    silent
        Whether to show nothing.
    shows_end
        If False, nothing is shown for a condition that holds already.

    Raises
    ------
    InputError
        The period is no positive number.
    """
    if isinstance(period, bool) or not isinstance(period, (int, float)) or not period > 0:
        raise InputError("polling_period must be a positive number of seconds.")
    backoff, trouble = 0.0, None
    info = task._state.last_info
    if info is None:
        info = task.refresh()
    else:
        info, trouble = _look(task, info, 0.0)
    if not shows_end and is_over(info):
        return info
    with _display.show_wait(task, silent) as show:
        while not is_over(info):
            show(info, trouble)
            if trouble is None:
                backoff = 0.0
            else:
                asked = getattr(trouble, "retry_after", None) or 0.0
                backoff = max(asked, min(_LONGEST_BACKOFF, 2 * backoff + period))
            _kernel.sleep_and_process_messages(max(period, backoff))
            # A little less than the period: our own last look is not somebody else's news.
            info, trouble = _look(task, info, 0.9 * period)
        show(info)
    return info


def _look(task: Task, known: TaskInfo, max_age: float) -> tuple[TaskInfo, Exception | None]:
    """Return the state of a task, and why it could not be updated; one try, so that it shows."""
    try:
        with single_try():
            return task.refresh(max_age), None
    except (APIConnectionError, RateLimitError, ServerError) as error:
        return task._state.last_info or known, error
