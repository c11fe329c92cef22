"""A growing file on the cloud, told line by line by a real peer that may fail."""

import io
import json
import time

import pytest

from inductiva_widgets.errors import TaskError
from inductiva_widgets.tasks import Task, _log_source_webrtc, _log_stream, _text_file
from inductiva_widgets.tasks._log_stream import subscribe
from inductiva_widgets.tasks._text_file import open_text
from inductiva_widgets.webrtc import peer_session
from tests.unit.conftest import wire_task
from tests.unit.tasks.fake_log_server import Ear, readers_of, until
from tests.unit.webrtc.fake_machine import Machine, success


class Log:
    """A file on the machine of a task, and what the machine says of it."""

    def __init__(self, client):
        self.lines = []
        self.followers = []
        self.last_modified = None
        self.machine = Machine(self.answer, client.url)
        for name in ("register_peer", "send_peer_offer", "get_peer_answer"):
            setattr(client, name, getattr(self.machine, name))

    def answer(self, question, channel):
        if question["type"] == "last_modified_file":
            channel.send(success(self.last_modified))
            return
        found = self.lines[-question["args"]["lines"] :]
        # In several messages, as a peer must that has much to tell.
        for start in range(0, len(found), 300):
            channel.send(success(found[start : start + 300]))
        if question["follow"]:
            self.followers.append(channel)

    def write(self, *lines):
        async def send():
            self.lines += lines
            for channel in self.followers:
                if channel.readyState == "open":
                    channel.send(success(list(lines)))

        self.machine.run(send())

    def lose(self, *unseen):
        """Lose the connections; what is written meanwhile nobody hears."""
        self.followers.clear()
        self.lines += unseen
        self.machine.hang_up()

    @property
    def text(self):
        return "".join(f"{line}\n" for line in self.lines).encode()


@pytest.fixture
def client(service, monkeypatch):
    monkeypatch.setenv("INDUCTIVA_TURN_SERVER_URL", "turn.invalid:3478")
    for module in (_log_stream, _log_source_webrtc):
        monkeypatch.setattr(module, "PERIOD", 0.05)
    monkeypatch.setattr(_log_source_webrtc, "_MAX_AGE_STREAMING", 0.05)
    for learnt in ("_single_channel", "_multi_channel"):
        monkeypatch.setattr(peer_session, learnt, set())
    return service(wire_task("t1", "computation-started"))


@pytest.fixture
def log(client):
    log = Log(client)
    yield log
    end(client)
    until(lambda: not readers_of(client))
    log.machine.end()


@pytest.fixture
def task(client, log, monkeypatch):
    task = Task("t1", client=client)
    monkeypatch.setattr(task, "open_output", lambda _: io.BytesIO(log.text))
    return task


def end(client):
    client.transport.tasks["t1"].update(status="success", is_terminated=True)


def test_lines_come_as_they_are_written(task, log):
    log.lines = ["one", "two"]
    ear = Ear()
    subscribe(task, "stdout.txt", ear)
    ear.until(lambda: ear.text == b"one\ntwo\n")
    log.write("50 %\r60 %", "")
    ear.until(lambda: ear.text == log.text)
    assert all(piece.follows for piece in ear.chunks)
    assert log.machine.questions[0] == {
        "type": "tail",
        "follow": True,
        "args": {"filename": "stdout.txt", "lines": 1000, "wait": True},
    }


def test_program_that_never_pauses_is_heard_before_it_has_said_much(task, log):
    ear = Ear()
    subscribe(task, "stdout.txt", ear)
    log.lines = ["one"]
    until(lambda: log.followers)
    for _ in range(30):
        if ear.chunks:
            break
        log.write("more")
        time.sleep(0.1)
    assert len(log.lines) < 20
    ear.until(lambda: ear.text == log.text)


