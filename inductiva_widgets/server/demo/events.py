"""Scheduled events of a demo task.

Events on its machine are those that a supervisor reports: a live task writes them to its journal
(``machine_reports``), a task of the history applies them to its record (``history_events``). Events
of users and machine groups follow the rules of ``inductiva_widgets.server.state_machine``. Final
statuses of the cloud service that this server lacks are built here.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import NamedTuple

from msgspec.structs import replace

from inductiva_widgets.models.tasks import TaskMetrics
from inductiva_widgets.server import event_handlers, events, state_machine
from inductiva_widgets.server.archives import CreatedArchive
from inductiva_widgets.server.demo import files
from inductiva_widgets.server.demo.plan import DemoTask
from inductiva_widgets.server.store.records import TaskRecord
from inductiva_widgets.status import Status

Pack = Callable[[datetime], CreatedArchive]
"""Function that writes the output archive of a task at a given time and returns its contents."""

ONLY_IN_THE_CLOUD = frozenset(
    {
        Status.SPOT_INSTANCE_PREEMPTED,
        Status.EXECUTER_TERMINATED_TTL_EXCEEDED,
        Status.EXECUTER_TERMINATED_CREDITS_EXHAUSTED,
    }
)
_LOST_MACHINES = ONLY_IN_THE_CLOUD | {
    Status.EXECUTER_FAILED,
    Status.EXECUTER_TERMINATED,
    Status.EXECUTER_TERMINATED_BY_USER,
}
_KILL_SECONDS = 2.0
_OUTCOMES = {Status.SUCCESS, Status.FAILED, Status.TTL_EXCEEDED}


class Report(NamedTuple):
    """Event of a journal, in seconds after the start on the machine.

    ``event_at`` returns the event for a time, and writes the output that it reports.
    """

    after: float
    event_at: Callable[[datetime], events.Event]


class ScheduledEvent(NamedTuple):
    """Change of a task, in seconds after its submission."""

    after: float
    apply: Callable[[TaskRecord, datetime], TaskRecord]


def machine_reports(plan: DemoTask, pack: Pack, speed: float = 1.0) -> list[Report]:
    """Return the events that a supervisor would report of a task, in order.

    Parameters
    ----------
    plan
        The task.
    pack
        Writes its output archive; called by the event that reports it.
    speed
        Factor by which the task is faster than planned.
    """

    def supervising(at: datetime) -> events.Event:
        return events.Supervising(time=at, machine=plan.executer())

    def unpacked(at: datetime) -> events.Event:
        return events.InputUnpacked(
            time=at,
            seconds=0.05,
            files=len(plan.case.files),
            bytes=files.input_size(plan),
            image_seconds=round(0.6 * plan.prepares / speed, 3),
            download_seconds=round(0.1 * plan.prepares / speed, 3),
        )

    reports = [Report(0.0, supervising), Report(0.9 * plan.prepares / speed, unpacked)]
    computing = plan.prepares / speed
    each = plan.computes / len(plan.case.commands) / speed
    for index, command in enumerate(plan.case.commands):
        begins = computing + index * each
        reports.append(Report(begins, partial(_command_started, index, command)))
        is_last = index == len(plan.case.commands) - 1
        if is_last and plan.is_cut_short:
            break
        code = 1 if is_last and plan.end == Status.FAILED else 0
        reports.append(Report(begins + each, partial(_command_ended, index, code)))
    if plan.end in _OUTCOMES:
        ends, packing = computing + plan.computes / speed, plan.packs / speed
        reports += [
            Report(ends, _computation_ended),
            Report(ends + 0.7 * packing, partial(_archived, pack, 0.7 * packing)),
            Report(ends + packing, partial(_finished, plan, plan.end)),
        ]
    return reports


def kill_reports(plan: DemoTask, pack: Pack) -> list[Report]:
    """Return the events that a supervisor would report after a kill."""
    return [
        Report(0.0, _computation_ended),
        Report(0.0, partial(_archived, pack, 0.1)),
        Report(0.0, partial(_finished, plan, Status.KILLED)),
    ]


def history_events(plan: DemoTask, pack: Pack) -> list[ScheduledEvent]:
    """Return the changes of a task of the history after its submission, in order.

    Parameters
    ----------
    plan
        The task.
    pack
        Writes its output archive; called by the event that reports it.
    """
    if plan.end == Status.PENDING_INPUT:
        return []
    queued, started = plan.uploads, plan.uploads + plan.waits
    known = [ScheduledEvent(queued, lambda record, at: queue(record, at, queued))]
    if plan.end == Status.ZOMBIE:
        return [*known, ScheduledEvent(started, state_machine.on_group_terminated)]
    if plan.end == Status.KILLED and plan.noise % 4 == 0:
        return [*known, ScheduledEvent(started, partial(_enter, Status.KILLED))]
    known.append(ScheduledEvent(started, lambda record, at: _start(record, at, plan)))
    known += _applied(machine_reports(plan, pack), started)
    ends = started + plan.prepares + plan.computes
    if plan.end == Status.KILLED:
        known.append(ScheduledEvent(ends, partial(_enter, Status.PENDING_KILL)))
        known += _applied(kill_reports(plan, pack), ends + _KILL_SECONDS)
    elif plan.end in _LOST_MACHINES:
        known.append(ScheduledEvent(ends, lambda record, at: _lose_machine(record, at, plan)))
    elif plan.end not in _OUTCOMES:
        raise ValueError(f"The demo has no task that ends as {plan.end}.")
    return known


def queue(record: TaskRecord, at: datetime, upload_seconds: float) -> TaskRecord:
    """Return a task whose input has been uploaded, in the queue."""
    metrics = replace(record.info.metrics or TaskMetrics(), input_upload_seconds=upload_seconds)
    return state_machine.transition(
        record, Status.SUBMITTED, at, input_submit_time=at, metrics=metrics
    )


# Reports -----------------------------------------------------------------------------------------


def _command_started(index: int, command: str, at: datetime) -> events.Event:
    return events.CommandStarted(time=at, index=index, command=command)


def _command_ended(index: int, code: int | None, at: datetime) -> events.Event:
    return events.CommandEnded(time=at, index=index, exit_code=code)


def _computation_ended(at: datetime) -> events.Event:
    return events.ComputationEnded(time=at)


def _archived(pack: Pack, seconds: float, at: datetime) -> events.Event:
    packed = pack(at)
    return events.Archived(
        time=at,
        seconds=seconds,
        files=packed.files,
        bytes=packed.size,
        zipped_bytes=packed.zipped_size,
    )


def _finished(plan: DemoTask, outcome: Status, at: datetime) -> events.Event:
    reason = plan.reason if outcome == plan.end else None
    return events.Finished(time=at, outcome=outcome, reason=reason, cost=plan.cost)


# Changes -----------------------------------------------------------------------------------------


def _applied(reports: list[Report], start: float) -> list[ScheduledEvent]:
    return [
        ScheduledEvent(start + report.after, partial(_apply_report, report)) for report in reports
    ]


def _apply_report(report: Report, record: TaskRecord, at: datetime) -> TaskRecord:
    return event_handlers.apply_event(record, report.event_at(at))


def _enter(status: Status, record: TaskRecord, at: datetime) -> TaskRecord:
    return state_machine.transition(record, status, at)


def _start(record: TaskRecord, at: datetime, plan: DemoTask) -> TaskRecord:
    queued = record.info.input_submit_time or at
    metrics = replace(
        record.info.metrics or TaskMetrics(), queue_time_seconds=(at - queued).total_seconds()
    )
    return state_machine.transition(
        record, Status.STARTED, at, start_time=at, metrics=metrics, executer=plan.executer()
    )


def _lose_machine(record: TaskRecord, at: datetime, plan: DemoTask) -> TaskRecord:
    last = len(plan.case.commands) - 1
    record = event_handlers.apply_event(record, _command_ended(last, None, at))
    began = record.info.computation_start_time or at
    metrics = replace(
        record.info.metrics or TaskMetrics(), computation_seconds=(at - began).total_seconds()
    )
    info = replace(
        record.info,
        metrics=metrics,
        computation_end_time=at,
        estimated_computation_cost=plan.cost,
    )
    record = replace(record, info=info)
    if plan.end == Status.EXECUTER_TERMINATED_BY_USER:
        return state_machine.finish_after_group(state_machine.on_group_terminated(record, at), at)
    reason = plan.reason or plan.end.info.description
    if plan.end not in ONLY_IN_THE_CLOUD:
        return state_machine.fail(record, plan.end, at, reason)
    # No transition leads to these statuses, so the task enters them like a new one.
    ended = state_machine.fail(replace(record, history=()), plan.end, at, reason)
    *before, present = record.history
    closed = replace(present, end_timestamp=at)
    return replace(ended, history=(*before, closed, *ended.history))
