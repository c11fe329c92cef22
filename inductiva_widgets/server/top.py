"""Format the threads of a task like ``top -b -H -n 1``."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

import psutil

# Minimum interval for a meaningful measurement of CPU shares.
_SAMPLE = 0.2
_MOST_ROWS = 500
_HEADINGS = "    PID USER      PR  NI    VIRT    RES    SHR S  %CPU  %MEM     TIME+ COMMAND"
_STATES = {
    psutil.STATUS_RUNNING: "R",
    psutil.STATUS_SLEEPING: "S",
    psutil.STATUS_DISK_SLEEP: "D",
    psutil.STATUS_STOPPED: "T",
    psutil.STATUS_TRACING_STOP: "t",
    psutil.STATUS_ZOMBIE: "Z",
    psutil.STATUS_IDLE: "I",
}


class _Thread(NamedTuple):
    process: psutil.Process
    number: int
    cpu_seconds: float
    share: float


def format_top(pids: Iterable[int]) -> str:
    """Return a summary of the machine, and the threads of processes.

    Parameters
    ----------
    pids
        Process ids; other processes are not listed.
    """
    processes = []
    for pid in pids:
        # Processes may end during the scan.
        with contextlib.suppress(psutil.Error):
            processes.append(psutil.Process(pid))
    before = {process.pid: _cpu_seconds(process) for process in processes}
    began = time.monotonic()
    if processes:
        time.sleep(_SAMPLE)
    took = max(time.monotonic() - began, 1e-6)
    threads = [
        _Thread(process, number, spent, 100 * max(0.0, spent - earlier.get(number, spent)) / took)
        for process in processes
        for earlier in [before[process.pid]]
        for number, spent in _cpu_seconds(process).items()
    ]
    threads.sort(key=lambda one: (-one.share, one.number))
    rows = []
    for thread in threads[:_MOST_ROWS]:
        with contextlib.suppress(psutil.Error):
            rows.append(_row(thread))
    return "\n".join([*_head(rows), "", _HEADINGS, *(row for _, row in rows), ""])


def _cpu_seconds(process: psutil.Process) -> dict[int, float]:
    with contextlib.suppress(psutil.Error):
        return {one.id: one.user_time + one.system_time for one in process.threads()}
    return {}


def _head(rows: list[tuple[str, str]]) -> list[str]:
    up = timedelta(seconds=int(time.time() - psutil.boot_time()))
    load = ", ".join(f"{one:.2f}" for one in os.getloadavg())
    states = [state for state, _ in rows]
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    return [
        f"top - {datetime.now().astimezone():%H:%M:%S} up {up},  load average: {load}",
        f"Threads: {len(rows):3} total, {states.count('R'):3} running, "
        f"{sum(state in 'SDI' for state in states):3} sleeping, "
        f"{sum(state in 'Tt' for state in states):3} stopped, {states.count('Z'):3} zombie",
        f"MiB Mem : {_mib(memory.total)} total, {_mib(memory.free)} free, "
        f"{_mib(memory.used)} used, {_mib(memory.total - memory.free - memory.used)} buff/cache",
        f"MiB Swap: {_mib(swap.total)} total, {_mib(swap.free)} free, {_mib(swap.used)} used. "
        f"{_mib(memory.available)} avail Mem",
    ]


def _mib(size: int) -> str:
    return f"{max(0, size) / 2**20:8.1f}"


def _row(thread: _Thread) -> tuple[str, str]:
    process = thread.process
    with process.oneshot():
        memory = process.memory_info()
        nice = process.nice()
        state = _STATES.get(process.status(), "?")
        minutes, seconds = divmod(thread.cpu_seconds, 60)
        row = (
            f"{thread.number:7} {process.username()[:8]:8} {20 + nice:3} {nice:3} "
            f"{_kib(memory.vms)} {_kib(memory.rss)} {_kib(getattr(memory, 'shared', 0))} {state} "
            f"{thread.share:5.1f} {process.memory_percent():5.1f} "
            f"{f'{minutes:.0f}:{seconds:05.2f}':>9} {_plain(process.name())}"
        )
    return state, row


def _plain(name: str) -> str:
    # A process name may contain any characters.
    return "".join(one if one.isprintable() else "?" for one in name[:40])


def _kib(size: int) -> str:
    for unit, width in (("", 10), ("m", 20), ("g", 30)):
        if size >> width < 1_000_000:
            return f"{size >> width}{unit}".rjust(7)
    return f"{size >> 40}t".rjust(7)
