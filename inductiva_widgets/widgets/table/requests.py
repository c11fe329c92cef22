"""Requests of the page for the lines of a table, checked: the page is not to be trusted."""

from __future__ import annotations

from typing import Any

from inductiva_widgets.errors import InputError
from inductiva_widgets.widgets import contract
from inductiva_widgets.widgets.table.query import value_name
from inductiva_widgets.widgets.table.table import TaskTable

_MAX_WINDOW = 500


def parse_rows_request(table: TaskTable, content: dict[str, Any]) -> dict[str, Any]:
    """Return a window of lines, with the version that they belong to."""
    start, stop = _window("rows", content)
    version, lines, selected = table.row_window(start, min(stop, start + _MAX_WINDOW))
    return {"version": version, "start": start, "lines": lines, "selected": selected}


def parse_facet_request(table: TaskTable, content: dict[str, Any]) -> contract.FacetView:
    """Return the values or the range of a column."""
    return table.facet(value_name(content.get("key")))


def parse_selection(table: TaskTable, content: dict[str, Any]) -> None:
    """Choose tasks by their ids, by lines, or all of them."""
    on = parse_bool(content)
    ids = content.get("ids")
    if ids is not None:
        if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
            raise InputError("select needs ids as a list of texts.")
        places = [table.index_of(one) for one in ids]
        if None in places:
            raise InputError("A task to select is not in the list.")
        table.select([place for place in places if place is not None], on)
    elif "start" in content or "stop" in content:
        table.select_lines(*_window("select", content), on)
    else:
        table.select_all(on)


def parse_bool(content: dict[str, Any]) -> bool:
    """Return whether something is asked to be on."""
    on = content.get("on")
    if not isinstance(on, bool):
        raise InputError("The request needs on as true or false.")
    return on


def _window(kind: str, content: dict[str, Any]) -> tuple[int, int]:
    start, stop = content.get("start"), content.get("stop")
    # A bool is an int to Python, but no place of a line.
    if type(start) is not int or type(stop) is not int or not 0 <= start <= stop:
        raise InputError(f"{kind} needs a start and a stop.")
    return start, stop
