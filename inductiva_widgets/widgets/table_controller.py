"""State of a table widget: its tasks, the query, the selection and the synced traits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from inductiva_widgets.errors import InputError
from inductiva_widgets.tasks.task_list import TaskList
from inductiva_widgets.widgets import contract
from inductiva_widgets.widgets.table import TableQuery, TaskTable
from inductiva_widgets.widgets.table.query import value_name

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client
    from inductiva_widgets.models.tasks import TaskInfo
    from inductiva_widgets.tasks.task import Task
    from inductiva_widgets.widgets.base import Handler


_MAX_WINDOW = 500

# More than the visible rows.
_N_FIRST_ROWS = 20
# Longer lists show their first rows before the aggregates are computed.
_MAX_AGGREGATED_AT_ONCE = 2_000
_NO_AGGREGATES: contract.AggregatesView = {
    "counts": {},
    "cost": None,
    "seconds": 0.0,
    "growth": None,
}


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


class TableController:
    """Tasks of a table widget, and the state that is shown of them. Thread-safe.

    Parameters
    ----------
    tasks
        The tasks, in order.
    clock
        Returns the current time of the service.
    set_state
        Called with the synced traits that have changed, while ``lock`` is held.
    on_rows
        Called with rows that are sent to the front end.
    """

    def __init__(
        self,
        tasks: TaskList,
        clock: Callable[[], datetime],
        set_state: Callable[[dict[str, Any]], None],
        on_rows: Callable[[Iterable[contract.LineView]], None],
    ) -> None:
        self.tasks = tasks
        self.lock = threading.RLock()
        """Held while a message is sent, since several threads send updates and replies."""
        self.is_aggregated = len(tasks) <= _MAX_AGGREGATED_AT_ONCE
        self._table = TaskTable(tasks._infos(), clock)
        self._set_state = set_state
        self._on_rows = on_rows

    @property
    def infos(self) -> Sequence[TaskInfo]:
        """The tasks' last known info, in the order of the list."""
        return self._table.infos

    @property
    def n_matching(self) -> int:
        """Number of tasks that match the query."""
        return len(self._table.visible)

    @property
    def has_live_tasks(self) -> bool:
        """Whether a task of the list has not ended."""
        return bool(self._table.live.size)

    def initial_state(self) -> dict[str, Any]:
        """Return the synced traits at the beginning."""
        return {
            "total": len(self.tasks),
            "first_rows": self.first_rows(),
            "query_result": self._table.query_result(with_span=self.is_aggregated),
            "aggregates": self._table.aggregates() if self.is_aggregated else _NO_AGGREGATES,
            "selection": self._table.selection(),
        }

    def handlers(self) -> dict[str, Handler]:
        """Return the request handlers by kind."""
        return {
            # Evaluated when the reply is sent, so that it has all previous updates.
            "rows": lambda content: partial(self._rows, content),
            "facet": lambda content: parse_facet_request(self._table, content),
            "query": lambda content: self.set_query(TableQuery.from_json(content.get("query"))),
            "select": self._select,
        }

    def first_rows(self) -> list[contract.LineView]:
        """Return the first rows in the order shown."""
        return self._table.row_window(0, _N_FIRST_ROWS)[1]

    def matching(self, stop: int | None = None) -> TaskList:
        """Return the tasks that match the query, in the order shown, or the first ones of them."""
        with self.lock:
            return self._tasks_at(self._table.visible[:stop])

    def selected(self, flag: str = "") -> TaskList:
        """Return the selected tasks, or those of them that have a flag such as ``can_kill``."""
        with self.lock:
            return self._tasks_at(self._table.selected(flag))

    def find(self, task_id: str) -> Task | None:
        """Return the task of an id, or None."""
        with self.lock:
            index = self._table.index_of(task_id)
            return None if index is None else self.tasks[index]

    def has(self, task_id: str) -> bool:
        """Return whether a task is in the list."""
        return self._table.index_of(task_id) is not None

    def live_tasks(self, client: Client) -> list[Task]:
        """Return the tasks of a service that have not ended."""
        tasks = [self.tasks[index] for index in self._table.live]
        return [task for task in tasks if task.client is client]

    def live_statuses(self) -> list[tuple[int, Any]]:
        """Return the indices and the statuses of the tasks that have not ended."""
        return [(index, self.infos[index].status) for index in self._table.live.tolist()]

    def set_query(self, query: TableQuery) -> None:
        """Show what matches a query."""
        with self.lock:
            self._table.set_query(query)
            self._show_rows()

    def show_aggregates(self) -> None:
        """Compute and show the aggregates of a long list."""
        with self.lock:
            self.is_aggregated = True
            self._set_state(
                {"query_result": dict(self._table.query_result()), **self._aggregates()}
            )

    def update(self, infos: Iterable[TaskInfo], send: Callable[[list[Any]], None]) -> None:
        """Update tasks in place; call ``send`` with the changes in rows that the front end has."""
        with self.lock:
            patches = self._table.update(infos)
            if patches:
                send(patches)
            self._set_state(self._aggregates())

    def update_metric(
        self, task_id: str, metric: contract.MetricView, send: Callable[[list[Any]], None]
    ) -> None:
        """Update the metric of a task; call ``send`` if the front end has its row."""
        with self.lock:
            patch = self._table.update_metric(task_id, metric)
            if patch is not None:
                send([patch])

    def reorder(self, is_due: Callable[[], bool]) -> None:
        """Sort the rows again if updates have changed their order and ``is_due`` returns True."""
        if self._table.is_stale and is_due() and self._table.reorder():
            self._show_rows()

    def prepend(self, infos: list[TaskInfo], client: Client) -> list[Task]:
        """Add new tasks at the beginning of the list, and return them."""
        with self.lock:
            self.tasks = self.tasks._prepended(infos, client)
            self._table.prepend(infos)
            self._set_state({"total": len(self.tasks)})
            self._show_rows()
            return [self.tasks[index] for index in range(len(infos))]

    def _rows(self, content: dict[str, Any]) -> dict[str, Any]:
        reply = parse_rows_request(self._table, content)
        self._on_rows(reply["lines"])
        return reply

    def _select(self, content: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            parse_selection(self._table, content)
            view = dict(self._table.selection())
            self._set_state({"selection": view})
        return view

    def _show_rows(self) -> None:
        """Send the first rows, the layout and the aggregates after a change of the order."""
        rows = self.first_rows()
        result = dict(self._table.query_result())
        self._set_state({"first_rows": rows, "query_result": result, **self._aggregates()})
        self._on_rows(rows)

    def _aggregates(self) -> dict[str, Any]:
        return {
            "aggregates": dict(self._table.aggregates()),
            "selection": dict(self._table.selection()),
        }

    def _tasks_at(self, indices: Iterable[int]) -> TaskList:
        return TaskList(self.tasks[index] for index in indices)
