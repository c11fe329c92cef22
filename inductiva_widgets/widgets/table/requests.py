"""Parse the table requests of the front end, which may be invalid."""

from __future__ import annotations

from typing import Any

from inductiva_widgets.errors import InputError
from inductiva_widgets.widgets import contract
from inductiva_widgets.widgets.table.query import value_name
from inductiva_widgets.widgets.table.table import TaskTable

_MAX_WINDOW = 500


def parse_rows_request(table: TaskTable, content: dict[str, Any]) -> dict[str, Any]:
    """Return a window of rows with the version of the order."""
    start, stop = _window("rows", content)
    version, lines, selected = table.row_window(start, min(stop, start + _MAX_WINDOW))
    return {"version": version, "start": start, "lines": lines, "selected": selected}


def parse_facet_request(table: TaskTable, content: dict[str, Any]) -> contract.FacetView:
    """Return the values or the range of a column."""
    return table.facet(value_name(content.get("key")))


def parse_selection(table: TaskTable, content: dict[str, Any]) -> None:
    """Select tasks by id, by rows, or all of them."""
    on = parse_bool(content)
    ids = content.get("ids")
    if ids is not None:
        if not isinstance(ids, list) or not all(isinstance(task_id, str) for task_id in ids):
            raise InputError("`ids` must be a list of texts.")
        indices = [table.index_of(task_id) for task_id in ids]
        if None in indices:
            raise InputError("A task to select is not in the list.")
        table.select([index for index in indices if index is not None], on)
    elif "start" in content or "stop" in content:
        table.select_lines(*_window("select", content), on)
    else:
        table.select_all(on)


def parse_bool(content: dict[str, Any]) -> bool:
    """Return the value of ``on``."""
    on = content.get("on")
    if not isinstance(on, bool):
        raise InputError(f"`on` must be true or false, got {on!r}.")
    return on


def _window(kind: str, content: dict[str, Any]) -> tuple[int, int]:
    start, stop = content.get("start"), content.get("stop")
    # isinstance would accept a bool.
    if type(start) is not int or type(stop) is not int or not 0 <= start <= stop:
        raise InputError(f"A {kind} request needs integers 0 <= start <= stop.")
    return start, stop
