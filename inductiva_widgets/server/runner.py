"""Run one command of a task, without a shell, and measure its resource use."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from inductiva_widgets.server import exit_messages, process_tree
from inductiva_widgets.server.disk_limits import DiskGuard
from inductiva_widgets.server.process_table import UsageMeter
from inductiva_widgets.status import Status

KILL_GRACE = 5.0
STRAGGLER_GRACE = 1.0

# A fast disk writes a third of the floor in this time.
_WATCH_EVERY = 0.2
# Short commands are measured early, long ones at growing intervals.
_FIRST_SAMPLE = 0.05
_LAST_PAUSE = 2.0


class TaskOutcome(NamedTuple):
    """Final status of a task, with the reason if the status does not imply it."""

    status: Status
    reason: str | None = None


class StopAskedError(Exception):
    """The task has been asked to end."""


class SignalWaiter:
    """Waits for signals: the end of a child, or SIGTERM, which stops the task.

    Parameters
    ----------
    stop_file
        A file that stops the task like SIGTERM, for machines that signals do not reach.
    """

    def __init__(self, stop_file: Path) -> None:
        self._stop = False
        self._stop_file = stop_file
        self._reader, writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(writer, False)
        # A signal just before the wait writes a byte here, so that it is not missed.
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._on_stop)
        # The parent process may have blocked the signal.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        # Empty handlers, since child processes inherit ignored signals.
        for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: None)

    def _on_stop(self, *_: object) -> None:
        self._stop = True

    def stop_asked(self) -> bool:
        """Return whether the task has been asked to end, by a signal or by the stop file."""
        self._stop = self._stop or self._stop_file.exists()
        return self._stop

    def raise_if_stopped(self) -> None:
        """Raise ``StopAskedError`` if the task has been asked to end."""
        if self.stop_asked():
            raise StopAskedError

    def wait(self, timeout: float) -> None:
        """Sleep until a signal or a timeout in seconds."""
        select.select([self._reader], [], [], timeout)
        with contextlib.suppress(BlockingIOError):
            os.read(self._reader, 4096)


class CannotStartError(Exception):
    """A command that could not be started.

    Parameters
    ----------
    cause
        Error of the system.
    """

    def __init__(self, cause: OSError) -> None:
        super().__init__(str(cause))
        self.cause = cause


class ProcessSpec(NamedTuple):
    """Arguments, folder, environment and streams of a command."""

    argv: list[str]
    cwd: Path
    env: dict[str, str]
    stdin: IO[bytes]
    stdout: IO[bytes]
    stderr: IO[bytes]


class ProcessResult(NamedTuple):
    """Result of a command; ``stopped`` is the outcome if it was stopped, else None."""

    code: int
    stopped: TaskOutcome | None
    usage: dict[str, float]
    ran_out_of_memory: bool


class CommandRunner:
    """Runs the commands of one task, one at a time.

    Parameters
    ----------
    alarm
        Waits for signals.
    task_id
        The task.
    guard
        Checks the limits of the disk.
    notes
        File for the list of processes that belong to the task.
    """

    def __init__(self, alarm: SignalWaiter, task_id: str, guard: DiskGuard, notes: Path) -> None:
        self._alarm = alarm
        self._task_id = task_id
        self._guard = guard
        self._notes = notes
        self._time_to_live: float | None = None
        self._deadline: float | None = None

    def limit_time(self, seconds: float | None) -> None:
        """Stop the running command after a number of seconds, unless None."""
        self._time_to_live = seconds
        self._deadline = None if seconds is None else time.monotonic() + seconds

    def run(
        self,
        command: ProcessSpec,
        on_start: Callable[[int], None],
        end_politely: Callable[[Callable[[], bool]], object] = lambda _: None,
    ) -> ProcessResult:
        """Run a command until it ends or is stopped, and kill its remaining processes.

        Parameters
        ----------
        command
            The command.
        on_start
            Called with its process group.
        end_politely
            Called before its processes are terminated, for processes that signals do not reach. Its
            argument is a function that returns whether the command has ended.

        Raises
        ------
        CannotStartError
            The command cannot be started.
        """
        kills = exit_messages.memory_kills()
        process = _start(command)
        family = process_tree.ProcessTree(self._task_id, os.getpid(), process.pid)
        watched = _RunningProcess(process, family, self._notes)
        grace = STRAGGLER_GRACE
        try:
            watched.sample()
            on_start(process.pid)
            stopped = self._wait(watched)
            if stopped is not None:
                grace = KILL_GRACE
                end_politely(watched.has_ended)
        finally:
            # Also after an error, so that no process is left.
            left = family.terminate(grace, watched.reap)
        if left:
            raise OSError(f"processes that cannot be ended: {[one.pid for one in left]}")
        code = watched.code()
        stopped = stopped or self._limit_exceeded(now=True)
        return ProcessResult(
            code, stopped, watched.meter.usage(), exit_messages.memory_kills() > kills
        )

    def _wait(self, watched: _RunningProcess) -> TaskOutcome | None:
        while True:
            if self._alarm.stop_asked():
                return TaskOutcome(Status.KILLED)
            if watched.has_ended():
                return None
            left = _WATCH_EVERY
            if self._deadline is not None:
                left = min(left, self._deadline - time.monotonic())
                if left <= 0:
                    limit = f"{self._time_to_live:g} s"
                    return TaskOutcome(
                        Status.TTL_EXCEEDED,
                        f"The task ran longer than its time to live of {limit}.",
                    )
            if exceeded := self._limit_exceeded():
                return exceeded
            self._alarm.wait(min(left, watched.sample()))

    def _limit_exceeded(self, *, now: bool = False) -> TaskOutcome | None:
        reason = self._guard.violation(now=now)
        return TaskOutcome(Status.EXECUTER_FAILED, reason) if reason else None


def _start(command: ProcessSpec) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - running the user's commands is the job
            command.argv,
            cwd=command.cwd,
            env=command.env,
            stdin=command.stdin,
            stdout=command.stdout,
            stderr=command.stderr,
            start_new_session=True,
        )
    except OSError as error:
        raise CannotStartError(error) from error


def standard_input(prompts: list[str]) -> contextlib.AbstractContextManager[IO[bytes]]:
    """Return a file with the lines of a command's standard input."""
    if not prompts:
        return open(os.devnull, "rb")  # noqa: PTH123 - os.devnull is no Path
    # A file, since writing to a pipe blocks if the command does not read.
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    file.write("".join(f"{line}\n" for line in prompts).encode())
    file.seek(0)
    return file


