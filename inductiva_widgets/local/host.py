"""Facts about this machine, as the service tells them of a virtual one."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from shutil import disk_usage
from typing import NamedTuple

import psutil

from inductiva_widgets.local.records import GroupRecord
from inductiva_widgets.local.wire import CostRange, CpuInfo, LocalGroup, QuotaUsage
from inductiva_widgets.models import Executer

# Clients turn both into times, so neither may be null.
_FOREVER = 365 * 24 * 3600
_NO_END = datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone.utc)


class Host(NamedTuple):
    """Processors and memory (bytes) of this machine."""

    logical_cpus: int
    physical_cpus: int
    memory: int


@cache
def this_host() -> Host:
    """Return the facts, which do not change while the server runs."""
    logical = os.cpu_count() or 1
    physical = psutil.cpu_count(logical=False) or logical
    return Host(logical, physical, int(psutil.virtual_memory().total))


def default_capacity() -> int:
    """Return how many tasks run at a time unless configured: half the processors, at least one.

    Simulators compete for memory bandwidth, and the notebook shares the machine.
    """
    return max(1, this_host().logical_cpus // 2)


def default_environment(capacity: int) -> dict[str, str]:
    """Return variables for commands whose submission does not set them.

    Left alone, OpenMP programs take every processor, each task anew, and spin while they wait. So
    the tasks share all but one, which is for the server and the notebook.
    """
    return {"OMP_NUM_THREADS": str(max(1, (this_host().logical_cpus - 1) // capacity))}


def executer(group: GroupRecord) -> Executer:
    """Return this machine as the machine of a task."""
    host = this_host()
    return Executer(
        uuid=group.machine_id,
        cpu_count_logical=host.logical_cpus,
        cpu_count_physical=host.physical_cpus,
        memory=host.memory,
        n_mpi_hosts=1,
        # Clients show this as the machine's type.
        vm_type=group.name,
        vm_name=group.name,
        host_type="LOCAL",
    )


def machine_group(group: GroupRecord, capacity: int, folder: Path) -> LocalGroup:
    """Return this machine as a machine group, which is always started.

    Parameters
    ----------
    group
        The group as the store knows it.
    capacity
        How many tasks run at a time.
    folder
        The data folder, whose disk counts.
    """
    host = this_host()
    return LocalGroup(
        id=group.id,
        name=group.name,
        machine_type="local",
        status="started",
        started=True,
        type="standard",
        provider_id="LOCAL",
        zone="local",
        num_vms=1,
        spot=False,
        creation_timestamp=datetime.fromtimestamp(group.created, timezone.utc),
        disk_size_gb=disk_usage(folder).total // 10**9,
        min_vms=1,
        max_vms=1,
        is_elastic=False,
        max_idle_time=_FOREVER,
        idle_seconds=0,
        auto_terminate_ts=_NO_END,
        cost_per_hour=CostRange(),
        cpu_info=CpuInfo(
            cpu_cores_logical=host.logical_cpus, cpu_cores_physical=host.physical_cpus
        ),
        gpu_info=None,
        total_ram_gb=host.memory // 10**9,
        quota_usage=QuotaUsage(max_price_hour=0.0, max_vcpus=host.logical_cpus, max_instances=1),
        dynamic_disk_resize_config=None,
        machines=[],
        max_tasks=capacity,
    )
