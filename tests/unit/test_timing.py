from datetime import timedelta

import msgspec
import pytest

from inductiva_widgets import timing
from inductiva_widgets.models.tasks import TaskInfo
from inductiva_widgets.status import Status
from tests.unit.conftest import START, at, wire_task


def info(status="success", **fields):
    return msgspec.convert(
        msgspec.json.decode(msgspec.json.encode(wire_task(status=status, **fields))), TaskInfo
    )


def lengths(task, now=40):
    return {p.name: p.seconds(START + timedelta(seconds=now)) for p in timing.phases(task)}


def test_finished_task_has_all_phases_end_to_end():
    assert lengths(info()) == {"queue": 13, "preparing": 2, "computing": 10, "finalizing": 2}


def test_running_phase_grows():
    running = info("computation-started")
    assert lengths(running, 20)["computing"] == 4
    assert lengths(running, 21)["computing"] == 5
    assert timing.phases(running)[-1].end is None


def test_task_killed_in_the_queue_has_one_closed_phase():
    killed = info("killed", start_time=None, computation_start_time=None, computation_end_time=None)
    assert lengths(killed) == {"queue": 27}


@pytest.mark.parametrize("status", ["executer-terminated", "spot-instance-preempted", "killed"])
def test_task_cut_off_while_it_computed_has_no_finalizing_phase(status):
    cut = info(status, computation_end_time=at(28), end_time=at(28))
    assert lengths(cut) == {"queue": 13, "preparing": 2, "computing": 12}


def test_ended_task_without_an_end_time_does_not_grow():
    lost = info("executer-terminated", end_time=None, computation_end_time=None)
    assert lengths(lost, 100) == lengths(lost, 200)


@pytest.mark.parametrize("status", ["submitted", "started", "computation-started", "success"])
def test_a_clock_behind_the_services_gives_no_negative_time(status):
    early = START - timedelta(hours=1)
    task = info(status)
    assert all(phase.seconds(early) >= 0 for phase in timing.phases(task))
    assert (timing.computation_seconds(task, early) or 0) >= 0
    assert timing.total_seconds(task, early) >= 0


def test_computation_time_prefers_the_machines_own_measure():
    measured = info(metrics={"computation_seconds": 9.5})
    assert timing.computation_seconds(measured, START) == 9.5


def test_computation_time_of_a_task_that_never_computed_is_unknown():
    assert timing.computation_seconds(info("submitted"), START) is None


def test_total_time_counts_from_creation():
    assert timing.total_seconds(info(), START) == 28
    assert timing.total_seconds(info("started"), START + timedelta(seconds=20)) == 20


def test_computation_is_open_only_while_commands_run():
    assert timing.has_open_computation(info("computation-started"))
    assert not timing.has_open_computation(info("computation-ended"))
    assert not timing.has_open_computation(info("success"))
    assert at(0)


@pytest.mark.parametrize("status", ["pending-input", "killed"])
def test_task_that_was_never_queued_has_no_phases(status):
    marks = ("input_submit_time", "start_time", "computation_start_time", "computation_end_time")
    assert timing.phases(info(status, **dict.fromkeys(marks))) == []


ALL = ("queue", "preparing", "computing", "finalizing")


@pytest.mark.parametrize(
    ("status", "entered", "failed"),
    [
        ("failed", ALL, "computing"),
        ("ttl-exceeded", ALL, "computing"),
        ("failed", ALL[:2], "preparing"),
        ("executer-failed", ALL, "finalizing"),
        ("executer-failed", (), None),
        ("killed", ALL, None),
        ("success", ALL, None),
    ],
)
def test_failed_phase_is_that_of_the_command_or_the_last_one(status, entered, failed):
    assert timing.failed_phase(Status(status), entered) == failed
