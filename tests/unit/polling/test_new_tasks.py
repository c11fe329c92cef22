"""New tasks of an account, found by the poller; ticked by hand."""

import threading
from datetime import timedelta

import pytest

from inductiva_widgets.errors import APIConnectionError
from inductiva_widgets.polling.poller import PER_PAGE, PERIOD, NewTaskSubscription, Poller
from tests.unit.conftest import START, at, wire_task


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def world(service, monkeypatch):
    """Return a service, its poller, a clock, and the follower of what it has."""
    monkeypatch.setattr(threading.Thread, "start", lambda _: None)
    kept = []

    def make(*tasks, since=START):
        client, clock, found = service(*tasks), Clock(), []
        known = {task["task_id"] for task in tasks}

        def take(infos):
            known.update(info.task_id for info in infos)
            found.append([info.task_id for info in infos])

        poller = Poller(client, clock=clock)
        follow = NewTaskSubscription(known.__contains__, since, take, clock=clock)
        poller.subscribe(follow)
        kept.append(follow)
        return client, poller, clock, follow, found

    return make


def submit(client, *tasks):
    client.transport.tasks = {**{t["task_id"]: t for t in tasks}, **client.transport.tasks}


def look(poller, clock):
    clock.now += PERIOD
    poller.poll_once()


def test_new_tasks_are_delivered_once_newest_first(world):
    client, poller, clock, _follow, found = world(wire_task("t0"))
    look(poller, clock)
    assert found == []
    submit(client, wire_task("t2"), wire_task("t1"))
    look(poller, clock)
    look(poller, clock)
    assert found == [["t2", "t1"]]


def test_poll_for_new_tasks_costs_one_request_every_few_seconds(world):
    client, poller, clock, _follow, _ = world(wire_task("t0"))
    look(poller, clock)
    poller.poll_once()
    assert client.transport.requests == ["GET /tasks"]
    assert client.transport.calls[0][2]["per_page"] == PER_PAGE


def test_many_new_tasks_are_read_page_by_page(world):
    client, poller, clock, _follow, found = world(wire_task("t0"))
    submit(client, *(wire_task(f"n{n}") for n in range(PER_PAGE + 5)))
    look(poller, clock)
    assert len(found[0]) == PER_PAGE + 5
    assert len(client.transport.requests) == 2


def test_tasks_older_than_the_list_are_not_new(world):
    since = START + timedelta(seconds=10)
    client, poller, clock, _follow, found = world(wire_task("t0", create_time=at(10)), since=since)
    client.transport.tasks["left-out"] = wire_task("left-out", create_time=at(5))
    submit(client, wire_task("t1", create_time=at(11)))
    look(poller, clock)
    assert found == [["t1"]]


def test_follower_keeps_the_poller_at_work_until_it_is_cancelled(world):
    _client, poller, _clock, follow, _found = world(wire_task("t0"))
    assert poller.has_work()
    follow.cancel()
    assert not poller.has_work()


def test_failed_request_for_new_tasks_is_reported_and_repeated(world):
    client, poller, clock, _follow, found = world(wire_task("t0"))
    client.transport.fail_with = APIConnectionError("gone")
    look(poller, clock)
    assert poller.status.error == "gone"
    client.transport.fail_with = None
    submit(client, wire_task("t1"))
    look(poller, clock)
    assert found == [["t1"]]
