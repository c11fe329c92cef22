"""The life of a task: which status follows which, and what each event makes of a task.

Pure functions from record to record. The service saves what they return; nothing else changes the
status of a task.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from inductiva_widgets.local import events
from inductiva_widgets.local.records import TaskRecord
from inductiva_widgets.models import Metrics, Operation, StatusEvent
from inductiva_widgets.status import Status

_ENDS_ON_MACHINE = frozenset(
    {Status.PENDING_KILL, Status.EXECUTER_FAILED, Status.EXECUTER_TERMINATED}
)

# A status that is not a key is final: nothing follows `killed`, however late it comes.
TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.PENDING_INPUT: frozenset({Status.SUBMITTED, Status.KILLED}),
    Status.SUBMITTED: frozenset({Status.STARTED, Status.KILLED, Status.EXECUTER_FAILED}),
    Status.STARTED: _ENDS_ON_MACHINE | {Status.COMPUTATION_STARTED},
    Status.COMPUTATION_STARTED: _ENDS_ON_MACHINE | {Status.COMPUTATION_ENDED},
    Status.COMPUTATION_ENDED: _ENDS_ON_MACHINE
    | {Status.SUCCESS, Status.FAILED, Status.TTL_EXCEEDED},
    Status.PENDING_KILL: frozenset({Status.KILLED}),
}

# Statuses in which a supervisor works for the task.
ON_MACHINE = (
    Status.STARTED,
    Status.COMPUTATION_STARTED,
    Status.COMPUTATION_ENDED,
    Status.PENDING_KILL,
)

_KILLED_FROM_OUTSIDE = "The supervisor of the task was told to end, not by the embedded server."


class IllegalTransitionError(Exception):
    """A task cannot go from its status to that one."""


def is_final(status: Status) -> bool:
    """Return whether a task in this status has ended."""
    return status not in TRANSITIONS


def can_move(before: Status, after: Status) -> bool:
    """Return whether one status may follow another."""
    return after in TRANSITIONS.get(before, frozenset())


def enter(
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
        When it was entered.
    description
        What to tell people; the usual meaning of the status when left out.
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
    final = is_final(status)
    executer = facts.get("executer", record.info.executer)
    entry = StatusEvent(
        status=status,
        alias=status.alias,
        description=description or status.facts.meaning,
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


def apply(record: TaskRecord, event: events.Event) -> TaskRecord:
    """Return what an event of the journal makes of a task.

    An event that comes too late for the task's status still tells its times and sizes.
    """
    return _HANDLERS[type(event)](record, event)


def _on_supervising(record: TaskRecord, event: events.Supervising) -> TaskRecord:
    supervision = replace(record.supervision, pid=event.pid, ready=True)
    return replace(record, supervision=supervision)


def _on_unpacked(record: TaskRecord, event: events.InputUnpacked) -> TaskRecord:
    record = _measured(
        record, input_decompression_seconds=event.seconds, input_size_bytes=event.bytes
    )
    operation = Operation(
        name="uncompress_input",
        alias="Unpack input",
        start_timestamp=event.time - timedelta(seconds=event.seconds),
        end_timestamp=event.time,
        status="OK",
        attributes={"files": event.files},
    )
    return _with_operations(record, Status.STARTED, lambda known: [*known, operation])


def _on_command_started(record: TaskRecord, event: events.CommandStarted) -> TaskRecord:
    if can_move(record.info.status, Status.COMPUTATION_STARTED):
        record = enter(
            record, Status.COMPUTATION_STARTED, event.time, computation_start_time=event.time
        )
    operation = Operation(
        name="exec_command",
        alias="Run command",
        start_timestamp=event.time,
        end_timestamp=None,
        status="RUNNING",
        attributes={"command": event.command},
    )
    return _with_operations(record, Status.COMPUTATION_STARTED, lambda known: [*known, operation])


def _on_command_ended(record: TaskRecord, event: events.CommandEnded) -> TaskRecord:
    return _with_commands_ended(record, event.time, event.exit_code)


def _with_commands_ended(record: TaskRecord, at: datetime, exit_code: int | None) -> TaskRecord:
    def close(operation: Operation) -> Operation:
        if operation.status != "RUNNING":
            return operation
        return replace(
            operation,
            end_timestamp=at,
            status="OK" if exit_code == 0 else "FAILED",
            attributes={**operation.attributes, "exit_code": exit_code},
        )

    return _with_operations(
        record, Status.COMPUTATION_STARTED, lambda known: [close(one) for one in known]
    )


def _on_computation_ended(record: TaskRecord, event: events.ComputationEnded) -> TaskRecord:
    started = record.info.computation_start_time
    if started is None:
        return record
    # None is left running, unless its supervisor vanished and could not tell of the end.
    record = _with_commands_ended(record, event.time, None)
    record = _measured(record, computation_seconds=(event.time - started).total_seconds())
    record = replace(record, info=replace(record.info, computation_end_time=event.time))
    if can_move(record.info.status, Status.COMPUTATION_ENDED):
        record = enter(record, Status.COMPUTATION_ENDED, event.time)
    return record


def _on_archived(record: TaskRecord, event: events.Archived) -> TaskRecord:
    record = _measured(
        record,
        output_compression_seconds=event.seconds,
        output_size_bytes=event.bytes,
        output_zipped_size_bytes=event.zipped_bytes,
        output_total_files=event.files,
    )
    operation = Operation(
        name="compress_output",
        alias="Pack output",
        start_timestamp=event.time - timedelta(seconds=event.seconds),
        end_timestamp=event.time,
        status="OK",
        attributes={"skipped": event.skipped} if event.skipped else {},
    )
    return _with_operations(record, Status.COMPUTATION_ENDED, lambda known: [*known, operation])


def _on_finished(record: TaskRecord, event: events.Finished) -> TaskRecord:
    before = record.info.status
    if is_final(before):
        return record
    if before == Status.PENDING_KILL:
        # Asked for is asked for, whatever came first: the exit code says nothing about it.
        return enter(record, Status.KILLED, event.time)
    outcome, reason = event.outcome, event.reason
    if outcome == Status.KILLED:
        outcome, reason = Status.EXECUTER_TERMINATED, _KILLED_FROM_OUTSIDE
    if not can_move(before, outcome):
        reason = f"The task ended as {outcome} while it was {before}. {reason or ''}".rstrip()
        outcome = Status.EXECUTER_FAILED
    return (
        fail(record, outcome, event.time, reason) if reason else enter(record, outcome, event.time)
    )


def fail(record: TaskRecord, status: Status, at: datetime, reason: str) -> TaskRecord:
    """Return the task in a final status with the reason for it, where clients look for one."""
    executer = record.info.executer
    if executer is not None and status in (Status.EXECUTER_FAILED, Status.EXECUTER_TERMINATED):
        executer = replace(executer, error_detail=reason)
    return enter(record, status, at, reason, error_detail=reason, executer=executer)


def _ending(record: TaskRecord, at: datetime) -> dict[str, Any]:
    created = record.info.create_time
    if created is None:
        return {}
    seconds = (at - created).total_seconds()
    metrics = replace(record.info.metrics or Metrics(), total_seconds=seconds)
    return {"duration_seconds": seconds, "metrics": metrics}


def _measured(record: TaskRecord, **measures: Any) -> TaskRecord:
    metrics = replace(record.info.metrics or Metrics(), **measures)
    return replace(record, info=replace(record.info, metrics=metrics))


def _closed(entry: StatusEvent, at: datetime) -> StatusEvent:
    return entry if entry.end_timestamp is not None else replace(entry, end_timestamp=at)


def _with_operations(
    record: TaskRecord, status: Status, change: Callable[[list[Operation]], list[Operation]]
) -> TaskRecord:
    """Return the task with other operations in its last entry of a status, if it has one."""
    history = list(record.history)
    for position in reversed(range(len(history))):
        entry = history[position]
        if entry.status == status:
            history[position] = replace(entry, operations=change(list(entry.operations or ())))
            break
    return replace(record, history=tuple(history))


_HANDLERS: dict[type[events.Event], Callable[[TaskRecord, Any], TaskRecord]] = {
    events.Supervising: _on_supervising,
    events.InputUnpacked: _on_unpacked,
    events.CommandStarted: _on_command_started,
    # For the supervisor that may have to clear up after the one that tells it.
    events.CommandRunning: lambda record, _: record,
    events.CommandEnded: _on_command_ended,
    events.ComputationEnded: _on_computation_ended,
    events.Archived: _on_archived,
    events.Finished: _on_finished,
}
