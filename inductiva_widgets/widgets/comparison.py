"""View model of the comparison of selected tasks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from inductiva_widgets.ansi import render_plain_lines
from inductiva_widgets.errors import InputError
from inductiva_widgets.frames import _detail_columns, schema
from inductiva_widgets.frames._compare import to_json_columns
from inductiva_widgets.models.tasks import TaskInfo
from inductiva_widgets.widgets import contract, view_models

if TYPE_CHECKING:
    from inductiva_widgets.tasks.task_list import TaskList

MAX_TASKS = 20
"""Maximum number of tasks. The front end has the same constant in ``panels/SelectionBar.tsx``."""

_GROUPS = ("Task", "Metadata", "Machine", "Commands", "Times", "Cost", "Data")
_PLACES = {name: place for place, name in enumerate(schema.COLUMNS)}
# Shown in the headers of the columns.
_IN_HEADS = ("status", "simulator")
_MAX_TEXT_LENGTH = 2_000


def comparison_view(tasks: TaskList) -> contract.ComparisonView:
    """Return the comparison of tasks with details, see ``TaskList.compare``.

    Raises
    ------
    InputError
        There are fewer than 2 or more than `MAX_TASKS` tasks.
    """
    if len(tasks) > MAX_TASKS:
        raise InputError(
            f"At most {MAX_TASKS} tasks can be compared here, got {len(tasks)}. Use "
            "TaskList.compare() for more."
        )
    frame = tasks.compare(details=True)
    source = frame.attrs["inductiva"]
    same = {name: [value] for name, value in source["same"].items() if value is not None}
    values = {**same, **to_json_columns(frame)}
    fields = [_field(name, found) for name, found in values.items() if name not in _IN_HEADS]
    infos = tasks._infos()
    return {
        "tasks": [_task(info) for info in infos],
        "fields": sorted(fields, key=_place),
        "as_of": _milliseconds(source["as_of"]),
        "is_live": not all(info.is_terminal for info in infos),
        "code": _code([info.task_id for info in infos]),
    }


def _task(info: TaskInfo) -> contract.ComparedTask:
    row = view_models.row_view(info)
    return {
        "id": row["id"],
        "status": row["status"],
        "alias": row["alias"],
        "status_group": row["status_group"],
        "simulator": info.simulator,
    }


def _field(name: str, values: list[Any]) -> contract.ComparedField:
    kind = _kind(name)
    shown = {"text": _clipped, "time": _milliseconds}.get(kind)
    if shown is not None:
        values = [None if value is None else shown(value) for value in values]
    column = schema.COLUMNS.get(name)
    return {
        "name": name,
        "meaning": _detail_columns.MEANINGS.get(name, "") if column is None else column.description,
        "group": _group(name, kind),
        "kind": kind,
        "values": values,
    }


def _kind(name: str) -> str:
    column = schema.COLUMNS.get(name)
    if column is None:
        return "count" if name in _detail_columns.COUNTS else "text"
    return "text" if column.format == "category" else column.format


def _group(name: str, kind: str) -> str:
    if name.startswith(schema.METADATA):
        return "Metadata"
    column = schema.COLUMNS.get(name)
    if column is None:
        return "Commands"
    if column.is_machine:
        return "Machine"
    by_kind = {"time": "Times", "seconds": "Times", "dollars": "Cost", "bytes": "Data"}
    # A number of files, too, is measured by the service.
    is_measured = kind == "count" and column.path.startswith("metrics.")
    return "Data" if is_measured else by_kind.get(kind, "Task")


def _place(field: contract.ComparedField) -> tuple[int, int]:
    # Others than those of the schema stay in their order.
    return _GROUPS.index(field["group"]), _PLACES.get(field["name"], len(_PLACES))


def _clipped(text: str) -> str:
    shown = "\n".join(render_plain_lines(str(text)[: 2 * _MAX_TEXT_LENGTH])).strip("\n")
    return shown if len(shown) <= _MAX_TEXT_LENGTH else shown[:_MAX_TEXT_LENGTH] + "…"


def _milliseconds(time: str) -> int:
    return round(datetime.fromisoformat(time).timestamp() * 1000)


def _code(ids: Sequence[str]) -> str:
    """Return lines that give the same; ids are written by ``repr``, so they stay texts."""
    return (
        f"tasks = map(inductiva.tasks.Task, {list(ids)!r})\n"
        "df = inductiva.tasks.compare(tasks, details=True)"
    )
