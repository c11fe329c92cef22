"""Durations and phases of a task, computed from its times.

The functions take the current time of the service, since the local clock may differ from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from inductiva_widgets.models.tasks import TaskInfo
from inductiva_widgets.status import Status, StatusGroup

PhaseName = Literal["queue", "preparing", "computing", "finalizing"]
# Seconds. A shorter phase is formatted as "0.0 s".
_NEGLIGIBLE = 0.05


class Phase(NamedTuple):
    """Phase of a task. ``end`` is None if the phase has not ended."""

    name: PhaseName
    start: datetime
    end: datetime | None

    def seconds(self, now: datetime) -> float:
        """Return the length of the phase, up to now if it has not ended."""
        return max(0.0, ((self.end or now) - self.start).total_seconds())


def phases(info: TaskInfo) -> list[Phase]:
    """Return the phases that the task has entered, oldest first."""
    marks: list[tuple[PhaseName, datetime | None]] = [
        ("queue", info.input_submit_time),
        ("preparing", info.start_time),
        ("computing", info.computation_start_time),
        ("finalizing", info.computation_end_time),
    ]
    entered = [(name, start) for name, start in marks if start is not None]
    last = end_time(info)
    # Each phase ends when the next one begins, so a missing time, for example after a kill, leaves
    # no gap.
    ends = [*(start for _, start in entered), last][1:]
    result = [
        Phase(name, start, None if end is None else max(start, end))
        for (name, start), end in zip(entered, ends, strict=True)
    ]
    if _was_cut_off(info, result) or (info.is_terminal and last is None):
        # The length of the last phase of an ended task is unknown if its end is.
        return result[:-1]
    return result


def _was_cut_off(info: TaskInfo, entered: Sequence[Phase]) -> bool:
    """Return whether the computation was cut off, so that the last phase is not a real one.

    The service sets the end of the computation even if a task has lost its machine.
    """
    if not (info.is_terminal and info.status.is_failed and len(entered) > 1):
        return False
    last = entered[-1]
    is_empty = last.end is not None and (last.end - last.start).total_seconds() < _NEGLIGIBLE
    return last.name == "finalizing" and is_empty


def failed_phase(status: Status, entered: Sequence[str]) -> str | None:
    """Return which of the entered phases went wrong, or None if the task did not fail."""
    if status.info.group != StatusGroup.FAILED or not entered:
        return None
    # The files are stored all the same when a command has failed or has taken too long.
    is_command = status in (Status.FAILED, Status.TTL_EXCEEDED) and "computing" in entered
    return "computing" if is_command else entered[-1]


def end_time(info: TaskInfo) -> datetime | None:
    """Return when the task ended, or None if it has not ended or the time is unknown."""
    if not info.is_terminal:
        return None
    if info.end_time is not None:
        return info.end_time
    last = info.status_history[-1] if info.status_history else None
    return last.timestamp if last is not None and last.status.is_terminal else None


def queue_seconds(info: TaskInfo, now: datetime) -> float | None:
    """Return the time in the queue, up to now if the task is still waiting.

    Returns
    -------
    float or None
        Seconds, or None if the time of submission or the end is unknown.
    """
    if info.metrics is not None and info.metrics.queue_time_seconds is not None:
        return info.metrics.queue_time_seconds
    if info.input_submit_time is None:
        return None
    end = info.start_time or info.end_time or (None if info.is_terminal else now)
    return None if end is None else max(0.0, (end - info.input_submit_time).total_seconds())


def computation_seconds(info: TaskInfo, now: datetime) -> float | None:
    """Return the computation time, up to now if the commands are still running.

    Returns
    -------
    float or None
        Seconds, or None if the computation has not started or its end is unknown.
    """
    if info.metrics is not None and info.metrics.computation_seconds is not None:
        return info.metrics.computation_seconds
    start = info.computation_start_time
    if start is None:
        return None
    end = info.computation_end_time or end_time(info) or (None if info.is_terminal else now)
    return None if end is None else max(0.0, (end - start).total_seconds())


def has_open_computation(info: TaskInfo) -> bool:
    """Return whether the computation has started and not ended, so that its time still grows."""
    return (
        not info.is_terminal
        and info.status.may_be_computing
        and info.computation_start_time is not None
        and info.computation_end_time is None
    )


def cost_rate(info: TaskInfo, now: datetime) -> float | None:
    """Return the cost so far in US dollars per second of computation, or None if it cannot grow."""
    cost = info.estimated_computation_cost
    if not cost or not has_open_computation(info):
        return None
    seconds = computation_seconds(info, now)
    return float(f"{cost / seconds:.3g}") if seconds else None


def total_seconds(info: TaskInfo, now: datetime) -> float | None:
    """Return the time from the creation to the end, or up to now.

    Returns
    -------
    float or None
        Seconds, or None if the time of creation or the end is unknown.
    """
    if info.metrics is not None and info.metrics.total_seconds is not None:
        return info.metrics.total_seconds
    start = info.create_time or info.input_submit_time
    if start is None:
        return None
    end = end_time(info) or (None if info.is_terminal else now)
    return None if end is None else max(0.0, (end - start).total_seconds())
