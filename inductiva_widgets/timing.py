"""Durations and phases of a task, computed from its times.

All take ``now``, the service's present time, so that a clock that runs ahead or behind here never
makes a duration negative or wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from inductiva_widgets.models.tasks import TaskInfo
from inductiva_widgets.status import Status

PhaseName = Literal["queue", "preparing", "computing", "finalizing"]
# Seconds: anything shorter is written as 0.0 s.
_SHOWN_AS_ZERO = 0.05


class Phase(NamedTuple):
    """One stretch of a task's life; ``end`` is None while it lasts."""

    name: PhaseName
    start: datetime
    end: datetime | None

    def seconds(self, now: datetime) -> float:
        """Return its length so far."""
        return max(0.0, ((self.end or now) - self.start).total_seconds())


def phases(info: TaskInfo) -> list[Phase]:
    """Return the phases that the task has entered, oldest first.

    Parameters
    ----------
    info
        The task; a row of a listing is enough.
    """
    marks: list[tuple[PhaseName, datetime | None]] = [
        ("queue", info.input_submit_time),
        ("preparing", info.start_time),
        ("computing", info.computation_start_time),
        ("finalizing", info.computation_end_time),
    ]
    entered = [(name, start) for name, start in marks if start is not None]
    last = end_time(info)
    # A phase ends where the next one begins; a dropped mark (a kill, a machine lost) leaves a gap
    # in none of them.
    ends = [*(start for _, start in entered), last][1:]
    found = [
        Phase(name, start, None if end is None else max(start, end))
        for (name, start), end in zip(entered, ends, strict=True)
    ]
    return found[:-1] if _died_computing(info, found) else found


def _died_computing(info: TaskInfo, found: Sequence[Phase]) -> bool:
    """Return whether the last phase is only the end of a computation that was cut off.

    The service notes an end of the computation for a task that loses its machine, too.
    """
    if not (info.is_terminal and info.status.is_failed and len(found) > 1):
        return False
    last = found[-1]
    is_empty = last.end is not None and (last.end - last.start).total_seconds() < _SHOWN_AS_ZERO
    return last.name == "finalizing" and is_empty


def end_time(info: TaskInfo) -> datetime | None:
    """Return when the task ended, None while it has not or where the service does not tell."""
    if not info.is_terminal:
        return None
    if info.end_time is not None:
        return info.end_time
    last = [event.timestamp for event in info.status_history or () if event.timestamp]
    times = (info.computation_end_time, info.computation_start_time, info.start_time)
    known = [*last, *(time for time in times if time)]
    return max(known) if known else info.input_submit_time


def queue_seconds(info: TaskInfo, now: datetime) -> float | None:
    """Return how long the task waited for a machine, or has been waiting.

    Returns
    -------
    float or None
        Seconds; None where the service gives no time of submission, or none of the end.
    """
    if info.metrics is not None and info.metrics.queue_time_seconds is not None:
        return info.metrics.queue_time_seconds
    if info.input_submit_time is None:
        return None
    end = info.start_time or info.end_time or (None if info.is_terminal else now)
    return None if end is None else max(0.0, (end - info.input_submit_time).total_seconds())


def computation_seconds(info: TaskInfo, now: datetime) -> float | None:
    """Return how long the commands ran, or have been running.

    Returns
    -------
    float or None
        Seconds; None when the computation never started.
    """
    if info.metrics is not None and info.metrics.computation_seconds is not None:
        return info.metrics.computation_seconds
    start = info.computation_start_time
    if start is None:
        return None
    end = info.computation_end_time or end_time(info) or now
    return max(0.0, (end - start).total_seconds())


def is_computing(info: TaskInfo) -> bool:
    """Return whether the computation time still grows."""
    return (
        not info.is_terminal
        and info.status in (Status.COMPUTATION_STARTED, Status.PENDING_KILL)
        and info.computation_start_time is not None
        and info.computation_end_time is None
    )


def total_seconds(info: TaskInfo, now: datetime) -> float | None:
    """Return the time from creation to the end, or until now.

    Returns
    -------
    float or None
        Seconds; None where the service gives no time of creation.
    """
    if info.metrics is not None and info.metrics.total_seconds is not None:
        return info.metrics.total_seconds
    start = info.create_time or info.input_submit_time
    if start is None:
        return None
    return max(0.0, ((end_time(info) or now) - start).total_seconds())
