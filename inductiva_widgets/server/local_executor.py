"""Executor that runs tasks on this machine, each under a supervisor process."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection

import psutil

from inductiva_widgets.server import process_table, process_tree
from inductiva_widgets.server.data_dir import TaskDir, package_root
from inductiva_widgets.server.executor import RunEnding, RunState, SubmitError, TaskHandle
from inductiva_widgets.server.machine_facts import MachineFacts, read_machine_facts
from inductiva_widgets.server.top import format_top

_END_TAKES = 3.0
_LOOK_EVERY = 0.02


def default_capacity() -> int:
    """Return the default number of tasks that run at a time: half the processors, at least one.

    Simulators compete for memory bandwidth, and the notebook shares the machine.
    """
    return max(1, read_machine_facts().cpu_count_logical // 2)


class LocalExecutor:
    """Runs tasks as processes of this machine, which outlive the server.

    A handle is the process id and the start time of the supervisor, since ids are reused.

    Parameters
    ----------
    capacity
        Maximum number of tasks that run at a time.
    """

    has_queue = False
    poll_interval = 0.05

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._children: list[subprocess.Popen[bytes]] = []

    @property
    def capacity(self) -> int:
        """Maximum number of tasks that run at a time."""
        return self._capacity

    @property
    def tasks_per_machine(self) -> int:
        """The same number: there is one machine."""
        return self._capacity

    def submit(self, task: TaskDir) -> TaskHandle:
        """Start the supervisor of a task.

        Raises
        ------
        SubmitError
            The process cannot be started.
        """
        try:
            child = start_supervisor(task)
        except OSError as error:
            raise SubmitError(f"The supervisor of the task cannot be started: {error}.") from error
        self._children.append(child)
        return _handle_of(child.pid)

    def find(self, task: TaskDir) -> TaskHandle | None:
        """Return the handle of the supervisor of a task, searching all processes."""
        pid = find_supervisor(task)
        return None if pid is None else _handle_of(pid)

    def states(self, handles: Collection[TaskHandle]) -> dict[TaskHandle, RunState]:
        """Return which supervisors are running."""
        # Reaps the children that have ended; supervisors of an earlier server are not children.
        self._children = [child for child in self._children if child.poll() is None]
        return {
            handle: RunState.RUNNING if _live_pid(handle) is not None else RunState.ENDED
            for handle in handles
        }

    def describe(self, handle: TaskHandle) -> str | None:  # noqa: ARG002
        """Return None: a task runs as soon as it is submitted."""
        return None

    def ending(self, task: TaskDir, handle: TaskHandle) -> RunEnding | None:  # noqa: ARG002
        """Return None: why a process has ended is not known."""
        return None

    def stop(self, task: TaskDir, handle: TaskHandle | None, *, force: bool = False) -> None:
        """Ask the supervisor to end its task, or kill the whole process tree."""
        pid = None if handle is None else _live_pid(handle)
        if force:
            # The supervisor is suspended while its commands are killed, or it would start the next.
            # It is killed last, since it adopts the processes whose parents end.
            _signal(pid, signal.SIGSTOP)
            seen = process_tree.read_pids(task.seen)
            process_tree.ProcessTree(task.root.name, pid, seen=seen).terminate(grace=0.0)
            _signal(pid, signal.SIGKILL)
            deadline = time.monotonic() + _END_TAKES
            while handle is not None and _live_pid(handle) and time.monotonic() < deadline:
                time.sleep(_LOOK_EVERY)
            return
        try:
            task.stop.touch()
        finally:
            # Also on a full disk. A suspended supervisor handles the signal when it is continued.
            _signal(pid, signal.SIGTERM)
            _signal(pid, signal.SIGCONT)

    def clear_up(self, task: TaskDir) -> None:
        """Remove the stop file and the list of processes."""
        for path in (task.stop, task.seen):
            path.unlink(missing_ok=True)

    def machine_facts(self) -> MachineFacts:
        """Return processors and memory of this machine."""
        return read_machine_facts()

    def top(self, task: TaskDir) -> str:
        """Return the threads of the processes of a task."""
        seen = process_tree.read_pids(task.seen)
        tree = process_tree.ProcessTree(task.root.name, seen=seen)
        return format_top([process.pid for process in tree.scan()])


def start_supervisor(task: TaskDir) -> subprocess.Popen[bytes]:
    """Start the supervisor of a task, in a session of its own."""
    module = "inductiva_widgets.server.supervisor"
    # The supervisor inherits the blocked signal and unblocks it when its handler is set, so a stop
    # that arrives earlier stays pending instead of killing the supervisor without its task.
    unblocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        with task.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", module, str(task.root)],
                cwd=package_root(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Protected from the end of the server and from Ctrl-C in its terminal.
                start_new_session=True,
            )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)


def find_supervisor(task: TaskDir) -> int | None:
    """Return the process id of the supervisor of a task, searching all processes."""
    return next((pid for pid in psutil.pids() if _is_supervisor_of(pid, task)), None)


def _is_supervisor_of(pid: int, task: TaskDir) -> bool:
    try:
        # A zombie has no command line.
        return psutil.Process(pid).cmdline()[-1:] == [str(task.root)]
    except psutil.Error:
        return False


def _signal(pid: int | None, number: signal.Signals) -> None:
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _handle_of(pid: int) -> TaskHandle:
    process = process_table.find_process(pid)
    # No process starts at 0, so the handle of an ended process matches none.
    return TaskHandle(f"{pid}:{process.started if process else 0.0}")


def _live_pid(handle: TaskHandle) -> int | None:
    pid, _, started = handle.partition(":")
    if not pid.isdigit():
        return None
    process = process_table.find_process(int(pid))
    return process.pid if process is not None and str(process.started) == started else None
