"""Iterate over the pages of a listing, prefetching the next ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from inductiva_widgets.models.tasks import TaskPage

# Enough to hide the latency of the service without overloading it.
PAGES_AHEAD = 4


def iter_pages(
    fetch: Callable[[int], TaskPage],
    per_page: int,
    *,
    first: int = 1,
    prefetch_until: int | None = None,
    may_stop: bool = False,
) -> Iterator[tuple[int, TaskPage]]:
    """Yield the numbers and pages of a listing in order.

    If tasks are submitted during the iteration, they move the others to later pages. A task may
    then appear on two pages, but none is skipped. If tasks leave the listing, they move the others
    to earlier pages; those pages are then fetched and yielded again, so that no task is skipped.

    Parameters
    ----------
    fetch
        Function that returns a page by its number, from 1. Called on several threads.
    per_page
        Number of tasks on a full page.
    first
        Number of the first page.
    prefetch_until
        Number of the last page to prefetch; later pages are fetched on demand. By default all pages
        are prefetched.
    may_stop
        If True, the iteration may stop at any page: prefetch at most as many pages as were yielded
        before the last one.
    """
    prefetched: deque[Future[TaskPage]] = deque()
    total: int | None = None
    page = first - 1
    pool = ThreadPoolExecutor(PAGES_AHEAD, thread_name_prefix="inductiva-pages")
    try:
        while True:
            page += 1
            was_prefetched = bool(prefetched)
            answer = prefetched.popleft().result() if was_prefetched else fetch(page)
            if answer.total_size != total:
                # The listing has changed. A prefetched page may have been read before the change,
                # and a task may have moved past it, so fetch the next pages again.
                while prefetched:
                    prefetched.pop().cancel()
                if was_prefetched and _fall(total, answer):
                    answer = fetch(page)
            if fall := _fall(total, answer):
                start = (page - 1) * per_page
                yield from _read_again(fetch, per_page, start - fall, start, answer.total_size)
            total = answer.total_size
            # Without a total, the last page is the first one that is not full.
            last = page + 1 if total is None else -(-total // per_page)
            if len(answer.tasks) < per_page:
                last = page
            until = last if prefetch_until is None else min(last, prefetch_until)
            ahead = min(PAGES_AHEAD, page - first) if may_stop else PAGES_AHEAD
            while len(prefetched) < ahead and page + len(prefetched) < until:
                prefetched.append(pool.submit(fetch, page + len(prefetched) + 1))
            yield page, answer
            if page >= last:
                return
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _read_again(
    fetch: Callable[[int], TaskPage], per_page: int, start: int, stop: int, total: int | None
) -> Iterator[tuple[int, TaskPage]]:
    """Yield the pages that contain a range of positions, in order.

    Parameters
    ----------
    fetch, per_page
        As for ``iter_pages``.
    start, stop
        The range. Tasks that leave the listing during the iteration move its start, and new tasks
        move its end.
    total
        Number of tasks in the listing when it had this range.
    """
    while start < stop:
        number = max(0, start) // per_page + 1
        answer = fetch(number)
        if total is not None and answer.total_size is not None:
            change = answer.total_size - total
            start, stop = max(0, start + min(0, change)), stop + max(0, change)
        total = answer.total_size
        # Otherwise more tasks have left: an earlier page comes first.
        if (number - 1) * per_page <= start:
            yield number, answer
            start = number * per_page


def _fall(total: int | None, answer: TaskPage) -> int:
    """Return by how much the total has fallen since it was known."""
    if total is None or answer.total_size is None:
        return 0
    return max(0, total - answer.total_size)