class _RunningProcess:
    """Running command with its processes and their resource use."""

    def __init__(
        self, process: subprocess.Popen[bytes], family: process_tree.ProcessTree, notes: Path
    ) -> None:
        self.meter = UsageMeter()
        self._process = process
        self._family = family
        self._notes = notes
        self._noted: dict[int, float] = {}
        self._pause = _FIRST_SAMPLE
        self._due = 0.0

    def has_ended(self) -> bool:
        """Return whether the started process has ended; its descendants may still run."""
        self.reap()
        return self._process.returncode is not None

    def code(self) -> int:
        """Return the exit code as ``subprocess`` counts."""
        if not self.has_ended():
            pid, status, used = os.wait4(self._process.pid, 0)
            self._save_children(pid, status, used)
        return self._process.returncode

    def reap(self) -> None:
        """Reap all children that have ended, adopted orphans included."""
        while True:
            try:
                pid, status, used = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._save_children(pid, status, used)

    def _save_children(self, pid: int, status: int, used: resource.struct_rusage) -> None:
        self.meter.add_exited(used)
        if pid == self._process.pid:
            # Popen would call waitpid again and fail: record the exit code here.
            self._process.returncode = os.waitstatus_to_exitcode(status)

    def sample(self) -> float:
        """Measure the processes if due; return the seconds until the next measurement."""
        now = time.monotonic()
        if now < self._due:
            return self._due - now
        # The marker finds nothing that descent does not while their supervisor lives.
        self.meter.sample(self._family.scan(everywhere=False))
        if self._family.seen != self._noted:
            self._noted = self._family.seen
            process_tree.save_pids(self._notes, self._noted)
        pause, self._pause = self._pause, min(2 * self._pause, _LAST_PAUSE)
        self._due = now + pause
        return pause


def kill_leftovers(task_id: str, seen: Sequence[tuple[int, float]]) -> None:
    """Terminate the processes that an earlier supervisor of a task has left running."""
    process_tree.ProcessTree(task_id, seen=seen).terminate(STRAGGLER_GRACE)
