"""Table of the processes of this machine, and the resources that they use.

Linux has them as files in /proc, which are fast to read with the standard library. On further
systems psutil is used, which is imported when a command already runs.
"""

from __future__ import annotations

import contextlib
import os
import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

_PROC = Path("/proc")


class Process(NamedTuple):
    """One live process; ``started`` distinguishes it from a later one with the same id.

    ``memory`` is the resident memory in bytes.
    """

    pid: int
    parent: int
    group: int
    started: float
    memory: int


def list_processes() -> dict[int, Process]:
    """Return all live processes by id; zombies are left out."""
    return _from_proc() if _has_proc() else from_psutil()


def find_process(pid: int) -> Process | None:
    """Return a live process, or None if there is none with that id; a zombie is not live."""
    if not _has_proc():
        import psutil

        return _described(psutil.Process(pid)) if psutil.pid_exists(pid) else None
    try:
        stat = (_PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return None
    return _parsed(stat, pid, os.sysconf("SC_PAGE_SIZE"))


def pids_with_env(variable: str, value: str) -> set[int]:
    """Return the processes that were started with an environment variable of that value.

    The environment of other users' processes is not readable, and they never belong to a task.
    """
    return _carriers_in_proc(variable, value) if _has_proc() else _carriers(variable, value)


def _has_proc() -> bool:
    return sys.platform.startswith("linux")


def _numbers() -> list[str]:
    return [entry.name for entry in os.scandir(_PROC) if entry.name.isdigit()]


def _from_proc() -> dict[int, Process]:
    page = os.sysconf("SC_PAGE_SIZE")
    found = {}
    for name in _numbers():
        # Processes may end during the scan.
        with contextlib.suppress(OSError, ValueError, IndexError):
            process = _parsed((_PROC / name / "stat").read_bytes(), int(name), page)
            if process is not None:
                found[process.pid] = process
    return found


def _parsed(stat: bytes, pid: int, page: int) -> Process | None:
    # The process name, in parentheses, may contain spaces and parentheses.
    fields = stat.rpartition(b")")[2].split()
    if fields[0] in (b"Z", b"X"):
        return None
    return Process(pid, int(fields[1]), int(fields[2]), float(fields[19]), int(fields[21]) * page)


def _carriers_in_proc(variable: str, value: str) -> set[int]:
    entry = f"{variable}={value}".encode()
    found = set()
    for name in _numbers():
        with contextlib.suppress(OSError):
            content = (_PROC / name / "environ").read_bytes()
            # The first test is cheap, and splitting is slow.
            if entry in content and entry in content.split(b"\0"):
                found.add(int(name))
    return found


def from_psutil() -> dict[int, Process]:
    """Return all live processes by id, using psutil."""
    import psutil

    found = (_described(process) for process in psutil.process_iter())
    return {process.pid: process for process in found if process is not None}


def _described(process: Any) -> Process | None:
    import psutil

    with contextlib.suppress(psutil.Error, OSError), process.oneshot():
        if process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
            return Process(
                process.pid,
                process.ppid(),
                os.getpgid(process.pid),
                process.create_time(),
                _memory_of(process),
            )
    return None


def _memory_of(process: Any) -> int:
    import psutil

    try:
        return int(process.memory_info().rss)
    except psutil.AccessDenied:
        # Keep the process: a task may have processes of another user.
        return 0


def _carriers(variable: str, value: str) -> set[int]:
    import psutil

    found = set()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(variable) == value:
                found.add(process.pid)
    return found


# The unit of ru_maxrss in bytes.
_UNIT = 1 if sys.platform == "darwin" else 1024


class UsageMeter:
    """Measures CPU time and memory of live and ended processes."""

    def __init__(self) -> None:
        self._cpu = 0.0
        self._memory = 0
        self._processes = 0
        # Until exec, a forked process has the memory of this one, so smaller values are useless.
        self._least = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def sample(self, processes: Sequence[Process]) -> None:
        """Measure all live processes of the command."""
        self._memory = max(self._memory, sum(process.memory for process in processes))
        self._processes = max(self._processes, len(processes))

    def add_exited(self, used: resource.struct_rusage) -> None:
        """Add the usage of an ended process and of its reaped children."""
        self._cpu += used.ru_utime + used.ru_stime
        if used.ru_maxrss > self._least:
            self._memory = max(self._memory, used.ru_maxrss * _UNIT)

    def usage(self) -> dict[str, float]:
        """Return the usage so far.

        CPU time is exact once the processes have ended. Peak memory is the larger of the sampled
        total and the maximum of a single process.
        """
        usage: dict[str, float] = {"cpu_seconds": round(self._cpu, 3)}
        if self._memory:
            usage["peak_memory_bytes"] = self._memory
        if self._processes:
            usage["peak_processes"] = self._processes
        return usage
