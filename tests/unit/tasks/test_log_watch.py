"""Watches on a reading thread that the test plays itself."""

import gc
import threading
import warnings
import weakref
from typing import ClassVar

import pytest

from inductiva_widgets.errors import APIConnectionError, InputError
from inductiva_widgets.tasks import Task
from inductiva_widgets.tasks.log_watch import LogWatch, registry
from tests.unit.conftest import START
from tests.unit.tasks.conftest import ID, RESIDUAL


def requests(task):
    return task.client.transport.requests


def until(is_so):
    """Wait until another thread has done something."""
    done = threading.Event()
    for _ in range(6000):
        if is_so():
            return
        done.wait(0.01)
    raise AssertionError("it did not happen")


# Reading ----------------------------------------------------------------------------------------


def test_watch_reads_what_comes(task, reading):
    watch = task.watch(RESIDUAL)
    assert reading.asked == [(ID, "stdout.txt")]
    assert (watch.pattern, watch.series_names, watch.samples, watch.latest) == (RESIDUAL, (), 0, {})
    reading.come(b"residual 1.5\nresi", last_output=START)
    reading.come(b"dual 0.5\n", last_output=START)
    assert watch.series_names == ("residual",)
    assert watch.latest == {"residual": 0.5}
    assert watch.points() == {"residual": [(1, 1.5), (2, 0.5)]}
    assert watch.last_output == START
    assert not watch.is_finished
    assert repr(watch) == f"LogWatch({RESIDUAL!r}, 2 samples, residual=0.5)"


def test_watch_ends_with_its_task_and_has_the_last_line(task, reading):
    watch = task.watch(RESIDUAL)
    reading.come(b"residual 1\nresidual 2", is_finished=True)
    assert watch.is_finished
    assert watch.wait(0)
    assert watch.latest == {"residual": 2.0}
    assert reading.interests[0].is_cancelled


def test_stopped_watch_reads_no_further_and_keeps_what_it_has(task, reading):
    watch = task.watch(RESIDUAL)
    reading.come(b"residual 1\n")
    watch.stop()
    reading.come(b"residual 2\n")
    assert watch.is_finished
    assert watch.latest == {"residual": 1.0}
    assert reading.interests[0].is_cancelled
    assert "POST /tasks/kill" not in requests(task)


def test_preset_is_that_of_the_simulator_and_names_its_file(make, reading):
    watch = make(simulator="gromacs").watch()
    assert watch.pattern == "GROMACS steps"
    assert reading.asked == [(ID, "stderr.txt")]
    make(simulator="gromacs").watch(file="md.log")
    assert reading.asked[-1] == (ID, "md.log")


def test_preset_may_be_named_for_any_simulator(make, reading):
    watch = make(simulator="custom-image").watch(preset="gromacs")
    assert watch.pattern == "GROMACS steps"
    assert reading.asked == [(ID, "stderr.txt")]
    with pytest.raises(InputError, match="must not be given together"):
        make().watch(RESIDUAL, preset="gromacs")


def test_simulator_without_a_preset_needs_an_expression(make):
    with pytest.raises(InputError, match=r"What gprmax prints is not known here.*task.watch"):
        make(simulator="gprmax").watch()


@pytest.mark.parametrize(
    "options", [{"stop_if": "p > 1"}, {"stop_if": "?"}, {"then": "explode"}, {"end": {"x": 1}}]
)
def test_wrong_option_is_refused_and_begins_nothing(task, reading, options):
    with pytest.raises(InputError):
        task.watch(RESIDUAL, **options)
    assert reading.asked == []
    assert registry.for_task(task) == []


def test_expression_that_takes_too_long_ends_the_reading_with_an_error(task, reading):
    watch = task.watch(r"(?P<r>(a|aa)+)$")
    reading.come(b"a" * 4000 + b"b\n")
    assert "takes too long" in str(watch.error)
    assert watch.is_finished
    assert reading.interests[0].is_cancelled


def test_error_of_the_reading_is_shown_until_it_is_over(task, reading):
    watch = task.watch(RESIDUAL)
    reading.come(b"", error=APIConnectionError("no answer"))
    assert str(watch.error) == "no answer"
    reading.come(b"residual 1\n")
    assert watch.error is None


def test_scale_is_chosen_or_found(task, reading):
    found, chosen = task.watch(RESIDUAL), task.watch(RESIDUAL, log=False)
    reading.come(b"residual 1\nresidual 0\nresidual 1e-2\nresidual 1e-5\n")
    assert found.suits_log_scale("residual")
    assert found.points()["residual"] == [(1, 1.0), (3, 1e-2), (4, 1e-5)]
    assert not chosen.suits_log_scale("residual")
    assert chosen.points()["residual"][1] == (2, 0.0)