def test_of_a_long_file_the_last_lines_come_as_one_piece(task, log):
    log.lines = [f"step {number}" for number in range(2500)]
    ear = Ear()
    subscribe(task, "stdout.txt", ear)
    ear.until(lambda: ear.chunks)
    assert ear.text.decode().splitlines() == log.lines[-1000:]
    assert [piece.follows for piece in ear.chunks] == [False]


def test_files_share_the_connection(task, log):
    log.lines = ["one"]
    ears = Ear(), Ear()
    for ear, name in zip(ears, ("stdout.txt", "stderr.txt"), strict=True):
        subscribe(task, name, ear)
    for ear in ears:
        ear.until(lambda ear=ear: ear.text == b"one\n")
    assert log.machine.offers == 1


def test_lost_connection_is_made_again_and_nothing_is_lost_or_doubled(task, log):
    log.lines = [f"step {number}" for number in range(1500)]
    ear = Ear()
    subscribe(task, "stdout.txt", ear)
    ear.until(lambda: ear.text.endswith(b"step 1499\n"))
    log.lose("unheard 1", "unheard 2")
    ear.until(lambda: ear.text.endswith(b"unheard 2\n"))
    log.write("heard")
    ear.until(lambda: ear.text.endswith(b"heard\n"))
    assert ear.text.decode().splitlines() == log.lines[500:]
    assert [piece.follows for piece in ear.chunks] == [False, True, True]
    assert log.machine.offers == 2


def test_gap_that_cannot_be_closed_is_told(task, log):
    log.lines = ["one"]
    ear = Ear()
    subscribe(task, "stdout.txt", ear)
    ear.until(lambda: ear.chunks)
    log.lose(*(f"step {number}" for number in range(3000)))
    ear.until(lambda: len(ear.chunks) == 2)
    assert not ear.chunks[1].follows
    assert ear.chunks[1].data.decode().splitlines() == log.lines[-1000:]


def test_silent_machine_is_told_and_tried_again(task, log):
    log.lines = ["one"]
    log.machine.is_silent = True
    ear = Ear()
    subscribe(task, "stdout.txt", ear)
    ear.until(lambda: any(state.error for state in ear.states))
    assert "did not answer" in str(ear.states[-1].error)
    log.machine.is_silent = False
    ear.until(lambda: ear.text == b"one\n")
    ear.until(lambda: ear.states[-1].error is None)


@pytest.mark.parametrize("raw", ["{", success("text"), success([1]), json.dumps({"status": "x"})])
def test_malformed_message_is_told_and_the_reading_goes_on(task, log, raw):
    log.lines = ["one"]
    ear = Ear()
    subscribe(task, "stdout.txt", ear)
    ear.until(lambda: ear.chunks)
    log.machine.send(log.followers[0], raw)
    ear.until(lambda: any(state.error for state in ear.states))
    until(lambda: len(log.followers) == 2)
    log.write("two")
    ear.until(lambda: ear.text == b"one\ntwo\n")


def test_end_of_the_task_brings_what_only_the_archive_has(client, task, log):
    log.lines = ["one", "two"]
    ear = Ear()
    subscribe(task, "stdout.txt", ear)
    ear.until(lambda: ear.chunks)
    log.followers.clear()
    log.lines += ["last words"]
    end(client)
    ear.until(lambda: ear.states[-1].is_finished)
    assert ear.text == log.text
    assert all(piece.follows for piece in ear.chunks)


def test_end_is_whole_where_the_peer_told_all(client, task, log):
    log.lines = ["one", "one"]
    ear = Ear()
    subscribe(task, "stdout.txt", ear)
    ear.until(lambda: ear.chunks)
    log.write("one")
    end(client)
    ear.until(lambda: ear.states[-1].is_finished)
    assert ear.text == b"one\none\none\n"


def test_rest_that_is_not_certain_is_left_out(client, task, log):
    log.lines = ["same"] * 2000
    ear = Ear()
    subscribe(task, "stdout.txt", ear)
    ear.until(lambda: ear.chunks)
    log.followers.clear()
    log.lines += ["same"] * 3
    end(client)
    ear.until(lambda: ear.states[-1].is_finished)
    assert ear.text == b"same\n" * 1000


