"""The processes of a task: found whatever they do, and ended whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from inductiva_widgets.server import process_table, process_tree
from inductiva_widgets.server.process_tree import MARKER, ProcessTree

linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="found by /proc")
SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
DEAF = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "print('up', flush=True); time.sleep(600)",
]
# Leaves its session and parent and drops its environment: nothing but descent tells whose it is.
DETACHED = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        code = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
        os.execve(sys.executable, [sys.executable, "-S", "-c", code], {})
    os._exit(0)
time.sleep(600)
"""
# What a supervisor does, as a process of its own: adopts, starts, looks, ends.
SUPERVISING = """
import os, subprocess, sys
from inductiva_widgets.server import process_table, process_tree
assert process_tree.adopt_orphans()
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE, env={},
                         start_new_session=True)
pid = int(child.stdout.readline())
family = process_tree.ProcessTree("none-such", os.getpid(), child.pid)
while process_table.list_processes()[pid].parent != os.getpid():
    pass
assert pid in {process.pid for process in family.scan(everywhere=False)}

def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass

left = family.terminate(5.0, reap)
reap()
print(pid, left, os.path.exists(f"/proc/{pid}"))
"""


@pytest.fixture
def start():
    children = []

    def run(command, marker="none"):
        child = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            env={**os.environ, MARKER: marker},
            start_new_session=True,
        )
        children.append(child)
        assert child.stdout.readline() == b"up\n"
        return child

    yield run
    for child in children:
        child.kill()
        child.communicate()


def pids(found):
    return {process.pid for process in found}


def test_group_is_found_and_ended(start):
    child = start(SLEEP)
    family = ProcessTree("none-such", group=child.pid)
    assert child.pid in pids(family.scan())
    assert family.terminate(5.0, child.poll) == []
    assert child.wait(60) == -signal.SIGTERM
    assert family.scan() == []


def test_deaf_process_is_made_to_end_after_the_grace(start):
    child = start(DEAF)
    clock = time.monotonic()
    assert ProcessTree("none-such", group=child.pid).terminate(0.3, child.poll) == []
    assert time.monotonic() - clock >= 0.3
    assert child.wait(60) == -signal.SIGKILL


def test_marker_finds_its_own_and_no_other(start):
    mine, other = start(SLEEP, "task-1"), start(SLEEP, "task-12")
    family = ProcessTree("task-1")
    assert process_tree.members(None, "task-1") == {mine.pid}
    assert pids(family.scan()) == {mine.pid}
    assert pids(ProcessTree("task-1").scan(everywhere=False)) == set()
    process_tree.end_all(None, "task-1", 5.0, mine.poll)
    assert mine.wait(60) == -signal.SIGTERM
    assert other.poll() is None


@linux_only
def test_process_without_session_parent_and_environment_is_found_by_descent():
    done = subprocess.run(
        [sys.executable, "-c", SUPERVISING, DETACHED],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[1:] == ["[]", "False"]


def test_process_seen_before_is_known_again_after_all_ties_are_cut(start, tmp_path):
    child = start(SLEEP)
    note = tmp_path / "processes.json"
    family = ProcessTree("none-such", group=child.pid)
    family.scan()
    process_tree.save_pids(note, family.seen)
    later = ProcessTree("none-such", seen=process_tree.read_pids(note))
    assert pids(later.scan()) == {child.pid}
    later.terminate(5.0, child.poll)
    assert child.wait(60) == -signal.SIGTERM


def test_terminate_spares_process_with_reused_pid(start):
    child = start(SLEEP)
    started = process_table.list_processes()[child.pid].started
    family = ProcessTree("none-such", seen=[(child.pid, started - 1)])
    assert family.scan() == []
    assert family.terminate(1.0) == []
    assert child.poll() is None


@pytest.mark.parametrize("content", [None, b"", b"{", b"[1]", b'[["a", 1]]'])
def test_unreadable_note_of_processes_is_an_empty_one(tmp_path, content):
    path = tmp_path / "processes.json"
    if content is not None:
        path.write_bytes(content)
    assert process_tree.read_pids(path) == []


def test_ending_nothing_is_quick():
    clock = time.monotonic()
    assert ProcessTree("no-such-task").terminate(60.0) == []
    assert time.monotonic() - clock < 55


def test_process_tables_leave_out_zombies(start):
    child = start(SLEEP)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert child.pid not in process_table.list_processes()
    assert child.pid not in process_table.from_psutil()


def test_both_ways_of_looking_agree(start):
    child = start(SLEEP, "task-both")
    one, other = process_table.list_processes()[child.pid], process_table.from_psutil()[child.pid]
    assert (one.parent, one.group) == (other.parent, other.group) == (os.getpid(), child.pid)
    assert one.memory == pytest.approx(other.memory, rel=0.2)
    assert process_table.pids_with_env(MARKER, "task-both") == {child.pid}
