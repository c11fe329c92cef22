"""Process groups and what their ends are called."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from inductiva_widgets.local import processes

linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="found by /proc")
SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
DEAF = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "print('up', flush=True); time.sleep(600)",
]


@pytest.fixture
def start():
    children = []

    def run(command, marker="none"):
        child = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            env={**os.environ, processes.MARKER: marker},
            start_new_session=True,
        )
        children.append(child)
        assert child.stdout.readline() == b"up\n"
        return child

    yield run
    for child in children:
        child.kill()
        child.communicate()


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (1, "The command ended with exit code 1: solve"),
        (-11, "The command was ended by signal 11 (segmentation fault): solve"),
        (-9, "The command was ended by signal 9 (killed): solve"),
        (139, "The command ended with exit code 139 (segmentation fault): solve"),
        (255, "The command ended with exit code 255: solve"),
        (-99, "The command was ended by signal 99: solve"),
    ],
)
def test_exit_is_told_in_words(code, text):
    assert processes.describe_exit(code, "solve") == text


def test_group_is_found_and_ended(start):
    child = start(SLEEP)
    assert child.pid in processes.members(child.pid, "none-such")
    processes.end_all(child.pid, "none-such", grace=5.0, reap=child.poll)
    assert child.wait(5) == -signal.SIGTERM
    assert processes.members(child.pid, "none-such") == set()


def test_deaf_process_is_made_to_end_after_the_grace(start):
    child = start(DEAF)
    clock = time.monotonic()
    processes.end_all(child.pid, "none-such", grace=0.3, reap=child.poll)
    assert time.monotonic() - clock >= 0.3
    assert child.wait(5) == -signal.SIGKILL


@linux_only
def test_marker_finds_its_own_and_no_other(start):
    mine, other = start(SLEEP, "task-1"), start(SLEEP, "task-12")
    assert processes.members(None, "task-1") == {mine.pid}
    processes.end_all(None, "task-1", grace=5.0, reap=mine.poll)
    assert mine.wait(5) == -signal.SIGTERM
    assert other.poll() is None


def test_ending_nothing_is_quick():
    clock = time.monotonic()
    processes.end_all(None, "no-such-task", grace=60.0)
    assert time.monotonic() - clock < 10
