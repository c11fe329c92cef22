"""What one failing task, subscription or request does to the others: nothing."""

import gc
import itertools
import sys
import threading
import time

import pytest

from inductiva_widgets import errors
from inductiva_widgets.polling import NewTaskSubscription, Poller, Subscription, WeakList, poller
from inductiva_widgets.tasks import get
from tests.unit.conftest import START, wire_task
from tests.unit.polling.test_poller import Clock, Listener, live

FAULTS = {
    "404": errors.NotFoundError("no such task", status=404),
    "403": errors.AuthenticationError("not yours", status=403),
    "422": errors.InvalidRequestError("malformed", status=422),
    "429": errors.RateLimitError("too many", status=429),
    "500": errors.ServerError("oops", status=500),
    "no-json": errors.UnexpectedResponseError("HTML"),
    "cut-off": errors.APIConnectionError("reset"),
    "bug": RuntimeError("no error of ours"),
}


@pytest.fixture
def world(service, monkeypatch):
    """Return a maker of a service with live tasks, its poller without a thread, and a listener."""
    kept = []

    def make(*tasks):
        client, clock, listener = service(*tasks), Clock(), Listener()
        subject = Poller(client, clock=clock)
        subscription = listener.subscription(get(last_n=100_000, client=client))
        # Listings of several pages use threads, hence only now.
        monkeypatch.setattr(threading.Thread, "start", lambda _: None)
        troubles = {}

        def note(task, trouble):
            troubles.setdefault(task.id, []).append(trouble)

        subscription.on_trouble = note
        subject.subscribe(subscription)
        client.transport.calls.clear()
        kept.append(subscription)
        return client, subject, clock, listener, troubles, subscription

    return make


@pytest.fixture
def background(monkeypatch):
    """Collect what would run on threads of its own."""
    jobs = []

    def spawn(action, on_error, _):
        jobs.append((action, on_error))

    monkeypatch.setattr(poller, "run_in_thread", spawn)

    def run():
        while jobs:
            action, on_error = jobs.pop(0)
            try:
                action()
            except Exception as error:
                on_error(error)

    run.jobs = jobs
    return run


def fail(client, task_id, error, path=""):
    def hook():
        if error is not None:
            raise error

    client.transport.hooks[f"GET /tasks/{task_id}{path}"] = hook


def tick(subject, clock, seconds=1.0):
    clock.now += seconds
    subject.poll_once()


def details(client):
    found = [path for path in client.transport.requests if path != "GET /tasks"]
    client.transport.calls.clear()
    return found


@pytest.mark.parametrize("error", FAULTS.values(), ids=FAULTS)
def test_task_whose_request_fails_is_the_only_one_affected(world, error):
    client, subject, clock, listener, troubles, _ = world(*live(3))
    fail(client, "t0", error)
    del client.transport.tasks["t0"]
    client.transport.tasks["t2"].update(wire_task("t2", "success"))
    tick(subject, clock)
    assert details(client) == ["GET /tasks/t0", "GET /tasks/t2"]
    assert listener.news == [["t2:success"]]
    assert listener.feeds[-1].updated == clock.now
    assert listener.feeds[-1].offline_since is None
    assert subject.next_delay() == 1.0
    assert list(troubles) == ["t0"]
    assert troubles["t0"][0].status.error
    client.transport.tasks["t1"].update(wire_task("t1", "failed"))
    tick(subject, clock)
    assert listener.news[-1] == ["t1:failed"]


@pytest.mark.parametrize("error", FAULTS.values(), ids=FAULTS)
def test_failing_task_is_asked_for_less_and_less_often(world, error):
    client, subject, clock, *_ = world(*live(3))
    fail(client, "t0", error)
    del client.transport.tasks["t0"]
    asked_at = []
    for _ in range(400):
        tick(subject, clock)
        asked_at += [clock.now] * len(details(client))
    pauses = [later - before for before, later in itertools.pairwise(asked_at)]
    assert pauses[:3] == [5.0, 10.0, 20.0]
    assert pauses == sorted(pauses)


@pytest.mark.parametrize("error", FAULTS.values(), ids=FAULTS)
def test_task_that_finishes_by_another_request_is_no_longer_in_trouble(world, error):
    client, subject, clock, _, troubles, subscription = world(*live(3))
    fail(client, "t0", error)
    client.transport.tasks["t0"].update(wire_task("t0", "success"))
    tick(subject, clock)
    assert troubles["t0"][-1] is not None
    fail(client, "t0", None)
    subscription.tasks["t0"]._state.refresh()
    tick(subject, clock)
    assert troubles["t0"][-1] is None


