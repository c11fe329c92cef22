"""The wait: a plain loop in the caller's thread, so that an interrupt ends it at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from inductiva_widgets import _pump
from inductiva_widgets.errors import APIConnectionError, InputError, RateLimitError, ServerError
from inductiva_widgets.models import TaskInfo
from inductiva_widgets.tasks import _display

if TYPE_CHECKING:
    from inductiva_widgets.tasks.task import Task

_LONGEST_BACKOFF = 30.0


def wait_for(
    task: Task,
    is_over: Callable[[TaskInfo], bool],
    period: float,
    silent: bool,
    *,
    shows_end: bool = True,
) -> TaskInfo:
    """Look at a task until a condition holds.

    A service that fails or cannot be reached for a while does not end the wait: the service runs
    the task, not we.

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
    info = task.refresh()
    if not shows_end and is_over(info):
        return info
    with _display.waiting(task, silent) as show:
        backoff = 0.0
        while not is_over(info):
            show(info)
            _pump.sleep(max(period, backoff))
            try:
                # A little less than the period: our own last look is not somebody else's news.
                info = task.refresh(max_age=0.9 * period)
                backoff = 0.0
            except (APIConnectionError, RateLimitError, ServerError) as error:
                backoff = min(_LONGEST_BACKOFF, 2 * backoff + period)
                show(info, error)
        show(info)
    return info
