"""Questions to a real peer in this process, that answers, is silent, or misbehaves."""

import builtins
import contextlib
import json
import sys
import threading
import time

import pytest

from inductiva_widgets import webrtc
from inductiva_widgets.errors import (
    APIConnectionError,
    ConfigurationError,
    InductivaError,
    TaskError,
    UnexpectedResponseError,
)
from inductiva_widgets.webrtc import peer_session
from inductiva_widgets.webrtc.messages import MAX_BYTES, MessageQueue
from tests.unit.webrtc.fake_machine import success

TOP = webrtc.PeerRequest("top")
TAIL = webrtc.PeerRequest("tail", {"filename": "stdout.txt"}, follow=True)


def all_of(stream, count):
    """Return so many answers of a stream."""
    found = []
    deadline = time.monotonic() + 60
    while len(found) < count and time.monotonic() < deadline:
        found += stream.receive(0.5).messages
    return found


def by_operation(question, channel):
    channel.send(success(question["type"]))


def test_question_is_answered_and_sent_in_the_form_of_the_wire(start_machine):
    machine = start_machine(lambda question, channel: channel.send(success("load 1.0")))
    assert webrtc.request(machine, "t1", TOP) == "load 1.0"
    assert machine.questions == [{"type": "top", "follow": False, "args": {}}]


def test_questions_share_a_connection(start_machine):
    machine = start_machine(by_operation)
    stream = webrtc.open_stream(machine, "t1", TAIL)
    assert all_of(stream, 1) == ["tail"]
    assert webrtc.request(machine, "t1", TOP) == "top"
    assert webrtc.request(machine, "t1", webrtc.PeerRequest("ls")) == "ls"
    assert machine.offers == 1
    stream.close()


def test_questions_at_the_same_time_share_a_connection(start_machine):
    machine = start_machine(by_operation)
    streams = [webrtc.open_stream(machine, "t1", TAIL) for _ in range(5)]
    assert [all_of(stream, 1) for stream in streams] == [["tail"]] * 5
    assert machine.offers == 1
    for stream in streams:
        stream.close()


def test_tasks_have_connections_of_their_own(start_machine):
    machine = start_machine(by_operation)
    assert webrtc.request(machine, "t1", TOP) == webrtc.request(machine, "t2", TOP) == "top"
    assert machine.offers == 2


def test_stream_ends_when_the_peer_closes_its_channel(start_machine):
    def answer(_, channel):
        channel.send(success(["one"]))
        channel.send(success(["two"]))
        channel.close()

    stream = webrtc.open_stream(start_machine(answer), "t1", TAIL)
    assert all_of(stream, 2) == [["one"], ["two"]]
    assert stream.receive(10).messages == []
    assert stream.is_closed


def test_peer_that_takes_one_channel_a_connection_gets_more_connections(start_machine, monkeypatch):
    monkeypatch.setattr(peer_session, "PATIENCE", 0.5)
    machine = start_machine(by_operation)
    machine.channels_a_connection = 1
    stream = webrtc.open_stream(machine, "t1", TAIL)
    assert all_of(stream, 1) == ["tail"]
    assert webrtc.request(machine, "t1", TOP) == "top"
    assert machine.offers == 2
    # It is remembered: nobody waits in vain again.
    monkeypatch.setattr(peer_session, "PATIENCE", 60)
    assert webrtc.request(machine, "t1", TOP) == "top"
    assert machine.offers == 3
    stream.close()


def test_quiet_file_gets_no_connection_of_its_own(start_machine, monkeypatch):
    monkeypatch.setattr(peer_session, "PATIENCE", 0.3)

    def answer(question, channel):
        if question["type"] != "tail":
            channel.send(success(question["type"]))

    machine = start_machine(answer)
    assert webrtc.request(machine, "t1", TOP) == "top"
    stream = webrtc.open_stream(machine, "t1", TAIL)
    # Longer than the patience.
    assert stream.receive(1.0).messages == []
    machine.send(machine.channels[-1], success(["at last"]))
    assert all_of(stream, 1) == [["at last"]]
    assert machine.offers == 1
    stream.close()


def test_what_a_peer_can_do_is_asked_once(start_machine):
    machine = start_machine(by_operation)
    for _ in range(4):
        assert webrtc.request(machine, "t1", TOP) == "top"
    assert [one["type"] for one in machine.questions].count("last_modified_file") == 1


def test_peer_that_is_slow_once_is_not_taken_for_one_of_one_channel(start_machine, monkeypatch):
    monkeypatch.setattr(peer_session, "PATIENCE", 0.3)

    def answer(question, channel):
        if question["type"] == "top":
            channel.send(success("top"))

    machine = start_machine(answer)
    assert webrtc.request(machine, "t1", TOP) == "top"
    stream = webrtc.open_stream(machine, "t1", TAIL)
    assert stream.receive(1.5).messages == []
    machine.send(machine.channels[-1], success(["at last"]))
    assert all_of(stream, 1) == [["at last"]]
    stream.close()


def test_nobody_answers(start_machine):
    machine = start_machine(by_operation)
    machine.is_silent = True
    with pytest.raises(APIConnectionError, match="did not answer"):
        webrtc.request(machine, "t1", TOP)
    # And is asked again.
    machine.is_silent = False
    assert webrtc.request(machine, "t1", TOP) == "top"


