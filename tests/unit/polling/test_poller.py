"""The poller, ticked by hand; what runs on its thread is tested with real servers elsewhere."""

import threading

import pytest

from inductiva_widgets.errors import APIConnectionError, AuthenticationError
from inductiva_widgets.polling.poller import FAST, NORMAL, SLOW, Poller, Subscription, get_poller
from inductiva_widgets.tasks import Task, TaskList, get
from tests.unit.conftest import wire_task


class Listener:
    def __init__(self):
        self.news, self.feeds = [], []

    def subscription(self, tasks):
        return Subscription(
            tasks,
            lambda tasks: self.news.append(
                [f"{task.id}:{task._state.last_info.status}" for task in tasks]
            ),
            self.feeds.append,
        )


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def world(service, clock, monkeypatch):
    """Return a client, its poller (which never starts its thread), a listener and its tasks."""
    monkeypatch.setattr(threading.Thread, "start", lambda _: None)

    def make(*tasks):
        client = service(*tasks)
        poller = Poller(client, clock=clock)
        listener = Listener()
        found = get(last_n=500, client=client)
        subscription = listener.subscription(found)
        poller.subscribe(subscription)
        client.transport.calls.clear()
        return client, poller, listener, subscription

    return make


def live(n, status="computation-started"):
    return [wire_task(f"t{i}", status) for i in range(n)]


def test_a_hundred_live_tasks_cost_one_request_a_tick(world):
    client, poller, *_ = world(*live(100))
    poller.poll_once()
    poller.poll_once()
    assert client.transport.requests == ["GET /tasks", "GET /tasks"]
    assert client.transport.calls[0][2]["active"] is True


def test_one_live_task_costs_its_status_alone(world):
    client, poller, *_ = world(*live(1))
    poller.poll_once()
    client.transport.calls.clear()
    poller.poll_once()
    assert client.transport.requests == ["GET /tasks/t0/status"]


def test_queue_positions_are_requested_only_after_a_change(world):
    client, poller, _, subscription = world(*live(3, "submitted"), *live(1))
    subscription.positions.update({"t1", "t2"})
    client.transport.ahead.update(t1=1, t2=2)
    poller.poll_once()
    poller.poll_once()
    asked = ["GET /tasks", "GET /tasks/t1/status", "GET /tasks/t1"]
    assert client.transport.requests[:3] == asked
    assert client.transport.requests[-1] == "GET /tasks"
    assert subscription.tasks["t2"]._state.queue_position == 2
    client.transport.tasks["t0"].update(wire_task("t0", "success"))
    client.transport.ahead.update(t1=0, t2=1)
    poller.poll_once()
    assert subscription.tasks["t2"]._state.queue_position == 1


def test_finished_tasks_are_not_polled(world):
    client, poller, listener, _ = world(wire_task("done"))
    poller.poll_once()
    assert client.transport.requests == []
    assert listener.news == []


def test_only_changed_tasks_are_delivered(world):
    client, poller, listener, _ = world(*live(5))
    poller.poll_once()
    listener.news.clear()
    client.transport.tasks["t3"].update(wire_task("t3", "success"))
    poller.poll_once()
    assert listener.news == [["t3:success"]]
    poller.poll_once()
    assert listener.news == [["t3:success"]]


def test_end_that_a_wait_saw_first_is_delivered(world):
    client, poller, listener, subscription = world(*live(1))
    poller.poll_once()
    client.transport.tasks["t0"].update(wire_task("t0", "success"))
    subscription.tasks["t0"].refresh()
    assert poller.has_work()
    poller.poll_once()
    assert listener.news[-1] == ["t0:success"]
    assert not poller.has_work()


def test_objects_of_one_task_share_the_request_and_the_update(world):
    client, poller, first, _ = world(*live(1))
    second = Listener()
    other = second.subscription(TaskList([Task("t0", client=client)]))
    poller.subscribe(other)
    poller.poll_once()
    client.transport.tasks["t0"].update(wire_task("t0", "failed"))
    client.transport.calls.clear()
    poller.poll_once()
    assert client.transport.requests == ["GET /tasks/t0/status", "GET /tasks/t0"]
    assert first.news[-1] == second.news[-1] == ["t0:failed"]


def test_offline_service_is_reported_with_its_time_and_polled_less_often(world, clock):
    client, poller, listener, _kept = world(*live(2))
    poller.poll_once()
    client.transport.fail_with = APIConnectionError("refused")
    pauses = []
    for _ in range(6):
        clock.now += 5
        poller.poll_once()
        pauses.append(poller.next_delay())
    assert listener.feeds[-1].offline_since == 1005.0
    assert listener.feeds[-1].error == "refused"
    assert pauses == sorted(pauses)
    assert pauses[-1] == 30.0
    client.transport.fail_with = None
    poller.poll_once()
    assert listener.feeds[-1].offline_since is None
    assert poller.next_delay() == FAST


def test_refused_key_is_reported_and_polled_slowly(world):
    client, poller, listener, _ = world(*live(1))
    client.transport.fail_with = AuthenticationError("refused", status=401)
    poller.poll_once()
    assert listener.feeds[-1].error == "refused"
    assert poller.next_delay() == 30.0


def test_idle_poller_polls_less_often(world, clock):
    _, poller, *_ = world(*live(2))
    poller.poll_once()
    assert poller.next_delay() == FAST
    clock.now += 300
    assert poller.next_delay() == NORMAL
    clock.now += 3000
    assert poller.next_delay() == SLOW
    poller.poll_now()
    assert poller.next_delay() == FAST


def test_cancelled_subscription_gets_no_updates_and_stops_the_poller(world):
    _, poller, listener, subscription = world(*live(3))
    subscription.cancel()
    poller.poll_once()
    assert (listener.news, listener.feeds) == ([], [])
    assert not poller.has_work()


def test_collected_subscription_stops_the_poller(service, clock, monkeypatch):
    monkeypatch.setattr(threading.Thread, "start", lambda _: None)
    client = service(*live(1))
    poller = Poller(client, clock=clock)
    poller.subscribe(Listener().subscription(get(client=client)))
    import gc

    gc.collect()
    assert not poller.has_work()


def test_failing_callback_does_not_affect_other_subscriptions(world, caplog):
    client, poller, listener, _ = world(*live(1))

    def fail(_):
        raise RuntimeError("listener broke")

    bad = Subscription(get(client=client), fail, fail)
    poller.subscribe(bad)
    poller.poll_once()
    client.transport.tasks["t0"].update(wire_task("t0", "success"))
    poller.poll_once()
    assert listener.news[-1] == ["t0:success"]
    assert "listener broke" in caplog.text


def test_get_poller_returns_one_poller_per_service(service):
    client = service()
    assert get_poller(client) is get_poller(client)
    assert get_poller(client) is not get_poller(service())
