"""Status transitions of a task.

Pure functions from record to record, whose results the services save. All status changes go through
them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec.structs import replace

from inductiva_widgets.models.tasks import StatusEvent, TaskMetrics
from inductiva_widgets.server.clock import Moment
from inductiva_widgets.server.store.records import TaskRecord
from inductiva_widgets.status import Status

# Also of a task that waits in the queue of its executor, such as a batch job that is cancelled.
_ENDS_BY_EXECUTOR = frozenset(
    {
        Status.PENDING_KILL,
        Status.EXECUTER_FAILED,
        Status.EXECUTER_TERMINATED,
        Status.EXECUTER_TERMINATED_TTL_EXCEEDED,
        Status.SPOT_INSTANCE_PREEMPTED,
        Status.TTL_EXCEEDED,
    }
)
_ENDS_ON_MACHINE = _ENDS_BY_EXECUTOR | {Status.EXECUTER_TERMINATED_BY_USER}
_ENDS_WAITING = frozenset({Status.KILLED, Status.ZOMBIE})

# Statuses that are not keys are final.
TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.PENDING_INPUT: _ENDS_WAITING | {Status.SUBMITTED},
    Status.SUBMITTED: _ENDS_WAITING | _ENDS_BY_EXECUTOR | {Status.STARTED},
    Status.STARTED: _ENDS_ON_MACHINE | {Status.COMPUTATION_STARTED},
    Status.COMPUTATION_STARTED: _ENDS_ON_MACHINE | {Status.COMPUTATION_ENDED},
    Status.COMPUTATION_ENDED: _ENDS_ON_MACHINE | {Status.SUCCESS, Status.FAILED},
    Status.PENDING_KILL: frozenset({Status.KILLED}),
}

# Statuses in which no machine has the task yet.
WAITING = (Status.PENDING_INPUT, Status.SUBMITTED)
# Statuses in which a supervisor works for the task.
ON_MACHINE = (
    Status.STARTED,
    Status.COMPUTATION_STARTED,
    Status.COMPUTATION_ENDED,
    Status.PENDING_KILL,
)


class IllegalTransitionError(Exception):
    """A task cannot go from its status to that one."""


def can_move(before: Status, after: Status) -> bool:
    """Return whether one status may follow another."""
    return after in TRANSITIONS.get(before, frozenset())


def transition(
    record: TaskRecord,
    status: Status,
    at: datetime,
    description: str | None = None,
    **facts: Any,
) -> TaskRecord:
    """Return the task in another status.

    Parameters
    ----------
    record
        The task; one without history enters its first status.
    status
        The new status.
    at
        Time of the change. If the clock was set back, the time of the last entry replaces it and
        all times in the facts, so that no status ends before it begins.
    description
        Description for people; the default is the usual meaning of the status.
    **facts
        Other fields of the task's ``info`` that change with it.

    Raises
    ------
    IllegalTransitionError
        The status cannot follow the present one.
    """
    before = record.info.status
    if record.history and not can_move(before, status):
        raise IllegalTransitionError(f"A task cannot go from {before} to {status}.")
    at = monotonic_time(record, at)
    facts = {name: _plausible(record, fact) for name, fact in facts.items()}
    final = status.is_terminal
    executer = facts.get("executer", record.info.executer)
    entry = StatusEvent(
        status=status,
        alias=status.alias,
        description=description or status.info.description,
        timestamp=at,
        # A final status is over as soon as it is entered.
        end_timestamp=at if final else None,
        machine_id=executer.uuid if executer else None,
        operations=[],
    )
    history = list(record.history)
    if history:
        history[-1] = _closed(history[-1], at)
    if final:
        facts = {"end_time": at, **_ending(record, at), **facts}
    info = replace(
        record.info, status=status, status_alias=status.alias, is_terminated=final, **facts
    )
    return replace(record, info=info, history=(*history, entry))


def monotonic_time(record: TaskRecord, at: datetime) -> datetime:
    """Return a time, but at least that of the task's last entry, if the clock was set back."""
    last = record.history[-1].timestamp if record.history else None
    return at if last is None else max(at, last)


