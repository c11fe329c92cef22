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
) -> Iterator[TaskPage]:
    """Yield the pages of a listing in order.

    If tasks are submitted during the iteration, they move the others to later pages. A task may
    then appear on two pages, but none is skipped.

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
    """
    prefetched: deque[Future[TaskPage]] = deque()
    total: int | None = None
    page = first - 1
    pool = ThreadPoolExecutor(PAGES_AHEAD, thread_name_prefix="inductiva-pages")
    try:
        while True:
            page += 1
            answer = prefetched.popleft().result() if prefetched else fetch(page)
            if answer.total_size != total:
                # The listing has changed. A prefetched page may have been read before the change,
                # and a task may have moved past it, so fetch the next pages again.
                while prefetched:
                    prefetched.pop().cancel()
            total = answer.total_size
            # Without a total, the last page is the first one that is not full.
            last = page + 1 if total is None else -(-total // per_page)
            if len(answer.tasks) < per_page:
                last = page
            until = last if prefetch_until is None else min(last, prefetch_until)
            while len(prefetched) < PAGES_AHEAD and page + len(prefetched) < until:
                prefetched.append(pool.submit(fetch, page + len(prefetched) + 1))
            yield answer
            if page >= last:
                return
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