def test_error_is_withdrawn_if_the_last_live_task_finishes_by_another_request(world):
    client, subject, clock, listener, troubles, subscription = world(*live(1))
    fail(client, "t0", FAULTS["500"], "/status")
    tick(subject, clock)
    client.transport.fail_with = FAULTS["cut-off"]
    tick(subject, clock, 60.0)
    assert listener.feeds[-1].offline_since is not None
    # The answer of another request arrives during the failed tick, and is delivered by it.
    client.transport.fail_with = None
    client.transport.tasks["t0"].update(wire_task("t0", "success"))
    client.transport.hooks.clear()
    subscription.tasks["t0"]._state.refresh()
    subscription.notify_pending()
    assert subject.has_work()
    tick(subject, clock)
    assert listener.feeds[-1].offline_since is None
    assert troubles["t0"][-1] is None
    assert not subject.has_work()


def test_task_that_answers_again_is_no_longer_in_trouble(world):
    client, subject, clock, listener, troubles, _ = world(*live(2))
    fail(client, "t0", FAULTS["500"])
    client.transport.tasks["t0"].update(wire_task("t0", "success"))
    tick(subject, clock)
    fail(client, "t0", None)
    tick(subject, clock, 5.0)
    assert listener.news[-1] == ["t0:success"]
    assert [trouble and trouble.status.problem for trouble in troubles["t0"]] == [
        "service error (500)",
        None,
    ]


def test_status_of_the_listing_is_shown_if_the_detail_fails(world):
    client, subject, clock, listener, *_ = world(*live(2, "submitted"))
    fail(client, "t0", FAULTS["500"])
    client.transport.tasks["t0"].update(wire_task("t0", "started"))
    tick(subject, clock)
    assert listener.news == [["t0:started"]]


@pytest.mark.parametrize("count", [1, 3])
def test_removed_task_is_said_to_be_gone_and_finally_not_asked_for(world, count):
    client, subject, clock, listener, troubles, subscription = world(*live(count))
    del client.transport.tasks["t0"]
    tick(subject, clock)
    assert troubles["t0"][0].is_gone
    assert "does not know this task any more" in troubles["t0"][0].status.notice
    assert listener.feeds[-1].offline_since is None
    assert subject.next_delay() == 1.0
    for _ in range(10):
        tick(subject, clock, 600.0)
    assert troubles["t0"][-1].is_final
    client.transport.calls.clear()
    tick(subject, clock, 100_000.0)
    assert [path for path in client.transport.requests if "t0" in path] == []
    assert subject.has_work() == (count > 1)
    # Shown again, as by running the cell again.
    subject.subscribe(subscription)
    subject.poll_once()
    assert any("t0" in path for path in client.transport.requests)


@pytest.mark.parametrize("error", [FAULTS["403"], FAULTS["500"], FAULTS["cut-off"]])
@pytest.mark.parametrize("is_general", [True, False])
def test_listing_shows_whether_the_service_or_its_only_active_task_fails(world, error, is_general):
    client, subject, clock, listener, troubles, _ = world(*live(1))
    subject.poll_once()
    fail(client, "t0", error, "/status")
    if is_general:
        client.transport.fail_with = error
    tick(subject, clock)
    assert (listener.feeds[-1].offline_since is not None) == is_general
    assert ("t0" in troubles) != is_general
    assert (subject.next_delay() > 1.0) == is_general


def test_only_live_task_that_does_not_answer_is_no_silent_service_for_long(world, background):
    client, subject, clock, listener, *_ = world(*live(1))
    subject.poll_once()
    fail(client, "t0", errors.APITimeoutError("no answer in time"), "/status")
    tick(subject, clock)
    assert listener.feeds[-1].problem == "not answering"
    tick(subject, clock, subject.next_delay())
    assert listener.feeds[-1].offline_since is None
    assert subject.next_delay() == 1.0


def test_pause_that_the_service_asks_for_is_kept(world):
    client, subject, clock, *_ = world(*live(2))
    client.transport.fail_with = errors.RateLimitError("slow", status=429, retry_after=90.0)
    tick(subject, clock)
    assert subject.next_delay() == 90.0
    client.transport.fail_with = None
    tick(subject, clock, 90.0)
    assert subject.next_delay() == 1.0


def test_timeout_of_the_service_is_reported_after_the_first_request(world):
    client, subject, clock, listener, *_ = world(*live(2))
    client.transport.fail_with = errors.APITimeoutError("no answer in time")
    tick(subject, clock)
    assert (len(client.transport.calls), listener.feeds[-1].problem) == (1, "not answering")


def test_failing_extra_poll_is_reported_to_its_subscription_and_postponed(world):
    _, subject, clock, listener, *_ = world(*live(1))
    looked, shown = [], []

    class Failing(NewTaskSubscription):
        def poll_extra(self, _):
            looked.append(clock.now)
            raise FAULTS["500"]

    follow = Failing(lambda _: True, START, lambda _: None, clock=clock)
    follow.on_error = shown.append
    subject.subscribe(follow)
    for _ in range(40):
        tick(subject, clock)
    assert listener.feeds[-1].offline_since is None
    assert shown == [FAULTS["500"]] * len(looked)
    assert [moment - looked[0] for moment in looked] == [0.0, 5.0, 15.0, 35.0]


# Many tasks


