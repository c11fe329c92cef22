"""Processors, memory and disk of this machine, in the service's format."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from shutil import disk_usage
from typing import NamedTuple

import psutil

from inductiva_widgets.models.tasks import Executer
from inductiva_widgets.server.schemas.machine_groups import (
    CostRange,
    CpuInfo,
    LocalGroup,
    NewGroup,
    QuotaUsage,
)
from inductiva_widgets.server.store.records import GroupRecord

# Clients turn both into times, so neither may be null.
_FOREVER = 365 * 24 * 3600
_NO_END = datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone.utc)


class MachineInfo(NamedTuple):
    """Processors and memory (bytes) of this machine."""

    logical_cpus: int
    physical_cpus: int
    memory: int


@cache
def machine_info() -> MachineInfo:
    """Return processors and memory of this machine, which do not change."""
    logical = os.cpu_count() or 1
    physical = psutil.cpu_count(logical=False) or logical
    return MachineInfo(logical, physical, int(psutil.virtual_memory().total))


def default_capacity() -> int:
    """Return how many tasks run at a time unless configured: half the processors, at least one.

    Simulators compete for memory bandwidth, and the notebook shares the machine.
    """
    return max(1, machine_info().logical_cpus // 2)


def default_environment(capacity: int) -> dict[str, str]:
    """Return variables for commands whose submission does not set them.

    By default every OpenMP program starts a thread per processor, which spins while it waits. So
    the tasks share all processors but one, which is left for the server and the notebook.
    """
    return {"OMP_NUM_THREADS": str(max(1, (machine_info().logical_cpus - 1) // capacity))}


def executer_info(group: GroupRecord) -> Executer:
    """Return this machine as the machine of a task that was sent to a group."""
    host = machine_info()
    return Executer(
        uuid=group.machine_id,
        cpu_count_logical=host.logical_cpus,
        cpu_count_physical=host.physical_cpus,
        memory=host.memory,
        n_mpi_hosts=1,
        # Clients show this as the machine's type.
        vm_type=group.machine_type,
        vm_name=group.name,
        host_type="LOCAL",
    )


def machine_group(group: GroupRecord, capacity: int, folder: Path) -> LocalGroup:
    """Return a machine group as the wire shows it.

    Processors, memory and cost are this machine's, which all groups share; the rest is what the
    group was registered with.

    Parameters
    ----------
    group
        The group as the store knows it.
    capacity
        How many tasks run at a time.
    folder
        The data folder, whose disk counts.
    """
    host = machine_info()
    spec = group.spec or _own_spec(folder)
    machines = spec.num_vms
    return LocalGroup(
        id=group.id,
        name=group.name,
        machine_type=group.machine_type,
        status=group.status.value,
        started=group.is_started,
        type=spec.kind,
        provider_id=spec.provider_id,
        zone=spec.zone or "local",
        num_vms=machines,
        spot=spec.spot,
        creation_timestamp=datetime.fromtimestamp(group.created, timezone.utc),
        threads_per_core=spec.threads_per_core,
        disk_size_gb=spec.disk_size_gb,
        min_vms=spec.min_vms or machines,
        max_vms=spec.max_vms or machines,
        is_elastic=spec.kind == "elastic",
        max_idle_time=spec.max_idle_time or _FOREVER,
        idle_seconds=0,
        auto_terminate_ts=spec.auto_terminate_ts or _NO_END,
        cost_per_hour=CostRange(),
        cpu_info=CpuInfo(
            cpu_cores_logical=host.logical_cpus, cpu_cores_physical=host.physical_cpus
        ),
        gpu_info=None,
        total_ram_gb=host.memory // 10**9,
        quota_usage=QuotaUsage(max_price_hour=0.0, max_vcpus=host.logical_cpus, max_instances=1),
        dynamic_disk_resize_config=spec.dynamic_disk_resize_config,
        machines=[],
        max_tasks=capacity,
    )


def _own_spec(folder: Path) -> NewGroup:
    """Return what the built-in group would have been registered with."""
    return NewGroup(
        machine_type="local",
        provider_id="LOCAL",
        spot=False,
        disk_size_gb=max(1, disk_usage(folder).total // 10**9),
        zone="local",
    )