def test_lost_connection_is_an_error_or_an_end_and_the_next_question_gets_a_new_one(start_machine):
    machine = start_machine(by_operation)
    stream = webrtc.open_stream(machine, "t1", TAIL)
    assert all_of(stream, 1) == ["tail"]
    machine.hang_up()
    # Whether the channel or the connection is seen to end first is a matter of luck.
    with contextlib.suppress(APIConnectionError):
        assert stream.receive(20).messages == []
    assert stream.is_closed
    assert webrtc.request(machine, "t1", TOP) == "top"
    assert machine.offers == 2


@pytest.mark.parametrize(
    ("raw", "kind", "words"),
    [
        ("not json", UnexpectedResponseError, "invalid message"),
        ("[1, 2]", UnexpectedResponseError, "invalid message"),
        (b"\xff\xfe", UnexpectedResponseError, "invalid message"),
        ('{"status": 3}', UnexpectedResponseError, "invalid message"),
        ("[" * 50_000, UnexpectedResponseError, "invalid message"),
        (json.dumps({"status": "error", "message": "no <b>such</b> file"}), TaskError, "<b>such"),
        (json.dumps({"status": "error", "message": {"a": 1}}), TaskError, "error"),
        (json.dumps({"status": "error", "message": "x" * 9000}), TaskError, "x…$"),
    ],
)
def test_malformed_answer_is_an_error_in_words(start_machine, raw, kind, words):
    machine = start_machine(lambda _, channel: channel.send(raw))
    with pytest.raises(kind, match=words):
        webrtc.request(machine, "t1", TOP)


def test_message_that_is_too_long_is_an_error():
    with pytest.raises(UnexpectedResponseError, match="too long"):
        webrtc.messages.decode(" " * (MAX_BYTES + 1))


@pytest.mark.parametrize("message", [None, "text", [1], [["a"]], {"a": 1}])
def test_lines_must_be_texts(message):
    with pytest.raises(UnexpectedResponseError, match="lines"):
        webrtc.messages.parse_lines(message)


def test_listing_is_flat_names():
    listing = ["a.txt", {"vtk": ["b.vtk", {"old": ["c.vtk"]}]}, {"empty": []}]
    assert sorted(webrtc.messages.parse_files(listing)) == ["a.txt", "vtk/b.vtk", "vtk/old/c.vtk"]


@pytest.mark.parametrize("listing", [None, "a", [1], {"a": []}, [{"a": "b"}], [["a"]]])
def test_malformed_listing_is_an_error(listing):
    with pytest.raises(UnexpectedResponseError):
        webrtc.messages.parse_files(listing)


def test_endless_listings_are_refused():
    deep = []
    for _ in range(500):
        deep = [{"a": deep}]
    for listing in (["a"] * 20_000, deep):
        with pytest.raises(UnexpectedResponseError):
            webrtc.messages.parse_files(listing)


@pytest.mark.parametrize("answer", ["", "v=0", "v=0\r\nm=application x y z\r\n"])
def test_answer_that_is_no_session_is_an_error(start_machine, answer):
    machine = start_machine(by_operation)

    async def accept(_):
        return answer

    machine._accept = accept
    with pytest.raises(InductivaError, match=r"session|connection"):
        webrtc.request(machine, "t1", TOP)


def test_missing_package_is_named_with_its_install_line(start_machine, monkeypatch):
    found = builtins.__import__

    def missing(name, *args, **kwargs):
        if name == "aiortc":
            raise ModuleNotFoundError("No module named 'aiortc'")
        return found(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, "aiortc")
    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ConfigurationError, match=r'pip install "inductiva-widgets\[live\]"'):
        webrtc.import_aiortc()


def test_loop_is_on_a_thread_of_its_own(start_machine):
    webrtc.request(start_machine(by_operation), "t1", TOP)
    threads = [thread for thread in threading.enumerate() if thread.name == "inductiva-peers"]
    assert len(threads) == 1
    assert threads[0].daemon


def test_idle_connection_is_closed(start_machine, monkeypatch):
    monkeypatch.setattr(peer_session, "LINGER", 0.0)
    machine = start_machine(by_operation)
    assert webrtc.request(machine, "t1", TOP) == "top"
    deadline = time.monotonic() + 60
    while machine.open[0].connectionState != "closed" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert machine.open[0].connectionState == "closed"
    assert (machine, "t1") not in peer_session._sessions


def test_inbox_is_bounded_and_tells_what_it_lost():
    inbox = MessageQueue(limit=10)
    for number in range(100):
        inbox.put(number, 3)
    assert inbox.get(0) == ([97, 98, 99], False)
    inbox.put(100, 3)
    assert inbox.get(0) == ([100], True)
    inbox.close(TaskError("over"))
    with pytest.raises(TaskError):
        inbox.get(0)


def test_connection_that_was_lost_unnoticed_costs_no_answer(start_machine, monkeypatch):
    machine = start_machine(by_operation)
    assert webrtc.request(machine, "t1", TOP) == "top"
    lose = peer_session.wait_any

    async def first_of(over, lost):
        # The first one is lost with the question on it.
        if machine.offers == 1:
            lost.set()
        await lose(over, lost)

    monkeypatch.setattr(peer_session, "wait_any", first_of)
    assert webrtc.request(machine, "t1", TOP) == "top"
    assert machine.offers == 2