def test_more_tasks_than_a_page_has_are_read_page_by_page(world):
    client, subject, clock, listener, *_ = world(*live(1200))
    tick(subject, clock)
    assert details(client) == []
    client.transport.tasks["t1100"].update(wire_task("t1100", "success"))
    tick(subject, clock)
    assert details(client) == ["GET /tasks/t1100"]
    assert listener.news[-1] == ["t1100:success"]
    # Three pages every three seconds.
    assert subject.next_delay() == 3.0


def test_no_more_pages_are_read_than_have_the_watched_tasks(world):
    client, subject, clock, _, _, subscription = world(*live(1200))
    subscription.tasks = dict(list(subscription.tasks.items())[:40])
    tick(subject, clock)
    assert client.transport.requests == ["GET /tasks"]


def test_pages_of_one_tick_are_bounded(world, monkeypatch):
    monkeypatch.setattr(poller, "_MAX_PAGES", 2)
    client, subject, clock, *_ = world(*live(1200))
    tick(subject, clock)
    assert client.transport.requests.count("GET /tasks") == 2
    assert len(details(client)) == poller._MAX_DETAILS_PER_TICK


def test_tasks_that_the_listing_leaves_out_take_turns(world, monkeypatch):
    client, subject, clock, *_ = world(*live(70))
    monkeypatch.setattr(client.transport, "_page", lambda _: {"tasks": [], "total_size": 0})
    rounds = []
    for _ in range(8):
        tick(subject, clock)
        rounds.append(details(client))
    assert {len(asked) for asked in rounds} == {poller._MAX_DETAILS_PER_TICK}
    asked = [path for one in rounds for path in one]
    assert len(set(asked[:70])) == len(set(asked[70:140])) == 70


def test_queue_positions_of_many_tasks_are_asked_for_in_turn(world):
    client, subject, clock, _, _, subscription = world(*live(50, "submitted"))
    subscription.positions.update(subscription.tasks)
    client.transport.ahead.update({f"t{n}": n for n in range(50)})
    for _ in range(3):
        tick(subject, clock)
    found = {key: task._state.queue_position for key, task in subscription.tasks.items()}
    assert found == {f"t{n}": n for n in range(50)}
    details(client)
    tick(subject, clock)
    assert details(client) == []


# Tasks that are slow to answer


def test_task_that_times_out_is_requested_in_the_background(world, background):
    client, subject, clock, listener, troubles, _ = world(*live(3))
    fail(client, "t0", errors.APITimeoutError("no answer in time"))
    for task_id in ("t0", "t1"):
        client.transport.tasks[task_id].update(wire_task(task_id, "success"))
    tick(subject, clock)
    assert listener.news == [["t1:success"]]
    assert len(background.jobs) == 1
    # It has not failed before its whole time is over, and is not asked for twice meanwhile.
    assert troubles == {}
    details(client)
    tick(subject, clock)
    assert details(client) == []
    background()
    tick(subject, clock)
    assert troubles["t0"][0].status.problem == "not answering"
    fail(client, "t0", None)
    tick(subject, clock, 10.0)
    background()
    tick(subject, clock)
    assert "t0:success" in listener.news[-1]
    assert troubles["t0"][-1] is None


def test_background_requests_are_limited(world, background):
    client, subject, clock, listener, *_ = world(*live(30))
    for n in range(29):
        fail(client, f"t{n}", errors.APITimeoutError("no answer in time"))
        client.transport.tasks[f"t{n}"].update(wire_task(f"t{n}", "success"))
    client.transport.tasks["t29"].update(wire_task("t29", "success"))
    for _ in range(3):
        tick(subject, clock)
        assert len(background.jobs) <= poller._MAX_BACKGROUND
    assert listener.news == [["t29:success"]]
    assert listener.feeds[-1].updated == clock.now


# Threads


@pytest.fixture
def at_once():
    """Run jobs on threads that take turns as often as can be, until a deadline or an error."""

    def run(*jobs, seconds=2.0):
        failures, deadline = [], time.monotonic() + seconds

        def repeat(job):
            try:
                while time.monotonic() < deadline and not failures:
                    job()
            except Exception as error:
                failures.append(error)

        threads = [threading.Thread(target=repeat, args=(job,)) for job in jobs]
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-5)
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            sys.setswitchinterval(interval)
        return failures

    return run


def test_subscriptions_come_and_go_on_many_threads_while_the_poller_looks(service, at_once):
    client = service(*live(2))
    subject = Poller(client)
    tasks = list(get(client=client))

    def subscribe():
        kept = [Subscription(tasks, lambda _: None, lambda _: None) for _ in range(20)]
        for subscription in kept:
            subject._subscriptions.add(subscription)
        for subscription in kept[::2]:
            subscription.cancel()

    assert at_once(subscribe, subscribe, subject._active, subject.has_work) == []


def test_weak_list_has_each_object_once_in_order_and_forgets_those_that_are_gone():
    class Item:
        pass

    items = WeakList()
    first, second = Item(), Item()
    for item in (first, second, first):
        items.add(item)
    assert list(items) == [first, second]
    del first, item
    gc.collect()
    assert (list(items), len(items)) == ([second], 1)
