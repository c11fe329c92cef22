"""Wire values of the account, its projects, and the available machines."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from inductiva_widgets.server.schemas.base import ServerModel


class Quota(ServerModel, frozen=True, kw_only=True):
    """A limit of the account."""

    id: str
    label: str
    max_allowed: float | None
    in_use: float | None
    unit: str
    scope: Literal["global", "instance"] = "global"


class ProjectCounts(ServerModel, frozen=True, kw_only=True):
    """A project of the account."""

    name: str
    project_type: str
    id: str
    created_at: datetime
    num_tasks: int
    task_status_overview: dict[str, int]
    estimated_computation_cost: float = 0.0


class NewProject(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of ``POST /projects``."""

    name: Annotated[str, Meta(min_length=1, max_length=128)]
    project_type: Literal["project", "benchmark"] = "project"


class Account(ServerModel, frozen=True, kw_only=True):
    """Account of this machine's user; everything is free."""

    email: str
    username: str
    name: str
    registration_ts: datetime
    tier: str = "Local"
    total_available_credits: float = 0.0
    credits_currency: str = "USD"
    terms_and_conditions_decision: Literal["unknown", "accepted", "rejected"] = "accepted"
    costs_fee_percentage: float = 0.0
    terminate_resources_credits_threshold: float = 0.0


class CostParts(ServerModel, frozen=True, kw_only=True):
    """Components of a month's costs."""

    compute: float = 0.0
    storage: float = 0.0
    data_transfer: float = 0.0
    task_orchestration: float = 0.0


class MonthCosts(ServerModel, frozen=True, kw_only=True):
    """Costs of a month, which are 0."""

    month: str
    total: float = 0.0
    type: Literal["estimate", "consolidated"] = "consolidated"
    components: CostParts = CostParts()


class Costs(ServerModel, frozen=True, kw_only=True):
    """Costs of some months, oldest first."""

    costs: list[MonthCosts]
    currency: str = "USD"
    credits: float = 0.0


class AccountFee(ServerModel, frozen=True, kw_only=True):
    """Fee of the account; none is active."""

    unit: str
    amount: float = 0.0
    active: bool = False
    active_since: datetime | None = None


class Fees(ServerModel, frozen=True, kw_only=True):
    """All fees of the account."""

    costs_fee_percentage: AccountFee = AccountFee(unit="%")
    task_orchestration_fee: AccountFee = AccountFee(unit="USD")


class MachineType(ServerModel, frozen=True, kw_only=True):
    """Available machine type, which is this machine."""

    machine_type: str
    num_vcpus: int
    ram_gb: float
    threads_per_core: int
    price: float = 0.0
    provider_id: str = "LOCAL"
    spot: bool = False
    region: str = "local"
    zone: str = "local"
    num_gpus: int = 0
    gpu_name: str | None = None


class ProjectStatistics(ServerModel, frozen=True, kw_only=True):
    """Statistics of the finished tasks of a project, 0 if there are none."""

    success_rate: float
    avg_task_duration_seconds: float
    avg_task_compute_cost: float = 0.0


class ProjectView(ProjectCounts, frozen=True, kw_only=True):
    """Project with its metadata."""

    total_orchestration_fee: float = 0.0
    total_orchestration_fee_undiscounted: float = 0.0
    project_metadata: dict[str, str] = msgspec.field(default_factory=dict)
    statistics: ProjectStatistics | None = None


Text = Annotated[str, Meta(min_length=1)]
Metadata = dict[Text, Text]
"""Metadata of a task or a project."""
