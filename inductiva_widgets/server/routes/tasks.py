"""Routes for tasks: submission, listing, status, kill, metadata, files."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from inductiva_widgets.models.tasks import SubmissionResult, TaskInfo, TaskPage, TaskStatus
from inductiva_widgets.server.context import context_of
from inductiva_widgets.server.endpoints import Endpoint, QueryModel
from inductiva_widgets.server.http_util import (
    json_response,
    read_body,
    read_query,
    respond,
    run_in_thread,
)
from inductiva_widgets.server.schemas.account import Metadata
from inductiva_widgets.server.schemas.tasks import NewTask, WorkingFileEntry
from inductiva_widgets.server.task_query import (
    Order,
    StatusCode,
    TaskFilter,
    check_status,
    parse_order,
)


class _TaskListQuery(QueryModel, frozen=True, kw_only=True):
    # The offset, page * per_page, must fit into an SQLite integer.
    page: Annotated[int, Meta(ge=1, le=10**9)] = 1
    per_page: Annotated[int, Meta(ge=1, le=500)] = 20
    status: StatusCode | None = None
    project: str | None = None
    active: bool | None = None
    task_id_filter: str | None = None
    sort: Annotated[list[Order], Meta(max_length=20)] = msgspec.field(default_factory=list)


_Bytes = Annotated[int, Meta(ge=0, le=16 << 20)]


class _FileQuery(QueryModel, frozen=True, kw_only=True):
    # Used without `after`.
    tail_bytes: _Bytes = 64 << 10
    # Up to the largest exact integer of JSON.
    after: Annotated[int, Meta(ge=0, le=2**53)] | None = None
    # Used with `after`.
    max_bytes: _Bytes = msgspec.field(default=1 << 20, name="most")


async def _submit(request: Request) -> Response:
    """Create a task, which then waits for its input archive."""
    submission = await read_body(request, NewTask)
    return respond(await run_in_thread(context_of(request).tasks.submit, submission), 202)


async def _list(request: Request) -> Response:
    """List tasks without their histories, newest first unless sorted otherwise."""
    query = read_query(request, _TaskListQuery)
    check_status(query.status)
    task_filter = TaskFilter(query.status, query.project, query.active, query.task_id_filter)
    order = [parse_order(text) for text in query.sort]
    tasks = context_of(request).tasks
    return json_response(
        await run_in_thread(tasks.list_tasks, task_filter, order, query.page, query.per_page)
    )


async def _detail(request: Request) -> Response:
    """Return a task with its history."""
    return respond(await run_in_thread(context_of(request).tasks.get_task, _id_of(request)))


async def _status(request: Request) -> Response:
    """Return the status of a task and, while it is queued, its position."""
    return respond(await run_in_thread(context_of(request).tasks.status, _id_of(request)))


async def _input_uploaded(request: Request) -> Response:
    """Queue a task whose input archive was uploaded."""
    return respond(await run_in_thread(context_of(request).tasks.input_uploaded, _id_of(request)))


async def _kill(request: Request) -> Response:
    """Kill a task; a running one finishes when its processes have ended."""
    return respond(await run_in_thread(context_of(request).tasks.kill, _id_of(request)))


async def _get_metadata(request: Request) -> Response:
    """Return the metadata of a task."""
    return respond(await run_in_thread(context_of(request).tasks.metadata, _id_of(request)))


async def _put_metadata(request: Request) -> Response:
    """Replace the metadata of a task."""
    return await _set_metadata(request, merge=False)


async def _patch_metadata(request: Request) -> Response:
    """Merge entries into the metadata of a task."""
    return await _set_metadata(request, merge=True)


async def _set_metadata(request: Request, *, merge: bool) -> Response:
    metadata = await read_body(request, Metadata)
    tasks = context_of(request).tasks
    await run_in_thread(tasks.set_metadata, _id_of(request), metadata, merge=merge)
    return respond(await run_in_thread(tasks.metadata, _id_of(request)))


async def _part(request: Request) -> Response:
    """Send the end of an output file of a task, or the bytes from an offset."""
    query = read_query(request, _FileQuery)
    part = await run_in_thread(
        context_of(request).tasks.read_file,
        _id_of(request),
        request.path_params["name"],
        query.after,
        query.tail_bytes if query.after is None else query.max_bytes,
    )
    # The client computes the next offset from the size.
    facts = {"x-file-size": str(part.size), "x-file-modified": f"{part.modified:.6f}"}
    return Response(part.content, media_type="application/octet-stream", headers=facts)


async def _files(request: Request) -> Response:
    """List the files of a running task, newest first."""
    return respond(await run_in_thread(context_of(request).tasks.list_files, _id_of(request)))


async def _top(request: Request) -> Response:
    """Return the threads of a running task, as ``top`` shows them."""
    return respond(await run_in_thread(context_of(request).tasks.top, _id_of(request)))


def _id_of(request: Request) -> str:
    return str(request.path_params["id"])


_TASK = "/tasks/{id}"
_METADATA = f"{_TASK}/metadata"

ROUTES = [
    Endpoint(
        "POST",
        "/tasks/submit",
        _submit,
        body=NewTask,
        answer=SubmissionResult,
        status=202,
        errors=(400, 404),
    ),
    Endpoint("GET", "/tasks", _list, query=_TaskListQuery, answer=TaskPage),
    Endpoint("GET", _TASK, _detail, answer=TaskInfo, errors=(404,)),
    Endpoint("GET", f"{_TASK}/status", _status, answer=TaskStatus, errors=(404,)),
    Endpoint(
        "POST",
        f"{_TASK}/input_uploaded",
        _input_uploaded,
        answer=TaskStatus,
        errors=(400, 404, 409, 413),
    ),
    Endpoint("POST", f"{_TASK}/kill", _kill, answer=TaskStatus, errors=(404, 409)),
    Endpoint("GET", _METADATA, _get_metadata, answer=Metadata, errors=(404,)),
    Endpoint("PUT", _METADATA, _put_metadata, body=Metadata, answer=Metadata, errors=(404,)),
    Endpoint("PATCH", _METADATA, _patch_metadata, body=Metadata, answer=Metadata, errors=(404,)),
    Endpoint("GET", f"{_TASK}/files", _files, answer=list[WorkingFileEntry], errors=(404,)),
    Endpoint("GET", f"{_TASK}/top", _top, answer=str, errors=(404,)),
    Endpoint(
        "GET",
        f"{_TASK}/files/{{name:path}}",
        _part,
        query=_FileQuery,
        answer=bytes,
        errors=(400, 404),
        headers={"x-file-size": int, "x-file-modified": float},
    ),
]
