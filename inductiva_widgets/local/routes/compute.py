"""The machine group: there is one, this machine, and it is always started."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from inductiva_widgets.local import host
from inductiva_widgets.local.context import Context, context_of
from inductiva_widgets.local.refusals import AbsentError
from inductiva_widgets.local.web import answer, call, read_query
from inductiva_widgets.local.wire import LocalGroup


class _GroupQuery(msgspec.Struct, frozen=True, kw_only=True):
    machine_group_id: str


def _group(context: Context) -> LocalGroup:
    return host.machine_group(context.store.group(), context.capacity, context.data.root)


async def _list(request: Request) -> Response:
    return answer([await call(_group, context_of(request))])


async def _by_name(request: Request) -> Response:
    return answer(await _named(request, request.path_params["name"]))


async def _start(request: Request) -> Response:
    return answer(await _named(request, read_query(request, _GroupQuery).machine_group_id))


async def _named(request: Request, name: str) -> LocalGroup:
    group = await call(_group, context_of(request))
    if name not in (group.id, group.name):
        raise AbsentError(f"There is no machine group {name!r} here, only {group.name!r}.")
    return group


ROUTES = [
    Route("/compute/groups", _list),
    Route("/compute/group/start", _start, methods=["POST"]),
    Route("/compute/group/{name}", _by_name),
]
