"""Find and terminate all processes of a task.

A command may start processes that ignore SIGTERM, leave their group or session, lose their parent
or change their environment. So there are four ways to find them, each sufficient by itself: descent
from the supervisor, which on Linux adopts orphans; the process group; a marker in the environment;
and the list of processes found earlier.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from inductiva_widgets._atomic import write_atomically
from inductiva_widgets.server import process_table
from inductiva_widgets.server.process_table import Process

MARKER = "INDUCTIVA_LOCAL_TASK"

_LOOK_EVERY = 0.03
_KILL_TAKES = 3.0
_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> bool:
    """Make this process the parent of descendants that lose theirs; return whether it could.

    Otherwise a detached process becomes a child of init, and its task is lost. Linux only.
    """
    if not sys.platform.startswith("linux"):
        return False
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        answer: int = ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        return answer == 0
    return False


class ProcessTree:
    """All processes of one task.

    Parameters
    ----------
    marker
        Value of the task's marker in the environment.
    root
        The process whose descendants they are, itself excluded; None if it has ended.
    group
        Their process group, if they were started in one.
    seen
        Processes that belonged to the task earlier: id and start.
    """

    def __init__(
        self,
        marker: str,
        root: int | None = None,
        group: int | None = None,
        seen: Iterable[tuple[int, float]] = (),
    ) -> None:
        self._marker = marker
        self._root = root
        self._group = group
        self._seen = dict(seen)

    @property
    def seen(self) -> dict[int, float]:
        """The processes found by the last scan: id and start."""
        return dict(self._seen)

    def scan(self, *, everywhere: bool = True) -> list[Process]:
        """Return the live processes of the task.

        Parameters
        ----------
        everywhere
            If True, also read the environment of each process, which takes the longest.
        """
        present = process_table.list_processes()
        found = {
            pid
            for pid, started in self._seen.items()
            if pid in present and present[pid].started == started
        }
        if self._group is not None:
            found |= {pid for pid, process in present.items() if process.group == self._group}
        if everywhere:
            found |= process_table.pids_with_env(MARKER, self._marker) & present.keys()
        roots = found if self._root is None else {self._root, *found}
        found |= _descendants(roots, present)
        # The scanning process and the supervisor end last, by themselves.
        found -= {os.getpid(), self._root}
        self._seen = {pid: present[pid].started for pid in found}
        return [present[pid] for pid in sorted(found)]

    def terminate(self, grace: float, reap: Callable[[], object] = lambda: None) -> list[Process]:
        """Send SIGTERM to the processes, then SIGKILL; return those that are still there.

        Parameters
        ----------
        grace
            Seconds between the two signals.
        reap
            Called while waiting, to reap ended children.
        """
        self._send(signal.SIGTERM, self.scan())
        deadline = time.monotonic() + grace
        while True:
            reap()
            left = self.scan()
            if not left:
                return []
            if time.monotonic() >= deadline:
                break
            time.sleep(_LOOK_EVERY)
        deadline = time.monotonic() + _KILL_TAKES
        # Repeatedly, since a process may be started between scan and signal.
        while left and time.monotonic() < deadline:
            self._send(signal.SIGKILL, left)
            time.sleep(_LOOK_EVERY)
            reap()
            left = self.scan()
        return left

    def _send(self, number: signal.Signals, processes: list[Process]) -> None:
        for process in processes:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process.pid, number)
                # A suspended process handles the signal only when it is continued.
                os.kill(process.pid, signal.SIGCONT)
        if self._group is not None and any(process.group == self._group for process in processes):
            # All at once, which includes processes that were started since the scan.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._group, number)


def members(group: int | None, marker: str) -> set[int]:
    """Return the live processes of a group, and those that carry a task's marker."""
    return {process.pid for process in ProcessTree(marker, group=group).scan()}


def end_all(
    group: int | None, marker: str, grace: float, reap: Callable[[], object] = lambda: None
) -> None:
    """End the processes of a group and those that carry a task's marker; see ``terminate``."""
    ProcessTree(marker, group=group).terminate(grace, reap)


def _descendants(roots: set[int], present: dict[int, Process]) -> set[int]:
    children: dict[int, list[int]] = {}
    for process in present.values():
        children.setdefault(process.parent, []).append(process.pid)
    found: set[int] = set()
    ahead = list(roots)
    while ahead:
        for child in children.get(ahead.pop(), ()):
            if child not in found:
                found.add(child)
                ahead.append(child)
    return found


def save_pids(path: Path, seen: dict[int, float]) -> None:
    """Save the processes of a task, so that another process can terminate them."""
    write_atomically(path, json.dumps(sorted(seen.items())).encode("ascii"), sync=False)


def read_pids(path: Path) -> list[tuple[int, float]]:
    """Return what ``save_pids`` wrote, or an empty list if there is no such file."""
    try:
        return [(int(pid), float(started)) for pid, started in json.loads(path.read_bytes())]
    except (OSError, ValueError, TypeError):
        return []
