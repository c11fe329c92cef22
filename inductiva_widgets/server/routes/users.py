"""Routes for the account of this machine's user."""

from __future__ import annotations

import getpass
from datetime import datetime, timezone
from typing import Annotated

from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from inductiva_widgets.server.context import context_of
from inductiva_widgets.server.endpoints import Endpoint, QueryModel
from inductiva_widgets.server.errors import MalformedRequestError
from inductiva_widgets.server.http_util import read_query, respond, run_in_thread
from inductiva_widgets.server.schemas.account import Account, Costs, Fees, MonthCosts, Quota

_Year = Annotated[int, Meta(ge=1970, le=9999)]
_Month = Annotated[int, Meta(ge=1, le=12)]
# Ten years, longer than the embedded server has existed.
_MAX_MONTHS = 120


class _CostsQuery(QueryModel, frozen=True, kw_only=True):
    start_year: _Year
    start_month: _Month
    end_year: _Year | None = None
    end_month: _Month | None = None


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run with a user id without a name.
        return "local"


async def _info(request: Request) -> Response:
    """Return the account."""
    group = await run_in_thread(context_of(request).store.groups.default_group)
    name = _user_name()
    return respond(
        Account(
            email=f"{name}@localhost",
            username=name,
            name=name,
            registration_ts=datetime.fromtimestamp(group.created, timezone.utc),
        )
    )


async def _quotas(request: Request) -> Response:
    """List the limits of the account, which are those of this machine."""
    executor = context_of(request).executor
    cpus = (await run_in_thread(executor.machine_facts)).cpu_count_logical
    quotas = (
        _quota("max_price_hour", "Maximum price per hour", 0.0, 0.0, "USD"),
        _quota("max_vcpus", "Processors", cpus, cpus, "vCPU"),
        _quota("max_instances", "Machines", 1, 1, "instance"),
    )
    return respond({quota.id: quota for quota in quotas})


def _quota(name: str, label: str, allowed: float, used: float, unit: str) -> Quota:
    return Quota(id=name, label=label, max_allowed=allowed, in_use=used, unit=unit)


async def _costs(request: Request) -> Response:
    """Return the costs per month, which are 0."""
    query = read_query(request, _CostsQuery)
    first = query.start_year * 12 + query.start_month - 1
    last = first
    if query.end_year is not None or query.end_month is not None:
        year = query.start_year if query.end_year is None else query.end_year
        month = query.start_month if query.end_month is None else query.end_month
        last = year * 12 + month - 1
    if not 0 <= last - first < _MAX_MONTHS:
        message = f"The months must be in order, at most {_MAX_MONTHS} - at `$.end_month`"
        raise MalformedRequestError("query", message)
    months = [f"{number // 12:04d}-{number % 12 + 1:02d}" for number in range(first, last + 1)]
    return respond(Costs(costs=[MonthCosts(month=month) for month in months]))


async def _fees(_request: Request) -> Response:
    """Return the fees of the account, none of which is active."""
    return respond(Fees())


ROUTES = [
    Endpoint("GET", "/users/info", _info, answer=Account),
    Endpoint("GET", "/users/quotas", _quotas, answer=dict[str, Quota]),
    Endpoint("GET", "/users/costs", _costs, query=_CostsQuery, answer=Costs),
    Endpoint("GET", "/users/fees", _fees, answer=Fees),
]
