"""The table without a page: tasks, a query, the lines that it gives, and what is chosen of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import wraps
from typing import Any, TypeVar, cast

import numpy as np

from inductiva_widgets.models.tasks import TaskInfo
from inductiva_widgets.widgets import contract, view_models
from inductiva_widgets.widgets.table import aggregates
from inductiva_widgets.widgets.table.columns import SEARCHED, Columns, Positions
from inductiva_widgets.widgets.table.pandas_code import code
from inductiva_widgets.widgets.table.query import Query
from inductiva_widgets.widgets.table.row_diff import SentRows
from inductiva_widgets.widgets.table.row_order import layout, matches
from inductiva_widgets.widgets.table.selection import Selection

Method = TypeVar("Method", bound=Callable[..., Any])


def _alone(method: Method) -> Method:
    """Let one thread in at a time: requests of the page and news of the poller meet here."""

    @wraps(method)
    def guarded(self: TaskTable, *args: Any, **kwargs: Any) -> Any:
        with self._lock:
            return method(self, *args, **kwargs)

    return cast(Method, guarded)


class TaskTable:
    """Tasks and what is shown of them. Thread-safe.

    Parameters
    ----------
    infos
        The tasks, in order.
    clock
        Gives the service's present time, for what grows.
    """

    def __init__(self, infos: Sequence[TaskInfo], clock: Callable[[], datetime]) -> None:
        self._lock = threading.RLock()
        self._clock = clock
        self._columns = Columns(infos, clock())
        self._places: dict[str, int] = {}
        self._sent = SentRows()
        self._metrics: dict[str, contract.MetricView] = {}
        self._selection = Selection(len(infos))
        self._heads: list[contract.GroupView] = []
        self.version = 0
        self.is_stale = False
        self.query = Query()
        self._layout = layout(self._columns, self.query)

    @property
    def infos(self) -> Sequence[TaskInfo]:
        """What is known of each task, in the order of the list."""
        return self._columns.infos

    @property
    def shown(self) -> Positions:
        """Positions of the tasks that match the query, in their order, folded ones included."""
        return self._layout.order

    @property
    def live(self) -> Positions:
        """Positions of the tasks that have not ended."""
        return np.flatnonzero(self._columns.flags("is_live"))

    @_alone
    def place(self, task_id: str) -> int | None:
        """Return the position of a task in the list, None where it is not there."""
        if not self._places:
            self._places = {info.task_id: place for place, info in enumerate(self.infos)}
        return self._places.get(task_id)

    # Queries

    @_alone
    def set_query(self, query: Query) -> None:
        """Show something else."""
        self._columns.set_now(self._clock())
        self._layout = layout(self._columns, query)
        self.query = query
        self._changed()

    @_alone
    def settle(self) -> bool:
        """Lay the lines out anew where news call for it; returns whether any has changed place."""
        if not self.is_stale:
            return False
        self.is_stale = False
        self._columns.set_now(self._clock())
        fresh = layout(self._columns, self.query)
        if fresh.same_as(self._layout) and self._group_views() == self._heads:
            return False
        self._layout = fresh
        self._changed()
        return True

    @_alone
    def shape(self, *, with_span: bool = True) -> contract.ShapeView:
        """Return how the lines lie; to find the first and the latest time takes the longest."""
        first, last = aggregates.span(self._columns, self.shown) if with_span else (None, None)
        searched = self._columns.text("status").values if self.query.text else ()
        statuses = [str(status) for status in searched]
        return {
            "version": self.version,
            "query": self.query.view(),
            "tasks": len(self.shown),
            "lines": len(self._layout.lines),
            "first": first,
            "last": last,
            "code": code(self.query, statuses),
        }

    @_alone
    def totals(self) -> contract.TotalsView:
        """Return the sums over the tasks that match."""
        self._columns.set_now(self._clock())
        whole = matches(self._columns, self.query, tones=False) if self.query.tones else self.shown
        return {
            "counts": aggregates.count_tones(self._columns, whole),
            "cost": aggregates.cost(self._columns, self.shown),
            "seconds": aggregates.seconds(self._columns, self.shown),
        }

    @_alone
    def facet(self, key: str) -> contract.FacetView:
        """Return the values of a column among the tasks that match, its own filter aside."""
        self._columns.set_now(self._clock())
        return aggregates.facet(self._columns, key, matches(self._columns, self.query, but=key))

    @_alone
    def rows(self, start: int, stop: int) -> tuple[int, list[contract.LineView], list[str]]:
        """Return the version, some lines, and the ids of the tasks among them that are chosen."""
        now = self._clock()
        lines: list[contract.LineView] = []
        chosen: list[str] = []
        for line in self._layout.lines[start:stop]:
            if line < 0:
                lines.append(self._heads[-1 - line])
                continue
            row = self._row(self.infos[line], now)
            self._sent.note([row])
            lines.append(row)
            if self._selection.mask[line]:
                chosen.append(row["id"])
        return self.version, lines, chosen

    # News

    @_alone
    def learn(self, news: Iterable[TaskInfo]) -> list[dict[str, Any]]:
        """Take over news; returns what has changed in the lines that the page was sent."""
        now = self._clock()
        changed: set[str] = set()
        patches = []
        for info in news:
            place = self.place(info.task_id)
            if place is None:
                continue
            changed |= self._columns.learn(place, info)
            patches.append(self._sent.patch(self._row(info, now)))
        self.is_stale |= not changed.isdisjoint(self._used())
        return [patch for patch in patches if patch is not None]

    @_alone
    def learn_metric(self, task_id: str, metric: contract.MetricView) -> dict[str, Any] | None:
        """Take over what a task's log says; returns what has changed in its line, if anything."""
        place = self.place(task_id)
        if place is None:
            return None
        self._metrics[task_id] = metric
        return self._sent.patch_metric(task_id, metric)

    @_alone
    def grow(self, infos: Sequence[TaskInfo]) -> None:
        """Take up new tasks before the others."""
        self._columns = Columns([*infos, *self.infos], self._clock())
        self._places = {}
        self._selection.grow(len(infos))
        self._layout = layout(self._columns, self.query)
        self._changed()

    # Selection

    @_alone
    def select(self, positions: Iterable[int], on: bool) -> None:
        """Choose tasks by their positions in the list."""
        self._selection.set(list(positions), on)

    @_alone
    def select_lines(self, start: int, stop: int, on: bool) -> None:
        """Choose the tasks of some lines, by the present order."""
        self._selection.set_lines(self._layout, start, stop, on)

    @_alone
    def select_all(self, on: bool) -> None:
        """Choose all tasks that match; or none at all, hidden ones included."""
        if on:
            self._selection.set(self.shown, True)
        else:
            self._selection.clear()

    @_alone
    def selection(self) -> contract.SelectionView:
        """Return what is chosen."""
        return self._selection.view(self._columns, self.shown)

    @_alone
    def selected(self, flag: str = "") -> Positions:
        """Return the positions of the chosen tasks: as they are shown, then the hidden ones.

        Parameters
        ----------
        flag
            ``"can_kill"`` or ``"has_outputs"``, for those alone.
        """
        mask = self._selection.mask
        shown = self.shown[mask[self.shown]]
        hidden = mask.copy()
        hidden[shown] = False
        chosen = np.concatenate([shown, np.flatnonzero(hidden)])
        return chosen[self._columns.flags(flag)[chosen]] if flag else chosen

    def _row(self, info: TaskInfo, now: datetime) -> contract.RowView:
        return {**view_models.row_view(info, now), "metric": self._metrics.get(info.task_id)}

    def _changed(self) -> None:
        self.version += 1
        self.is_stale = False
        self._heads = self._group_views()

    def _group_views(self) -> list[contract.GroupView]:
        order = self._layout.order
        return [aggregates.group_view(self._columns, group, order) for group in self._layout.groups]

    def _used(self) -> set[str]:
        """Return the columns by which the lines lie as they do."""
        query = self.query
        used = set(query.filters)
        used |= {"status", *SEARCHED} if query.text else set()
        used |= {"status"} if query.tones else set()
        used |= {query.sort.key} if query.sort else set()
        # The heads of groups have sums.
        used |= {query.group, "status", "cost", "computation"} if query.group else set()
        return {"total" if key == "phases" else key for key in used}
