"""The state machine: which status may follow which, and what events make of a task."""

from __future__ import annotations

import itertools

import pytest
from msgspec.structs import replace

from inductiva_widgets.models.tasks import Executer, TaskMetrics
from inductiva_widgets.server import event_handlers, events, state_machine
from inductiva_widgets.status import Status
from tests.unit.server.conftest import RUNNING, at, record_in

OUTCOMES = [
    Status.SUCCESS,
    Status.FAILED,
    Status.KILLED,
    Status.TTL_EXCEEDED,
    Status.EXECUTER_FAILED,
]


def finished(outcome, reason=None, second=9):
    return events.Finished(time=at(second), outcome=outcome, reason=reason)


def test_final_statuses_are_those_that_the_service_calls_final():
    reachable = set(state_machine.TRANSITIONS).union(*state_machine.TRANSITIONS.values())
    for status in reachable:
        assert (status not in state_machine.TRANSITIONS) == status.is_terminal, status


def test_every_status_can_be_reached_and_left_for_an_end():
    for start in state_machine.TRANSITIONS:
        seen, todo = set(), [start]
        while todo:
            status = todo.pop()
            seen.add(status)
            todo += [
                after for after in state_machine.TRANSITIONS.get(status, ()) if after not in seen
            ]
        assert any(status.is_terminal for status in seen), start


@pytest.mark.parametrize("end", [Status.KILLED, Status.SUCCESS, Status.FAILED])
def test_nothing_follows_an_end(end):
    for status in Status:
        assert not state_machine.can_move(end, status)


def test_enter_status_closes_the_previous_one():
    record = record_in(Status.SUBMITTED)
    first, second = record.history
    assert (first.status, first.end_timestamp) == (Status.PENDING_INPUT, at(1))
    assert (second.alias, second.end_timestamp) == ("In Queue", None)
    assert record.info.status_alias == "In Queue"


def test_illegal_step_is_refused():
    with pytest.raises(state_machine.IllegalTransitionError, match="submitted to success"):
        state_machine.transition(record_in(Status.SUBMITTED), Status.SUCCESS, at(5))


def test_end_tells_how_long_it_took():
    record = state_machine.transition(record_in(Status.SUBMITTED), Status.KILLED, at(5))
    assert record.info.is_terminated
    assert record.info.end_time == at(5)
    assert record.info.duration_seconds == record.info.metrics.total_seconds == 5.0
    assert record.history[-1].end_timestamp == at(5)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_late_outcome_does_not_overwrite_killed(outcome):
    record = record_in(*RUNNING, Status.PENDING_KILL, Status.KILLED)
    assert event_handlers.apply_event(record, finished(outcome)) == record


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_requested_kill_overrides_the_outcome(outcome):
    record = record_in(*RUNNING, Status.PENDING_KILL)
    record = event_handlers.apply_event(record, events.ComputationEnded(time=at(7)))
    assert record.info.status == Status.PENDING_KILL
    assert record.info.metrics.computation_seconds == 4.0
    record = event_handlers.apply_event(record, finished(outcome, "for another reason"))
    assert record.info.status == Status.KILLED
    assert record.info.error_detail is None


def test_unrequested_end_is_not_killed():
    record = event_handlers.apply_event(record_in(*RUNNING), finished(Status.KILLED))
    assert record.info.status == Status.EXECUTER_TERMINATED
    assert record.info.executer.error_detail == record.info.error_detail != ""


def test_journal_events_produce_the_finished_task():
    record = record_in(Status.SUBMITTED, Status.STARTED)
    for event in (
        events.Supervising(time=at(2.1), machine=Executer(cpu_count_logical=8)),
        events.InputUnpacked(time=at(2.5), seconds=0.25, files=3, bytes=700),
        events.CommandStarted(time=at(3), index=0, command="mesh"),
        events.CommandRunning(time=at(3), index=0, group=43),
        events.CommandEnded(time=at(4), index=0, exit_code=0),
        events.CommandStarted(time=at(4), index=1, command="solve"),
        events.CommandEnded(time=at(8), index=1, exit_code=3),
        events.ComputationEnded(time=at(8)),
        events.Archived(time=at(9), seconds=1.0, files=5, bytes=900, zipped_bytes=300),
        finished(Status.FAILED, "exit code 3"),
    ):
        record = event_handlers.apply_event(record, event)
    assert [entry.status for entry in record.history] == [
        Status.PENDING_INPUT,
        *RUNNING,
        Status.COMPUTATION_ENDED,
        Status.FAILED,
    ]
    unpack, commands, pack = (record.history[i].operations for i in (2, 3, 4))
    assert unpack[0].start_timestamp == at(2.25)
    assert [(op.attributes["command"], op.status) for op in commands] == [
        ("mesh", "OK"),
        ("solve", "FAILED"),
    ]
    assert commands[1].end_timestamp == at(8)
    assert pack[0].start_timestamp == at(8)
    metrics = record.info.metrics
    assert (metrics.computation_seconds, metrics.output_total_files) == (5.0, 5)
    assert (metrics.input_size_bytes, metrics.output_zipped_size_bytes) == (700, 300)
    assert record.info.error_detail == record.history[-1].description == "exit code 3"
    assert record.info.executer.cpu_count_logical == 8


def test_command_of_a_vanished_supervisor_does_not_stay_running():
    record = event_handlers.apply_event(
        record_in(*RUNNING), events.CommandStarted(time=at(4), index=0, command="solve")
    )
    record = event_handlers.apply_event(record, events.ComputationEnded(time=at(8)))
    [operation] = record.history[3].operations
    assert (operation.status, operation.end_timestamp) == ("FAILED", at(8))


