"""Update a cached listing with few requests, which are counted.

The listing is fetched from its newest task on. If a page ends at a cached task, the fetch continues
after the cached segment of that task. Fetched tasks are saved before the rest of the cache, so that
after an interrupt, or if only the newest tasks were requested, the next call continues from there.

Several checks detect a cache that does not match the listing: the creation times of the tasks, the
overlap of the first page after a cached segment, and the total number of tasks.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import dropwhile
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from inductiva_widgets.errors import APIConnectionError
from inductiva_widgets.frames._columnar import Mask, TaskColumns
from inductiva_widgets.history.cache import CachedListing, TaskRows
from inductiva_widgets.history.query import HistoryQuery
from inductiva_widgets.http.client import MAX_PER_PAGE
from inductiva_widgets.http.paging import iter_pages
from inductiva_widgets.http.time_limits import single_timeout
from inductiva_widgets.models.tasks import TaskInfo, TaskPage

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client


T = TypeVar("T")

PER_PAGE = MAX_PER_PAGE

CHECKPOINT_PAGES = 10
"""Number of fetched pages after which the cache is saved: what a killed kernel loses of a history
that takes long."""
CHECKPOINT_SHARE = 0.05
"""Largest share of the time that is spent on saving, which writes all tasks each time."""

ProgressCallback = Callable[[int, int], None]
"""Function of the number of fetched tasks, and an estimate of the number of tasks to fetch."""


class CountingClient:
    """Client that counts its requests. Thread-safe.

    After a connection error, all further requests fail immediately with the same error.

    Parameters
    ----------
    client
        The client.
    has_fallback
        If True, a request that times out is not repeated: it takes at most 35 s, and 15 s if no
        response begins.
    """

    def __init__(self, client: Client, *, has_fallback: bool = False) -> None:
        self._client = client
        self._has_fallback = has_fallback
        self._error: APIConnectionError | None = None
        self._lock = threading.Lock()
        self._head: TaskPage | None = None
        self.requests = 0
        self.per_page = PER_PAGE

    def fetch_first_page(self) -> None:
        """Request the first page, and keep it for the next call of ``page``."""
        self._head = self.page(1)

    @property
    def url(self) -> str:
        """Address of the service."""
        return self._client.url

    @property
    def now(self) -> datetime:
        """The service's present time."""
        return self._client.server_time

    def page(self, number: int) -> TaskPage:
        """Request a page of the listing."""
        head, self._head = self._head, None
        if head is not None and number == 1:
            return head
        return self._send(lambda: self._client.list_tasks(page=number, per_page=self.per_page))

    def list_active(self, number: int) -> TaskPage:
        """Request a page of the listing of tasks that have not ended."""
        return self._send(
            lambda: self._client.list_tasks(page=number, per_page=self.per_page, active=True)
        )

    def task(self, task_id: str) -> TaskInfo:
        """Request the details of a task."""
        return self._send(lambda: self._client.get_task(task_id))

    def _send(self, request: Callable[[], T]) -> T:
        with self._lock:
            if self._error is not None:
                raise self._error
            self.requests += 1
        try:
            with single_timeout() if self._has_fallback else contextlib.nullcontext():
                return request()
        except APIConnectionError as error:
            self._error = error
            raise


class CacheMismatchError(Exception):
    """The cached tasks do not match the service's listing."""


