"""Update a cached listing with few requests.

The listing is walked from its newest task on. Where a page ends at a task that is known, the walk
goes on behind the stretch that is known with it. What the walk has read stands in front of what it
has not come to, so that after an interrupt, or when only the newest tasks were wanted, the next
walk goes on from there.

Whether what is known is still part of this listing is checked all the way: by the tasks' times of
creation, by the page on which a walk lands behind a known stretch, by the number of all tasks.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import numpy as np

from inductiva_widgets.frames._columnar import Mask, TaskColumns
from inductiva_widgets.history.cache import CachedListing, TaskRows
from inductiva_widgets.history.counting_client import CountingClient
from inductiva_widgets.history.query import HistoryQuery
from inductiva_widgets.http.paging import iter_pages
from inductiva_widgets.models.tasks import TaskPage

ProgressCallback = Callable[[int, int], None]
"""Is told how many tasks were read, and how many are to be read; the second is an estimate."""


class CacheMismatchError(Exception):
    """What is kept does not fit the service's listing."""


class ListingSync:
    """One walk along the listing.

    Parameters
    ----------
    service
        The service.
    kept
        What is known.
    wanted
        How far to go.
    told
        Is told how far the walk has come.
    skip_known
        Whether to go over what is known; else all is read anew.
    """

    def __init__(
        self,
        service: CountingClient,
        kept: CachedListing,
        wanted: HistoryQuery,
        told: ProgressCallback,
        *,
        skip_known: bool = True,
    ) -> None:
        self._service = service
        self._per_page = service.per_page
        self._kept = kept
        self._wanted = wanted
        self._told = told
        self._skip_known = skip_known
        self._places = dict(zip(kept.rows.fields.ids, range(len(kept)), strict=True))
        self._ends = np.cumsum(kept.segments, dtype=np.int64)
        self._as_of: datetime | None = None
        # All else follows from these, so that an interrupt at any moment leaves them true.
        self._parts: list[tuple[TaskRows, Mask]] = []
        self._seen: set[str] = set()
        self._below = 0
        self._found = 0
        self._read = 0
        self._total: int | None = None
        self._latest = 0
        self._landing = False
        self._jumped = False
        self._ends_here = False
        self._at_end = False

    def run(self) -> None:
        """Walk until what is wanted is known.

        Raises
        ------
        OtherListingError
            What is kept does not fit.
        InductivaError
            The service does not answer as it should.
        """
        first = 1
        while not self._is_finished():
            enough = self._prefetch_until(first)
            for number, page in enumerate(
                iter_pages(self._service.page, self._per_page, first=first, enough=enough), first
            ):
                self._take(page, number)
                if self._landing or self._is_finished():
                    break
            else:
                self._at_end = True
            # Back to the last task that is known, so that a page that does not fit is noticed.
            first = (len(self._seen) + self.shift - 1) // self._per_page + 1
        if self._at_end and self._jumped and self._total not in (None, len(self._seen)):
            # Some that are known are gone, or some that are not are missing.
            raise CacheMismatchError

    @property
    def parts(self) -> list[tuple[TaskRows, Mask]]:
        """What the walk has covered, and which of it was read just now."""
        return self._parts

    def cached(self, covered: TaskRows, fresh: Mask) -> CachedListing:
        """Return what is known now: what was covered, then what the walk has not come to.

        Parameters
        ----------
        covered, fresh
            What ``parts`` has returned, in one and brought up to date.
        """
        cached, ids = self._kept, covered.fields.ids
        if self._as_of is None:
            return cached
        rest, segments = ([], []) if self._at_end else self._rest(set(ids))
        last = self._places.get(ids[-1]) if ids else None
        # A known task is followed by what followed it.
        if rest and last is not None and last + 1 == rest[0] and rest[0] not in self._ends:
            segments[0] += len(ids)
        elif ids:
            segments.insert(0, len(ids))
        older = cached.rows.select(np.array(rest, dtype=np.intp))
        rows = TaskRows.concat([covered, older]) if rest else covered
        # Where live tasks were not looked at, all is as old as they are.
        stale = bool((~covered.final & ~fresh).any() or (~older.final).any())
        return CachedListing(
            rows,
            tuple(segments),
            cached.complete if rest else self._at_end,
            cached.as_of if stale and cached.as_of is not None else self._as_of,
        )

    def _rest(self, seen: set[str]) -> tuple[list[int], list[int]]:
        """Return the places of what the walk has not come to, and the lengths of its stretches."""
        cached, rest, segments = self._kept, list[int](), list[int]()
        below = 1 + max(map(self._position, seen), default=-1)
        for end, length in zip(self._ends.tolist(), cached.segments, strict=True):
            places = range(max(below, end - length), end)
            left = [place for place in places if cached.rows.fields.ids[place] not in seen]
            if left:
                rest += left
                segments.append(len(left))
        if self._total is not None and len(seen) + len(rest) > self._total:
            # More than there are: what is left cannot be of this listing.
            return [], []
        return rest, segments

    # One page

    @property
    def as_of(self) -> datetime | None:
        """When the newest task was read; None before."""
        return self._as_of

    @property
    def total(self) -> int | None:
        """Number of all tasks when the walk began."""
        return self._total

    @property
    def shift(self) -> int:
        """Number of tasks that were submitted since the walk began."""
        return 0 if self._total is None else max(0, self._latest - self._total)

    def _take(self, page: TaskPage, number: int) -> None:
        """Take a page over, and what is known to follow it."""
        now, latest = self._service.now, page.total_size or 0
        if self._as_of is None:
            self._as_of, self._total = now, page.total_size
        elif latest < self._latest and self._places:
            # Tasks went, and others came to the place of those that are known.
            raise CacheMismatchError
        self._latest = latest
        # Place of the page's first task, counted from the first task of the walk. Those before
        # that one are newer: they are for the next walk.
        start = (number - 1) * self._per_page - self.shift
        infos = page.tasks[max(0, -start) :]
        new = {info.task_id: info for info in infos if info.task_id not in self._seen}
        at_end = len(page.tasks) < self._per_page
        if self._landing and (infos or at_end):
            # So many tasks of this page are known, unless some of those that are known are gone.
            if len(infos) - len(new) != len(self._seen) - max(0, start):
                raise CacheMismatchError
            self._landing = False
        fields = TaskColumns.read(new.values())
        self._check(fields)
        self._add(TaskRows.from_columns(fields, now), fresh=True)
        self._below = max(self._below, 1 + max(map(self._position, fields.ids), default=-1))
        self._at_end = at_end
        if infos and not self._at_end and self._skip_known:
            self._skip_cached(infos[-1].task_id)
        self._told(self._read, self._read + self._missing())

    def _add(self, rows: TaskRows, *, fresh: bool) -> None:
        self._parts.append((rows, np.full(len(rows), fresh)))
        self._seen.update(rows.fields.ids)
        self._found += self._wanted.count_certain(rows, fresh=fresh)
        self._read += len(rows) if fresh else 0
        self._ends_here = self._wanted.is_exhausted(rows.fields)

    def _skip_cached(self, last: str) -> None:
        """Take over what is known to follow a task."""
        place = self._places.get(last)
        if place is None:
            return
        end = int(self._ends[np.searchsorted(self._ends, place, side="right")])
        ids = self._kept.rows.fields.ids
        follow = self._kept.rows.slice(place + 1, end)
        if not self._seen.isdisjoint(follow.fields.ids):
            # The order has changed a little: each task once, where it was read.
            new = [at for at in range(place + 1, end) if ids[at] not in self._seen]
            follow = self._kept.rows.select(np.array(new, dtype=np.intp))
        self._below = max(self._below, end)
        if len(follow):
            self._add(follow, fresh=False)
            self._landing = self._jumped = True
        self._at_end = end == len(ids) and self._kept.complete

    def _position(self, task_id: str) -> int:
        return self._places.get(task_id, -1)

    def _check(self, fields: TaskColumns) -> None:
        """Make sure that a known task is the same as ever: a task keeps its time of creation."""
        pairs = [
            (new, old)
            for new, task_id in enumerate(fields.ids)
            if (old := self._places.get(task_id)) is not None
        ]
        if not pairs:
            return
        known = self._kept.rows.fields.times["created"]
        here = fields.times["created"][[new for new, _ in pairs]]
        there = known[[old for _, old in pairs]]
        if not np.array_equal(here.view(np.int64), there.view(np.int64)):
            raise CacheMismatchError

    # How far

    def _is_finished(self) -> bool:
        if self._as_of is None:
            return False
        last_n = self._wanted.last_n
        enough = last_n is not None and self._found >= last_n
        counted = self._total is not None and len(self._seen) >= self._total
        # Behind a known stretch the number alone is no proof: look there once.
        self._at_end = self._at_end or (counted and not self._landing)
        return self._at_end or enough or self._ends_here

    def _missing(self) -> int:
        """Return how many tasks are still to be read at most."""
        if self._is_finished() or self._total is None:
            return 0
        known = len(self._kept) - self._below if self._skip_known else 0
        missing = max(0, self._total - len(self._seen) - known)
        last_n = self._wanted.last_n if self._wanted.is_plain else None
        return missing if last_n is None else min(missing, last_n - self._found)

    def _prefetch_until(self, first: int) -> int | None:
        """Return the number of the page up to which pages are fetched ahead."""
        if self._as_of is None:
            if len(self._kept) and self._skip_known:
                return 1
            last_n = self._wanted.last_n if self._wanted.is_plain else None
            return None if last_n is None else -(-last_n // self._per_page)
        if self._total is None:
            return None
        position = len(self._seen) + self.shift + self._missing()
        return max(first, -(-position // self._per_page))
