"""The parts of the peers: lines, answers on their way, connections that come to nothing."""

import asyncio
import io
import itertools
import json
import os
import random
import sys

import aioice.ice
import msgspec
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from inductiva_widgets.server import top
from inductiva_widgets.server.webrtc_server import PeerService, requests, service, tail
from inductiva_widgets.server.webrtc_server.connections import Connections
from inductiva_widgets.server.webrtc_server.requests import PeerChannel
from inductiva_widgets.server.webrtc_server.service import AnswerQueue
from inductiva_widgets.server.webrtc_server.tail import (
    MAX_LINE,
    MAX_MESSAGE,
    LineSplitter,
    batch_by_size,
    last_that_fit,
    offset_of_last_lines,
)
from inductiva_widgets.server.work_dir import WorkDir
from inductiva_widgets.status import Status

# Lines ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"a\nb\n", ["a", "b"]),
        (b"a\nb", ["a", "b"]),
        (b"\n\n", ["", ""]),
        (b"a\r\nb\r\n\r\nc", ["a", "b", "", "c"]),
        (b"\r10%\r20%\r30%\nend", ["10%", "20%", "30%", "end"]),
        (b"a\n\r10%\r", ["a", "10%"]),
        (b"a\n\r", ["a"]),
        ("gr\u00fc\u00df\u2028e\n\x0b\x1c".encode(), ["gr\u00fc\u00df\u2028e", "\x0b\x1c"]),
        (b"\xff\xfe\n\xc3", ["\ufffd\ufffd", "\ufffd"]),
        (b"x" * (2 * MAX_LINE + 1), ["x" * MAX_LINE, "x" * MAX_LINE, "x"]),
    ],
)
def test_lines_are_the_same_however_the_bytes_are_cut(data, lines):
    dice = random.Random(7)
    for size in (1, 2, 3, 1000, len(data) + 1) if len(data) < 1000 else (1000, 10**6):
        splitter = LineSplitter()
        found = []
        rest = io.BytesIO(data)
        while piece := rest.read(size if size > 3 else dice.randint(1, size)):
            found += splitter.feed(piece)
        assert found + splitter.end() == lines, size
        assert splitter.end() == []


def test_line_splitter_incomplete_line_is_held_back():
    splitter = LineSplitter()
    assert splitter.feed(b"residual 1e-") == []
    assert splitter.feed(b"5\nresi") == ["residual 1e-5"]
    assert splitter.end() == ["resi"]


def test_batch_by_size_keeps_all_lines_within_limit():
    lines = ["a" * 50_000, "b" * 10_000, *["c"] * 20_000, "\0" * 40_000, "\u00fc" * 70_000, ""]
    found = list(batch_by_size(lines))
    assert "".join(itertools.chain(*found)) == "".join(lines)
    assert max(len(msgspec.json.encode(batch)) for batch in found) <= MAX_MESSAGE + 1
    assert list(batch_by_size([])) == []


def test_last_that_fit_returns_the_newest_lines():
    assert last_that_fit(["a", "b", "c"], 8) == ["b", "c"]
    assert last_that_fit(["a", "b"], 4) == ["b"]
    assert last_that_fit([], 8) == []


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", ["", "open"])
def test_last_lines_of_a_file_of_several_blocks(end, last):
    texts = [f"{number} {'x' * (number % 300)}" for number in range(1000)]
    content = (end.join(texts) + end + last).encode()
    lines = [*texts, *([last] if last else [])]
    for count in (0, 1, 2, 3, 900, 10**9):
        begin = offset_of_last_lines(io.BytesIO(content), count)
        expected = lines[max(0, len(lines) - count) :] if count else ([last] if last else [])
        splitter = LineSplitter()
        assert [*splitter.feed(content[begin:]), *splitter.end()] == expected
        if count:
            assert tail.last_lines(io.BytesIO(content), count, 1 << 20) == expected


def test_last_lines_of_nothing():
    assert offset_of_last_lines(io.BytesIO(b""), 5) == 0
    assert tail.last_lines(io.BytesIO(b""), 5, 1000) == []
    assert tail.last_lines(io.BytesIO(b"a\nb\n"), 0, 1000) == []


# Files ------------------------------------------------------------------------------------------


