"""Pure functions that apply the events of a journal to a task record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from inductiva_widgets.models.tasks import Executer, Operation, TaskMetrics
from inductiva_widgets.server import events, state_machine
from inductiva_widgets.server.store.records import TaskRecord
from inductiva_widgets.status import Status

_KILLED_FROM_OUTSIDE = "The supervisor of the task was stopped, but not by the embedded server."


def apply_event(record: TaskRecord, event: events.Event) -> TaskRecord:
    """Return the task after an event of its journal.

    Times and sizes of an event are recorded even if it comes too late for the task's status.
    """
    return _HANDLERS[type(event)](record, event)


def _on_supervising(record: TaskRecord, event: events.Supervising) -> TaskRecord:
    if event.machine is None:
        return record
    known = record.info.executer or Executer()
    reported = {
        name: value
        for name in event.machine.__struct_fields__
        if (value := getattr(event.machine, name)) is not None
    }
    executer = replace(known, **reported)
    # The machine has worked on the task since the start, though its id is known only now.
    history = tuple(
        replace(entry, machine_id=executer.uuid)
        if entry.machine_id is not None and entry.machine_id == known.uuid
        else entry
        for entry in record.history
    )
    return replace(record, info=replace(record.info, executer=executer), history=history)


def _on_unpacked(record: TaskRecord, event: events.InputUnpacked) -> TaskRecord:
    record = _measured(
        record, input_decompression_seconds=event.seconds, input_size_bytes=event.bytes
    )
    if event.download_seconds is not None:
        record = _measured(record, input_download_seconds=event.download_seconds)
    if event.image_seconds is not None:
        record = _on_image_fetched(record, event, event.image_seconds)
    operation = Operation(
        name="uncompress_input",
        alias="Unpack input",
        start_timestamp=event.time - timedelta(seconds=event.seconds),
        end_timestamp=event.time,
        status="OK",
        attributes={"files": event.files},
    )
    return _with_operations(record, Status.STARTED, lambda known: [*known, operation])


def _on_image_fetched(
    record: TaskRecord, event: events.InputUnpacked, seconds: float
) -> TaskRecord:
    record = _measured(record, container_image_download_seconds=seconds)
    # The input is unpacked next.
    end = event.time - timedelta(seconds=event.seconds)
    operation = Operation(
        name="download_container",
        alias="Fetch container image",
        start_timestamp=end - timedelta(seconds=seconds),
        end_timestamp=end,
        status="OK",
        attributes={},
    )
    return _with_operations(record, Status.STARTED, lambda known: [*known, operation])


def _on_command_started(record: TaskRecord, event: events.CommandStarted) -> TaskRecord:
    if state_machine.can_move(record.info.status, Status.COMPUTATION_STARTED):
        record = state_machine.transition(
            record, Status.COMPUTATION_STARTED, event.time, computation_start_time=event.time
        )
    operation = Operation(
        name="exec_command",
        alias="Run command",
        start_timestamp=event.time,
        end_timestamp=None,
        status="RUNNING",
        attributes={"command": event.command}
        | ({"program": event.program} if event.program is not None else {}),
    )
    return _with_operations(record, Status.COMPUTATION_STARTED, lambda known: [*known, operation])


def _on_command_ended(record: TaskRecord, event: events.CommandEnded) -> TaskRecord:
    return _with_commands_ended(record, event.time, event.exit_code, event.usage)


def _with_commands_ended(
    record: TaskRecord, at: datetime, exit_code: int | None, usage: Mapping[str, float]
) -> TaskRecord:
    def close(operation: Operation) -> Operation:
        if operation.status != "RUNNING":
            return operation
        return replace(
            operation,
            end_timestamp=at,
            status="OK" if exit_code == 0 else "FAILED",
            attributes={**operation.attributes, "exit_code": exit_code, **usage},
        )

    return _with_operations(
        record, Status.COMPUTATION_STARTED, lambda known: [close(one) for one in known]
    )


def _on_computation_ended(record: TaskRecord, event: events.ComputationEnded) -> TaskRecord:
    started = record.info.computation_start_time
    if started is None:
        return record
    # No command is left running, unless its supervisor vanished before it could report the end.
    record = _with_commands_ended(record, event.time, None, {})
    record = _measured(record, computation_seconds=(event.time - started).total_seconds())
    record = replace(record, info=replace(record.info, computation_end_time=event.time))
    if state_machine.can_move(record.info.status, Status.COMPUTATION_ENDED):
        record = state_machine.transition(record, Status.COMPUTATION_ENDED, event.time)
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
    if before.is_terminal:
        return record
    if event.cost is not None:
        record = replace(record, info=replace(record.info, estimated_computation_cost=event.cost))
    if before == Status.PENDING_KILL:
        # The kill was requested, whatever came first: the exit code says nothing about it.
        description = event.reason if event.outcome == Status.KILLED else None
        return state_machine.transition(record, Status.KILLED, event.time, description)
    if record.supervision.group_ended:
        return state_machine.finish_after_group(record, event.time)
    outcome, reason = event.outcome, event.reason
    ending = record.supervision.ending
    if ending is not None and (outcome == Status.KILLED or record.supervision.attempts > 1):
        # The executor knows why the run ended; the supervisor only cleaned up.
        outcome, reason = ending
    elif outcome == Status.KILLED:
        reason = f"{_KILLED_FROM_OUTSIDE} {reason or ''}".rstrip()
        outcome = Status.EXECUTER_TERMINATED
    if not state_machine.can_move(before, outcome):
        reason = f"The task ended as {outcome} while it was {before}. {reason or ''}".rstrip()
        outcome = Status.EXECUTER_FAILED
    return (
        state_machine.fail(record, outcome, event.time, reason)
        if reason
        else state_machine.transition(record, outcome, event.time)
    )


def _measured(record: TaskRecord, **measures: Any) -> TaskRecord:
    metrics = replace(record.info.metrics or TaskMetrics(), **measures)
    return replace(record, info=replace(record.info, metrics=metrics))


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
    # Written by a supervisor that cleans up after a vanished one.
    events.CommandsResolved: lambda record, _: record,
    events.CommandRunning: lambda record, _: record,
    events.CommandEnded: _on_command_ended,
    events.ComputationEnded: _on_computation_ended,
    events.Archived: _on_archived,
    events.Finished: _on_finished,
}
