"""What a task tells of its log and of its status; the reading itself is played by the test."""

import contextvars
import io
import queue
import threading

import pytest

from inductiva_widgets.errors import InputError
from inductiva_widgets.polling import get_poller
from inductiva_widgets.tasks import Task, TaskList
from inductiva_widgets.tasks.log_watch import registry
from tests.unit.conftest import wire_task
from tests.unit.tasks.conftest import ID, RESIDUAL

LOG = b"".join(b"residual %d\n" % n for n in range(5000))


# Metrics ----------------------------------------------------------------------------------------


class Member(io.BytesIO):
    """A file in an archive, which counts what is read at once."""

    most = 0

    def read(self, size=-1):
        assert size > 0
        self.most = max(self.most, size)
        return super().read(size)


def test_metrics_of_an_ended_task_are_read_from_its_output_in_blocks(make, monkeypatch):
    opened = []

    def open_output(_self, name):
        opened.append((name, Member(LOG)))
        return opened[-1][1]

    monkeypatch.setattr(Task, "open_output", open_output)
    frame = make(status="success").metrics(RESIDUAL, rows=1000)
    assert [name for name, _ in opened] == ["stdout.txt"]
    assert opened[0][1].most <= 1 << 20
    assert len(frame) <= 1000
    assert frame["residual"].iloc[[0, -1]].tolist() == [0, 4999]
    assert frame.attrs["inductiva"]["rows_read"] == 5000


def test_metrics_of_a_running_task_are_what_its_watch_has_read(task, reading):
    watch = task.watch(RESIDUAL)
    reading.come(b"residual 1\nresidual 2\n")
    assert task.metrics(RESIDUAL)["residual"].tolist() == [1.0, 2.0]
    assert registry.for_task(task) == [watch]


def test_metrics_of_a_running_task_begin_a_watch_and_wait_for_its_first_look(task, reading):
    def play():
        while not reading.listeners:
            pause.wait(0.01)
        reading.come(b"residual 7\n")

    pause = threading.Event()
    thread = threading.Thread(target=play)
    thread.start()
    assert task.metrics(RESIDUAL)["residual"].tolist() == [7.0]
    thread.join()
    assert len(registry.for_task(task)) == 1


def test_metrics_without_a_preset_or_with_a_wrong_bound_are_refused(make):
    with pytest.raises(InputError, match="say what to look for"):
        make(simulator="gprmax").metrics()
    with pytest.raises(InputError, match="`rows` must be"):
        make(status="success").metrics(RESIDUAL, rows=5)


# Status -----------------------------------------------------------------------------------------


@pytest.fixture
def tick(monkeypatch):
    """Return what lets the poller of a task look once; it has no thread of its own here."""
    monkeypatch.setattr("inductiva_widgets.polling.poller.Poller.subscribe", subscribe)
    return lambda task: get_poller(task.client).poll_once()


def subscribe(poller, subscription):
    poller._subscriptions.add(subscription)


class Told:
    """A callback that keeps what it gets."""

    def __init__(self):
        self.statuses = queue.Queue()
        self.threads = set()

    def __call__(self, task, status):
        self.threads.add(threading.current_thread())
        self.statuses.put(str(status))

    def on_data(self, count):
        return [self.statuses.get(timeout=30) for _ in range(count)]


def history(*statuses):
    times = range(1, len(statuses) + 1)
    return [
        {"status": status, "timestamp": f"2025-02-01T17:00:{time:02}+00:00"}
        for status, time in zip(statuses, times, strict=True)
    ]


def become(task, *statuses):
    task.client.transport.tasks[ID].update(
        wire_task(status=statuses[-1], status_history=history(*statuses))
    )


def test_present_status_and_each_change_are_delivered_until_the_end(make, tick):
    task, told = make(status="submitted"), Told()
    listener = task.on_status(told)
    assert told.on_data(1) == ["submitted"]
    tick(task)
    for status in ("started", "computation-started", "success"):
        task.client.transport.tasks[ID].update(wire_task(status=status))
        tick(task)
        tick(task)
    assert told.on_data(3) == ["started", "computation-started", "success"]
    assert not get_poller(task.client)._active()
    assert not listener.is_active
    assert told.threads != {threading.current_thread()}