class ListingSync:
    """One update of a cached listing.

    Parameters
    ----------
    service
        The service.
    cached
        The cached listing.
    query
        The filters, which determine how many tasks to fetch.
    on_progress
        Called after each page.
    on_checkpoint
        Called after every few pages; may save what is covered so far.
    skip_known
        If False, fetch cached tasks again.
    """

    def __init__(
        self,
        service: CountingClient,
        cached: CachedListing,
        query: HistoryQuery,
        on_progress: ProgressCallback,
        *,
        on_checkpoint: Callable[[ListingSync], None] = lambda _: None,
        skip_known: bool = True,
    ) -> None:
        self._service = service
        self._per_page = service.per_page
        self._cached = cached
        self._query = query
        self._on_progress = on_progress
        self._on_checkpoint = on_checkpoint
        self._n_pages = 0
        self._checkpoint_page = 0
        self._next_checkpoint = 0.0
        self._skip_known = skip_known
        self._positions = dict(zip(cached.rows.fields.ids, range(len(cached)), strict=True))
        self._ends = np.cumsum(cached.segments, dtype=np.int64)
        self._as_of: datetime | None = None
        # All results are derived from these fields, so they are valid after an interrupt.
        self._parts: list[tuple[TaskRows, Mask]] = []
        self._seen: set[str] = set()
        self._next_cached = 0  # position after the last cached task that was covered
        self._n_matches = 0
        self._n_fetched = 0
        self._total: int | None = None
        self._latest_total = 0
        self._newest: datetime | None = None  # creation time of the newest task
        self._is_landing = False  # the next page is the first one after a cached segment
        self._has_skipped = False
        self._is_exhausted = False
        self._at_end = False

    def run(self) -> None:
        """Fetch pages until the query is satisfied.

        Raises
        ------
        CacheMismatchError
            If the cached tasks do not match the listing.
        InductivaError
            If the service responds with an error.
        """
        first = 1
        while not self._is_finished():
            for number, page in self._iter_pages(first):
                self._take(page, number)
                self._n_pages += 1
                self._make_checkpoint()
                if self._is_landing or self._is_finished():
                    break
            else:
                self._at_end = True
            # Start at the page of the last cached task, to verify the overlap.
            first = (len(self._seen) + self.shift - 1) // self._per_page + 1
        if self._at_end and self._has_skipped and self._total not in (None, len(self._seen)):
            # Cached tasks were deleted, or new ones are missing.
            raise CacheMismatchError

    def _make_checkpoint(self) -> None:
        start = time.monotonic()
        is_early = self._n_pages - self._checkpoint_page < CHECKPOINT_PAGES
        if is_early or start < self._next_checkpoint:
            return
        self._on_checkpoint(self)
        end = time.monotonic()
        self._checkpoint_page = self._n_pages
        self._next_checkpoint = end + (end - start) / CHECKPOINT_SHARE

    @property
    def parts(self) -> list[tuple[TaskRows, Mask]]:
        """The covered rows, and masks of those that were just fetched."""
        return self._parts

    def cached(self, covered: TaskRows, fresh: Mask) -> CachedListing:
        """Return the covered tasks followed by the remaining cached ones.

        Parameters
        ----------
        covered, fresh
            The concatenated ``parts``, possibly refreshed.
        """
        cached, ids = self._cached, covered.fields.ids
        if self._as_of is None:
            return cached
        rest, segments = ([], []) if self._at_end else self._rest(set(ids))
        last = self._positions.get(ids[-1]) if ids else None
        # If the last covered task is cached, the next cached task follows it without a gap.
        if rest and last is not None and last + 1 == rest[0] and rest[0] not in self._ends:
            segments[0] += len(ids)
        elif ids:
            segments.insert(0, len(ids))
        older = cached.rows.select(np.array(rest, dtype=np.intp))
        rows = TaskRows.concat([covered, older]) if rest else covered
        # If some active tasks were not fetched, the result is as old as they are.
        stale = bool((~covered.final & ~fresh).any() or (~older.final).any())
        return CachedListing(
            rows,
            tuple(segments),
            cached.complete if rest else self._at_end,
            cached.as_of if stale and cached.as_of is not None else self._as_of,
        )

    def _rest(self, seen: set[str]) -> tuple[list[int], list[int]]:
        """Return the positions of cached tasks that were not covered, and their segments."""
        cached, rest, segments = self._cached, list[int](), list[int]()
        start = 1 + max(map(self._position, seen), default=-1)
        for end, length in zip(self._ends.tolist(), cached.segments, strict=True):
            positions = range(max(start, end - length), end)
            left = [index for index in positions if cached.rows.fields.ids[index] not in seen]
            if left:
                rest += left
                segments.append(len(left))
        if self._total is not None and len(seen) + len(rest) > self._total:
            # More tasks than the listing has: the rest cannot be part of it.
            return [], []
        return rest, segments

    # Pages

    @property
    def as_of(self) -> datetime | None:
        """Time at which the newest task was fetched; None before that."""
        return self._as_of

    @property
    def total(self) -> int | None:
        """Total number of tasks in the first response."""
        return self._total

    @property
    def shift(self) -> int:
        """Number of tasks submitted since the first response."""
        return 0 if self._total is None else max(0, self._latest_total - self._total)

    def _take(self, page: TaskPage, number: int) -> None:
        """Add a page, and the cached tasks that follow it."""
        now, latest = self._service.now, page.total_size or 0
        if self._as_of is None:
            self._as_of, self._total = now, page.total_size
            self._newest = page.tasks[0].create_time if page.tasks else None
        elif latest < self._latest_total and self._positions:
            # Tasks were deleted, so the cached positions are wrong.
            raise CacheMismatchError
        self._latest_total = latest
        # Position of the page's first task, relative to the newest task of the first response.
        # Newer tasks are left for the next call.
        start = (number - 1) * self._per_page - self.shift
        infos = page.tasks[max(0, -start) :]
        # If tasks were deleted as well, more are new than the total shows.
        infos = list(dropwhile(self._is_new, infos))
        new = {info.task_id: info for info in infos if info.task_id not in self._seen}
        at_end = len(page.tasks) < self._per_page
        if self._is_landing and (infos or at_end):
            # Unless tasks were deleted, this number of tasks on the page is cached.
            if len(infos) - len(new) != len(self._seen) - max(0, start):
                raise CacheMismatchError
            self._is_landing = False
        rows = TaskRows.read(new.values(), now)
        self._check(rows.fields)
        self._add(rows, fresh=True)
        self._next_cached = max(self._next_cached, 1 + max(map(self._position, new), default=-1))
        self._at_end = at_end
        if infos and not self._at_end and self._skip_known:
            self._skip_cached(infos[-1].task_id)
        self._on_progress(self._n_fetched, self._n_fetched + self._n_missing())

    def _is_new(self, info: TaskInfo) -> bool:
        """Return whether a task was submitted after the first response."""
        created = info.create_time
        return self._newest is not None and created is not None and created > self._newest

    def _add(self, rows: TaskRows, *, fresh: bool) -> None:
        self._parts.append((rows, np.full(len(rows), fresh)))
        self._seen.update(rows.fields.ids)
        self._n_matches += self._query.count_certain(rows, fresh=fresh)
        self._n_fetched += len(rows) if fresh else 0
        self._is_exhausted = self._query.is_exhausted(rows.fields)

    def _skip_cached(self, last: str) -> None:
        """Add the cached tasks that follow a task."""
        position = self._positions.get(last)
        if position is None:
            return
        end = int(self._ends[np.searchsorted(self._ends, position, side="right")])
        ids = self._cached.rows.fields.ids
        following = self._cached.rows.slice(position + 1, end)
        if not self._seen.isdisjoint(following.fields.ids):
            # The order of the listing has changed: keep each task only where it was fetched.
            new = [index for index in range(position + 1, end) if ids[index] not in self._seen]
            following = self._cached.rows.select(np.array(new, dtype=np.intp))
        self._next_cached = max(self._next_cached, end)
        if len(following):
            self._add(following, fresh=False)
            self._is_landing = self._has_skipped = True
        self._at_end = end == len(ids) and self._cached.complete

    def _position(self, task_id: str) -> int:
        return self._positions.get(task_id, -1)

    def _check(self, fields: TaskColumns) -> None:
        """Raise an error if the creation time of a cached task has changed."""
        pairs = [
            (new, old)
            for new, task_id in enumerate(fields.ids)
            if (old := self._positions.get(task_id)) is not None
        ]
        if not pairs:
            return
        cached_times = self._cached.rows.fields.times["created"][[old for _, old in pairs]]
        times = fields.times["created"][[new for new, _ in pairs]]
        if not np.array_equal(times.view(np.int64), cached_times.view(np.int64)):
            raise CacheMismatchError

    # Limits

    def _is_finished(self) -> bool:
        if self._as_of is None:
            return False
        last_n = self._query.last_n
        has_last_n = last_n is not None and self._n_matches >= last_n
        has_total = self._total is not None and len(self._seen) >= self._total
        # After a cached segment, the number of tasks proves nothing until a page was fetched.
        self._at_end = self._at_end or (has_total and not self._is_landing)
        return self._at_end or has_last_n or self._is_exhausted

    def _n_missing(self) -> int:
        """Return the maximum number of tasks still to fetch."""
        if self._is_finished() or self._total is None:
            return 0
        n_cached = len(self._cached) - self._next_cached if self._skip_known else 0
        missing = max(0, self._total - len(self._seen) - n_cached)
        last_n = self._query.last_n if self._query.is_plain else None
        return missing if last_n is None else min(missing, last_n - self._n_matches)

    def _iter_pages(self, first: int) -> Iterator[tuple[int, TaskPage]]:
        until = self._prefetch_until(first)
        return iter_pages(self._service.page, self._per_page, first=first, prefetch_until=until)

    def _prefetch_until(self, first: int) -> int | None:
        """Return the number of the last page to prefetch, or None for all."""
        if self._as_of is None:
            if len(self._cached) and self._skip_known:
                return 1
            last_n = self._query.last_n if self._query.is_plain else None
            return None if last_n is None else -(-last_n // self._per_page)
        if self._total is None:
            return None
        position = len(self._seen) + self.shift + self._n_missing()
        return max(first, -(-position // self._per_page))
