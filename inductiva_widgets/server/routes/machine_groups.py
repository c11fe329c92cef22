"""Routes for machine groups: registration, start, termination, listings, prices."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from inductiva_widgets.server.context import context_of
from inductiva_widgets.server.endpoints import Endpoint, QueryModel
from inductiva_widgets.server.errors import MalformedRequestError
from inductiva_widgets.server.http_util import read_body, read_query, respond, run_in_thread
from inductiva_widgets.server.machine_groups import GroupFilter
from inductiva_widgets.server.schemas.account import MachineType
from inductiva_widgets.server.schemas.machine_groups import (
    GroupRequestBody,
    LocalGroup,
    PastGroup,
    Price,
    SharingLevel,
)

_Time = Annotated[datetime, Meta(tz=True)]
# Parsed later by `_time`: in lax mode, msgspec would accept a number as a time.
_TimeText = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
_Provider = Literal["GCP", "LOCAL"]
_Range = Annotated[list[float], Meta(max_length=2)]


class _GroupQuery(QueryModel, frozen=True, kw_only=True):
    machine_group_id: str


class _GroupHistoryQuery(QueryModel, frozen=True, kw_only=True):
    # The offset, page * per_page, must fit into an SQLite integer.
    page: Annotated[int, Meta(ge=1, le=10**9)] = 1
    per_page: Annotated[int, Meta(ge=1, le=500)] = 20
    created_before: _TimeText | None = None
    created_after: _TimeText | None = None
    project: str | None = None
    non_active_only: bool = False
    provider_id: _Provider | None = None


class _PriceQuery(QueryModel, frozen=True, kw_only=True):
    machine_type: Annotated[str, Meta(min_length=1)]
    zone: str | None = None
    provider_id: _Provider | None = None


class _SharingQuery(QueryModel, frozen=True, kw_only=True):
    sharing_level: SharingLevel


class _TypesQuery(QueryModel, frozen=True, kw_only=True):
    # Any provider means this machine, as for groups. The filters are accepted and ignored, since
    # there is only one type.
    provider_id: _Provider | None = None
    machine_families: list[str] = msgspec.field(default_factory=list)
    machine_configs: list[str] = msgspec.field(default_factory=list)
    vcpus_range: _Range = msgspec.field(default_factory=list)
    memory_range: _Range = msgspec.field(default_factory=list)
    price_range: _Range = msgspec.field(default_factory=list)
    gpus_range: _Range = msgspec.field(default_factory=list)
    gpu_names: list[str] = msgspec.field(default_factory=list)
    zones: list[str] = msgspec.field(default_factory=list)
    spot: str | None = None
    include_hardware_specs: bool | None = None
    include_lyceum: bool | None = None


async def _register(request: Request) -> Response:
    """Create a machine group; it accepts tasks after its start."""
    spec = await read_body(request, GroupRequestBody)
    return respond(await run_in_thread(context_of(request).groups.register, spec), 201)


async def _start(request: Request) -> Response:
    """Start a machine group, so that it accepts tasks."""
    key = read_query(request, _GroupQuery).machine_group_id
    return respond(await run_in_thread(context_of(request).groups.start, key))


async def _terminate(request: Request) -> Response:
    """Terminate a machine group and kill its tasks."""
    key = read_query(request, _GroupQuery).machine_group_id
    return respond(await run_in_thread(context_of(request).groups.terminate, key), 202)


async def _active(request: Request) -> Response:
    """List the machine groups that have not been terminated."""
    return respond(await run_in_thread(context_of(request).groups.active))


async def _history(request: Request) -> Response:
    """List all machine groups, including terminated ones, newest first."""
    query = read_query(request, _GroupHistoryQuery)
    group_filter = GroupFilter(
        before=_time(query.created_before, "created_before"),
        after=_time(query.created_after, "created_after"),
        project=query.project,
        ended_only=query.non_active_only,
        provider=query.provider_id,
    )
    groups = context_of(request).groups
    return respond(await run_in_thread(groups.history, query.page, query.per_page, group_filter))


def _time(text: str | None, name: str) -> datetime | None:
    if text is None:
        return None
    try:
        return msgspec.convert(text, _Time)
    except msgspec.ValidationError as error:
        raise MalformedRequestError("query", f"{error} - at `$.{name}`") from None


async def _by_name(request: Request) -> Response:
    """Return a machine group by its name or its id."""
    return respond(
        await run_in_thread(context_of(request).groups.find, request.path_params["name"])
    )


async def _share(request: Request) -> Response:
    """Store the sharing level of a machine group; it has no effect on a single-user server."""
    level = read_query(request, _SharingQuery).sharing_level
    await run_in_thread(context_of(request).groups.set_sharing, request.path_params["id"], level)
    return Response(status_code=204)


async def _price(request: Request) -> Response:
    """Return the price of a machine per hour."""
    read_query(request, _PriceQuery)
    return respond(Price())


async def _machine_types(request: Request) -> Response:
    """List the machine types, of which this machine is the only one."""
    read_query(request, _TypesQuery)
    facts = await run_in_thread(context_of(request).executor.machine_facts)
    machine_type = MachineType(
        machine_type="local",
        num_vcpus=facts.cpu_count_logical,
        ram_gb=round(facts.memory / 10**9, 1),
        threads_per_core=max(1, facts.cpu_count_logical // facts.cpu_count_physical),
    )
    return respond([machine_type])


_GROUP = "/compute/group"

ROUTES = [
    Endpoint("POST", _GROUP, _register, body=GroupRequestBody, answer=LocalGroup, status=201),
    Endpoint(
        "DELETE",
        _GROUP,
        _terminate,
        query=_GroupQuery,
        answer=LocalGroup,
        status=202,
        errors=(404, 409),
    ),
    Endpoint(
        "POST",
        f"{_GROUP}/start",
        _start,
        query=_GroupQuery,
        answer=LocalGroup,
        errors=(404, 409),
    ),
    Endpoint("GET", f"{_GROUP}/{{name}}", _by_name, answer=LocalGroup, errors=(404,)),
    Endpoint(
        "PUT",
        f"{_GROUP}/{{id}}/sharing",
        _share,
        query=_SharingQuery,
        status=204,
        errors=(404,),
    ),
    Endpoint("GET", "/compute/groups", _active, answer=list[LocalGroup]),
    Endpoint(
        "GET", "/compute/groups/history", _history, query=_GroupHistoryQuery, answer=list[PastGroup]
    ),
    Endpoint("GET", "/compute/price", _price, query=_PriceQuery, answer=Price),
    Endpoint(
        "GET",
        "/compute/machine_types",
        _machine_types,
        query=_TypesQuery,
        answer=list[MachineType],
    ),
    # The same list as a public catalogue, which clients request without a key.
    Endpoint(
        "GET",
        "/pricing/machine-types",
        _machine_types,
        query=_TypesQuery,
        answer=list[MachineType],
        is_open=True,
    ),
]
