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

# So few are asked for one by one; a page of others would be the longer answer.
_FEW = 2
_FEW_PAGES = 2

Parts = list[tuple[TaskRows, Mask]]


class Refresh:
    """One look at tasks that may have changed.

    Parameters
    ----------
    service
        The service.
    parts
        The newest tasks of the listing in parts, and which of them were read just now.
    wanted
        Which tasks are asked for; the others may stay as they are.
    total, shift
        Number of all tasks when the first of these was the newest, and of those that came since.
    """

    def __init__(
        self,
        service: CountingClient,
        parts: Parts,
        wanted: HistoryQuery,
        *,
        total: int | None,
        shift: int,
    ) -> None:
        self._service = service
        self._parts = parts
        self._shift = shift
        self._total = total
        self._due = _due(parts, wanted)
        self._infos: list[TaskInfo] = []
        self._places: list[int] = []
        self._gone: list[int] = []

    def run(self) -> tuple[TaskRows, Mask]:
        """Return the tasks with what is known of them now, and which of them were just read.

        Costs nothing where nothing may have changed, one or two requests where it is little, and
        else one for each page of those that are still alive and one for each page with others.
        """
        if not self._due:
            return join(self._parts)
        now = self._service.now
        if len(self._due) > _FEW:
            if len(self._pages()) > _FEW_PAGES:
                self._read_active()
            # Twice: tasks that were submitted meanwhile have moved the pages on.
            for _ in range(2):
                self._read_pages()
        with ThreadPoolExecutor(PAGES_AHEAD, thread_name_prefix="inductiva-tasks") as pool:
            for task_id, info in [(i, pool.submit(self._task, i)) for i in self._due]:
                found = info.result()
                if found is None:
                    self._gone.append(self._due[task_id])
                else:
                    self._places.append(self._due[task_id])
                    self._infos.append(found)
        return self._renewed(now)

    def _pages(self) -> list[int]:
        per_page = self._service.per_page
        return sorted({(place + self._shift) // per_page + 1 for place in self._due.values()})

    def _read_active(self) -> None:
        number = 0
        while self._due:
            number, due = number + 1, len(self._due)
            page = self._service.list_active(number)
            self._take(page.tasks)
            # A service that lists all tasks instead shows what was just read.
            if len(page.tasks) < self._service.per_page or len(self._due) == due:
                return

    def _read_pages(self) -> None:
        with ThreadPoolExecutor(PAGES_AHEAD, thread_name_prefix="inductiva-pages") as pool:
            for page in pool.map(self._service.page, self._pages()):
                if self._total is not None and page.total_size is not None:
                    self._shift = max(0, page.total_size - self._total)
                self._take(page.tasks)

    def _take(self, infos: Iterable[TaskInfo]) -> None:
        for info in infos:
            place = self._due.pop(info.task_id, None)
            if place is not None:
                self._infos.append(info)
                self._places.append(place)

    def _task(self, task_id: str) -> TaskInfo | None:
        try:
            return self._service.task(task_id)
        except NotFoundError:
            return None

    def _renewed(self, now: datetime) -> tuple[TaskRows, Mask]:
        news = TaskRows.from_columns(TaskColumns.read(self._infos), now)
        count = sum(len(rows) for rows, _ in self._parts)
        rows, fresh = join([*self._parts, (news, np.ones(len(news), dtype=np.bool_))])
        order = np.arange(count)
        order[self._places] = np.arange(count, count + len(news))
        order = np.delete(order, self._gone)
        return rows.select(order), fresh[order]


def join(parts: Parts) -> tuple[TaskRows, Mask]:
    """Return parts in one, which takes their place, so that they are not there twice."""
    rows = TaskRows.concat([part for part, _ in parts])
    fresh = np.concatenate([new for _, new in parts] or [np.zeros(0, np.bool_)])
    parts[:] = [(rows, fresh)]
    return rows, fresh


def _due(parts: Parts, wanted: HistoryQuery) -> dict[str, int]:
    """Return the places of the tasks to look at by their ids."""
    # A live task may come into a status or leave it, so that the newest few may be any.
    left = wanted.last_n if wanted.status is None else None
    start, due = 0, {}
    for rows, fresh in parts:
        asked = np.flatnonzero(wanted.mask(rows.fields, by_status=False))[:left]
        left = None if left is None else left - len(asked)
        for place in asked[~(fresh | rows.final)[asked]].tolist():
            due[rows.fields.ids[place]] = start + place
        start += len(rows)
    return due
