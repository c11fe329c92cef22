"""Which logs are read: those that people watch, else a few of what is in sight."""

import gc
import threading

import pytest

from inductiva_widgets.tasks import Task
from inductiva_widgets.widgets import log_metrics
from inductiva_widgets.widgets.log_metrics import LogMetrics
from tests.unit.conftest import wire_task
from tests.unit.widgets.fake_watches import FakeWatch

RUNNING = "computation-started"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    """Tell without the rest between two words, and on the test's thread."""
    monkeypatch.setattr(log_metrics, "PERIOD", 0.0)
    monkeypatch.setattr(threading.Timer, "start", lambda timer: timer.function(*timer.args))


@pytest.fixture
def tasks(service):
    """Return a function that makes computing tasks of the embedded server."""

    def make(count, status=RUNNING, is_local=True):
        client = service(*(wire_task(f"t{n}", status) for n in range(count)))
        client.transport.is_embedded = is_local
        made = [Task(f"t{n}", client=client) for n in range(count)]
        for task in made:
            task.get_info()
        return made

    return make


class Widget:
    """Somebody who is told."""

    def __init__(self, *tasks):
        self.told = []
        self.readings = LogMetrics(lambda task: self.told.append(task.id))
        self.readings.set_tasks(tasks)
        self.readings.resume()


def test_nothing_is_read_for_a_widget_that_was_never_seen(kernel, tasks):
    (task,) = tasks(1)
    one = LogMetrics(lambda _: None)
    one.set_tasks([task])
    assert kernel.quiet == []
    one.resume()
    assert kernel.reading == ["t0"]


@pytest.mark.parametrize("status", ["submitted", "started", "success", "pending-kill"])
def test_task_that_does_not_compute_is_not_read(kernel, tasks, status):
    Widget(*tasks(1, status))
    assert kernel.quiet == []


def test_reading_begins_with_the_computation(kernel, tasks):
    (task,) = tasks(1, "started")
    widget = Widget(task)
    task.client.transport.tasks["t0"].update(wire_task("t0", RUNNING))
    task.refresh()
    widget.readings.set_tasks([task])
    assert kernel.reading == ["t0"]


def test_news_are_told_and_the_watch_is_given(kernel, tasks):
    (task,) = tasks(1)
    widget = Widget(task)
    kernel.quiet[0].read(p=1.0)
    assert widget.told == ["t0"]
    assert widget.readings.watches_for(task) == kernel.quiet


def test_two_widgets_share_a_reading_which_ends_with_the_last_of_them(kernel, tasks):
    (task,) = tasks(1)
    first, second = Widget(task), Widget(task)
    assert len(kernel.quiet) == 1
    kernel.quiet[0].read(p=1.0)
    assert (first.told, second.told) == (["t0"], ["t0"])
    first.readings.close()
    assert not kernel.quiet[0].is_stopped
    second.readings.pause()
    assert kernel.quiet[0].is_stopped


def test_no_more_than_the_limit_are_read_and_the_next_begins_when_one_ends(kernel, tasks):
    made = tasks(log_metrics.MAX_AUTOMATIC_WATCHES + 2)
    widgets = [Widget(task) for task in made]
    assert kernel.reading == [task.id for task in made[: log_metrics.MAX_AUTOMATIC_WATCHES]]
    kernel.quiet[3].end()
    assert kernel.reading[-1] == made[log_metrics.MAX_AUTOMATIC_WATCHES].id
    # The last state of the one that has ended stays with its card.
    assert widgets[3].readings.watches_for(made[3]) == [kernel.quiet[3]]
    widgets[0].readings.pause()
    assert kernel.reading[-1] == made[log_metrics.MAX_AUTOMATIC_WATCHES + 1].id


def test_out_of_sight_nothing_is_read_and_coming_back_reads_anew(kernel, tasks):
    (task,) = tasks(1)
    widget = Widget(task)
    widget.readings.pause()
    assert kernel.reading == []
    widget.readings.resume()
    assert kernel.reading == ["t0"]


def test_own_expression_adds_to_what_the_card_reads_by_itself(kernel, tasks):
    (task,) = tasks(1)
    widget = Widget(task)
    own = FakeWatch(task, wall=[3.0])
    kernel.made.append(own)
    log_metrics._on_new_watch(own)
    assert kernel.reading == ["t0"]
    assert widget.readings.watches_for(task) == [own, kernel.quiet[0]]
    kernel.quiet[0].read(percent=5.0)
    assert widget.told == ["t0", "t0"]
    widget.readings.close()
    assert kernel.reading == []