def test_nested_lists_are_sorted_and_truncated(tmp_path):
    for name in ("b/c/d.txt", "b/a.txt", "a.txt", "b/c/e.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    files = WorkDir(tmp_path).files()
    whole = requests.to_nested_lists(files, 1 << 20)
    assert whole == ["a.txt", {"b": ["a.txt", {"c": ["d.txt", "e.txt"]}]}]
    assert len(json.dumps(requests.to_nested_lists(files, 30))) < 40


def test_names_that_are_no_text_are_listed_as_text(tmp_path):
    descriptor = os.open(bytes(tmp_path) + b"/\xff.txt", os.O_CREAT | os.O_WRONLY)
    os.close(descriptor)
    [file] = WorkDir(tmp_path).files()
    assert file.name == "\ufffdFF.txt"


def test_top_of_no_process_is_a_head():
    text = top.format_top([2**22 + 1])
    assert "Threads:   0 total" in text
    assert text.endswith("COMMAND\n")


# Answers on their way ---------------------------------------------------------------------------


def take(mailbox, client, **more):
    return asyncio.run(mailbox.wait_for("task", client, more.pop("patience", 5.0), **more))


def test_an_answer_is_given_once_and_to_its_client():
    mailbox = AnswerQueue()
    mailbox.reserve("task", "a").set_result("sdp")
    assert take(mailbox, "b") is None
    assert take(mailbox, "a") == "sdp"
    assert take(mailbox, "a") is None


def test_an_answer_under_way_is_waited_for_but_not_for_ever():
    mailbox = AnswerQueue()

    async def both():
        answer = mailbox.reserve("task", "a")
        assert await mailbox.wait_for("task", "a", patience=0.01) is None
        taking = asyncio.create_task(mailbox.wait_for("task", "a", patience=5))
        late = asyncio.create_task(mailbox.wait_for("task", "b", patience=5, block=5))
        await asyncio.sleep(0)
        answer.set_result("sdp")
        mailbox.reserve("task", "b").set_result("other")
        return await taking, await late

    assert asyncio.run(both()) == ("sdp", "other")


def test_answer_queue_drops_surplus_and_expired_answers():
    crowded = AnswerQueue(max_answers=2)
    for client in "abc":
        crowded.reserve("task", client).set_result(client)
    assert [take(crowded, client) for client in "abc"] == [None, "b", "c"]
    brief = AnswerQueue(keep=0)
    brief.reserve("task", "a").set_result("a")
    assert take(brief, "a") is None


# Connections ------------------------------------------------------------------------------------


class Task:
    id = "task"

    def is_computing(self):
        return True


class Tasks:
    """Stands for all tasks, of which each computes."""

    def work_dir(self, task_id):
        return None

    def status(self, task_id):
        return type("S", (), {"status": Status.COMPUTATION_STARTED})


async def offer():
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    peer.createDataChannel("file_transfer")
    await peer.setLocalDescription(await peer.createOffer())
    return peer, peer.localDescription.sdp


BROKEN = {
    "nonsense": lambda sdp: "nonsense",
    "cut": lambda sdp: sdp[: len(sdp) // 2],
    "empty media": lambda sdp: "v=0\r\nm=application",
    "no user": lambda sdp: sdp.replace("a=ice-ufrag", "a=nothing"),
    "no fingerprint": lambda sdp: sdp.replace("a=fingerprint", "a=nothing"),
    "candidates": lambda sdp: sdp.replace("a=candidate:", "a=candidate:x x x"),
    "sound": lambda sdp: sdp.replace("m=application", "m=audio"),
    "twice": lambda sdp: sdp + sdp,
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_malformed_offer_leaves_no_connection(kind):
    async def run():
        connections = Connections(4, 0.4)
        peer, sdp = await offer()
        await peer.close()
        await connections.answer(Task(), BROKEN[kind](sdp))
        while len(connections):
            await asyncio.sleep(0.05)
        await connections.close()

    asyncio.run(asyncio.wait_for(run(), 30))


def test_connections_that_never_open_are_closed_and_their_number_is_bounded():
    async def run():
        connections = Connections(2, 0.4)
        answers = []
        for _ in range(3):
            peer, sdp = await offer()
            answers.append(await connections.answer(Task(), sdp))
            # It goes without a word.
            await peer.close()
        assert [answer is None for answer in answers] == [False, False, True]
        while len(connections):
            await asyncio.sleep(0.05)
        peer, sdp = await offer()
        assert await connections.answer(Task(), sdp) is not None
        await peer.close()
        await connections.close()
        assert len(connections) == 0

    asyncio.run(asyncio.wait_for(run(), 30))


def test_an_idle_connection_is_closed_so_that_the_client_sees_it():
    async def run():
        connections = Connections(2, 1.0)
        peer, sdp = await offer()
        closed = asyncio.Event()
        peer.on(
            "connectionstatechange",
            lambda: closed.set() if peer.connectionState == "closed" else None,
        )
        answer = await connections.answer(Task(), sdp)
        await peer.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))
        await closed.wait()
        assert len(connections) == 0
        await peer.close()
        await connections.close()

    asyncio.run(asyncio.wait_for(run(), 30))


# A client that asks for a log, tells that it came, and then lives on until it is killed.
CLIENT = """
import asyncio, json
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

async def run():
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    channel = peer.createDataChannel("file_transfer")
    request = {"type": "tail", "follow": True, "args": {"filename": "a.txt"}}
    channel.on("open", lambda: channel.send(json.dumps(request)))
    channel.on("message", lambda message: print(message, flush=True))
    await peer.setLocalDescription(await peer.createOffer())
    print(json.dumps(peer.localDescription.sdp), flush=True)
    answer = RTCSessionDescription(sdp=json.loads(input()), type="answer")
    await peer.setRemoteDescription(answer)
    await asyncio.Event().wait()

asyncio.run(run())
"""


class Logging(Task):
    """A task that computes for ever; remembers the file that it has opened."""

    def __init__(self, path):
        self.path = path

    def is_over(self):
        return False

    def open(self, name):
        self.file = self.path.open("rb")
        return self.file

    def reopen(self, name, file):
        return None


class SlowChannel:
    """A channel whose other side takes something only when it is told to."""

    readyState = "open"  # noqa: N815

    def __init__(self):
        self.call = {}
        self.on = self.call.__setitem__
        self.sent = []
        self.bufferedAmount = 0

    def send(self, message):
        self.sent.append(message)
        self.bufferedAmount += len(message)

    def take(self):
        self.bufferedAmount = 0
        self.call["bufferedamountlow"]()


def test_no_more_of_a_log_waits_than_a_slow_client_is_to_be_sent_next(tmp_path):
    log = tmp_path / "a.txt"
    lines = [f"{number:07} {'x' * 91}" for number in range(20_000)]
    log.write_text("\n".join([*lines, ""]))
    arguments = {"filename": "a.txt", "lines": 10**6}

    async def run():
        channel = SlowChannel()
        conversation = PeerChannel(channel, Logging(log))
        channel.call["message"](json.dumps({"type": "tail", "follow": True, "args": arguments}))
        seen = []
        while len(seen) < len(lines):
            # Until it has stopped by itself.
            amount = -1
            while amount < channel.bufferedAmount:
                amount = channel.bufferedAmount
                await asyncio.sleep(0.3)
            assert amount < 400_000
            for message in channel.sent:
                seen += json.loads(message)["message"]
            channel.sent.clear()
            channel.take()
        conversation.end()
        return seen

    assert asyncio.run(asyncio.wait_for(run(), 30)) == lines


def test_a_log_in_which_nothing_happens_keeps_its_connection(tmp_path):
    log = tmp_path / "a.txt"
    log.write_text("hello\n")
    request = {"type": "tail", "follow": True, "args": {"filename": "a.txt"}}

    async def connect(connections):
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        channel = peer.createDataChannel("file_transfer")
        said = asyncio.Queue()
        channel.on("open", lambda: said.put_nowait("open"))
        channel.on("message", said.put_nowait)
        await peer.setLocalDescription(await peer.createOffer())
        answer = await connections.answer(Logging(log), peer.localDescription.sdp)
        await peer.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))
        assert await said.get() == "open"
        return peer, channel, said

    async def run():
        connections = Connections(4, 1.0)
        reader, channel, said = await connect(connections)
        channel.send(json.dumps(request))
        assert "hello" in await said.get()
        # One that came later and asks for nothing goes.
        other, _, _ = await connect(connections)
        while len(connections) > 1:
            await asyncio.sleep(0.05)
        with log.open("a") as file:
            file.write("more\n")
        assert "more" in await said.get()
        await asyncio.gather(reader.close(), other.close(), connections.close())

    asyncio.run(asyncio.wait_for(run(), 30))