def task_time(record: TaskRecord, moment: Moment) -> datetime:
    """Return a moment on the wall clock as it was set when the task was created.

    All times of a task are on this clock, so that a change of the wall clock changes no duration.
    """
    created = record.supervision.created
    return monotonic_time(record, moment.time if created is None else moment.seen_from(created))


def fail(record: TaskRecord, status: Status, at: datetime, reason: str) -> TaskRecord:
    """Return the task in a final status, with the reason in the field that clients read."""
    executer = record.info.executer
    if executer is not None and str(status).startswith("executer-"):
        executer = replace(executer, error_detail=reason)
    return transition(record, status, at, reason, error_detail=reason, executer=executer)


def kill(record: TaskRecord, at: datetime) -> TaskRecord:
    """Return the task as killed if it waits here, or as to be killed if its executor has it."""
    status = record.info.status
    if status in WAITING and not record.supervision.attempts:
        return transition(record, Status.KILLED, at)
    if can_move(status, Status.PENDING_KILL):
        return transition(record, Status.PENDING_KILL, at)
    # The task has finished, or is being killed.
    return record


def with_description(record: TaskRecord, status: Status, text: str) -> TaskRecord:
    """Return the task with another description of its last entry in a status, if it has one."""
    history = list(record.history)
    for position in reversed(range(len(history))):
        if history[position].status == status:
            history[position] = replace(history[position], description=text)
            break
    return replace(record, history=tuple(history))


def waiting_reason(record: TaskRecord) -> str | None:
    """Return why a queued task waits, or None if its executor has not said so."""
    described = record.history[-1].description if record.history else None
    return None if described == Status.SUBMITTED.info.description else described


def should_stop(record: TaskRecord) -> bool:
    """Return whether the executor of the task must be asked to stop it."""
    return record.info.status == Status.PENDING_KILL or record.supervision.group_ended


def ends_with_group(record: TaskRecord) -> bool:
    """Return whether the task ends, or has ended, because its machine group was terminated."""
    return record.supervision.group_ended and record.info.status not in (
        Status.PENDING_KILL,
        Status.KILLED,
    )


def on_group_terminated(record: TaskRecord, at: datetime) -> TaskRecord:
    """Return the task after the end of its machine group: finished, or to be stopped."""
    if record.info.status in WAITING and record.supervision.attempts:
        return kill(record, at)
    if record.info.status in WAITING:
        reason = f"The machine group {_group(record)} was terminated while the task waited for it."
        return fail(record, Status.ZOMBIE, at, reason)
    if record.info.status.is_terminal:
        return record
    return replace(record, supervision=replace(record.supervision, group_ended=True))


def finish_after_group(record: TaskRecord, at: datetime) -> TaskRecord:
    """Return a running task as finished after the termination of its group.

    As on the cloud service, such a task has no output, even if it has been packed.
    """
    metrics = replace(
        record.info.metrics or TaskMetrics(),
        output_size_bytes=None,
        output_zipped_size_bytes=None,
        output_total_files=None,
    )
    record = replace(record, info=replace(record.info, metrics=metrics))
    reason = f"The machine group {_group(record)} was terminated while the task was running."
    return fail(record, Status.EXECUTER_TERMINATED_BY_USER, at, reason)


def _group(record: TaskRecord) -> str:
    return record.info.machine_group_name or "of the task"


def _ending(record: TaskRecord, at: datetime) -> dict[str, Any]:
    created = record.info.create_time
    if created is None:
        return {}
    seconds = max(0.0, (at - created).total_seconds())
    metrics = replace(record.info.metrics or TaskMetrics(), total_seconds=seconds)
    return {"duration_seconds": seconds, "metrics": metrics}


def _plausible(record: TaskRecord, fact: Any) -> Any:
    if isinstance(fact, datetime):
        return monotonic_time(record, fact)
    if isinstance(fact, TaskMetrics):
        # The clock may have been set back between the two times.
        measured = {name: getattr(fact, name) for name in fact.__struct_fields__}
        return replace(fact, **{name: 0.0 for name, value in measured.items() if (value or 0) < 0})
    return fact


def _closed(entry: StatusEvent, at: datetime) -> StatusEvent:
    return entry if entry.end_timestamp is not None else replace(entry, end_timestamp=at)
