"""Iterate over the pages of a listing, prefetching the next ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from inductiva_widgets.models.tasks import TaskPage

# Polite, and enough to hide the way to the service.
PAGES_AHEAD = 4


def iter_pages(
    fetch: Callable[[int], TaskPage], per_page: int, *, first: int = 1, enough: int | None = None
) -> Iterator[TaskPage]:
    """Yield pages in order up to the end of the listing, or until nobody asks for more.

    Nothing slips through while tasks are submitted: each of them moves the rest down by one, so
    that tasks may come twice, on a page and on the next, but never not at all.

    Parameters
    ----------
    fetch
        Returns the page of a number, the first being 1. Called on several threads.
    per_page
        Tasks on a full page.
    first
        Number of the first page.
    enough
        Number of the page that is likely to be the last one wanted: what comes after it is fetched
        when it is asked for, not ahead. By default the end of the listing.
    """
    coming: deque[Future[TaskPage]] = deque()
    total: int | None = None
    page = first - 1
    ahead = ThreadPoolExecutor(PAGES_AHEAD, thread_name_prefix="inductiva-pages")
    try:
        while True:
            page += 1
            answer = coming.popleft().result() if coming else fetch(page)
            if answer.total_size != total:
                # The list has changed. A later page may have been read before this one, and a
                # task have slipped from the one into the other unseen: read on from here anew.
                while coming:
                    coming.pop().cancel()
            total = answer.total_size
            # Without a count, the end is a page that is not full.
            last = page + 1 if total is None else -(-total // per_page)
            if len(answer.tasks) < per_page:
                last = page
            wanted = last if enough is None else min(last, enough)
            while len(coming) < PAGES_AHEAD and page + len(coming) < wanted:
                coming.append(ahead.submit(fetch, page + len(coming) + 1))
            yield answer
            if page >= last:
                return
    finally:
        ahead.shutdown(wait=False, cancel_futures=True)