def test_frame_tells_where_it_is_from(task, reading):
    watch = task.watch(RESIDUAL)
    reading.come(b"residual 1\nresidual 2\n")
    frame = watch.to_frame()
    assert frame["residual"].tolist() == [1.0, 2.0]
    facts = frame.attrs["inductiva"]
    assert (facts["task"], facts["file"], facts["rows_read"]) == (ID, "stdout.txt", 2)


def test_expected_end_is_told_while_the_progress_goes_on(task, reading, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    watch = task.watch(r"(?P<percent>\d+)%")
    for percent in (0, 10, 20, 30):
        reading.come(f"{percent}%\n".encode())
        clock[0] += 2
    assert watch.progress == 0.3
    assert 12 < (watch.eta - task._state.server_time).total_seconds() < 15
    reading.come(b"100%\n", is_finished=True)
    assert watch.eta is None


def test_progress_that_is_not_finite_has_no_expected_end_and_is_shown(task, reading, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    watch = task.watch(r"(?P<percent>\S+)% (?P<residual>\S+)")
    for percent in (0, 10, 20, 30):
        reading.come(f"{percent}% 0.5\n".encode())
        clock[0] += 2
    assert watch.eta is not None
    assert watch.series_names == ("residual",)
    reading.come(b"nan% nan\n")
    assert (watch.progress, watch.eta) == (None, None)
    assert watch.series_names == ("percent", "residual")
    assert watch.gaps("percent")[0].start == 5


def test_log_that_is_too_fast_is_read_at_its_end(task, reading, monkeypatch):
    spent = [0.0]

    def thread_time():
        spent[0] += 3.0
        return spent[0]

    monkeypatch.setattr("time.thread_time", thread_time)
    # The matcher measures with the same clock: its own limit is not the subject here.
    monkeypatch.setattr("inductiva_widgets.metrics.matcher._CHUNK_BUDGET_NS", float("inf"))
    watch = task.watch(RESIDUAL)
    lines = b"".join(b"residual %d\n" % n for n in range(20_000))
    reading.come(lines)
    first = watch.samples
    assert first == 20_000
    reading.come(lines)
    assert watch.samples - first < 2000
    assert watch.latest == {"residual": 19_999.0}
    assert "faster than it is read" in watch.note
    reading.come(b"residual 1\n")
    assert watch.latest == {"residual": 1.0}
    assert watch.note == ""


# Conditions -------------------------------------------------------------------------------------


def kills(task):
    return [one for one in requests(task) if one.endswith("/kill")]


def test_condition_that_is_met_asks_once_to_kill_and_says_so(task, reading):
    watch = task.watch(RESIDUAL, stop_if="residual > 1e3 for 2 samples")
    reading.come(b"residual 2e3\nresidual 1\nresidual 2e3\n")
    assert kills(task) == []
    reading.come(b"residual 3e3\nresidual 4e3\n")
    until(lambda: watch.note.startswith("Asked to kill"))
    assert watch.note == "Asked to kill: residual > 1e3 for 2 samples (row 4)"
    reading.come(b"residual 5e3\n")
    assert len(kills(task)) == 1


def test_condition_set_during_a_run_is_judged_by_the_rows_after_it(task, reading):
    watch = task.watch(RESIDUAL, stop_if="residual > 1e3 for 2 samples", then="notify")
    # The last row that was begun before is half written.
    reading.come(b"residual 2e3\nresidual 3e3\nresidual 4e3\nresi", is_backlog=True)
    assert watch.latest == {"residual": 4e3}
    assert watch.samples == 3
    reading.come(b"dual 5\nresidual 2e3\n")
    assert watch.note == ""
    assert watch.conditions == [
        (
            "Says so if residual > 1e3 for 2 samples",
            "residual is 2,000, 1 of 2 samples, judged from row 4 on",
        )
    ]
    reading.come(b"residual 2e3\n")
    assert watch.note == "Condition met: residual > 1e3 for 2 samples (row 6)"
    assert watch.conditions[0][1] == "met at row 6"


def test_condition_from_the_start_is_judged_by_the_rows_before_it_too(task, reading):
    watch = task.watch(RESIDUAL, stop_if="residual > 1e3", from_start=True, then="notify")
    reading.come(b"residual 2e3\n", is_backlog=True)
    assert watch.note == "Condition met: residual > 1e3 (row 1)"


@pytest.mark.parametrize("status", ["pending-input", "submitted", "started"])
def test_rows_of_a_task_that_did_not_compute_yet_all_come_after_the_condition(
    make, reading, status
):
    watch = make(status=status).watch(RESIDUAL, stop_if="residual > 1e3", then="notify")
    reading.come(b"residual 2e3\n", is_backlog=True)
    assert watch.note == "Condition met: residual > 1e3 (row 1)"


def test_function_and_action_are_not_called_for_rows_before_them(task, reading):
    asked, called = [], []
    task.watch(RESIDUAL, stop_if=lambda last: asked.append(last) or True, then=called.append)
    reading.come(b"residual 2e3\n", is_backlog=True)
    assert (asked, called) == ([], [])
    reading.come(b"residual 7\n")
    assert asked == [{"residual": 7.0}]
    until(lambda: called)


def test_step_that_was_begun_before_a_condition_is_not_judged(make, reading):
    task = make(simulator="openfoam_foundation")
    watch = task.watch(stop_if="p > 1", then="notify")
    reading.come(b"Time = 1\nSolving for p, Initial residual = 9, F\n", is_backlog=True)
    reading.come(b"Time = 2\nSolving for p, Initial residual = 0.5, F\nTime = 3\n")
    assert watch.samples == 2
    assert watch.note == ""
    reading.come(b"Solving for p, Initial residual = 2, F\nTime = 4\n")
    assert watch.note == "Condition met: p > 1 (row 3)"


@pytest.mark.parametrize(
    ("then", "verb"),
    [("kill", "Kills the task"), ("notify", "Says so"), (print, "Calls print()")],
)
def test_conditions_say_what_they_do_and_how_they_stand(task, reading, then, verb):
    watch = task.watch(RESIDUAL, stop_if=["residual > 9", all], then=then)
    assert watch.conditions == [
        (f"{verb} if residual > 9", "no value of residual yet"),
        (f"{verb} if all() is true", ""),
    ]
    task.watch(RESIDUAL)
    reading.come(b"", is_finished=True)
    assert [state for _, state in watch.conditions] == ["was not met"] * 2


def test_title_is_the_preset_or_the_names_of_the_series(make, reading):
    assert make(simulator="swmm").watch().title == "SWMM progress"
    assert make().watch(RESIDUAL).title == "residual"
    assert make().watch(r"(\d+)").title == "value"
    named = make().watch(r"(?P<series>\w+)=(?P<value>\S+)")
    assert named.title == "Numbers in stdout.txt"
    reading.come(b"a=1\nb=2\nc=3\nd=4\ne=5\n")
    assert named.title == "a, b, c, d and 1 more"


def test_subscription_is_readable_at_the_end_of_a_cell(task, reading):
    assert repr(task.watch(RESIDUAL).subscribe(print)) == (
        "<print at news of a watch; cancel() ends it>"
    )


def test_condition_may_only_notify_or_call(task, reading):
    called = []
    noted = task.watch(RESIDUAL, stop_if="residual is nan", then="notify")
    calling = task.watch(RESIDUAL, stop_if=lambda last: last["residual"] > 1, then=called.append)
    reading.come(b"residual 2\nresidual nan\n")
    until(lambda: called)
    assert called == [calling]
    assert noted.note == "Condition met: residual is nan (row 2)"
    assert calling.note == "Condition met: your function (row 1)"
    assert kills(task) == []


def test_condition_that_an_ended_task_met_kills_nothing(make, reading):
    task = make(status="success")
    watch = task.watch(RESIDUAL, stop_if="residual > 1")
    reading.come(b"residual 2\n", is_finished=True)
    assert watch.note == "Condition met: residual > 1 (row 1)"
    assert kills(task) == []


def test_kill_that_fails_is_said_and_tried_again(task, reading, monkeypatch):
    monkeypatch.setattr("inductiva_widgets.tasks.log_watch._FIRST_PAUSE", 0.01)
    tries, may_go = [], threading.Event()

    def kill():
        tries.append(1)
        if not may_go.is_set():
            raise APIConnectionError("no answer")

    monkeypatch.setattr(task, "kill", kill)
    watch = task.watch(RESIDUAL, stop_if="residual > 1")
    reading.come(b"residual 2\n")
    until(lambda: len(tries) >= 2)
    assert watch.note.startswith("Could not ask to kill, trying again: residual > 1 (row 1).")
    may_go.set()
    until(lambda: watch.note == "Asked to kill: residual > 1 (row 1)")


def test_series_that_a_condition_names_and_the_log_does_not_is_told(make, reading):
    watch = make(simulator="openfoam_foundation").watch(stop_if="P > 1")
    with pytest.warns(UserWarning, match="No series 'P' so far; there is time, p"):
        reading.come(b"Time = 1\nSolving for p, Initial residual = 1, F\nTime = 2\n")
    assert watch.note == "No series 'P' so far; there is time, p."


def test_expression_that_no_line_matches_is_noted_with_the_reason(task, reading):
    watch = task.watch(r"^residual (?P<residual>\S+)")
    reading.come(b"  residual 1\n")
    assert watch.note == ""
    reading.come(b"  residual 2\n", is_finished=True)
    assert watch.note.startswith("None of the 2 lines read so far matches")
    assert r"Lines keep their spaces: begin the expression with \s*." in watch.note


def test_line_that_is_too_long_is_noted_and_gives_no_number(task, reading):
    watch = task.watch(RESIDUAL)
    reading.come(b"residual 5\nresidual 1" + b"2" * 20_000 + b"\n")
    assert watch.latest == {"residual": 5.0}
    assert watch.note == "1 line was left out: longer than 16,384 bytes."


def test_rows_have_the_time_at_which_they_were_read(task, reading):
    watch = task.watch(RESIDUAL)
    reading.come(b"residual 1\n", is_backlog=True)
    reading.come(b"residual 2\n")
    before, live = watch.to_frame()["read_at"]
    assert str(before) == "NaT"
    assert abs((live - task._state.server_time).total_seconds()) < 60


def test_condition_on_a_kind_of_series_judges_all_of_them(make, reading):
    watch = make(simulator="openfoam_foundation").watch(stop_if="residual is nan", then="notify")
    reading.come(b"Time = 1\nSolving for p, Initial residual = 1, F\n")
    reading.come(b"Solving for k, Initial residual = nan, F\nTime = 2\n")
    assert watch.note == "Condition met: residual is nan (row 1)"


def test_function_that_fails_is_shown_once_and_the_reading_goes_on(task, reading):
    def broken(last):
        return last["resdual"] > 1

    watch = task.watch(RESIDUAL, stop_if=broken)
    with pytest.warns(UserWarning, match="The condition of a watch failed: KeyError") as caught:
        reading.come(b"residual 1\nresidual 2\n")
    assert len(caught) == 1
    assert "KeyError" in str(watch.error)
    assert watch.samples == 2
    assert kills(task) == []


# Listeners, and how long a watch lives ----------------------------------------------------------


def test_listeners_are_told_at_most_once_a_second_and_of_the_end(task, reading, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    monkeypatch.setattr("threading.Timer", Later)
    Later.made.clear()
    told = []
    watch = task.watch(RESIDUAL)
    cancel = watch.subscribe(lambda: told.append(watch.samples))
    for n in range(5):
        clock[0] += 0.1
        reading.come(b"residual %d\n" % n)
    assert told == [1]
    (later,) = Later.made
    later.call()
    assert told == [1, 5]
    reading.come(b"", is_finished=True)
    assert told == [1, 5, 5]
    cancel()
    watch.stop()
    assert len(told) == 3


class Later:
    """Stands for a timer, rung by the test."""

    made: ClassVar = []

    def __init__(self, _seconds, call):
        self.call = call
        self.made.append(self)

    def start(self):
        pass


def test_listener_that_fails_does_not_keep_others_from_the_news(task, reading):
    told = []
    watch = task.watch(RESIDUAL)
    watch.subscribe(lambda: 1 / 0)
    watch.subscribe(lambda: told.append(1))
    with pytest.warns(UserWarning, match="A listener of a watch failed: ZeroDivisionError"):
        reading.come(b"residual 1\n")
    assert told == [1]


def test_watch_of_a_user_lives_without_a_variable_until_its_task_ends(task, reading):
    made = weakref.ref(task.watch(RESIDUAL))
    gc.collect()
    assert registry.for_task(Task(ID, client=task.client)) == [made()]
    reading.come(b"residual 1\n", is_finished=True)
    gc.collect()
    assert made() is None
    assert registry.for_task(task) == []


def test_quiet_watch_ends_when_nobody_keeps_it(make, reading):
    task = make(simulator="swmm")
    watch = LogWatch.automatic(task)
    assert watch.pattern == "SWMM progress"
    assert registry.for_task(task) == [watch]
    del watch
    assert registry.for_task(task) == []
    assert reading.interests[0].is_cancelled
    reading.come(b"10%\n")


def test_quiet_watch_without_a_preset_tells_of_the_growth_alone(make, reading):
    watch = LogWatch.automatic(make(simulator="gprmax"))
    reading.come(b"residual 1\n", last_output=START, is_finished=True)
    assert (watch.pattern, watch.series_names, watch.samples, watch.progress) == (None, (), 0, None)
    assert watch.last_output == START
    assert watch.points() == {}
    assert watch.to_frame().empty


def test_others_learn_of_new_watches_of_users(task, reading):
    seen = []
    cancel = registry.on_new_watch(seen.append)
    LogWatch.automatic(task)
    watch = task.watch(RESIDUAL)
    cancel()
    task.watch(RESIDUAL)
    assert seen == [watch]


def test_nothing_warns_while_all_is_well(task, reading):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        watch = task.watch(RESIDUAL, stop_if="residual > 5", notify=True)
        reading.come(b"residual 1\n", is_finished=True)
    assert watch.error is None
    assert watch.notify
