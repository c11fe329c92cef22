"""Kills: of what waits, of what runs, and of what does not want to end."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import zipfile

import pytest

from inductiva_widgets.server import process_tree
from inductiva_widgets.server.data_dir import TaskDir
from inductiva_widgets.server.local_executor import find_supervisor
from tests.integration.server.conftest import RUN_SWMM, case_files, is_running, until

STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    with open(sys.argv[1] + ".part", "w") as file:
        file.write(str(os.getpid()))
    os.rename(sys.argv[1] + ".part", sys.argv[1])
    time.sleep(600)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
time.sleep(600)
"""

DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        with open(sys.argv[1] + ".part", "w") as file:
            file.write(str(os.getpid()))
        os.rename(sys.argv[1] + ".part", sys.argv[1])
        time.sleep(600)
    os._exit(0)
while not os.path.exists(sys.argv[1]): time.sleep(0.01)
print("parent done", flush=True)
"""

# Leaves its session, loses its parent, drops its environment, and ignores a polite end.
HIDDEN = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        code = (
            "import os, signal, sys, time\\n"
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)\\n"
            "signal.signal(signal.SIGHUP, signal.SIG_IGN)\\n"
            "open(sys.argv[1] + '.part', 'w').write(str(os.getpid()))\\n"
            "os.rename(sys.argv[1] + '.part', sys.argv[1])\\n"
            "time.sleep(600)"
        )
        os.execve(sys.executable, [sys.executable, "-S", "-c", code, sys.argv[1]], {})
    os._exit(0)
"""

# Follows a program that starts a hidden process, and prints.
WAIT = """
while not os.path.exists(sys.argv[1]): time.sleep(0.01)
print("begun", flush=True)
time.sleep(600)
"""

# Starts a new process whenever one of its two is ended.
HYDRA = """
import os, signal, sys, time
def grow():
    pid = os.fork()
    if pid == 0:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with open(os.path.join(sys.argv[1], str(os.getpid())), "w"):
            pass
        time.sleep(600)
        os._exit(0)
    return pid
signal.signal(signal.SIGTERM, signal.SIG_IGN)
grow(), grow()
while True:
    os.wait()
    grow()
"""


def test_running_task_is_killed_and_keeps_its_output(shared):
    task_id = shared.run(RUN_SWMM, files=case_files("swmm_long"))
    shared.wait(task_id, "computation-started")
    until(
        lambda: (
            "Simulating"
            in shared.session.get(f"{shared.url}/tasks/{task_id}/files/stdout.txt").text
        ),
        "the simulation to be under way",
    )
    told = shared.call("POST", f"/tasks/{task_id}/kill")
    assert told["status"] == "pending-kill"
    task = shared.wait(task_id)
    assert task["status"] == "killed"
    codes = [entry["status"] for entry in task["status_history"]]
    assert codes[-2:] == ["pending-kill", "killed"]
    assert task["metrics"]["computation_seconds"] > 0
    assert task["error_detail"] is None
    assert "Simulating" in shared.output(task_id, "stdout.txt")


def test_queued_tasks_know_their_place_and_are_killed_at_once(make_server):
    server = make_server("--capacity", "1")
    first = server.run(RUN_SWMM, files=case_files("swmm_long"))
    server.wait(first, "computation-started")
    second, third = (server.run(RUN_SWMM, files=case_files("swmm_long")) for _ in range(2))
    assert server.get(f"/tasks/{second}/status")["position_in_queue"] == {"tasks_ahead": 0}
    assert server.get(f"/tasks/{third}/status")["position_in_queue"] == {"tasks_ahead": 1}
    assert server.get(f"/tasks/{first}/status")["position_in_queue"] is None

    told = server.call("POST", f"/tasks/{second}/kill")
    assert (told["status"], told["is_terminated"]) == ("killed", True)
    assert server.get(f"/tasks/{third}/status")["position_in_queue"] == {"tasks_ahead": 0}

    server.call("POST", f"/tasks/{first}/kill")
    # The place that is free now goes to the one that waited, not to the one that was killed.
    server.wait(third, "computation-started")
    task = server.get(f"/tasks/{second}")
    assert task["status"] == "killed"
    assert task["start_time"] is None


def test_task_without_input_is_killed_and_takes_none(shared):
    task_id = shared.submit("python -c pass")
    assert shared.call("POST", f"/tasks/{task_id}/kill")["status"] == "killed"
    assert "killed" in shared.call("POST", f"/tasks/{task_id}/input_uploaded", 409)["detail"]


def test_killing_what_has_ended_changes_nothing(shared):
    task_id = shared.run("python -c pass", files={})
    before = shared.wait(task_id)
    assert shared.call("POST", f"/tasks/{task_id}/kill")["status"] == "success"
    assert shared.get(f"/tasks/{task_id}") == before


