"""Routes for projects."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from inductiva_widgets.server import project_service
from inductiva_widgets.server.context import context_of
from inductiva_widgets.server.endpoints import Endpoint, QueryModel
from inductiva_widgets.server.http_util import read_body, read_query, respond, run_in_thread
from inductiva_widgets.server.schemas.account import Metadata, NewProject, ProjectView
from inductiva_widgets.server.task_query import StatusCode, check_status


class _ProjectListQuery(QueryModel, frozen=True, kw_only=True):
    page: Annotated[int, Meta(ge=1, le=10**9)] = 1
    # By default all projects, since some clients read a single page only.
    per_page: Annotated[int, Meta(ge=1, le=100)] | None = None
    project_type: Literal["project", "benchmark"] | None = None


class _NameQuery(QueryModel, frozen=True, kw_only=True):
    project_name: str


class _InfoQuery(QueryModel, frozen=True, kw_only=True):
    select: Literal["all", "distinct"] = "all"
    status: StatusCode | None = None


def _name_of(request: Request) -> str:
    return str(request.path_params["name"])


async def _list(request: Request) -> Response:
    """List the projects, oldest first."""
    query = read_query(request, _ProjectListQuery)
    store = context_of(request).store
    return respond(
        await run_in_thread(
            project_service.page, store, query.project_type, query.page, query.per_page
        )
    )


async def _get(request: Request) -> Response:
    """Return a project."""
    return respond(
        await run_in_thread(project_service.find, context_of(request).store, _name_of(request))
    )


async def _post(request: Request) -> Response:
    """Create a project."""
    new = await read_body(request, NewProject)
    return respond(await run_in_thread(project_service.create, context_of(request).store, new))


async def _remove(request: Request) -> Response:
    """Delete a project and move its tasks to the default project."""
    query = read_query(request, _NameQuery)
    await run_in_thread(project_service.delete, context_of(request).store, query.project_name)
    return respond({}, 202)


async def _add_task(request: Request) -> Response:
    """Move a task to a project."""
    task_id = request.path_params["task_id"]
    await run_in_thread(
        project_service.add_task, context_of(request).store, _name_of(request), task_id
    )
    return respond({})


async def _remove_task(request: Request) -> Response:
    """Move a task from a project to the default project."""
    task_id = request.path_params["task_id"]
    await run_in_thread(
        project_service.remove_task, context_of(request).store, _name_of(request), task_id
    )
    return respond({})


async def _tasks_info(request: Request) -> Response:
    """List the tasks of a project as flat rows, for comparisons."""
    query = read_query(request, _InfoQuery)
    check_status(query.status)
    store = context_of(request).store
    return respond(
        await run_in_thread(
            project_service.tasks_info, store, _name_of(request), query.select, query.status
        )
    )


async def _get_metadata(request: Request) -> Response:
    """Return the metadata of a project."""
    return respond(
        await run_in_thread(project_service.metadata, context_of(request).store, _name_of(request))
    )


async def _put_metadata(request: Request) -> Response:
    """Replace the metadata of a project."""
    return await _set_metadata(request, merge=False)


async def _patch_metadata(request: Request) -> Response:
    """Merge entries into the metadata of a project."""
    return await _set_metadata(request, merge=True)


async def _set_metadata(request: Request, *, merge: bool) -> Response:
    new = await read_body(request, Metadata)
    store = context_of(request).store
    return respond(
        await run_in_thread(
            project_service.set_metadata, store, _name_of(request), new, merge=merge
        )
    )


_METADATA = "/projects/{name}/metadata"

ROUTES = [
    Endpoint("GET", "/projects", _list, query=_ProjectListQuery, answer=list[ProjectView]),
    Endpoint("POST", "/projects", _post, body=NewProject, answer=ProjectView, errors=(409,)),
    Endpoint(
        "DELETE",
        "/projects",
        _remove,
        query=_NameQuery,
        answer=dict[str, str],
        status=202,
        errors=(404, 409),
    ),
    Endpoint("GET", "/projects/{name}", _get, answer=ProjectView, errors=(404,)),
    Endpoint(
        "POST",
        "/projects/{name}/task/{task_id}/add",
        _add_task,
        answer=dict[str, str],
        errors=(404,),
    ),
    Endpoint(
        "POST",
        "/projects/{name}/task/{task_id}/remove",
        _remove_task,
        answer=dict[str, str],
        errors=(404,),
    ),
    Endpoint(
        "GET",
        "/projects/{name}/tasks_info",
        _tasks_info,
        query=_InfoQuery,
        answer=list[dict[str, Any]],
        errors=(404,),
    ),
    Endpoint("GET", _METADATA, _get_metadata, answer=Metadata, errors=(404,)),
    Endpoint("PUT", _METADATA, _put_metadata, body=Metadata, answer=Metadata, errors=(404,)),
    Endpoint("PATCH", _METADATA, _patch_metadata, body=Metadata, answer=Metadata, errors=(404,)),
]