def test_a_client_that_vanishes_in_the_midst_of_a_log_leaves_nothing_open(monkeypatch, tmp_path):
    # Half a minute in earnest.
    monkeypatch.setattr(aioice.ice, "CONSENT_INTERVAL", 0.2)
    monkeypatch.setattr(aioice.ice, "CONSENT_FAILURES", 2)
    log = tmp_path / "a.txt"
    log.write_text("hello\n")
    task = Logging(log)

    async def run():
        connections = Connections(4, 60.0)
        pipe = asyncio.subprocess.PIPE
        client = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CLIENT, stdin=pipe, stdout=pipe
        )
        try:
            answer = await connections.answer(task, json.loads(await client.stdout.readline()))
            client.stdin.write(json.dumps(answer).encode() + b"\n")
            assert b"hello" in await client.stdout.readline()
        finally:
            client.kill()
            await client.wait()
        assert len(connections) == 1
        assert not task.file.closed
        while len(connections) or not task.file.closed:
            # What it would have been told waits, and does not keep it.
            with log.open("a") as file:
                file.write("more\n" * 1000)
            await asyncio.sleep(0.05)
        await connections.close()

    asyncio.run(asyncio.wait_for(run(), 60))


def test_without_aiortc_there_is_no_answer_and_no_thread(monkeypatch):
    monkeypatch.setattr(service, "find_spec", lambda name: None)
    peers = PeerService(Tasks())
    peers.offer("task", "me", asyncio.run(offer())[1])
    assert asyncio.run(peers.answer("task", "me")) is None
    assert peers._thread is None
    peers.stop()


def test_peer_service_stop_ends_thread_and_ignores_offers():
    async def of_one():
        peer, sdp = await offer()
        await peer.close()
        return sdp

    sdp = asyncio.run(of_one())
    peers = PeerService(Tasks())
    assert peers.is_idle()
    peers.offer("task", "me", sdp)
    assert asyncio.run(peers.answer("task", "me")).startswith("v=0")
    assert not peers.is_idle()
    peers.stop()
    assert not peers._thread.is_alive()
    assert peers.is_idle()
    peers.offer("task", "me", sdp)
    assert asyncio.run(peers.answer("task", "me")) is None