def test_outcome_that_makes_no_sense_is_trouble_of_the_machine():
    record = record_in(Status.SUBMITTED, Status.STARTED)
    record = event_handlers.apply_event(record, finished(Status.SUCCESS))
    assert record.info.status == Status.EXECUTER_FAILED
    assert "success while it was started" in record.info.error_detail


def test_no_event_raises_in_any_status():
    shapes = [
        events.Supervising(time=at(9), pid=1),
        events.InputUnpacked(time=at(9), seconds=1, files=1, bytes=1),
        events.CommandStarted(time=at(9), index=0, command="x"),
        events.CommandRunning(time=at(9), index=0, group=1),
        events.CommandEnded(time=at(9), index=0, exit_code=None),
        events.ComputationEnded(time=at(9)),
        events.Archived(time=at(9), seconds=1, files=1, bytes=1, zipped_bytes=1),
        *map(finished, OUTCOMES),
    ]
    paths = [RUNNING[:n] for n in (2, 3)]
    paths += [(*RUNNING, Status.COMPUTATION_ENDED), (*RUNNING, Status.PENDING_KILL)]
    paths += [(*RUNNING, Status.PENDING_KILL, Status.KILLED)]
    for path, event in itertools.product(paths, shapes):
        record = event_handlers.apply_event(record_in(*path), event)
        assert record.info.is_terminated == record.info.status.is_terminal


def test_records_are_not_changed_in_place():
    record = record_in(*RUNNING)
    copy = replace(record)
    event_handlers.apply_event(record, events.CommandStarted(time=at(4), index=0, command="solve"))
    assert record == copy
    assert record.history[-1].operations == []


@pytest.mark.parametrize("path", [(), (Status.SUBMITTED,)])
def test_waiting_task_without_its_group_is_a_zombie(path):
    record = state_machine.on_group_terminated(
        record_in(*path, machine_group_name="api-one"), at(5)
    )
    assert record.info.status == Status.ZOMBIE
    assert record.info.is_terminated
    assert "api-one was terminated while the task waited" in record.info.error_detail
    assert record.history[-1].description == record.info.error_detail


@pytest.mark.parametrize("length", [2, 3, 4])
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_running_task_ends_with_its_group(length, outcome):
    path = (*RUNNING, Status.COMPUTATION_ENDED)[:length]
    record = state_machine.on_group_terminated(
        record_in(*path, machine_group_name="api-one"), at(5)
    )
    # Not before its processes have ended, which the supervisor tells.
    assert record.info.status == path[-1]
    assert state_machine.should_stop(record)
    archived = events.Archived(time=at(8), seconds=1, files=1, bytes=1, zipped_bytes=1)
    for event in (events.ComputationEnded(time=at(7)), archived, finished(outcome, "other")):
        record = event_handlers.apply_event(record, event)
    assert record.info.status == Status.EXECUTER_TERMINATED_BY_USER
    assert "api-one was terminated while the task was running" in record.info.error_detail
    assert record.info.executer.error_detail == record.info.error_detail
    assert record.info.metrics.output_zipped_size_bytes is None
    assert not record.info.has_outputs


def test_task_of_ended_group_has_no_output():
    record = record_in(*RUNNING, Status.COMPUTATION_ENDED)
    archived = events.Archived(time=at(8), seconds=1, files=1, bytes=1, zipped_bytes=1)
    record = state_machine.on_group_terminated(event_handlers.apply_event(record, archived), at(8))
    record = event_handlers.apply_event(record, finished(Status.SUCCESS))
    assert record.info.status == Status.EXECUTER_TERMINATED_BY_USER
    assert not record.info.has_outputs


def test_kill_stays_a_kill_when_the_group_ends():
    record = state_machine.on_group_terminated(record_in(*RUNNING, Status.PENDING_KILL), at(5))
    assert state_machine.should_stop(record)
    assert not state_machine.ends_with_group(record)
    record = event_handlers.apply_event(record, finished(Status.KILLED))
    assert record.info.status == Status.KILLED


def test_finished_task_ignores_end_of_its_group():
    record = record_in(Status.SUBMITTED, Status.KILLED)
    assert state_machine.on_group_terminated(record, at(9)) == record
    assert not state_machine.should_stop(record)


# Clocks that are set back ------------------------------------------------------------------------


def test_status_begins_after_the_previous_one():
    record = record_in(Status.SUBMITTED)
    metrics = TaskMetrics(queue_time_seconds=-4.0, input_size_bytes=7)
    record = state_machine.transition(
        record, Status.STARTED, at(-5), start_time=at(-5), metrics=metrics
    )
    assert record.history[-1].timestamp == record.history[-2].end_timestamp == at(1)
    assert record.info.start_time == at(1)
    assert (record.info.metrics.queue_time_seconds, record.info.metrics.input_size_bytes) == (0, 7)


def test_end_before_the_beginning_took_no_time():
    record = replace(record_in(), info=replace(record_in().info, create_time=at(100)))
    record = state_machine.transition(record, Status.KILLED, at(-50))
    assert record.info.duration_seconds == record.info.metrics.total_seconds == 0.0
    assert record.info.end_time == at(0)
    assert state_machine.monotonic_time(record, at(-50)) == at(0)
    assert state_machine.monotonic_time(record, at(50)) == at(50)
