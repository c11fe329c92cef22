"""Tasks: submission, listing, status, kill, metadata and live files."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from inductiva_widgets.local.context import context_of
from inductiva_widgets.local.listing import SORT_COLUMNS, TaskFilter
from inductiva_widgets.local.web import (
    MalformedRequestError,
    answer,
    call,
    json_response,
    read_body,
    read_query,
)
from inductiva_widgets.models import Submission
from inductiva_widgets.status import KNOWN_STATUSES

_Text = Annotated[str, Meta(min_length=1)]


class _ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    page: Annotated[int, Meta(ge=1)] = 1
    per_page: Annotated[int, Meta(ge=1, le=500)] = 20
    status: str | None = None
    project: str | None = None
    active: bool | None = None
    task_id_filter: str | None = None
    sort: list[str] = []


class _TailQuery(msgspec.Struct, frozen=True, kw_only=True):
    tail_bytes: Annotated[int, Meta(ge=0, le=16 << 20)] = 64 << 10


async def _submit(request: Request) -> Response:
    submission = await read_body(request, Submission)
    return answer(await call(context_of(request).tasks.submit, submission), 202)


async def _list(request: Request) -> Response:
    query = read_query(request, _ListQuery)
    if query.status is not None and query.status not in KNOWN_STATUSES:
        raise MalformedRequestError("query", f"Unknown status {query.status!r} - at `$.status`")
    wanted = TaskFilter(query.status, query.project, query.active, query.task_id_filter)
    order = [_parse_order(text) for text in query.sort]
    tasks = context_of(request).tasks
    return json_response(await call(tasks.page, wanted, order, query.page, query.per_page))


async def _detail(request: Request) -> Response:
    return answer(await call(context_of(request).tasks.detail, _id_of(request)))


async def _status(request: Request) -> Response:
    return answer(await call(context_of(request).tasks.status, _id_of(request)))


async def _input_uploaded(request: Request) -> Response:
    return answer(await call(context_of(request).tasks.input_uploaded, _id_of(request)))


async def _kill(request: Request) -> Response:
    return answer(await call(context_of(request).tasks.kill, _id_of(request)))


async def _get_metadata(request: Request) -> Response:
    return answer(await call(context_of(request).tasks.metadata, _id_of(request)))


async def _put_metadata(request: Request) -> Response:
    return await _set_metadata(request, merge=False)


async def _patch_metadata(request: Request) -> Response:
    return await _set_metadata(request, merge=True)


async def _set_metadata(request: Request, *, merge: bool) -> Response:
    metadata = await read_body(request, dict[_Text, _Text])
    tasks = context_of(request).tasks
    await call(tasks.set_metadata, _id_of(request), metadata, merge=merge)
    return answer(await call(tasks.metadata, _id_of(request)))


async def _tail(request: Request) -> Response:
    query = read_query(request, _TailQuery)
    content, length = await call(
        context_of(request).tasks.tail,
        _id_of(request),
        request.path_params["name"],
        query.tail_bytes,
    )
    # With the length, a reader knows where the next bytes begin.
    return Response(
        content, media_type="application/octet-stream", headers={"x-file-size": str(length)}
    )


async def _signal_peer(request: Request) -> Response:
    """Take the first steps of a peer connection, which the official client goes on without."""
    await call(context_of(request).tasks.require, _id_of(request))
    return answer({})


async def _no_message(request: Request) -> Response:
    """Say that no peer answered: live files go over plain requests here."""
    await call(context_of(request).tasks.require, _id_of(request))
    return Response(status_code=204)


def _id_of(request: Request) -> str:
    return str(request.path_params["id"])


def _parse_order(text: str) -> tuple[str, bool]:
    field, _, order = text.partition(":")
    if field not in SORT_COLUMNS or order not in ("", "asc", "desc"):
        known = ", ".join(SORT_COLUMNS)
        message = f"Expected field:asc or field:desc with one of {known}, got {text!r}"
        raise MalformedRequestError("query", f"{message} - at `$.sort`")
    return field, order == "desc"


ROUTES = [
    Route("/tasks/submit", _submit, methods=["POST"]),
    Route("/tasks", _list),
    Route("/tasks/{id}", _detail),
    Route("/tasks/{id}/status", _status),
    Route("/tasks/{id}/input_uploaded", _input_uploaded, methods=["POST"]),
    Route("/tasks/{id}/kill", _kill, methods=["POST"]),
    Route("/tasks/{id}/metadata", _get_metadata),
    Route("/tasks/{id}/metadata", _put_metadata, methods=["PUT"]),
    Route("/tasks/{id}/metadata", _patch_metadata, methods=["PATCH"]),
    Route("/tasks/{id}/files/{name:path}", _tail),
    Route("/tasks/{id}/register", _signal_peer, methods=["POST"]),
    Route("/tasks/{id}/offer", _signal_peer, methods=["POST"]),
    Route("/tasks/{id}/message", _no_message),
]
