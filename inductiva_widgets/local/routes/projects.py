"""Projects: names that tasks are gathered under."""

from __future__ import annotations

from datetime import datetime, timezone

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from inductiva_widgets.local.context import context_of
from inductiva_widgets.local.records import ProjectRecord
from inductiva_widgets.local.refusals import AbsentError, ConflictError
from inductiva_widgets.local.store import DEFAULT_PROJECT, Store
from inductiva_widgets.local.web import answer, call, read_body, read_query
from inductiva_widgets.local.wire import NewProject, Project


class _NameQuery(msgspec.Struct, frozen=True, kw_only=True):
    project_name: str


def _view(record: ProjectRecord) -> Project:
    return Project(
        name=record.name,
        project_type=record.kind,
        id=record.id,
        created_at=datetime.fromtimestamp(record.created, timezone.utc),
        num_tasks=sum(record.overview.values()),
        task_status_overview=record.overview,
    )


def _find(store: Store, name: str) -> ProjectRecord:
    found = store.projects(name)
    if not found:
        raise AbsentError(f"There is no project {name!r}.")
    return found[0]


def _create(store: Store, new: NewProject) -> ProjectRecord:
    if not store.add_project(new.name, new.project_type):
        raise ConflictError(f"There is a project {new.name!r} already.")
    return _find(store, new.name)


def _delete(store: Store, name: str) -> None:
    with store.transaction():
        if _find(store, name).overview:
            raise ConflictError(f"The project {name!r} has tasks and cannot be deleted.")
        if name == DEFAULT_PROJECT:
            raise ConflictError("The default project cannot be deleted.")
        store.remove_project(name)


async def _list(request: Request) -> Response:
    return answer([_view(record) for record in await call(context_of(request).store.projects)])


async def _get(request: Request) -> Response:
    return answer(_view(await call(_find, context_of(request).store, request.path_params["name"])))


async def _post(request: Request) -> Response:
    new = await read_body(request, NewProject)
    return answer(_view(await call(_create, context_of(request).store, new)))


async def _remove(request: Request) -> Response:
    query = read_query(request, _NameQuery)
    await call(_delete, context_of(request).store, query.project_name)
    return answer({}, 202)


ROUTES = [
    Route("/projects", _list),
    Route("/projects", _post, methods=["POST"]),
    Route("/projects", _remove, methods=["DELETE"]),
    Route("/projects/{name:path}", _get),
]
