"""The account: the user of this machine, who has all of it for nothing."""

from __future__ import annotations

import getpass
from datetime import datetime, timezone
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from inductiva_widgets.local import host
from inductiva_widgets.local.context import context_of
from inductiva_widgets.local.web import answer, call, read_query
from inductiva_widgets.local.wire import Quota


class _CostsQuery(msgspec.Struct, frozen=True, kw_only=True):
    start_year: Annotated[int, Meta(ge=1)]
    start_month: Annotated[int, Meta(ge=1, le=12)]
    end_year: int | None = None
    end_month: int | None = None


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a number that has no name.
        return "local"


async def _info(request: Request) -> Response:
    group = await call(context_of(request).store.groups.built_in)
    name = _user_name()
    return answer(
        {
            "email": f"{name}@localhost",
            "username": name,
            "name": name,
            "tier": "Local",
            "total_available_credits": 0.0,
            "credits_currency": "USD",
            "terms_and_conditions_decision": "accepted",
            "registration_ts": datetime.fromtimestamp(group.created, timezone.utc),
            "costs_fee_percentage": 0.0,
            "terminate_resources_credits_threshold": 0.0,
        }
    )


async def _quotas(_request: Request) -> Response:
    cpus = host.this_host().logical_cpus
    quotas = (
        _quota("max_price_hour", "Maximum price per hour", 0.0, 0.0, "USD"),
        _quota("max_vcpus", "Processors", cpus, cpus, "vCPU"),
        _quota("max_instances", "Machines", 1, 1, "instance"),
    )
    return answer({quota.id: quota for quota in quotas})


def _quota(name: str, label: str, allowed: float, used: float, unit: str) -> Quota:
    return Quota(id=name, label=label, max_allowed=allowed, in_use=used, unit=unit)


async def _costs(request: Request) -> Response:
    query = read_query(request, _CostsQuery)
    parts = ("compute", "storage", "data_transfer", "task_orchestration")
    nothing = {
        "month": f"{query.start_year:04d}-{query.start_month:02d}",
        "total": 0.0,
        "type": "consolidated",
        "components": dict.fromkeys(parts, 0.0),
    }
    return answer({"currency": "USD", "credits": 0.0, "costs": [nothing]})


async def _fees(_request: Request) -> Response:
    def none(unit: str) -> dict[str, Any]:
        return {"amount": 0.0, "active": False, "active_since": None, "unit": unit}

    return answer({"costs_fee_percentage": none("%"), "task_orchestration_fee": none("USD")})


ROUTES = [
    Route("/users/info", _info),
    Route("/users/quotas", _quotas),
    Route("/users/costs", _costs),
    Route("/users/fees", _fees),
]
