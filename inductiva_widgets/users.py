"""The account of the API key: its user, quotas and costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inductiva_widgets.http.default_client import default_client
from inductiva_widgets.models.account import AccountInfo, MonthlyCost, QuotaInfo

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client

__all__ = ["get_costs", "get_info", "get_quotas"]


def get_info(*, client: Client | None = None) -> AccountInfo:
    """Return the account of the API key; costs one request.

    Parameters
    ----------
    client
        Client of the service, or None for the default one.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> inductiva.users.get_info().tier
    'Local'
    """
    return (client or default_client()).get_account()


def get_quotas(*, client: Client | None = None) -> dict[str, QuotaInfo]:
    """Return the limits of the account and their use, by their ids; costs one request.

    Parameters
    ----------
    client
        Client of the service, or None for the default one.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> sorted(inductiva.users.get_quotas())
    ['max_instances', 'max_price_hour', 'max_vcpus']
    """
    return (client or default_client()).get_quotas()


def get_costs(
    start_year: int,
    start_month: int,
    end_year: int | None = None,
    end_month: int | None = None,
    *,
    client: Client | None = None,
) -> list[MonthlyCost]:
    """Return the costs of the account by month, oldest first; costs one request.

    Parameters
    ----------
    start_year, start_month
        First month.
    end_year, end_month
        Last month; by default the first one.
    client
        Client of the service, or None for the default one.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> [cost.month for cost in inductiva.users.get_costs(2026, 1, 2026, 2)]
    ['2026-01', '2026-02']
    """
    months = {
        "start_year": start_year,
        "start_month": start_month,
        "end_year": end_year,
        "end_month": end_month,
    }
    return (client or default_client()).get_costs(months)
