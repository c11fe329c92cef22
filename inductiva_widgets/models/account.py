"""API types of the account, its projects and its storage."""

from __future__ import annotations

from inductiva_widgets.models.tasks import Time, WireModel


class QuotaInfo(WireModel, frozen=True, kw_only=True):
    """A limit of the account, and how much of it is in use.

    Parameters
    ----------
    id, label
        Name of the limit, and its label.
    max_allowed, in_use
        The limit and the present use; None if unknown or unlimited.
    unit
        Unit of both.
    scope
        ``"global"`` for the account, or ``"instance"`` for each machine group.
    """

    id: str
    label: str = ""
    max_allowed: float | None = None
    in_use: float | None = None
    unit: str | None = None
    scope: str | None = None


class AccountInfo(WireModel, frozen=True, kw_only=True):
    """The account of an API key; everything but the name may be None.

    Parameters
    ----------
    username, name, email, organization
        Names and address of the user.
    tier
        Name of the plan.
    total_available_credits, credits_currency
        Available credits, and their currency.
    registration_ts
        Time of the registration.
    costs_fee_percentage
        Fee on costs in percent.
    terminate_resources_credits_threshold
        Credits below which machines are terminated.
    """

    username: str
    name: str | None = None
    email: str | None = None
    organization: str | None = None
    tier: str | None = None
    total_available_credits: float | None = None
    credits_currency: str = "USD"
    registration_ts: Time | None = None
    costs_fee_percentage: float | None = None
    terminate_resources_credits_threshold: float | None = None


class CostComponents(WireModel, frozen=True, kw_only=True):
    """Components of the costs of a month in US dollars."""

    compute: float | None = None
    storage: float | None = None
    data_transfer: float | None = None
    task_orchestration: float | None = None


class MonthlyCost(WireModel, frozen=True, kw_only=True):
    """Costs of a month in US dollars.

    Parameters
    ----------
    month
        The month, such as ``"2026-11"``.
    total, components
        Sum and components.
    type
        ``"estimate"`` or ``"consolidated"``.
    """

    month: str
    total: float | None = None
    components: CostComponents = CostComponents()
    type: str | None = None


class AccountCosts(WireModel, frozen=True, kw_only=True):
    """Costs of some months, oldest first."""

    costs: list[MonthlyCost]


class ProjectInfo(WireModel, frozen=True, kw_only=True):
    """A project of the account."""

    name: str
    id: str | None = None
    project_type: str | None = None
    created_at: Time | None = None
    num_tasks: int | None = None
    task_status_overview: dict[str, int] | None = None
    estimated_computation_cost: float | None = None
    total_orchestration_fee: float | None = None


class StorageEntry(WireModel, frozen=True, kw_only=True):
    """A stored file, or a folder whose name ends in ``/``."""

    name: str
    size_bytes: int | None = None
    creation_time: Time | None = None
    provider_id: str | None = None
    region: str | None = None


class StorageListing(WireModel, frozen=True, kw_only=True):
    """A page of a listing of the storage."""

    contents: list[StorageEntry]
