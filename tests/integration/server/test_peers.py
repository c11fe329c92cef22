"""Running tasks answer over WebRTC: what they print, what files they have, what they run."""

from __future__ import annotations

import asyncio
import itertools
import os

import psutil
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection

from tests.integration.server.conftest import until
from tests.integration.server.peer import PeerClient

pytestmark = pytest.mark.extended

# Does what it is told by files that the test puts into the working folder.
OBEDIENT = """
import os, sys, time
while not os.path.exists("end"):
    if os.path.exists("say"):
        os.rename("say", "saying")
        sys.stdout.buffer.write(open("saying", "rb").read())
        sys.stdout.flush()
        os.remove("saying")
    time.sleep(0.02)
sys.stdout.write(os.environ.get("LAST", "") + open("end").read())
"""
numbers = itertools.count()


class Obedient:
    """A running task that prints what it is told, and ends when it is told."""

    def __init__(self, server):
        self.server = server
        self.id = server.run("python task.py", files={"task.py": OBEDIENT})
        server.wait(self.id, "computation-started")
        self.work = server.data_dir / "tasks" / self.id / "work"
        until((self.work / "stdout.txt").exists, "its output")

    def put(self, name, content):
        path = self.work / f"new-{next(numbers)}"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.rename(self.work / name)

    def say(self, text):
        self.put("say", text)
        until(lambda: not any((self.work / name).exists() for name in ("say", "saying")), "words")

    def end(self, last=""):
        self.put("end", last)


@pytest.fixture
def task(shared):
    task = Obedient(shared)
    yield task
    shared.call("POST", f"/tasks/{task.id}/kill")
    shared.wait(task.id)


def test_lines_come_as_they_are_printed_until_the_task_ends(shared, task):
    async def watch():
        async with PeerClient(shared, task.id) as client:
            task.say("one\ntwo\nthree\nfou")
            await client.first.ask("tail", filename="stdout.txt", lines=3, follow=True)
            assert await client.first.lines(2) == ["two", "three"]
            task.say("r\nfive\n")
            assert await client.first.lines(2) == ["four", "five"]
            task.end("last line\nlast words")
            # All of them, and then the end of the channel.
            assert await client.first.lines() == ["last line", "last words"]

    asyncio.run(watch())
    assert shared.wait(task.id)["status"] == "success"


def peer_of(task):
    return PeerClient(task.server, task.id)


def test_each_operation_answers_on_one_channel_in_turn(task):
    task.say("one\ntwo\nthree\n")
    (task.work / "results" / "deep").mkdir(parents=True)
    (task.work / "results" / "deep" / "a.vtk").write_text("x")
    task.put("newest.txt", "x")

    async def ask():
        async with peer_of(task) as client:
            one = client.first
            assert await one.get("tail", filename="stdout.txt", lines=2) == ["two", "three"]
            listing = await one.get("ls")
            assert {"results": [{"deep": ["a.vtk"]}]} in listing
            assert {"stdout.txt", "stderr.txt", "task.py", "newest.txt"} <= {
                name for name in listing if isinstance(name, str)
            }
            last = await one.get("last_modified_file")
            assert last["most_recent_file"] == "newest.txt"
            since = last["now_timestamp"] - last["most_recent_timestamp"]
            assert last["time_since_last_mod"] == pytest.approx(since)
            assert 0 <= since < 20
            return await one.get("top")

    shown = asyncio.run(ask())
    head, rows = shown.split("COMMAND\n")
    assert head.startswith("top - ")
    assert "load average:" in head
    assert rows.count("\n") == 1
    assert "python" in rows


def test_top_shows_no_process_but_those_of_the_task(task):
    async def ask():
        async with peer_of(task) as client:
            return await client.first.get("top")

    rows = asyncio.run(ask()).split("COMMAND\n")[1].splitlines()
    for row in rows:
        environment = open(f"/proc/{row.split()[0]}/environ", "rb").read()  # noqa: PTH123, SIM115
        assert f"INDUCTIVA_LOCAL_TASK={task.id}".encode() in environment


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ("{", "cannot be read"),
        (b"\0\xff", "cannot be read"),
        ("[" * 100_000, "cannot be read"),
        ('{"type": "rm"}', "There is no operation 'rm'. Expected one of: ls, tail, top"),
        ('{"type": "tail"}', "missing required field `filename`"),
        ('{"type": "tail", "args": {"filename": "a", "lines": -1}}', "lines"),
        ('{"type": "tail", "args": {"filename": "a", "lines": 1e99}}', "lines"),
        ('{"type": "ls", "args": {"path": "/"}}', "path"),
        ('{"type": "tail", "args": {"filename": "none.txt"}}', "There is no file 'none.txt'."),
        ('{"type": "tail", "follow": true, "args": {"filename": "no"}}', "There is no file 'no'."),
    ],
)
def test_what_cannot_be_done_is_told_and_the_channel_goes_on(task, request_, said):
    async def ask():
        async with peer_of(task) as client:
            await client.first.send(request_)
            answer = await client.first.next()
            assert answer["status"] == "error"
            assert said in answer["message"]
            assert await client.first.get("tail", filename="stdout.txt") == []

    asyncio.run(ask())


