"""Processors and memory of the machine that a process runs on.

On Linux it imports only the standard library, since the supervisor uses it.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

_CPUS = Path("/sys/devices/system/cpu")


class MachineFacts(NamedTuple):
    """Number of processors, hardware threads counted and not, and memory in bytes."""

    cpu_count_logical: int
    cpu_count_physical: int
    memory: int


@cache
def read_machine_facts() -> MachineFacts:
    """Return processors and memory of this machine."""
    logical = os.cpu_count() or 1
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return MachineFacts(logical, _physical_cpus() or logical, memory)


def thread_environment(tasks_per_machine: int) -> dict[str, str]:
    """Return variables for commands whose submission does not set them.

    By default every OpenMP program starts a spinning thread per processor. So the tasks share all
    processors but one, which is reserved for the server and the notebook.

    Parameters
    ----------
    tasks_per_machine
        Maximum number of tasks that run on this machine at a time.
    """
    cpus = read_machine_facts().cpu_count_logical
    return {"OMP_NUM_THREADS": str(max(1, (cpus - 1) // tasks_per_machine))}


def _physical_cpus() -> int | None:
    if not sys.platform.startswith("linux"):
        import psutil

        return psutil.cpu_count(logical=False)
    # Hardware threads of one core list the same siblings.
    siblings = {
        path.read_text(encoding="ascii")
        for path in _CPUS.glob("cpu[0-9]*/topology/thread_siblings_list")
    }
    return len(siblings) or None
