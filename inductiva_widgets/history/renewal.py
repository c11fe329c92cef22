"""Reading again those known tasks that may have changed, with few requests."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import numpy as np

from inductiva_widgets.api.paging import PAGES_AHEAD
from inductiva_widgets.errors import NotFoundError
from inductiva_widgets.frames.fields import Fields, Mask
from inductiva_widgets.history.kept import Rows
from inductiva_widgets.history.service import Service
from inductiva_widgets.history.wanted import Wanted
from inductiva_widgets.models import TaskInfo

# So few are asked for one by one; a page of others would be the longer answer.
_FEW = 2
_FEW_PAGES = 2


class Renewal:
    """One look at tasks that may have changed.

    Parameters
    ----------
    service
        The service.
    rows, fresh
        The newest tasks of the listing, and which of them were read just now.
    wanted
        Which tasks are asked for; the others may stay as they are.
    total, shift
        Number of all tasks when the first of these was the newest, and of those that came since.
    """

    def __init__(
        self,
        service: Service,
        rows: Rows,
        fresh: Mask,
        wanted: Wanted,
        *,
        total: int | None,
        shift: int,
    ) -> None:
        self._service = service
        self._rows = rows
        self._fresh = fresh
        self._shift = shift
        self._total = total
        # A live task may come into a status or leave it, so that the newest few may be any.
        cut = wanted.last_n if wanted.status is None else None
        asked = np.zeros(len(rows), dtype=np.bool_)
        asked[np.flatnonzero(wanted.mask(rows.fields, by_status=False))[:cut]] = True
        due = np.flatnonzero(asked & ~fresh & ~rows.settled).tolist()
        self._due = {rows.fields.ids[place]: place for place in due}
        self._infos: list[TaskInfo] = []
        self._places: list[int] = []
        self._gone: list[int] = []

    def run(self) -> tuple[Rows, Mask]:
        """Return the tasks with what is known of them now, and which of them were just read.

        Costs nothing where nothing may have changed, one or two requests where it is little, and
        else one for those that are still alive and one for each page with others.
        """
        if not self._due:
            return self._rows, self._fresh
        now = self._service.now
        if len(self._due) > _FEW:
            if len(self._pages()) > _FEW_PAGES:
                self._take(self._service.active().tasks)
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

    def _renewed(self, now: datetime) -> tuple[Rows, Mask]:
        count = len(self._rows)
        order, fresh = np.arange(count), self._fresh.copy()
        order[self._places] = np.arange(count, count + len(self._places))
        fresh[self._places] = True
        left = np.ones(count, dtype=np.bool_)
        left[self._gone] = False
        news = Rows.read(Fields.read(self._infos), now)
        return Rows.join([self._rows, news]).take(order[left]), fresh[left]
