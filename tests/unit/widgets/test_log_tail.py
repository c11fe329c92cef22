"""The last words of failed tasks: fetched once, as plain text, and never in anybody's way."""

import io
import threading

import pytest

from inductiva_widgets.errors import (
    APIConnectionError,
    InputError,
    RateLimitError,
    ServerError,
)
from inductiva_widgets.polling import get_poller
from inductiva_widgets.tasks import Task
from inductiva_widgets.widgets import TaskListWidget, TaskWidget, log_tail
from inductiva_widgets.widgets.log_tail import FailureLogTail, last_lines
from tests.unit.conftest import wire_task


@pytest.fixture(autouse=True)
def spawned(monkeypatch):
    """Workers run when the test says so."""
    actions = []

    def spawn(action, on_error, name):
        actions.append(action)

    monkeypatch.setattr(log_tail, "run_in_thread", spawn)
    monkeypatch.setattr(log_tail, "_cache", log_tail.weakref.WeakKeyDictionary())
    return actions


@pytest.fixture
def make(service, monkeypatch):
    def make(status="failed", files=None, **fields):
        task = Task("t1", client=service(wire_task("t1", status, **fields)))
        task.get_info()
        opened = []

        def open_output(name):
            opened.append(name)
            found = (files or {}).get(name, b"")
            if isinstance(found, Exception):
                raise found
            return io.BytesIO(found)

        monkeypatch.setattr(task, "open_output", open_output)
        task.opened = opened
        return task

    return make


def test_they_come_once_and_are_told(make, spawned):
    task = make(files={"stderr.txt": b"ERROR 209\n", "stdout.txt": b"step 1\nstep 2\n"})
    told = []
    words = FailureLogTail(told.append)
    assert words.get(task) == []
    assert words.get(task) == []
    (work,) = spawned
    work()
    assert told == [task]
    assert words.get(task) == [
        {"name": "stderr.txt", "text": "ERROR 209"},
        {"name": "stdout.txt", "text": "step 1\nstep 2"},
    ]
    # Another view of the task finds them there.
    assert FailureLogTail(told.append).get(task) == words.get(task)
    assert len(spawned) == 1
    assert task.opened == ["stderr.txt", "stdout.txt"]


@pytest.mark.parametrize("status", ["success", "killed", "computation-started", "submitted"])
def test_only_failed_tasks_are_asked_for_them(make, spawned, status):
    FailureLogTail(lambda _: None).get(make(status))
    assert spawned == []


def test_task_without_outputs_is_not_asked(make, spawned):
    FailureLogTail(lambda _: None).get(make("zombie", storage_output_path=None))
    assert spawned == []


def test_stream_that_cannot_be_read_is_missing_and_the_other_is_not(make):
    task = make(files={"stderr.txt": InputError("no such file"), "stdout.txt": b"the end\n"})
    assert log_tail.fetch_tail(task) == ([{"name": "stdout.txt", "text": "the end"}], True)


@pytest.fixture
def no_pauses(monkeypatch):
    """Two more tries, at once."""
    monkeypatch.setattr(log_tail, "_PAUSES", (0.0, 0.0))


def test_service_that_does_not_answer_costs_the_words_only(make, spawned, caplog, no_pauses):
    caplog.set_level("DEBUG")
    down = ServerError("down", status=503)
    task = make(files={"stderr.txt": down, "stdout.txt": down})
    told = []
    words = FailureLogTail(told.append)
    words.get(task)
    spawned[0]()
    assert told == []
    assert words.get(task) == []
    assert {record.levelname for record in caplog.records} == {"DEBUG"}


@pytest.mark.parametrize(
    "error",
    [
        ServerError("down", status=503),
        APIConnectionError("cut off"),
        RateLimitError("", status=429),
    ],
)
def test_lines_that_could_not_be_reached_are_requested_again(make, spawned, no_pauses, error):
    files = {"stderr.txt": error, "stdout.txt": b"step 1\n"}
    task = make(files=files)
    shown = []

    def show(task):
        shown.append([one["name"] for one in words.get(task)])
        files["stderr.txt"] = b"ERROR 209\n"

    words = FailureLogTail(show)
    words.get(task)
    (work,) = spawned
    work()
    assert shown == [["stdout.txt"], ["stderr.txt", "stdout.txt"]]
    assert task.opened == ["stderr.txt", "stdout.txt"] * 2


def test_file_that_does_not_exist_is_requested_once(make, spawned, no_pauses):
    task = make(files={"stderr.txt": InputError("no such file"), "stdout.txt": b"step 1\n"})
    FailureLogTail(lambda _: None).get(task)
    spawned[0]()
    assert task.opened == ["stderr.txt", "stdout.txt"]


def test_closed_card_ends_the_tries(make, spawned, monkeypatch):
    monkeypatch.setattr(log_tail, "_PAUSES", (1000.0,))
    down = ServerError("down", status=503)
    task = make(files={"stderr.txt": down, "stdout.txt": down})
    card = TaskWidget(task)
    worker = threading.Thread(target=spawned[0], daemon=True)
    worker.start()
    card.close()
    worker.join(30)
    assert not worker.is_alive()


def test_card_of_a_failed_task_shows_them_a_moment_later(make, spawned):
    task = make(files={"stderr.txt": b"ERROR 209: no junction\n"}, error_detail="Exit code 1")
    card = TaskWidget(task)
    assert card.view["failure"]["last_words"] == []
    spawned[0]()
    assert card.view["failure"]["last_words"] == [
        {"name": "stderr.txt", "text": "ERROR 209: no junction"}
    ]


def test_card_whose_task_fails_while_it_is_shown_gets_them(make, spawned):
    task = make("computation-started", files={"stderr.txt": b"ERROR\n"})
    card = TaskWidget(task)
    assert spawned == []
    task.client.transport.tasks["t1"].update(wire_task("t1", "failed"))
    get_poller(task.client).poll_once()
    spawned[0]()
    assert card.view["failure"]["last_words"][0]["text"] == "ERROR"


def test_card_that_is_open_in_a_list_gets_them(make, spawned, monkeypatch):
    task = make(files={"stderr.txt": b"ERROR\n"})
    table = TaskListWidget([task])
    sent = []
    monkeypatch.setattr(table, "send", sent.append)
    # A line shows no last words, so none are fetched for it.
    assert spawned == []
    opened = table._open_card({"task_id": "t1"})
    assert opened["view"]["failure"]["last_words"] == []
    spawned[0]()
    (push,) = sent
    assert push["view"]["failure"]["last_words"] == [{"name": "stderr.txt", "text": "ERROR"}]


def test_packed_file_that_is_too_long_is_left_alone(make, monkeypatch):
    monkeypatch.setattr(log_tail, "_MAX_ARCHIVED_SIZE", 3)
    assert log_tail.fetch_tail(make(files={"stderr.txt": b"too long"})) == ([], True)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        (b"\n \n\t\n", ""),
        (b"a\n\nb\n", "a\nb"),
        (b"10 %\r50 %\rdone\n", "done"),
        (b"\x1b[1;31mERROR\x1b[0m \x1b]8;;http://x\x07link\x1b]8;;\x07\x1b[K", "ERROR link"),
        (b"\x82\xac5 euro", "5 euro"),
        (b"x" * 400, "x" * 300 + "…"),
        (b"".join(b"%d\n" % n for n in range(20)), "12\n13\n14\n15\n16\n17\n18\n19"),
    ],
)
def test_last_lines_are_plain_text(data, text):
    assert last_lines(data) == text