def test_ended_task_is_read_from_its_archive_without_a_peer(client, task, log):
    log.lines = ["one"]
    end(client)
    ear = Ear()
    subscribe(task, "stdout.txt", ear)
    ear.until(lambda: ear.states and ear.states[-1].is_finished)
    assert ear.text == b"one\n"
    assert log.machine.offers == 0


def test_task_that_waits_is_not_asked(client, task, log):
    client.transport.tasks["t1"].update(status="submitted")
    ear = Ear()
    subscribe(task, "stdout.txt", ear)
    ear.until(lambda: ear.states)
    assert "begins with the computation" in ear.states[0].note
    assert log.machine.offers == 0
    log.lines = ["one"]
    client.transport.tasks["t1"].update(status="computation-started")
    ear.until(lambda: ear.text == b"one\n")


def test_flood_is_read_at_its_end_until_it_is_calm(task, log, monkeypatch):
    monkeypatch.setattr(_log_source_webrtc, "_FLOODED_FOR", 0.1)
    monkeypatch.setattr(_log_source_webrtc, "_FLOOD", 20_000)
    monkeypatch.setattr(_log_source_webrtc, "_CALM", 3)
    log.lines = ["one"]
    ear = Ear()
    subscribe(task, "stdout.txt", ear)
    ear.until(lambda: ear.chunks)
    number = 0

    def is_bounded():
        nonlocal number
        number += 1
        log.write(*(f"{number}: {'x' * 500} {line}" for line in range(60)))
        return any(not question["follow"] for question in log.machine.questions)

    until(is_bounded)
    # Calm again: it is followed anew.
    until(lambda: log.machine.questions[-1]["follow"])
    until(lambda: len(log.followers) == 2)
    log.write("calm")
    ear.until(lambda: ear.text.endswith(b"calm\n"))


def test_time_of_the_last_output_is_asked_for_where_none_has_come(task, log, monkeypatch):
    monkeypatch.setattr(_log_source_webrtc, "_ASK_EVERY", 0.0)
    log.last_modified = {
        "most_recent_file": "/workdir/t1/stdout.txt",
        "most_recent_timestamp": 1000.0,
        "now_timestamp": 2000.0,
        "time_since_last_mod": 1000.0,
    }
    log.lines = ["one"]
    ear = Ear()
    subscribe(task, "stdout.txt", ear)
    ear.until(lambda: any(state.last_output for state in ear.states))
    assert ear.states[-1].last_output.timestamp() == 1000.0


def test_log_is_opened_as_a_file_while_the_task_runs(client, task, log):
    log.lines = ["one", "two"]
    with open_text(task, "stdout.txt") as file:
        assert (file.size, file.can_grow) == (8, True)
        assert file.read(4, 100) == b"two\n"
        first = file.edition
    log.write("three")

    def grown():
        with open_text(task, "stdout.txt", 10) as file:
            return file.edition == first and file.read(8, file.size) == b"three\n"

    until(grown)
    assert log.machine.offers == 1
    end(client)
    with open_text(task, "stdout.txt") as file:
        assert file.edition not in {first, ""}
    _text_file._forget((client, "t1", "stdout.txt"))


def test_log_that_cannot_be_had_says_why(client, task, log):
    log.machine.is_silent = True
    with pytest.raises(Exception, match="did not answer"), open_text(task, "stdout.txt"):
        pass
    _text_file._forget((client, "t1", "stdout.txt"))


def test_text_that_is_no_longer_kept_is_refused():
    backlog = _log_stream.StreamBuffer(b"def", 3, 1, None)
    text = _text_file.BufferedText("stdout.txt", backlog)
    assert text.size == 6
    assert text.read(3, 6) == b"def"
    with pytest.raises(TaskError, match="Only the last"):
        text.read(0, 6)
