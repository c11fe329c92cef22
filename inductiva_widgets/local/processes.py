"""Commands as process groups: started, ended whole, their exit put into words.

A command may start processes that outlive it, ignore a polite end or leave its group. Each one
inherits a marker in its environment, by which it is found again where the system shows it (Linux);
elsewhere the process group is what is ended. Needs nothing but the standard library.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

MARKER = "INDUCTIVA_LOCAL_TASK"

_SCAN_EVERY = 0.03
_KILL_TAKES = 3.0


def describe_exit(code: int, command: str) -> str:
    """Return how a command ended, in one sentence.

    Parameters
    ----------
    code
        Exit code as :mod:`subprocess` counts, negative for a signal.
    command
        The command as its user wrote it.

    Examples
    --------
    >>> describe_exit(1, "runswmm model.inp")
    'The command ended with exit code 1: runswmm model.inp'
    >>> describe_exit(-11, "solve")
    'The command was ended by signal 11 (segmentation fault): solve'
    """
    if code < 0:
        return f"The command was ended by signal {-code}{_signal_name(-code)}: {command}"
    # Shells report the signal of their last command this way.
    hint = _signal_name(code - 128) if code > 128 else ""
    return f"The command ended with exit code {code}{hint}: {command}"


def _signal_name(number: int) -> str:
    try:
        text = signal.strsignal(number)
    except ValueError:
        text = None
    return f" ({text.lower()})" if text and "unknown" not in text.lower() else ""


def members(group: int | None, marker: str) -> set[int]:
    """Return the live processes of a group, and those that carry a task's marker.

    Parameters
    ----------
    group
        Id of the process group; None looks for the marker alone.
    marker
        Value of the task's marker.
    """
    if not sys.platform.startswith("linux"):
        return set() if group is None else _group_by_ps(group)
    wanted = f"{MARKER}={marker}".encode()
    found = set()
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            # Processes come and go, and others' are closed to us.
            with contextlib.suppress(OSError, ValueError, IndexError):
                if _belongs(Path(entry.path), group, wanted):
                    found.add(int(entry.name))
    found.discard(os.getpid())
    return found


def _belongs(process: Path, group: int | None, wanted: bytes) -> bool:
    # The name in brackets may hold anything, blanks and brackets included.
    state, _parent, its_group = (process / "stat").read_bytes().rpartition(b")")[2].split()[:3]
    if state in (b"Z", b"X"):
        return False
    if group is not None and int(its_group) == group:
        return True
    return wanted in (process / "environ").read_bytes().split(b"\0")


def _group_by_ps(group: int) -> set[int]:
    listing = subprocess.run(
        ["/bin/ps", "-A", "-o", "pid=,pgid=,stat="], capture_output=True, text=True, check=True
    )
    rows = (line.split() for line in listing.stdout.splitlines())
    return {
        int(row[0])
        for row in rows
        if len(row) == 3 and int(row[1]) == group and not row[2].startswith("Z")
    }


def end_all(
    group: int | None, marker: str, grace: float, reap: Callable[[], object] = lambda: None
) -> None:
    """End the processes of a command: asked to at first, made to after a while.

    Parameters
    ----------
    group
        Id of the process group; None goes by the marker alone.
    marker
        Value of the task's marker.
    grace
        Seconds between the two.
    reap
        Called while waiting, to take note of ended children.
    """
    _send(signal.SIGTERM, group, members(group, marker))
    if _gone(group, marker, grace, reap):
        return
    deadline = time.monotonic() + _KILL_TAKES
    # Again and again, since a process may be born between looking and killing.
    while left := members(group, marker):
        _send(signal.SIGKILL, group, left)
        reap()
        if time.monotonic() > deadline:
            return
        time.sleep(_SCAN_EVERY)


def _send(number: signal.Signals, group: int | None, found: set[int]) -> None:
    for pid in found:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if group is None or os.getpgid(pid) != group:
                os.kill(pid, number)
    if group is not None and found:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)


def _gone(group: int | None, marker: str, grace: float, reap: Callable[[], object]) -> bool:
    deadline = time.monotonic() + grace
    while True:
        reap()
        if not members(group, marker):
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(_SCAN_EVERY)
