"""Scheduled events of a demo task, from its submission to its end.

Each step goes through the very code that real tasks go through: what a supervisor would have
reported is applied as its report, what a user or a machine group does by the rules of
``inductiva_widgets.server.state_machine``. Only ends that this machine does not know are put
together here.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from msgspec.structs import replace

from inductiva_widgets.models.tasks import TaskMetrics
from inductiva_widgets.server import event_handlers, events, state_machine
from inductiva_widgets.server.archives import CreatedArchive
from inductiva_widgets.server.demo.plan import DemoTask
from inductiva_widgets.server.store.records import TaskRecord
from inductiva_widgets.status import Status

Pack = Callable[[datetime], CreatedArchive]
"""Writes the output archive of a task at a given time, and returns its contents."""

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
_KILL_TAKES = 2.0
_OUTCOMES = {Status.SUCCESS, Status.FAILED, Status.TTL_EXCEEDED}


class ScheduledEvent(NamedTuple):
    """Something that happens to a task, so many seconds after its submission.

    ``enters`` means that the task enters another status.
    """

    after: float
    apply: Callable[[TaskRecord, datetime], TaskRecord]
    enters: bool = False


def scheduled_events(
    plan: DemoTask, input_size: int, pack: Pack, speed: float = 1.0
) -> list[ScheduledEvent]:
    """Return what happens to a task after its submission, in order.

    Parameters
    ----------
    plan
        The task.
    input_size
        Size of its input files.
    pack
        Writes its output archive; called by the step that reports it.
    speed
        How many times faster than planned the task goes; what takes time takes so much less.
    """
    if plan.end == Status.PENDING_INPUT:
        return []
    queued = plan.uploads / speed
    started = queued + plan.waits / speed
    known = [ScheduledEvent(queued, lambda record, at: _queue(record, at, queued), True)]
    if plan.end == Status.ZOMBIE:
        return [*known, ScheduledEvent(started, state_machine.on_group_terminated, True)]
    if plan.end == Status.KILLED and plan.noise % 4 == 0:
        killed = lambda record, at: state_machine.transition(record, Status.KILLED, at)  # noqa: E731
        return [*known, ScheduledEvent(started, killed, True)]
    known.append(ScheduledEvent(started, lambda record, at: _start(record, at, plan, speed), True))
    unpacked = started + 0.9 * plan.prepares / speed
    known.append(ScheduledEvent(unpacked, lambda record, at: _unpack(record, at, plan, input_size)))
    computing = started + plan.prepares / speed
    each = plan.computes / len(plan.case.commands) / speed
    for number, command in enumerate(plan.case.commands):
        begins = computing + number * each
        known.append(ScheduledEvent(begins, _command(number, command), number == 0))
        is_last = number == len(plan.case.commands) - 1
        if is_last and plan.is_cut_short:
            break
        code = 1 if is_last and plan.end == Status.FAILED else 0
        known.append(ScheduledEvent(begins + each, _command_end(number, code)))
    ends = computing + plan.computes / speed
    return [*known, *_ending(plan, ends, pack, speed)]


def kill(plan: DemoTask, pack: Pack) -> Callable[[TaskRecord, datetime], TaskRecord]:
    """Return the step by which a kill that was asked for takes effect on the machine."""

    def deliver(record: TaskRecord, at: datetime) -> TaskRecord:
        record = event_handlers.apply_event(record, events.ComputationEnded(time=at))
        record = _archive(record, at, pack(at), 0.1)
        return _paid(
            event_handlers.apply_event(record, events.Finished(time=at, outcome=Status.KILLED)),
            plan,
        )

    return deliver


def _ending(plan: DemoTask, ends: float, pack: Pack, speed: float) -> list[ScheduledEvent]:
    if plan.end == Status.KILLED:
        return [
            ScheduledEvent(
                ends,
                lambda record, at: state_machine.transition(record, Status.PENDING_KILL, at),
                True,
            ),
            ScheduledEvent(ends + _KILL_TAKES / speed, kill(plan, pack), True),
        ]
    if plan.end in _LOST_MACHINES:
        return [ScheduledEvent(ends, lambda record, at: _lose_machine(record, at, plan), True)]
    if plan.end not in _OUTCOMES:
        raise ValueError(f"The demo has no task that ends as {plan.end}.")
    packing = plan.packs / speed

    def finish(record: TaskRecord, at: datetime) -> TaskRecord:
        event = events.Finished(time=at, outcome=plan.end, reason=plan.reason)
        return _paid(event_handlers.apply_event(record, event), plan)

    return [
        ScheduledEvent(
            ends,
            lambda record, at: event_handlers.apply_event(record, events.ComputationEnded(time=at)),
            True,
        ),
        ScheduledEvent(
            ends + 0.7 * packing,
            lambda record, at: _archive(record, at, pack(at), 0.7 * packing),
        ),
        ScheduledEvent(ends + packing, finish, True),
    ]


def _queue(record: TaskRecord, at: datetime, seconds: float) -> TaskRecord:
    record = _measured(record, input_upload_seconds=seconds)
    return state_machine.transition(record, Status.SUBMITTED, at, input_submit_time=at)


def _start(record: TaskRecord, at: datetime, plan: DemoTask, speed: float) -> TaskRecord:
    queued = record.info.input_submit_time or at
    record = _measured(
        record,
        queue_time_seconds=(at - queued).total_seconds(),
        container_image_download_seconds=round(0.6 * plan.prepares / speed, 3),
        input_download_seconds=round(0.1 * plan.prepares / speed, 3),
    )
    return state_machine.transition(
        record, Status.STARTED, at, start_time=at, executer=plan.executer()
    )


def _unpack(record: TaskRecord, at: datetime, plan: DemoTask, size: int) -> TaskRecord:
    event = events.InputUnpacked(time=at, seconds=0.05, files=len(plan.case.files), bytes=size)
    return event_handlers.apply_event(record, event)


def _command(number: int, command: str) -> Callable[[TaskRecord, datetime], TaskRecord]:
    def begin(record: TaskRecord, at: datetime) -> TaskRecord:
        return event_handlers.apply_event(
            record, events.CommandStarted(time=at, index=number, command=command)
        )

    return begin


def _command_end(number: int, code: int) -> Callable[[TaskRecord, datetime], TaskRecord]:
    def end(record: TaskRecord, at: datetime) -> TaskRecord:
        return event_handlers.apply_event(
            record, events.CommandEnded(time=at, index=number, exit_code=code)
        )

    return end


def _archive(
    record: TaskRecord, at: datetime, packed: CreatedArchive, seconds: float
) -> TaskRecord:
    event = events.Archived(
        time=at,
        seconds=seconds,
        files=packed.files,
        bytes=packed.size,
        zipped_bytes=packed.zipped_size,
    )
    return event_handlers.apply_event(record, event)


def _lose_machine(record: TaskRecord, at: datetime, plan: DemoTask) -> TaskRecord:
    last = len(plan.case.commands) - 1
    record = event_handlers.apply_event(
        record, events.CommandEnded(time=at, index=last, exit_code=None)
    )
    began = record.info.computation_start_time or at
    record = _measured(record, computation_seconds=(at - began).total_seconds())
    record = replace(record, info=replace(record.info, computation_end_time=at))
    record = _paid(record, plan)
    if plan.end == Status.EXECUTER_TERMINATED_BY_USER:
        return state_machine.finish_after_group(state_machine.on_group_terminated(record, at), at)
    reason = plan.reason or plan.end.info.description
    if plan.end not in ONLY_IN_THE_CLOUD:
        return state_machine.fail(record, plan.end, at, reason)
    # The rules know no way to these ends, so the task enters its last status as if it were new.
    ended = state_machine.fail(replace(record, history=()), plan.end, at, reason)
    *before, present = record.history
    closed = replace(present, end_timestamp=at)
    return replace(ended, history=(*before, closed, *ended.history))


def _paid(record: TaskRecord, plan: DemoTask) -> TaskRecord:
    return replace(record, info=replace(record.info, estimated_computation_cost=plan.cost))


def _measured(record: TaskRecord, **measures: Any) -> TaskRecord:
    metrics = replace(record.info.metrics or TaskMetrics(), **measures)
    return replace(record, info=replace(record.info, metrics=metrics))


def delay(story: list[ScheduledEvent], position: int) -> float:
    """Return for how long a task is in its status before a step, in seconds."""
    entered = [step.after for step in story[:position] if step.enters]
    return story[position].after - (entered[-1] if entered else 0.0)


def moment(created: datetime, step: ScheduledEvent) -> datetime:
    """Return when a step of the history happens."""
    return created + timedelta(seconds=round(step.after, 3))
