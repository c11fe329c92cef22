"""API types of machine groups."""

from __future__ import annotations

from inductiva_widgets.models.tasks import MpiConfig, Time, WireModel

BUILT_IN_GROUP = "local"
"""Id of the default group of the embedded server."""


class Cpus(WireModel, frozen=True, kw_only=True):
    """Processors of one machine."""

    cpu_cores_logical: int | None = None
    cpu_cores_physical: int | None = None


class Gpus(WireModel, frozen=True, kw_only=True):
    """Graphics processors of one machine."""

    gpu_count: int | None = None
    gpu_name: str | None = None


class QuotaUse(WireModel, frozen=True, kw_only=True):
    """What a machine group uses of the quotas of the account, by their ids."""

    max_price_hour: float | None = None
    max_vcpus: float | None = None
    max_instances: float | None = None


class HourlyCost(WireModel, frozen=True, kw_only=True):
    """Price per hour of a machine group: minimum, maximum and at present."""

    min: float | None = None
    max: float | None = None
    current: float | None = None
    currency: str = "USD"


class MachinePrice(WireModel, frozen=True, kw_only=True):
    """Price per hour of a machine in US dollars; None if it is not offered."""

    preemptible_price: float | None = None
    on_demand_price: float | None = None


class MachineGroupInfo(WireModel, frozen=True, kw_only=True):
    """A machine group of the account; ``max_idle_time`` is in seconds."""

    id: str
    name: str | None = None
    machine_type: str | None = None
    status: str | None = None
    started: bool | None = None
    type: str | None = None
    provider_id: str | None = None
    zone: str | None = None
    num_vms: int | None = None
    spot: bool | None = None
    creation_timestamp: Time | None = None
    min_vms: int | None = None
    max_vms: int | None = None
    is_elastic: bool | None = None
    threads_per_core: int | None = None
    disk_size_gb: float | None = None
    max_idle_time: float | None = None
    auto_terminate_ts: Time | None = None
    cost_per_hour: HourlyCost | None = None
    cpu_info: Cpus | None = None
    gpu_info: Gpus | None = None
    idle_seconds: float | None = None
    total_ram_gb: float | None = None
    quota_usage: QuotaUse | None = None

    @property
    def is_started(self) -> bool:
        """Whether the group accepts tasks."""
        return self.status == "started" if self.status else bool(self.started)

    @property
    def display_name(self) -> str:
        """Name of the group, or its id."""
        return self.name or self.id

    @property
    def is_mpi_cluster(self) -> bool:
        """Whether a task runs on all machines of the group."""
        return self.type == "mpi"

    @property
    def has_gpu(self) -> bool:
        """Whether the machines are known to have a GPU."""
        return self.gpu_info is not None and bool(self.gpu_info.gpu_count)

    @property
    def has_no_gpu(self) -> bool:
        """Whether the machines are known to have no GPU."""
        return self.cpu_info is not None and not self.has_gpu

    @property
    def n_vcpus(self) -> int | None:
        """Number of virtual CPUs per task; None if unknown."""
        if self.cpu_info is None or not self.cpu_info.cpu_cores_logical:
            return None
        machines = self.num_vms or 1 if self.is_mpi_cluster else 1
        return self.cpu_info.cpu_cores_logical * machines


class MachineGroupTarget(MachineGroupInfo, frozen=True, kw_only=True):
    """A machine group to run on, with the MPI settings of its commands."""

    mpi_config: MpiConfig | None = None


class MachineTypeInfo(WireModel, frozen=True, kw_only=True):
    """An available machine type; ``price`` is in US dollars per hour."""

    machine_type: str
    num_vcpus: int | None = None
    ram_gb: float | None = None
    price: float | None = None
    provider_id: str | None = None
    threads_per_core: int | None = None
    spot: bool | None = None
    region: str | None = None
    zone: str | None = None
    num_gpus: int | None = None
    gpu_name: str | None = None
