"""Machine groups: registration, start, termination, listings, and what a machine costs."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from inductiva_widgets.local.context import context_of
from inductiva_widgets.local.web import answer, call, read_body, read_query
from inductiva_widgets.local.wire import NewGroup, Price


class _GroupQuery(msgspec.Struct, frozen=True, kw_only=True):
    machine_group_id: str


class _HistoryQuery(msgspec.Struct, frozen=True, kw_only=True):
    # Within what an SQLite integer can hold, multiplied.
    page: Annotated[int, Meta(ge=1, le=10**9)] = 1
    per_page: Annotated[int, Meta(ge=1, le=500)] = 20
    non_active_only: bool = False


class _PriceQuery(msgspec.Struct, frozen=True, kw_only=True):
    machine_type: Annotated[str, Meta(min_length=1)]


async def _register(request: Request) -> Response:
    spec = await read_body(request, NewGroup)
    return answer(await call(context_of(request).groups.register, spec), 201)


async def _start(request: Request) -> Response:
    key = read_query(request, _GroupQuery).machine_group_id
    return answer(await call(context_of(request).groups.start, key))


async def _terminate(request: Request) -> Response:
    key = read_query(request, _GroupQuery).machine_group_id
    return answer(await call(context_of(request).groups.terminate, key), 202)


async def _active(request: Request) -> Response:
    return answer(await call(context_of(request).groups.active))


async def _history(request: Request) -> Response:
    query = read_query(request, _HistoryQuery)
    groups = context_of(request).groups
    ended_only = query.non_active_only
    return answer(await call(groups.history, query.page, query.per_page, ended_only=ended_only))


async def _by_name(request: Request) -> Response:
    return answer(await call(context_of(request).groups.find, request.path_params["name"]))


async def _price(request: Request) -> Response:
    read_query(request, _PriceQuery)
    return answer(Price())


ROUTES = [
    Route("/compute/group", _register, methods=["POST"]),
    Route("/compute/group", _terminate, methods=["DELETE"]),
    Route("/compute/group/start", _start, methods=["POST"]),
    Route("/compute/group/{name}", _by_name),
    Route("/compute/groups", _active),
    Route("/compute/groups/history", _history),
    Route("/compute/price", _price),
]
