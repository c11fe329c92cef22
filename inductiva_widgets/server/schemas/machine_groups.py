"""Wire values of machine groups.

Fields without a default are required by the official client.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from inductiva_widgets.models.machines import Cpus, HourlyCost, MachineGroupInfo, QuotaUse
from inductiva_widgets.server.schemas.base import ServerModel

# Numbers of clients must fit into an SQLite integer and a duration.
_Count = Annotated[int, Meta(ge=1, le=10**9)]
# The official client sends `timedelta.total_seconds()`, a float.
_Seconds = _Count | Annotated[float, Meta(gt=0, le=10**9)]
_MACHINE_TYPE = r"[a-z0-9][a-z0-9._-]{0,62}"

SharingLevel = Literal["private", "organization", "public"]


class CostRange(HourlyCost, frozen=True, kw_only=True):
    """Hourly cost of a machine group, which is 0."""

    min: float = 0.0
    max: float = 0.0
    current: float = 0.0
    min_reason: str = "This machine is your own."
    max_reason: str = "This machine is your own."
    currency: str = "USD"


class CpuInfo(Cpus, frozen=True, kw_only=True):
    """Processors of a machine."""

    cpu_cores_logical: int
    cpu_cores_physical: int


class QuotaUsage(QuotaUse, frozen=True, kw_only=True):
    """Quotas of the account that a machine group uses."""

    max_price_hour: float
    max_vcpus: int
    max_instances: int


class ResizeConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Automatic disk resizing; stored without effect, since this machine's disk is fixed."""

    free_space_threshold_gb: _Count
    max_disk_size_gb: _Count


class NewGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Body of ``POST /compute/group``.

    ``max_idle_time`` (seconds) and ``auto_terminate_ts`` are kept and reported, but not
    enforced: a group here costs nothing while it is started.
    """

    machine_type: Annotated[str, Meta(extra_json_schema={"pattern": f"^{_MACHINE_TYPE}$"})]
    provider_id: Annotated[str, Meta(min_length=1, max_length=63)] = "GCP"
    type: Literal["standard", "elastic", "mpi"] | None = None
    num_vms: _Count = 1
    min_vms: _Count | None = None
    max_vms: _Count | None = None
    is_elastic: bool = False
    spot: bool = True
    disk_size_gb: _Count = 10
    threads_per_core: Literal[1, 2] = 2
    max_idle_time: _Seconds | None = None
    auto_terminate_ts: Annotated[datetime, Meta(tz=True)] | None = None
    dynamic_disk_resize_config: ResizeConfig | None = None
    custom_vm_image: str | None = None
    zone: str | None = None

    def __post_init__(self) -> None:
        """Check fields that depend on each other; the decoder reports the error."""
        if not re.fullmatch(_MACHINE_TYPE, self.machine_type):
            example = "the name of one, such as c2-standard-4"
            raise ValueError(f"machine_type has to be {example}, not {self.machine_type!r}")
        if self.kind == "elastic":
            if self.min_vms is None or self.max_vms is None:
                raise ValueError("An elastic machine group needs min_vms and max_vms")
            if self.min_vms > self.max_vms:
                raise ValueError("min_vms is more than max_vms")
        if self.kind == "mpi" and self.is_elastic:
            raise ValueError("An MPI cluster cannot be elastic")

    @property
    def kind(self) -> str:
        """Type of the group, which clients give for MPI clusters only."""
        return self.type or ("elastic" if self.is_elastic else "standard")


class GroupRequestBody(NewGroup, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Request body, which rejects unknown fields."""


class Price(ServerModel, frozen=True, kw_only=True):
    """Answer to ``GET /compute/price``, US dollars per machine and hour.

    This machine is free, but the official client divides by the first price, so both are tiny
    numbers.
    """

    preemptible_price: float = 1e-6
    on_demand_price: float = 1e-6


class LocalGroup(MachineGroupInfo, frozen=True, kw_only=True):
    """A machine group with all fields of the service."""

    disk_size_gb: int
    min_vms: int
    max_vms: int
    is_elastic: bool
    max_idle_time: int | float
    idle_seconds: int
    auto_terminate_ts: datetime
    cost_per_hour: CostRange
    cpu_info: CpuInfo
    gpu_info: None
    total_ram_gb: int
    quota_usage: QuotaUsage
    dynamic_disk_resize_config: ResizeConfig | None
    machines: list[dict[str, Any]]
    max_tasks: int
    sharing_level: SharingLevel = "private"


class TimeSpent(ServerModel, frozen=True, kw_only=True):
    """Duration of an activity of a machine group."""

    name: str
    value: float
    description: str = ""
    unit: str = "seconds"


class GroupUsage(ServerModel, frozen=True, kw_only=True):
    """Activities of a machine group."""

    total_time: TimeSpent
    task_time: TimeSpent
    idle_time: TimeSpent


class GroupCosts(ServerModel, frozen=True, kw_only=True):
    """Costs of a machine group, which are 0."""

    cost: float = 0.0
    currency: str = "USD"


class PastGroup(LocalGroup, frozen=True, kw_only=True):
    """A machine group in the history, with its times and costs."""

    start_timestamp: datetime | None
    deletion_timestamp: datetime | None
    statistics: GroupUsage
    costs: GroupCosts = GroupCosts()
