"""Service for projects."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from inductiva_widgets.models.tasks import TaskInfo
from inductiva_widgets.server.errors import ConflictingStateError, MissingError
from inductiva_widgets.server.schemas.account import NewProject, ProjectStatistics, ProjectView
from inductiva_widgets.server.store.records import ProjectRecord, TaskRecord
from inductiva_widgets.server.store.tables import DEFAULT_PROJECT
from inductiva_widgets.server.store.tasks import TaskStore
from inductiva_widgets.server.task_query import TaskFilter
from inductiva_widgets.status import Status

Row = dict[str, str | int | float | bool | None]

_PAGE = 500


def page(
    store: TaskStore, kind: str | None, number: int, per_page: int | None
) -> list[ProjectView]:
    """Return the projects, or those of a kind, oldest first, optionally paged."""
    noted = store.metadata.read("project")
    found = [one for one in store.projects.list() if kind is None or one.kind == kind]
    if per_page is not None:
        found = found[(number - 1) * per_page : number * per_page]
    return [_view(store, one, noted, with_statistics=False) for one in found]


def find(store: TaskStore, name: str) -> ProjectView:
    """Return the project with a name."""
    return _view(store, _record(store, name), store.metadata.read("project"), with_statistics=True)


def create(store: TaskStore, new: NewProject) -> ProjectView:
    """Create a project."""
    if not store.projects.add(new.name, new.project_type):
        raise ConflictingStateError(
            f"There is a project {new.name!r} already: choose another name."
        )
    return find(store, new.name)


def delete(store: TaskStore, name: str) -> None:
    """Delete a project and move its tasks to the default project."""
    with store.transaction():
        _record(store, name)
        if name == DEFAULT_PROJECT:
            raise ConflictingStateError(
                "The default project cannot be deleted: tasks without one need it."
            )
        for info in list(_tasks(store, name)):
            _put_task(store, info.task_id, DEFAULT_PROJECT)
        store.projects.remove(name)
        store.metadata.delete("project", name)


def add_task(store: TaskStore, name: str, task_id: str) -> None:
    """Move a task to a project."""
    with store.transaction():
        _record(store, name)
        _put_task(store, task_id, name)


def remove_task(store: TaskStore, name: str, task_id: str) -> None:
    """Move a task from a project to the default project."""
    with store.transaction():
        _record(store, name)
        record = store.task(task_id)
        if record is None or record.info.project != name:
            raise MissingError(f"There is no task {task_id!r} in the project {name!r}.")
        _put_task(store, task_id, DEFAULT_PROJECT)


def metadata(store: TaskStore, name: str) -> dict[str, str]:
    """Return the metadata of a project."""
    _record(store, name)
    return store.metadata.read("project").get(name, {})


def set_metadata(
    store: TaskStore, name: str, new: dict[str, str], *, merge: bool
) -> dict[str, str]:
    """Replace the metadata of a project, or merge entries into it; return the result."""
    with store.transaction():
        _record(store, name)
        store.metadata.write("project", name, new, merge=merge)
    return metadata(store, name)


def tasks_info(
    store: TaskStore, name: str, select: Literal["all", "distinct"], status: str | None
) -> list[Row]:
    """Return a flat row per task of a project, for comparisons.

    Parameters
    ----------
    store
        The store.
    name
        The project.
    select
        ``"all"`` fields, or the task id and the fields that are ``"distinct"`` between tasks.
    status
        Only tasks of this status.
    """
    _record(store, name)
    rows = [_row(info) for info in _tasks(store, name, status)]
    # All rows have all columns, since clients build tables from them.
    columns = list(dict.fromkeys(column for row in rows for column in row))
    if select == "distinct" and len(rows) > 1:
        columns = [
            column
            for column in columns
            if column == "task_id" or len({row.get(column) for row in rows}) > 1
        ]
    return [{column: row.get(column) for column in columns} for row in rows]


def _record(store: TaskStore, name: str) -> ProjectRecord:
    found = store.projects.list(name)
    if not found:
        raise MissingError(f"There is no project {name!r}: create it first, or look for its name.")
    return found[0]


def _put_task(store: TaskStore, task_id: str, name: str) -> None:
    def move(present: TaskRecord) -> TaskRecord:
        return replace(present, info=replace(present.info, project=name))

    if store.update(task_id, move) is None:
        raise MissingError(f"There is no task {task_id!r}.")


def _tasks(store: TaskStore, name: str, status: str | None = None) -> Iterator[TaskInfo]:
    task_filter = TaskFilter(status=status, project=name)
    offset = 0
    while True:
        rows, _ = store.list_tasks(task_filter, (), _PAGE, offset)
        yield from (msgspec.json.decode(row, type=TaskInfo) for row in rows)
        offset += _PAGE
        if len(rows) < _PAGE:
            return


def _view(
    store: TaskStore,
    record: ProjectRecord,
    noted: dict[str, dict[str, str]],
    *,
    with_statistics: bool,
) -> ProjectView:
    return ProjectView(
        name=record.name,
        project_type=record.kind,
        id=record.id,
        created_at=datetime.fromtimestamp(record.created, timezone.utc),
        num_tasks=sum(record.overview.values()),
        task_status_overview=record.overview,
        project_metadata=noted.get(record.name, {}),
        statistics=_statistics(store, record) if with_statistics else None,
    )


def _statistics(store: TaskStore, record: ProjectRecord) -> ProjectStatistics:
    durations = [
        info.duration_seconds
        for info in _tasks(store, record.name)
        if info.is_terminated and info.duration_seconds is not None
    ]
    good = record.overview.get(str(Status.SUCCESS), 0)
    return ProjectStatistics(
        success_rate=good / len(durations) if durations else 0.0,
        avg_task_duration_seconds=sum(durations) / len(durations) if durations else 0.0,
    )


def _row(info: TaskInfo) -> Row:
    values: dict[str, Any] = msgspec.to_builtins(
        {
            "task_id": info.task_id,
            "status": str(info.status),
            "simulator": info.simulator,
            "container_image": info.container_image,
            "machine_group_name": info.machine_group_name,
            "machine_type": info.machine_type,
            "create_time": info.create_time,
            "duration_seconds": info.duration_seconds,
            "estimated_computation_cost": info.estimated_computation_cost,
        }
    )
    values |= msgspec.to_builtins(info.metrics or {})
    values |= {f"metadata.{name}": text for name, text in (info.task_metadata or {}).items()}
    return values