def test_child_that_ignores_the_polite_end_is_no_orphan(shared, tmp_path):
    note = tmp_path / "child"
    task_id = shared.run(f"python stubborn.py {note}", files={"stubborn.py": STUBBORN})
    until(note.exists, "the child")
    child = int(note.read_text())
    assert is_running(child)
    shared.call("POST", f"/tasks/{task_id}/kill")
    assert shared.wait(task_id)["status"] == "killed"
    assert not is_running(child)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="found by /proc")
def test_child_that_leaves_its_session_does_not_outlive_its_command(shared, tmp_path):
    note = tmp_path / "daemon"
    task_id = shared.run(f"python daemon.py {note}", files={"daemon.py": DAEMON})
    assert shared.wait(task_id)["status"] == "success"
    assert not is_running(int(note.read_text()))
    assert shared.output(task_id, "stdout.txt").strip() == "parent done"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="orphans are adopted")
@pytest.mark.parametrize("rest", ["", "time.sleep(600)"], ids=["ends by itself", "is killed"])
def test_process_that_hides_in_every_way_does_not_outlive_its_command(shared, tmp_path, rest):
    note = tmp_path / "hidden"
    wait = "while not os.path.exists(sys.argv[1]): time.sleep(0.01)\n"
    task_id = shared.run(f"python hide.py {note}", files={"hide.py": HIDDEN + wait + rest})
    until(note.exists, "the hidden process")
    if rest:
        assert is_running(int(note.read_text()))
        shared.call("POST", f"/tasks/{task_id}/kill")
    assert shared.wait(task_id)["status"] == ("killed" if rest else "success")
    assert not is_running(int(note.read_text()))


def test_program_that_replaces_what_is_ended_is_ended_whole(shared, tmp_path):
    heads = tmp_path / "heads"
    heads.mkdir()
    task_id = shared.run(f"python hydra.py {heads}", files={"hydra.py": HYDRA})
    until(lambda: len(list(heads.iterdir())) >= 2, "its first processes")
    shared.call("POST", f"/tasks/{task_id}/kill")
    assert shared.wait(task_id)["status"] == "killed"
    grown = [int(path.name) for path in heads.iterdir()]
    assert len(grown) > 2
    assert not any(map(is_running, grown))


def test_time_to_live_ends_the_whole_tree_too(shared, tmp_path):
    note = tmp_path / "child"
    task_id = shared.run(
        f"python stubborn.py {note}", files={"stubborn.py": STUBBORN}, time_to_live_seconds=2
    )
    assert shared.wait(task_id)["status"] == "ttl-exceeded"
    assert not is_running(int(note.read_text()))


def test_stopped_program_is_killed_all_the_same(shared, tmp_path):
    note = tmp_path / "pid"
    program = (
        "import os, signal, sys\n"
        "open(sys.argv[1] + '.part', 'w').write(str(os.getpid()))\n"
        "os.rename(sys.argv[1] + '.part', sys.argv[1])\n"
        "os.kill(os.getpid(), signal.SIGSTOP)\n"
    )
    task_id = shared.run(f"python stop.py {note}", files={"stop.py": program})
    until(note.exists, "the program")
    shared.call("POST", f"/tasks/{task_id}/kill")
    assert shared.wait(task_id)["status"] == "killed"
    assert not is_running(int(note.read_text()))


# Takes minutes to pack, and no space: a hole in a file is read as zeros.
LARGE = """
import os, sys
print("computed", flush=True)
with open("hole", "wb") as file:
    file.truncate(400 << 30)
"""


def end_of(server, task_id, patience):
    """Kill a task, and return it once it has ended, after a limited time."""
    server.call("POST", f"/tasks/{task_id}/kill")
    until(lambda: server.get(f"/tasks/{task_id}/status")["is_terminated"], "the end", patience)
    return server.get(f"/tasks/{task_id}")


def slot_is_free(server):
    """Return whether a server with one slot runs a task."""
    return server.wait(server.run("python -c pass", files={}))["status"] == "success"


