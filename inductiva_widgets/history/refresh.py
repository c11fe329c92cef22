"""Read cached tasks again: those that may have changed, and a page of the others in rotation."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from inductiva_widgets.errors import InductivaError, NotFoundError
from inductiva_widgets.frames._columnar import Mask, Positions
from inductiva_widgets.history.cache import TaskRows
from inductiva_widgets.history.query import HistoryQuery
from inductiva_widgets.history.sync import CacheMismatchError, CountingClient
from inductiva_widgets.http.paging import PAGES_AHEAD
from inductiva_widgets.models.tasks import TaskInfo, TaskPage

# At most so many tasks are requested one by one, as a page is a larger response.
_MAX_SINGLE_TASKS = 2
# On more pages than this, the active tasks are requested first: mostly these are all.
_MAX_SINGLE_PAGES = 1

Parts = list[tuple[TaskRows, Mask]]
"""Consecutive rows of a listing, each with a mask of the rows that were just fetched."""


class Refresh:
    """One refresh of cached tasks.

    Tasks that have not ended, have just ended or were changed by this client are read again. The
    service may change the others as well, for example their metadata. So each refresh also reads
    one page: that of the row which was read longest ago. The times of the rows are in the cache,
    so the calls take turns with all pages, also if new tasks move rows to other pages.

    Parameters
    ----------
    service
        The service.
    rows, fresh
        The newest tasks of the listing, and the mask of those that were just fetched.
    query
        The filters. Tasks that cannot match are not refreshed.
    total, shift
        Number of all tasks when the first row was fetched, and of tasks submitted since.
    """

    def __init__(
        self,
        service: CountingClient,
        rows: TaskRows,
        fresh: Mask,
        query: HistoryQuery,
        *,
        total: int | None,
        shift: int,
    ) -> None:
        self._service = service
        self._rows, self._fresh = rows, fresh.copy()
        self._query = query
        self._shift = shift
        self._total = total
        self._matches = np.flatnonzero(query.mask(rows.fields, by_status=False))
        self._due = self._find_due()
        self._known: dict[str, int] = {}
        self._infos: list[TaskInfo] = []
        self._positions: list[int] = []
        self._deleted: list[int] = []
        self.error: InductivaError | None = None
        """Why no page was read in rotation."""

    def run(self) -> tuple[TaskRows, Mask]:
        """Refresh the tasks, and return all rows and the mask of those that were just fetched.

        Raises
        ------
        CacheMismatchError
            If a page has a task that is not cached.

        Notes
        -----
        Requests: 1 for the page in rotation, unless all rows are fresh. If tasks may have changed,
        1 or 2 more if there are few, or 1 per page of active tasks and 1 per page with others.
        """
        if self._fresh.all():
            return self._rows, self._fresh
        now, ids = self._service.now, self._rows.fields.ids
        self._known = dict(zip(ids, range(len(ids)), strict=True))
        if len(self._due) > _MAX_SINGLE_TASKS:
            if len(self._pages()) > _MAX_SINGLE_PAGES:
                self._fetch_active()
            # Twice, as tasks submitted in between move the others to later pages.
            for _ in range(2):
                self._fetch_pages()
        self._fetch_single(list(self._due))
        try:
            self._read_in_rotation()
        except InductivaError as error:
            # The result is as good as before.
            self.error = error
        return self._updated_rows(TaskRows.read(self._infos, now))

    def _find_due(self) -> dict[str, int]:
        """Return the positions of the tasks that may have changed, by task id."""
        # If there is a status filter, any active task may become one of the newest matches.
        matches = self._matches[
            : self._query.last_n if self._query.filters.status is None else None
        ]
        due = matches[~(self._fresh | self._rows.final)[matches]]
        return {self._rows.fields.ids[position]: position for position in due.tolist()}

    def _pages(self) -> list[int]:
        return sorted({self._page_of(position) for position in self._due.values()})

    def _page_of(self, position: int) -> int:
        return (position + self._shift) // self._service.per_page + 1

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
                self._update_shift(page)
                self._take(page.tasks)

    def _fetch_single(self, ids: list[str]) -> None:
        with ThreadPoolExecutor(PAGES_AHEAD, thread_name_prefix="inductiva-tasks") as pool:
            for task_id, info in zip(ids, pool.map(self._task, ids), strict=True):
                if info is None:
                    self._deleted.append(self._known[task_id])
                else:
                    self._take([info])

    def _read_in_rotation(self) -> None:
        oldest = self._oldest()
        if oldest is None:
            return
        number, per_page = self._page_of(oldest), self._service.per_page
        page = self._service.page(number)
        self._update_shift(page)
        start = (number - 1) * per_page - self._shift
        expected = range(max(0, start), min(start + len(page.tasks), len(self._rows)))
        has_all = self._total is None or (page.total_size or 0) >= self._total
        for position, info in enumerate(page.tasks, start):
            # After a removal, the positions are wrong until the next call.
            if has_all and position in expected and info.task_id not in self._known:
                raise CacheMismatchError
        self._take(page.tasks)
        missing = [
            position
            for position in expected
            if not (self._fresh[position] or position in self._deleted)
        ]
        # The order of the listing has changed, or tasks were removed.
        missing.sort(key=lambda position: position != oldest)
        ids = self._rows.fields.ids
        self._fetch_single([ids[position] for position in missing[:_MAX_SINGLE_TASKS]])

    def _oldest(self) -> int | None:
        """Return the position of the row that was read longest ago, of those in the result."""
        if not len(self._matches):
            return None
        # If a row no longer matched, a row that is not cached may be missing.
        if self._query.last_n is not None and not self._query.is_plain:
            return None
        stop = int(self._matches[: self._query.last_n][-1]) + 1
        positions = np.flatnonzero(~self._fresh[:stop])
        if not len(positions):
            return None
        read_at = self._rows.fields.times["read_at"][positions].view(np.int64)
        return int(positions[np.argmin(read_at)])

    def _update_shift(self, page: TaskPage) -> None:
        if self._total is not None and page.total_size is not None:
            self._shift = max(0, page.total_size - self._total)

    def _take(self, infos: Iterable[TaskInfo]) -> None:
        for info in infos:
            self._due.pop(info.task_id, None)
            position = self._known.get(info.task_id)
            if position is not None and not self._fresh[position]:
                self._fresh[position] = True
                self._infos.append(info)
                self._positions.append(position)

    def _task(self, task_id: str) -> TaskInfo | None:
        try:
            return self._service.task(task_id)
        except NotFoundError:
            return None

    def _updated_rows(self, new: TaskRows) -> tuple[TaskRows, Mask]:
        positions: Positions = np.array(self._positions, dtype=np.intp)
        rows, fresh = self._rows.replace(positions, new), self._fresh
        if self._deleted:
            stays = np.delete(np.arange(len(rows)), self._deleted)
            rows, fresh = rows.select(stays), fresh[stays]
        return rows, fresh


def join(parts: Parts) -> tuple[TaskRows, Mask]:
    """Concatenate parts, and replace the list by the result to free the memory."""
    rows = TaskRows.concat([part for part, _ in parts])
    fresh = np.concatenate([mask for _, mask in parts] or [np.zeros(0, np.bool_)])
    parts[:] = [(rows, fresh)]
    return rows, fresh
