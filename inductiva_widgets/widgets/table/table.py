"""State of the task table without a front end: tasks, query, rows and selection."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import wraps
from typing import Any, TypeVar, cast

import numpy as np

from inductiva_widgets.models.tasks import TaskInfo
from inductiva_widgets.widgets import contract, view_models
from inductiva_widgets.widgets.table import aggregates
from inductiva_widgets.widgets.table.columns import SEARCHED, ColumnStore, Positions, value_name
from inductiva_widgets.widgets.table.pandas_code import pandas_code
from inductiva_widgets.widgets.table.query import TableQuery
from inductiva_widgets.widgets.table.row_order import compute_order, filter_mask
from inductiva_widgets.widgets.table.selection import RowSelection

# Many times the visible rows: the front end has dropped rows that were sent long before.
_MAX_ROWS = 5000

Method = TypeVar("Method", bound=Callable[..., Any])


class RowDiffer:
    """Remembers the rows that were sent last, and returns their changes."""

    def __init__(self) -> None:
        self._rows: OrderedDict[str, contract.RowView] = OrderedDict()

    def remember(self, rows: Iterable[contract.RowView]) -> None:
        """Remember rows that are being sent."""
        for row in rows:
            self._rows[row["id"]] = row
            self._rows.move_to_end(row["id"])
        while len(self._rows) > _MAX_ROWS:
            self._rows.popitem(last=False)

    def __contains__(self, task_id: str) -> bool:
        return task_id in self._rows

    def diff_metric(self, task_id: str, metric: contract.MetricView) -> dict[str, Any] | None:
        """Return the task id and the metric of a row, or None if it has not changed."""
        before = self._rows.get(task_id)
        return None if before is None else self.diff({**before, "metric": metric})

    def diff(self, row: contract.RowView) -> dict[str, Any] | None:
        """Return the task id and the changed values of a row, or None if nothing has changed."""
        before: Any = self._rows.get(row["id"])
        if before is None or before == row:
            return None
        self._rows[row["id"]] = row
        changed: dict[str, Any] = {key: value for key, value in row.items() if before[key] != value}
        if "marks" in changed:
            # Usually only one of the five times is new.
            marks = zip(before["marks"], row["marks"], strict=True)
            changed["marks"] = {index: new for index, (old, new) in enumerate(marks) if old != new}
        return {"id": row["id"], **changed}


def _synchronized(method: Method) -> Method:
    """Hold the lock: the front end and the poller call from several threads."""

    @wraps(method)
    def guarded(self: TaskTable, *args: Any, **kwargs: Any) -> Any:
        with self._lock:
            return method(self, *args, **kwargs)

    return cast(Method, guarded)


class TaskTable:
    """Rows of tasks by a query, and their selection. Thread-safe.

    Parameters
    ----------
    infos
        The tasks, in order.
    clock
        Returns the current time of the service, for growing durations.
    """

    def __init__(self, infos: Sequence[TaskInfo], clock: Callable[[], datetime]) -> None:
        self._lock = threading.RLock()
        self._clock = clock
        self._columns = ColumnStore(infos, clock())
        self._indices: dict[str, int] = {}
        self._sent = RowDiffer()
        self._metrics: dict[str, contract.MetricView] = {}
        self._selection = RowSelection(len(infos))
        self._group_rows: list[contract.GroupView] = []
        self.version = 0
        self.is_stale = False
        self.query = TableQuery()
        self._layout = compute_order(self._columns, self.query)

    @property
    def infos(self) -> Sequence[TaskInfo]:
        """Last known info of each task, in the order of the list."""
        return self._columns.infos

    @property
    def visible(self) -> Positions:
        """Positions of the matching tasks in order, including those in collapsed groups."""
        return self._layout.order

    @property
    def live(self) -> Positions:
        """Positions of the tasks that have not ended."""
        return np.flatnonzero(self._columns.bool_column("is_live"))

    @_synchronized
    def index_of(self, task_id: str) -> int | None:
        """Return the position of a task in the list, or None."""
        if not self._indices:
            self._indices = {info.task_id: index for index, info in enumerate(self.infos)}
        return self._indices.get(task_id)

    # Queries

    @_synchronized
    def set_query(self, query: TableQuery) -> None:
        """Set the query and compute the rows."""
        self._columns.set_time(self._clock())
        self._layout = compute_order(self._columns, query)
        self.query = query
        self._changed()

    @_synchronized
    def reorder(self) -> bool:
        """Compute the order again if updates affect it; return whether it has changed."""
        if not self.is_stale:
            return False
        self.is_stale = False
        self._columns.set_time(self._clock())
        fresh = compute_order(self._columns, self.query)
        if fresh.is_same_order(self._layout) and self._group_views() == self._group_rows:
            return False
        self._layout = fresh
        self._changed()
        return True

    @_synchronized
    def query_result(self, *, with_span: bool = True) -> contract.QueryResultView:
        """Return the query result; ``with_span`` includes the slow ``first`` and ``last``."""
        first, last = (
            aggregates.time_range(self._columns, self.visible) if with_span else (None, None)
        )
        searched = self._columns.text("status").values if self.query.text else ()
        statuses = [str(status) for status in searched]
        return {
            "version": self.version,
            "query": self.query.to_json(),
            "tasks": len(self.visible),
            "lines": len(self._layout.rows),
            "first": first,
            "last": last,
            "code": pandas_code(self.query, statuses),
        }

    @_synchronized
    def aggregates(self) -> contract.AggregatesView:
        """Return the aggregates of the matching tasks."""
        self._columns.set_time(self._clock())
        whole = (
            filter_mask(self._columns, self.query, status_groups=False)
            if self.query.status_group
            else self.visible
        )
        return {
            "counts": aggregates.count_by_group(self._columns, whole),
            **aggregates.sums(self._columns, self.visible),
        }

    @_synchronized
    def facet(self, key: str) -> contract.FacetView:
        """Return the values of a column of the matching tasks, ignoring its own filter."""
        self._columns.set_time(self._clock())
        return aggregates.column_values(
            self._columns, key, filter_mask(self._columns, self.query, but=key)
        )

    @_synchronized
    def row_window(self, start: int, stop: int) -> tuple[int, list[contract.LineView], list[str]]:
        """Return the version, a range of rows, and the ids of the selected tasks in it."""
        now = self._clock()
        rows: list[contract.LineView] = []
        selected: list[str] = []
        for index in self._layout.rows[start:stop]:
            if index < 0:
                rows.append(self._group_rows[-1 - index])
                continue
            row = self._row(self.infos[index], now)
            self._sent.remember([row])
            rows.append(row)
            if self._selection.mask[index]:
                selected.append(row["id"])
        return self.version, rows, selected

    # Updates

    @_synchronized
    def update(self, infos: Iterable[TaskInfo]) -> list[dict[str, Any]]:
        """Update tasks; return the changes in rows that the front end has."""
        now = self._clock()
        changed: set[str] = set()
        patches = []
        for info in infos:
            index = self.index_of(info.task_id)
            if index is None:
                continue
            changed |= self._columns.update(index, info)
            patches.append(self._sent.diff(self._row(info, now)))
        self.is_stale |= not changed.isdisjoint(self._order_columns())
        return [patch for patch in patches if patch is not None]

    @_synchronized
    def update_metric(self, task_id: str, metric: contract.MetricView) -> dict[str, Any] | None:
        """Update the metric of a task; return the change in its row if the front end has it."""
        if self.index_of(task_id) is None:
            return None
        self._metrics[task_id] = metric
        return self._sent.diff_metric(task_id, metric)

    @_synchronized
    def prepend(self, infos: Sequence[TaskInfo]) -> None:
        """Insert new tasks at the beginning."""
        self._columns = ColumnStore([*infos, *self.infos], self._clock())
        self._indices = {}
        self._selection.grow(len(infos))
        self._layout = compute_order(self._columns, self.query)
        self._changed()

    # Selection

    @_synchronized
    def select(self, positions: Iterable[int], on: bool) -> None:
        """Select tasks by position, or deselect them if ``on`` is False."""
        self._selection.set(list(positions), on)

    @_synchronized
    def select_lines(self, start: int, stop: int, on: bool) -> None:
        """Select the tasks of a range of rows in the present order."""
        self._selection.set_lines(self._layout, start, stop, on)

    @_synchronized
    def select_all(self, on: bool) -> None:
        """Select all matching tasks, or deselect all tasks, including hidden ones."""
        if on:
            self._selection.set(self.visible, True)
        else:
            self._selection.clear()

    @_synchronized
    def selection(self) -> contract.SelectionView:
        """Return the selection for the front end."""
        return self._selection.view(self._columns, self.visible)

    @_synchronized
    def selected(self, flag: str = "") -> Positions:
        """Return the positions of the selected tasks in the order shown, hidden ones last.

        Parameters
        ----------
        flag
            ``"can_kill"`` or ``"has_outputs"`` for the tasks with this flag only.
        """
        mask = self._selection.mask
        visible = self.visible[mask[self.visible]]
        hidden = mask.copy()
        hidden[visible] = False
        chosen = np.concatenate([visible, np.flatnonzero(hidden)])
        return chosen[self._columns.bool_column(flag)[chosen]] if flag else chosen

    def _row(self, info: TaskInfo, now: datetime) -> contract.RowView:
        return {**view_models.row_view(info, now), "metric": self._metrics.get(info.task_id)}

    def _changed(self) -> None:
        self.version += 1
        self.is_stale = False
        self._group_rows = self._group_views()

    def _group_views(self) -> list[contract.GroupView]:
        order = self._layout.order
        return [aggregates.group_view(self._columns, group, order) for group in self._layout.groups]

    def _order_columns(self) -> set[str]:
        """Return the columns that determine the rows and their order."""
        query = self.query
        used = set(query.filters)
        used |= {"status", *SEARCHED} if query.text else set()
        used |= {"status"} if query.status_group else set()
        used |= {query.sort.key} if query.sort else set()
        # The headers of groups show sums.
        used |= {query.group, "status", "cost_usd", "computation_time"} if query.group else set()
        return set(map(value_name, used))