def test_own_expression_alone_is_read_if_the_simulator_prints_no_known_numbers(
    kernel, tasks, monkeypatch
):
    monkeypatch.setattr(log_metrics, "preset_for", lambda _: None)
    (task,) = tasks(1)
    kernel.made.append(FakeWatch(task))
    widget = Widget(task)
    assert widget.readings.watches_for(task) == kernel.made
    assert kernel.quiet == []


def test_preset_of_a_person_takes_the_place_of_the_quiet_one(kernel, tasks):
    (task,) = tasks(1)
    widget = Widget(task)
    watch = FakeWatch(task)
    watch.has_preset = True
    kernel.made.append(watch)
    log_metrics._on_new_watch(watch)
    assert kernel.reading == []
    assert widget.told == ["t0"]
    assert widget.readings.watches_for(task) == [watch]
    watch.read(p=1.0)
    assert widget.told == ["t0", "t0"]


def test_watches_that_were_made_before_are_followed_whatever_their_number(kernel, tasks):
    made = tasks(log_metrics.MAX_AUTOMATIC_WATCHES + 4)
    kernel.made = [FakeWatch(task) for task in made]
    for watch in kernel.made:
        watch.has_preset = True
    widget = Widget(*made)
    assert kernel.quiet == []
    assert all(widget.readings.watches_for(task) for task in made)
    widget.readings.close()
    assert not any(watch.callbacks or watch.is_stopped for watch in kernel.made)


def test_watch_of_another_task_is_not_taken(kernel, tasks):
    one, other = tasks(2)
    widget = Widget(one)
    watch = FakeWatch(other)
    kernel.made.append(watch)
    log_metrics._on_new_watch(watch)
    assert watch.callbacks == []
    assert widget.readings.watches_for(one) == kernel.quiet


def test_cloud_is_read_only_where_it_can_be_and_the_numbers_are_known(kernel, tasks, monkeypatch):
    (task,) = tasks(1, is_local=False)
    monkeypatch.setattr(log_metrics, "can_stream_log", lambda _: False)
    Widget(task)
    assert kernel.quiet == []
    monkeypatch.setattr(log_metrics, "can_stream_log", lambda _: True)
    monkeypatch.setattr(log_metrics, "preset_for", lambda _: None)
    Widget(task)
    assert kernel.quiet == []
    monkeypatch.setattr(log_metrics, "preset_for", lambda _: "a preset")
    Widget(task)
    assert kernel.reading == ["t0"]


def test_words_come_no_faster_than_the_period_and_the_last_is_not_lost(kernel, tasks, monkeypatch):
    waiting = []
    monkeypatch.setattr(log_metrics, "PERIOD", 60.0)
    monkeypatch.setattr(threading.Timer, "start", lambda timer, *_: waiting.append(timer))
    monkeypatch.setattr(threading.Timer, "is_alive", lambda timer: timer in waiting)
    (task,) = tasks(1)
    widget = Widget(task)
    for _ in range(5):
        kernel.quiet[0].read(p=1.0)
    assert widget.told == ["t0"]
    (timer,) = waiting
    assert timer.interval == pytest.approx(60.0, abs=5.0)
    timer.function(*timer.args)
    assert widget.told == ["t0", "t0"]


def test_forgotten_widget_ends_its_reading(kernel, tasks):
    (task,) = tasks(1)
    widget = Widget(task)
    del widget
    gc.collect()
    kernel.quiet[0].read(p=1.0)
    assert kernel.quiet[0].is_stopped


def test_all_that_were_forgotten_end_at_the_next_word_of_one(kernel, tasks):
    widgets = [Widget(task) for task in tasks(3)]
    del widgets
    gc.collect()
    kernel.quiet[1].read(p=1.0)
    assert kernel.reading == []


def test_all_that_were_forgotten_end_with_the_next_request(kernel, tasks):
    *forgotten, task = tasks(4)
    widgets = [Widget(one) for one in forgotten]
    kernel.quiet[0].end()
    del widgets
    gc.collect()
    widget = Widget(task)
    assert kernel.reading == [task.id]
    assert list(log_metrics._pool._watches) == [widget.readings.watches_for(task)[0].task]


def test_closed_widget_begins_nothing_again(kernel, tasks):
    (task,) = tasks(1)
    widget = Widget(task)
    widget.readings.close()
    widget.readings.resume()
    widget.readings.set_tasks([task])
    assert kernel.reading == []
