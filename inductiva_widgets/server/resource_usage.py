"""Processor time and memory used by all processes of a command."""

from __future__ import annotations

import resource
import sys
from collections.abc import Sequence

from inductiva_widgets.server.process_table import Process

# The system counts in different units.
_UNIT = 1 if sys.platform == "darwin" else 1024


class UsageMeter:
    """Adds up what is known of processes, while they live and when they have ended."""

    def __init__(self) -> None:
        self._cpu = 0.0
        self._memory = 0
        self._processes = 0
        # A process that was started by us counts our own memory until it becomes another program,
        # so that a smaller figure says nothing about it.
        self._least = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def sample(self, processes: Sequence[Process]) -> None:
        """Take in all live processes of the command."""
        self._memory = max(self._memory, sum(process.memory for process in processes))
        self._processes = max(self._processes, len(processes))

    def add_exited(self, used: resource.struct_rusage) -> None:
        """Take in what a process has used, and those before it whose end it took note of."""
        self._cpu += used.ru_utime + used.ru_stime
        if used.ru_maxrss > self._least:
            self._memory = max(self._memory, used.ru_maxrss * _UNIT)

    def usage(self) -> dict[str, float]:
        """Return the figures known so far.

        Processor time is exact once the processes have ended. Memory is the most that they
        occupied at one time, looked at from time to time, or the most that a single one ever did.
        """
        usage: dict[str, float] = {"cpu_seconds": round(self._cpu, 3)}
        if self._memory:
            usage["peak_memory_bytes"] = self._memory
        if self._processes:
            usage["peak_processes"] = self._processes
        return usage
