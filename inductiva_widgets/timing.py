"""Durations and phases of a task, computed from its times.

All functions take ``now``, the service's present time, so that a wrong local clock never makes a
duration negative or wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from inductiva_widgets.models.tasks import TaskInfo
from inductiva_widgets.status import Status

PhaseName = Literal["queue", "preparing", "computing", "finalizing"]
# Shorter durations are displayed as 0.0 s.
_SHOWN_AS_ZERO = 0.05


class Phase(NamedTuple):
    """A phase of a task; ``end`` is None until the phase ends."""

    name: PhaseName
    start: datetime
    end: datetime | None

    def seconds(self, now: datetime) -> float:
        """Return the duration in seconds, up to ``now`` if it has not ended."""
        return max(0.0, ((self.end or now) - self.start).total_seconds())


def phases(info: TaskInfo) -> list[Phase]:
    """Return the phases that the task has entered, in order.

    Parameters
    ----------
    info
        The task, from a listing or a detail request.
    """
    marks: list[tuple[PhaseName, datetime | None]] = [
        ("queue", info.input_submit_time),
        ("preparing", info.start_time),
        ("computing", info.computation_start_time),
        ("finalizing", info.computation_end_time),
    ]
    entered = [(name, start) for name, start in marks if start is not None]
    last = end_time(info)
    # A phase ends when the next one begins. If the service omits a time, for example after a kill,
    # the phases still have no gap between them.
    ends = [*(start for _, start in entered), last][1:]
    found = [
        Phase(name, start, None if end is None else max(start, end))
        for (name, start), end in zip(entered, ends, strict=True)
    ]
    return found[:-1] if _died_computing(info, found) else found


def _died_computing(info: TaskInfo, found: Sequence[Phase]) -> bool:
    """Return whether the last phase is only the end of an aborted computation.

    The service also sets the end of the computation if the task loses its machine.
    """
    if not (info.is_terminal and info.status.is_failed and len(found) > 1):
        return False
    last = found[-1]
    is_empty = last.end is not None and (last.end - last.start).total_seconds() < _SHOWN_AS_ZERO
    return last.name == "finalizing" and is_empty


def end_time(info: TaskInfo) -> datetime | None:
    """Return the end of the task, or None if it has not ended or has no times."""
    if not info.is_terminal:
        return None
    if info.end_time is not None:
        return info.end_time
    last = [event.timestamp for event in info.status_history or () if event.timestamp]
    times = (info.computation_end_time, info.computation_start_time, info.start_time)
    known = [*last, *(time for time in times if time)]
    return max(known) if known else info.input_submit_time


def queue_seconds(info: TaskInfo, now: datetime) -> float | None:
    """Return the time in the queue.

    Returns
    -------
    float or None
        Seconds, up to ``now`` if the task is still queued; None if the times are unknown.
    """
    if info.metrics is not None and info.metrics.queue_time_seconds is not None:
        return info.metrics.queue_time_seconds
    if info.input_submit_time is None:
        return None
    end = info.start_time or info.end_time or (None if info.is_terminal else now)
    return None if end is None else max(0.0, (end - info.input_submit_time).total_seconds())


def computation_seconds(info: TaskInfo, now: datetime) -> float | None:
    """Return the computation time.

    Returns
    -------
    float or None
        Seconds, up to ``now`` if the task is computing; None if it never started.
    """
    if info.metrics is not None and info.metrics.computation_seconds is not None:
        return info.metrics.computation_seconds
    start = info.computation_start_time
    if start is None:
        return None
    end = info.computation_end_time or end_time(info) or now
    return max(0.0, (end - start).total_seconds())


def is_computing(info: TaskInfo) -> bool:
    """Return whether the computation time is still increasing."""
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
        Seconds; None if the time of creation is unknown.
    """
    if info.metrics is not None and info.metrics.total_seconds is not None:
        return info.metrics.total_seconds
    start = info.create_time or info.input_submit_time
    if start is None:
        return None
    return max(0.0, ((end_time(info) or now) - start).total_seconds())