def supervisors_of(server, task_id):
    """Return the process ids of all supervisors that a task has had."""
    lines = (server.data_dir / "tasks" / task_id / "events.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines if line.strip("\0")]
    return [event["pid"] for event in events if event["event"] == "supervising"]


def next_supervisor(server, task_id, count):
    return until(
        lambda: (found := supervisors_of(server, task_id))[count - 1 :] and found[count - 1],
        "a supervisor",
        120.0,
    )


@pytest.mark.extended
def test_kill_while_output_is_packed_ends_in_time_and_keeps_the_files(make_server):
    server = make_server("--capacity", "1")
    task_id = server.run("python large.py", files={"large.py": LARGE})
    partial = server.data_dir / "storage" / task_id / ".output.zip.part"
    until(partial.exists, "packing to begin")
    task = end_of(server, task_id, 120.0)
    assert task["status"] == "killed"
    assert slot_is_free(server)
    assert not partial.exists()
    assert server.output(task_id, "stdout.txt").strip() == "computed"
    kept = server.data_dir / "tasks" / task_id / "kept"
    assert (kept / "hole").exists()
    assert str(kept) in task["status_history"][-1]["description"]


@pytest.mark.extended
def test_kill_while_input_is_unpacked_ends_in_time(make_server, tmp_path):
    server = make_server("--capacity", "1")
    task_id = server.submit("python -c pass")
    # 4 GB of zeros are 4 MB in the archive.
    archive = tmp_path / "input.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        packed.writestr("sim_dir/", b"")
        with packed.open("sim_dir/zeros", "w", force_zip64=True) as file:
            for _ in range(256):
                file.write(bytes(16 << 20))
    server.upload(task_id, archive.read_bytes())
    server.call("POST", f"/tasks/{task_id}/input_uploaded")
    zeros = server.data_dir / "tasks" / task_id / "work" / "zeros"
    until(zeros.exists, "unpacking to begin")
    assert end_of(server, task_id, 60.0)["status"] == "killed"
    assert slot_is_free(server)


def test_kill_continues_a_suspended_supervisor(make_server):
    server = make_server("--capacity", "1")
    task_id = server.run("python wait.py", files={"wait.py": "import time; time.sleep(600)"})
    server.wait(task_id, "computation-started")
    os.kill(next_supervisor(server, task_id, 1), signal.SIGSTOP)
    # Less than the time after which a supervisor is killed.
    assert end_of(server, task_id, 30.0)["status"] == "killed"
    assert len(supervisors_of(server, task_id)) == 1
    assert slot_is_free(server)


class Hanging:
    """Suspends a process again and again, so that nothing but SIGKILL ends it."""

    def __init__(self, pid):
        self._pid = pid
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        # With a stop pending, the process runs no line between SIGCONT and the next SIGSTOP.
        os.kill(self._pid, signal.SIGSTOP)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        self._thread.join()

    def _run(self):
        with contextlib.suppress(ProcessLookupError):
            while not self._stopping.is_set():
                os.kill(self._pid, signal.SIGSTOP)


@pytest.mark.extended
def test_kill_ends_task_whose_supervisors_both_hang(make_server, tmp_path):
    server = make_server("--capacity", "1")
    note = tmp_path / "child"
    task_id = server.run(f"python hide.py {note}", files={"hide.py": HIDDEN + WAIT})
    until(note.exists, "the hidden process")
    with Hanging(next_supervisor(server, task_id, 1)):
        server.call("POST", f"/tasks/{task_id}/kill")
        with Hanging(next_supervisor(server, task_id, 2)):
            until(lambda: server.status(task_id) == "killed", "the end", 120.0)
    assert not any(map(is_running, [int(note.read_text()), *supervisors_of(server, task_id)]))
    assert server.output(task_id, "stdout.txt").strip() == "begun"
    assert slot_is_free(server)


@pytest.mark.parametrize("is_killed", [True, False])
def test_task_whose_supervisors_all_died_keeps_its_output(make_server, tmp_path, is_killed):
    server = make_server("--capacity", "1")
    note = tmp_path / "child"
    task_id = server.run(f"python hide.py {note}", files={"hide.py": HIDDEN + WAIT})
    until(note.exists, "the hidden process")
    partial = server.data_dir / "storage" / task_id / ".output.zip.part"
    partial.write_bytes(b"half")
    hidden, folder = int(note.read_text()), TaskDir(server.data_dir / "tasks" / task_id)
    # Without parent, session and environment, it can only be found by the supervisor's list.
    until(lambda: hidden in dict(process_tree.read_pids(folder.seen)), "the list")
    with dying_supervisors(server, task_id):
        if is_killed:
            server.call("POST", f"/tasks/{task_id}/kill")
        task = server.wait(task_id)
    assert task["status"] == ("killed" if is_killed else "executer-failed")
    assert not is_running(hidden)
    assert server.output(task_id, "stdout.txt").strip() == "begun"
    assert not partial.exists()
    assert not list(folder.root.glob(".*.part"))
    assert slot_is_free(server)


@contextlib.contextmanager
def dying_supervisors(server, task_id):
    """Kill every supervisor of a task as soon as it appears."""
    task = TaskDir(server.data_dir / "tasks" / task_id)
    stopping = threading.Event()

    def run():
        while not stopping.is_set():
            if pid := find_supervisor(task):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