def test_nothing_beyond_the_folder_is_read_and_nothing_blocks(task, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("secret\n")
    (task.work / "link.txt").symlink_to(secret)
    (task.work / "folder").symlink_to(tmp_path)
    (task.work / "round").symlink_to("round")
    (task.work / "inside.txt").symlink_to("task.py")
    (task.work / ".hidden é\n").write_text("found\n")
    os.mkfifo(task.work / "pipe")
    (task.work / "device").symlink_to("/dev/zero")
    kept = ["../job.json", "/etc/passwd", str(secret), "link.txt", "folder/secret.txt", "round",
            "pipe", "device", "folder", ".", "", "a\0b", "x" * 300, "task.py/x"]  # fmt: skip

    async def ask():
        async with peer_of(task) as client:
            for name in kept:
                for follow in (False, True):
                    said = await client.first.refused("tail", filename=name, follow=follow)
                    assert "no file" in said or "is not a file of the task" in said, name
            assert await client.first.get("tail", filename=".hidden é\n") == ["found"]
            assert "import os" in "\n".join(
                await client.first.get("tail", filename="inside.txt", lines=50)
            )
            return await client.first.get("ls")

    names = {name for name in asyncio.run(ask()) if isinstance(name, str)}
    assert {"inside.txt", ".hidden é\n"} <= names
    assert names.isdisjoint({"link.txt", "folder", "round", "pipe", "device"})
    listed = {one["name"] for one in task.server.get(f"/tasks/{task.id}/files")}
    assert listed == names
    for name in ("link.txt", "pipe", "device", "round"):
        task.server.get(f"/tasks/{task.id}/files/{name}", 400)


def test_a_file_that_is_to_come_is_waited_for(task):
    async def watch():
        async with peer_of(task) as client:
            await client.first.ask("tail", filename="late.txt", wait=True, follow=True)
            other = client.channel()
            await other.ask("tail", filename="never.txt", wait=True, follow=True)
            task.put("late.txt", "here\n")
            assert await client.first.lines(1) == ["here"]
            task.end()
            assert await client.first.lines() == []
            answer = await other.next()
            assert answer["status"] == "error"
            assert "never.txt" in answer["message"]

    asyncio.run(watch())


def test_binary_and_lines_of_megabytes_come_whole_in_small_messages(task):
    long, binary = "x" * 3_000_000, bytes(range(256)) * 2000
    # What of these bytes ends a line is another test's.
    binary = binary.translate(None, b"\r\n")

    async def watch():
        async with peer_of(task) as client:
            await client.first.ask("tail", filename="stdout.txt", follow=True)
            task.say(f"{long}\n".encode() + b"short\n" + binary + b"\nend\n")
            text = ""
            while not text.endswith("end"):
                text += "".join(await client.first.lines(1))
            assert max(client.first.sizes) < 60_000
            return text

    assert asyncio.run(watch()) == f"{long}short{binary.decode(errors='replace')}end"


def test_what_begins_anew_is_read_from_its_beginning(task):
    log = task.work / "run.log"
    log.write_text("one\nfirst of the old file\n")

    async def watch():
        async with peer_of(task) as client:
            await client.first.ask("tail", filename="run.log", follow=True)
            assert await client.first.lines(2) == ["one", "first of the old file"]
            log.write_text("cut\n")
            assert await client.first.lines(1) == ["cut"]
            with log.open("a") as file:
                file.write("last of the old")
            log.rename(task.work / "run.log.1")
            log.write_text("new\n")
            assert await client.first.lines(2) == ["last of the old", "new"]

    asyncio.run(watch())


def test_progress_that_is_drawn_over_is_a_line_each_time(task):
    async def watch():
        async with peer_of(task) as client:
            await client.first.ask("tail", filename="stdout.txt", follow=True)
            task.say("\r10 %")
            task.say("\r20 %\r30 %\r\nnext\r\n\r\nlast\n")
            assert await client.first.lines(6) == ["10 %", "20 %", "30 %", "next", "", "last"]

    asyncio.run(watch())


def test_a_listing_of_thousands_of_files_arrives(task):
    folder = task.work / "results"
    folder.mkdir()
    names = [f"step_{number:06}.vtk" for number in range(12_000)]
    for name in names:
        (folder / name).touch()

    async def ask():
        async with peer_of(task) as client:
            return await client.first.get("ls")

    [results] = [one for one in asyncio.run(ask()) if isinstance(one, dict)]
    assert 9_900 < len(results["results"]) <= 10_000
    assert set(results["results"]) <= set(names)
    assert len(task.server.get(f"/tasks/{task.id}/files")) == 10_000


def test_twenty_clients_at_once_see_the_same(task):
    async def watch():
        clients = [peer_of(task) for _ in range(20)]
        await asyncio.gather(*(client.connect() for client in clients))
        for client in clients:
            await client.first.ask("tail", filename="stdout.txt", follow=True)
        task.say("one\ntwo\n")
        seen = await asyncio.gather(*(client.first.lines(2) for client in clients))
        task.end("three")
        rest = await asyncio.gather(*(client.first.lines() for client in clients))
        await asyncio.gather(*(client.connection.close() for client in clients))
        return [*seen, *rest]

    seen = asyncio.run(watch())
    assert seen == [["one", "two"]] * 20 + [["three"]] * 20


def test_a_slow_client_stops_the_reading_and_loses_nothing(task):
    lines = [f"{number:07} {'x' * 92}" for number in range(50_000)]

    async def watch():
        async with peer_of(task) as client:
            await client.first.ask("tail", filename="stdout.txt", lines=10**9, follow=True)
            task.say("\n".join(lines) + "\n")
            memory = psutil.Process(task.server.process.pid).memory_info
            before = memory().rss
            seen = await client.first.lines(1)
            # This side does not take anything for a while: its loop stands still.
            for _ in range(100):
                task.server.status(task.id)
            task.end()
            seen += await client.first.lines()
            assert memory().rss - before < 16 << 20
            return seen

    assert asyncio.run(watch()) == lines


def test_the_whole_of_a_log_arrives_when_its_task_ends_mid_read(task):
    lines = [f"line {number}" for number in range(100_000)]

    async def watch():
        async with peer_of(task) as client:
            await client.first.ask("tail", filename="stdout.txt", lines=10**9, follow=True)
            task.put("end", "\n".join(lines))
            seen = await client.first.lines(1000)
            await asyncio.to_thread(task.server.wait, task.id)
            assert not task.work.exists()
            return seen + await client.first.lines()

    assert asyncio.run(watch()) == lines


def test_a_killed_task_tells_its_last_words(shared):
    program = """
import signal, sys, time
def leave(*_):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("saved", flush=True)
    time.sleep(0.6)
    sys.exit("half done")
signal.signal(signal.SIGTERM, leave)
print("ready", flush=True)
time.sleep(60)
"""
    task_id = shared.run("python task.py", files={"task.py": program})
    shared.wait(task_id, "computation-started")

    async def watch():
        async with PeerClient(shared, task_id) as client:
            other = client.channel()
            await client.first.ask("tail", filename="stdout.txt", follow=True)
            await other.ask("tail", filename="stderr.txt", follow=True)
            assert await client.first.lines(1) == ["ready"]
            shared.call("POST", f"/tasks/{task_id}/kill")
            return await client.first.lines(), await other.lines()

    assert asyncio.run(watch()) == (["saved"], ["half done"])
    shared.wait(task_id)


# Offers ------------------------------------------------------------------------------------------


def offered(server, task_id, sdp, client="me"):
    path = f"/tasks/{task_id}"
    offer = {"sender_id": client, "type": "offer", "sdp": sdp}
    server.call("POST", f"{path}/offer", json=offer)
    return server.session.get(f"{server.url}{path}/message", params={"client": client}, timeout=30)


async def sdp_of_an_offer():
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.createDataChannel("file_transfer")
    await connection.setLocalDescription(await connection.createOffer())
    sdp = connection.localDescription.sdp
    await connection.close()
    return sdp


def test_answers_are_given_once_and_each_to_its_own_client(task):
    sdp = asyncio.run(sdp_of_an_offer())
    assert offered(task.server, task.id, sdp).status_code == 200
    path = f"/tasks/{task.id}/message"
    assert task.server.get(path, 204, client="me") is None
    assert task.server.get(path, 204, client="another") is None


def test_an_offer_that_cannot_be_read_has_no_answer(task):
    for sdp in ("", "nonsense", "v=0\r\nm=application"):
        assert offered(task.server, task.id, sdp).status_code == 204
