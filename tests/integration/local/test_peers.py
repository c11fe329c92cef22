"""Running tasks answer over WebRTC: what they print, what files they have, what they run."""

from __future__ import annotations

import asyncio
import itertools
import json

import pytest

from tests.integration.local.conftest import until
from tests.integration.local.peer import PeerClient

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
