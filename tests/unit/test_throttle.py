import threading
import time

import pytest

from inductiva_widgets._throttle import ThrottledNotifier


@pytest.fixture
def errors():
    return []


@pytest.fixture
def make(errors):
    """Return what makes a notifier, the list of threads that call its listener, and an event."""

    def make(period):
        notifier = ThrottledNotifier(errors.append, period)
        threads, called = [], threading.Event()
        notifier.subscribe(lambda: (threads.append(threading.current_thread()), called.set()))
        return notifier, threads, called

    return make


def test_notify_first_calls_the_listener_on_the_same_thread(make):
    notifier, threads, _ = make(60)
    notifier.notify()
    assert threads == [threading.current_thread()]


def test_notify_within_the_period_is_delivered_once_after_it(make):
    notifier, threads, called = make(0.2)
    notifier.notify()
    called.clear()
    begin = time.monotonic()
    for _ in range(5):
        notifier.notify()
    assert len(threads) == 1
    assert called.wait(30)
    assert time.monotonic() - begin > 0.1
    assert len(threads) == 2


def test_notify_in_thread_never_calls_the_listener_on_the_thread_of_the_caller(make):
    notifier, threads, called = make(0)
    notifier.notify(in_thread=True)
    assert called.wait(30)
    assert threads != [threading.current_thread()]


def test_cancel_drops_a_pending_notification(make):
    notifier, threads, _ = make(60)
    notifier.notify()
    notifier.notify()
    notifier.cancel()
    notifier.notify(at_once=True)
    assert threads == [threading.current_thread()] * 2


def test_listener_that_raises_is_reported_and_the_others_are_called(make, errors):
    notifier, threads, _ = make(60)
    notifier.subscribe(lambda: 1 / 0)
    notifier.subscribe(lambda: threads.append(None))
    notifier.notify()
    assert [type(error) for error in errors] == [ZeroDivisionError]
    assert threads == [threading.current_thread(), None]
