"""A card and what is read of its task's log."""

import threading

import pytest

from inductiva_widgets.errors import APIConnectionError, InputError
from inductiva_widgets.polling import PollStatus, get_poller
from inductiva_widgets.tasks import Task
from inductiva_widgets.widgets import TaskWidget, log_metrics
from inductiva_widgets.widgets.log_metrics import _on_new_watch
from tests.unit.conftest import wire_task
from tests.unit.widgets.fake_watches import FakeWatch
from tests.unit.widgets.test_visibility import tell

RUNNING = "computation-started"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    """Tell without the rest between two words, on the test's thread; no poller runs."""
    monkeypatch.setattr(log_metrics, "PERIOD", 0.0)
    monkeypatch.setattr(threading.Thread, "start", lambda _: None)
    monkeypatch.setattr(threading.Timer, "start", lambda timer: timer.function(*timer.args))


@pytest.fixture
def card(service):
    def make(status=RUNNING, is_local=True):
        client = service(wire_task("t1", status))
        client.transport.is_embedded = is_local
        return TaskWidget(Task("t1", client=client))

    return make


def end(card, status="success"):
    card.task.client.transport.tasks["t1"].update(wire_task("t1", status))
    card.task.refresh()
    card._show_task([card.task])


def names(card):
    return [one["name"] for one in card.log_metrics["series"]]


def test_invisible_card_reads_nothing(card, kernel):
    one = card()
    assert one.log_metrics is None
    assert kernel.quiet == []
    tell(one, "a", True)
    assert kernel.reading == ["t1"]
    tell(one, "a", False)
    assert kernel.reading == []


def test_card_begins_to_read_with_the_computation(card, kernel):
    one = card("started")
    tell(one, "a", True)
    assert kernel.quiet == []
    end(one, RUNNING)
    kernel.quiet[0].read(p=1.0)
    assert names(one) == ["p"]


def test_last_state_stays_after_the_end_and_in_the_twin(card, kernel):
    one = card()
    tell(one, "a", True)
    watch = kernel.quiet[0]
    watch.progress = 0.5
    for value in (1.0, 0.1, 0.25):
        watch.read(p=value)
    watch.end()
    end(one)
    assert (names(one), one.log_metrics["can_grow"]) == (["p"], False)
    twin = one._repr_mimebundle_()[0]
    assert "p: 0.25" in twin["text/plain"]
    assert "Progress: 50%" in twin["text/plain"]
    assert "<svg" in twin["text/html"]


def test_words_that_come_after_the_end_still_reach_a_card_that_was_frozen(card, kernel):
    one = card()
    tell(one, "a", True)
    one.freeze_when_finished()
    end(one)
    assert one.comm is None or one.comm._closed
    kernel.quiet[0].read(p=7.0)
    assert names(one) == ["p"]
    assert "p: 7" in one._static_mimebundle()["text/plain"]


def test_closed_card_of_a_running_task_reads_no_more(card, kernel):
    one = card()
    tell(one, "a", True)
    one.close()
    assert kernel.reading == []


def test_later_watch_is_shown_with_its_error(card, kernel):
    # The cloud, without what it takes to read there.
    one = card(is_local=False)
    tell(one, "a", True)
    assert kernel.quiet == [] or one.log_metrics is None
    watch = FakeWatch(one.task)
    watch.error = InputError('pip install "inductiva-widgets[live]"')
    kernel.made.append(watch)
    _on_new_watch(watch)
    assert "[live]" in one.log_metrics["error"]["detail"]


def test_watch_turns_the_notification_on_and_the_person_may_turn_it_off(card, kernel):
    one = card()
    watch = FakeWatch(one.task)
    watch.notify = True
    kernel.made.append(watch)
    tell(one, "a", True)
    assert one.notify is True
    one.notify = False
    watch.read(p=1.0)
    assert one.notify is False


def test_what_has_not_changed_is_not_sent_again(card, kernel):
    one = card()
    tell(one, "a", True)
    kernel.quiet[0].read(p=1.0)
    told = []
    one.observe(told.append, "log_metrics")
    kernel.quiet[0].notify_subscribers()
    assert told == []


def test_card_of_a_finished_task_does_not_keep_an_error_of_the_poller(card, kernel):
    client = card("success").task.client
    poller = get_poller(client)
    poller.status = PollStatus.failed(APIConnectionError("offline"), None, 1000.0)
    one = TaskWidget(Task("t1", client=client))
    assert one.poll_status["problem"] == "offline"
    assert poller.has_work()
    poller.poll_once()
    assert one.poll_status["problem"] is None
    assert not poller.has_work()
