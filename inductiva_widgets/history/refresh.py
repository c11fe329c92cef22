"""Refresh cached tasks that may have changed, with few requests."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import numpy as np

from inductiva_widgets.errors import NotFoundError
from inductiva_widgets.frames._columnar import Mask, TaskColumns
from inductiva_widgets.history.cache import TaskRows
from inductiva_widgets.history.counting_client import CountingClient
from inductiva_widgets.history.query import HistoryQuery
from inductiva_widgets.http.paging import PAGES_AHEAD
from inductiva_widgets.models.tasks import TaskInfo

# At most so many tasks are requested one by one, as a page is a larger response.
_MAX_SINGLE_TASKS = 2
_MAX_SINGLE_PAGES = 2

Parts = list[tuple[TaskRows, Mask]]
"""Consecutive rows of a listing, each with a mask of the rows that were just fetched."""


class Refresh:
    """One refresh of cached tasks that may have changed.

    Parameters
    ----------
    service
        The service.
    parts
        The newest tasks of the listing.
    query
        The filters. Tasks that cannot match are not refreshed.
    total, shift
        Number of all tasks when the first part was fetched, and of tasks submitted since.
    """

    def __init__(
        self,
        service: CountingClient,
        parts: Parts,
        query: HistoryQuery,
        *,
        total: int | None,
        shift: int,
    ) -> None:
        self._service = service
        self._parts = parts
        self._shift = shift
        self._total = total
        self._due = _due(parts, query)
        self._infos: list[TaskInfo] = []
        self._positions: list[int] = []
        self._deleted: list[int] = []

    def run(self) -> tuple[TaskRows, Mask]:
        """Refresh the tasks, and return all rows and the mask of those that were just fetched.

        Notes
        -----
        Requests: 0 if no task may have changed; otherwise 1 or 2 if there are few, or 1 per page of
        active tasks and 1 per page with others.
        """
        if not self._due:
            return join(self._parts)
        now = self._service.now
        if len(self._due) > _MAX_SINGLE_TASKS:
            if len(self._pages()) > _MAX_SINGLE_PAGES:
                self._fetch_active()
            # Twice, as tasks submitted in between move the others to later pages.
            for _ in range(2):
                self._fetch_pages()
        with ThreadPoolExecutor(PAGES_AHEAD, thread_name_prefix="inductiva-tasks") as pool:
            for task_id, info in [(i, pool.submit(self._task, i)) for i in self._due]:
                current = info.result()
                if current is None:
                    self._deleted.append(self._due[task_id])
                else:
                    self._positions.append(self._due[task_id])
                    self._infos.append(current)
        return self._updated_rows(now)

    def _pages(self) -> list[int]:
        per_page = self._service.per_page
        positions = self._due.values()
        return sorted({(position + self._shift) // per_page + 1 for position in positions})

    def _fetch_active(self) -> None:
        number = 0
        while self._due:
            number, due = number + 1, len(self._due)
            page = self._service.list_active(number)
            self._take(page.tasks)
            # A service that ignores the filter returns pages that were just fetched.
            if len(page.tasks) < self._service.per_page or len(self._due) == due:
                return

    def _fetch_pages(self) -> None:
        with ThreadPoolExecutor(PAGES_AHEAD, thread_name_prefix="inductiva-pages") as pool:
            for page in pool.map(self._service.page, self._pages()):
                if self._total is not None and page.total_size is not None:
                    self._shift = max(0, page.total_size - self._total)
                self._take(page.tasks)

    def _take(self, infos: Iterable[TaskInfo]) -> None:
        for info in infos:
            position = self._due.pop(info.task_id, None)
            if position is not None:
                self._infos.append(info)
                self._positions.append(position)

    def _task(self, task_id: str) -> TaskInfo | None:
        try:
            return self._service.task(task_id)
        except NotFoundError:
            return None

    def _updated_rows(self, now: datetime) -> tuple[TaskRows, Mask]:
        new = TaskRows.from_columns(TaskColumns.read(self._infos), now)
        count = sum(len(rows) for rows, _ in self._parts)
        rows, fresh = join([*self._parts, (new, np.ones(len(new), dtype=np.bool_))])
        order = np.arange(count)
        order[self._positions] = np.arange(count, count + len(new))
        order = np.delete(order, self._deleted)
        return rows.select(order), fresh[order]


def join(parts: Parts) -> tuple[TaskRows, Mask]:
    """Concatenate parts, and replace the list by the result to free the memory."""
    rows = TaskRows.concat([part for part, _ in parts])
    fresh = np.concatenate([mask for _, mask in parts] or [np.zeros(0, np.bool_)])
    parts[:] = [(rows, fresh)]
    return rows, fresh


def _due(parts: Parts, query: HistoryQuery) -> dict[str, int]:
    """Return the positions of the tasks to refresh, by task id."""
    # If there is a status filter, any active task may become one of the newest matches.
    left = query.last_n if query.filters.status is None else None
    start, due = 0, {}
    for rows, fresh in parts:
        matches = np.flatnonzero(query.mask(rows.fields, by_status=False))[:left]
        left = None if left is None else left - len(matches)
        for index in matches[~(fresh | rows.final)[matches]].tolist():
            due[rows.fields.ids[index]] = start + index
        start += len(rows)
    return due
