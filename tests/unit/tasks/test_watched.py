"""What a task tells of its log and of its status; the reading itself is played by the test."""

import io
import threading

import pytest

from inductiva_widgets.errors import InputError
from inductiva_widgets.live import poller_for
from inductiva_widgets.status import Status
from inductiva_widgets.tasks import Task, TaskList, watches
from inductiva_widgets.tasks.watching import watches_of
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
    assert watches_of(task) == [watch]


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
    assert len(watches_of(task)) == 1


def test_metrics_without_a_preset_or_with_a_wrong_bound_are_refused(make):
    with pytest.raises(InputError, match="say what to look for"):
        make(simulator="gprmax").metrics()
    with pytest.raises(InputError, match="rows must be"):
        make(status="success").metrics(RESIDUAL, rows=5)


# Status -----------------------------------------------------------------------------------------


@pytest.fixture
def tick(monkeypatch):
    """Return what lets the poller of a task look once; it has no thread of its own here."""
    monkeypatch.setattr("inductiva_widgets.live.poller.Poller.subscribe", subscribe)
    return lambda task: poller_for(task.client).tick()


def subscribe(poller, subscription):
    poller._subscriptions.add(subscription)


def test_changes_of_the_status_are_told_until_the_end(make, tick):
    task, told = make(status="submitted"), []
    task.on_status(lambda one, status: told.append((one, status)))
    tick(task)
    assert told == []
    for status in ("started", "computation-started", "success"):
        task.client.transport.tasks[ID].update(wire_task(status=status))
        tick(task)
        tick(task)
    assert told == [
        (task, Status.STARTED),
        (task, Status.COMPUTATION_STARTED),
        (task, Status.SUCCESS),
    ]
    assert not poller_for(task.client)._active()


def test_function_that_fails_is_warned_of_and_called_again(make, tick):
    task, told = make(status="submitted"), []

    def fails(_task, status):
        told.append(status)
        raise ValueError("no mail server")

    task.on_status(fails)
    for status in ("started", "success"):
        task.client.transport.tasks[ID].update(wire_task(status=status))
        with pytest.warns(UserWarning, match=f"status {status} .* ValueError: no mail server"):
            tick(task)
    assert told == ["started", "success"]


def test_cancelled_and_ended_tell_nothing(make, tick):
    task, told = make(status="submitted"), []
    task.on_status(lambda *news: told.append(news))()
    task.client.transport.tasks[ID].update(wire_task(status="success"))
    task.refresh()
    task.on_status(lambda *news: told.append(news))
    tick(task)
    assert told == []


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
    assert not watches._kept