def test_changes_between_two_requests_are_delivered_in_order(make, tick):
    before = ["pending-input", "submitted"]
    task, told = make(status="submitted", status_history=history(*before)), Told()
    task.on_status(told)
    # Preempted, and queued again.
    course = [*before, "started", "computation-started", "submitted", "started"]
    become(task, *course)
    tick(task)
    become(task, *course, "computation-started", "computation-ended", "success")
    tick(task)
    assert told.on_data(8) == [
        "submitted",
        *course[2:],
        "computation-started",
        "computation-ended",
        "success",
    ]


def test_task_that_has_ended_is_delivered_once_without_a_poll(make, tick):
    task, told = make(status="failed"), Told()
    listener = task.on_status(told)
    assert told.on_data(1) == ["failed"]
    assert not listener.is_active
    assert not get_poller(task.client)._active()


def test_listener_is_readable_at_the_end_of_a_cell(make, tick):
    listener = make(status="submitted").on_status(print)
    assert repr(listener) == (
        f"<print at each status of task {ID}: submitted, waiting for changes; cancel() ends it>"
    )
    listener.cancel()
    assert "ended" in repr(listener)


def test_function_that_fails_is_warned_of_and_called_again(make, tick):
    task, told = make(status="submitted"), Told()

    def fails(task, status):
        told(task, status)
        raise ValueError("no mail server")

    def run_to_the_end():
        task.on_status(fails)
        become(task, "submitted", "started", "success")
        tick(task)
        assert told.on_data(3) == ["submitted", "started", "success"]
        (thread,) = told.threads
        thread.join(30)

    with pytest.warns(UserWarning, match="ValueError: no mail server") as caught:
        run_to_the_end()
    assert [str(warning.message).split()[8] for warning in caught] == [
        "submitted",
        "started",
        "success",
    ]


def test_slow_function_does_not_keep_the_poller_waiting(make, tick):
    task, told, go_on = make(status="submitted"), Told(), threading.Event()

    def slow(task, status):
        go_on.wait(30)
        told(task, status)

    task.on_status(slow)
    become(task, "submitted", "started")
    tick(task)
    assert told.statuses.empty()
    go_on.set()
    assert told.on_data(2) == ["submitted", "started"]


@pytest.mark.parametrize("cancel", [lambda one: one.cancel(), lambda one: one()])
def test_cancelled_listener_delivers_nothing_more(make, tick, cancel):
    task, told = make(status="submitted"), Told()
    listener = task.on_status(told)
    assert told.on_data(1) == ["submitted"]
    cancel(listener)
    become(task, "submitted", "success")
    tick(task)
    (thread,) = told.threads
    thread.join(30)
    assert not thread.is_alive()
    assert told.statuses.empty()


def test_functions_of_the_user_run_in_the_context_that_registered_them(make, tick, reading):
    """A kernel finds the cell of an output by a context variable."""
    cell = contextvars.ContextVar("cell")
    task, seen = make(), queue.Queue()

    def note(name):
        return lambda *_: seen.put((name, cell.get(None)))

    def register():
        cell.set("first cell")
        task.on_status(note("status"))
        condition = note("condition")
        stop = task.watch(RESIDUAL, stop_if=lambda last: condition() or True, then=note("then"))
        stop.subscribe(note("news"))

    contextvars.copy_context().run(register)
    cell.set("second cell")
    reading.come(b"residual 1\n")
    found = {seen.get(timeout=30) for _ in range(4)}
    assert found == {(name, "first cell") for name in ("status", "condition", "then", "news")}


# Several tasks ----------------------------------------------------------------------------------


def test_list_watches_those_that_have_not_ended(service, reading):
    client = service(wire_task("a", "computation-started"), wire_task("b"))
    tasks = TaskList([Task("a", client=client), Task("b", client=client)])
    (watch,) = tasks.watch(RESIDUAL)
    assert watch.task is tasks[0]


def test_list_of_which_one_cannot_be_watched_watches_none(service, reading):
    client = service(
        wire_task("a", "computation-started", simulator="swmm"),
        wire_task("b", "computation-started", simulator="gprmax"),
    )
    tasks = TaskList([Task("a", client=client), Task("b", client=client)])
    with pytest.raises(InputError, match="gprmax"):
        tasks.watch()
    assert all(interest.is_cancelled for interest in reading.interests)
    assert not registry.retained()
