"""List tasks: the last ones, or all that match filters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from inductiva_widgets.filters import NO_FILTERS, TaskFilters, as_integer, parse_count
from inductiva_widgets.http.client import MAX_PER_PAGE
from inductiva_widgets.http.default_client import default_client
from inductiva_widgets.http.paging import iter_pages
from inductiva_widgets.models.tasks import TaskInfo, TaskPage
from inductiva_widgets.tasks.task_list import TaskList

if TYPE_CHECKING:
    from inductiva_widgets.filters import Moment, Values
    from inductiva_widgets.http.client import Client


def get(
    last_n: int | None = None,
    status: Values | None = None,
    project: Values | None = None,
    *,
    simulator: Values | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    client: Client | None = None,
) -> TaskList:
    """Return the tasks submitted last, newest first.

    Parameters
    ----------
    last_n
        Maximum number of tasks; by default 5, or all with ``since``.
    status, project, simulator
        Only tasks with this value, or with one of several, such as ``"success"`` or
        ``["failed", "killed"]``.
    since, until
        Only tasks created at or after ``since``, and before ``until``: a datetime, a date, an ISO
        string, or a duration before now, as a timedelta or a string like ``"7d"``, ``"36h"`` or
        ``"2 weeks"``. Times without a zone are local times.
    client
        The service; by default that of the last ``inductiva_widgets.connect``.

    Returns
    -------
    TaskList
        Costs one request for each 500 tasks. The service filters by one status and one project.
        With other filters, tasks are requested until ``last_n`` match or ``since`` is reached, at
        most all of the account.

    Raises
    ------
    InputError
        A filter cannot be read, or ``last_n`` is not a positive whole number. A new status of the
        service is accepted, a probable typo is not.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> inductiva.tasks.get(last_n=10, status="failed")
    TaskList(1 task)
    >>> inductiva.tasks.get(status=["success", "failed"], since="30d")
    TaskList(3 tasks)
    """
    return _get(
        5 if last_n is None and since is None else last_n,
        TaskFilters.parse(
            status=status, project=project, simulator=simulator, since=since, until=until
        ),
        client,
    )


def get_all(
    status: Values | None = None,
    project: Values | None = None,
    *,
    simulator: Values | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    client: Client | None = None,
) -> TaskList:
    """Return all tasks of the account, newest first, with one request for each 500 as in ``get``.

    Parameters
    ----------
    status, project, simulator, since, until, client
        As for ``get``.

    Raises
    ------
    InputError
        A filter cannot be read.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> tasks = inductiva.tasks.get_all(project="default")
    >>> tasks[0].info.create_time >= tasks[-1].info.create_time
    True
    """
    filters = TaskFilters.parse(
        status=status, project=project, simulator=simulator, since=since, until=until
    )
    return _get(None, filters, client)


def get_tasks(
    last_n: int | None = None,
    status: Values | None = None,
    project: Values | None = None,
    *,
    simulator: Values | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    client: Client | None = None,
) -> TaskList:
    """Return the tasks submitted last, newest first, with one request for each 500 as in ``get``.

    Same as ``get``, with the name and defaults of the service's own client.

    Parameters
    ----------
    last_n
        Maximum number of tasks; 0 or less for all. By default 10, or all with ``since``.
    status, project, simulator, since, until, client
        As for ``get``.

    Raises
    ------
    InputError
        A filter cannot be read, or ``last_n`` is not a whole number.
    """
    if last_n is None and since is None:
        last_n = 10
    count = as_integer(last_n)
    return _get(
        None if count is not None and count <= 0 else last_n,
        TaskFilters.parse(
            status=status, project=project, simulator=simulator, since=since, until=until
        ),
        client,
    )


def iter_tasks(
    filters: TaskFilters = NO_FILTERS,
    *,
    last_n: int | None = None,
    client: Client | None = None,
) -> Iterator[TaskInfo]:
    """Yield tasks page by page, newest first and without duplicates.

    Parameters
    ----------
    filters
        Only tasks that match.
    last_n
        Maximum number of tasks; None for all.
    client
        As for ``get``.

    Notes
    -----
    Requests: 1 per 500 tasks, see ``get``, and up to 4 more if the last page comes early.
    """
    if filters.matches_none:
        return
    client = client or default_client()
    # Otherwise some of the requested tasks do not match, and `last_n` need more pages.
    is_exact = filters.is_server_side
    per_page = MAX_PER_PAGE if last_n is None or not is_exact else min(last_n, MAX_PER_PAGE)
    enough = None if last_n is None or not is_exact else -(-last_n // per_page)

    def fetch(page: int) -> TaskPage:
        return client.list_tasks(page=page, per_page=per_page, **filters.server_filters)

    n_found = 0
    seen: set[str] = set()
    may_stop = filters.since is not None or (last_n is not None and not is_exact)
    for _, answer in iter_pages(fetch, per_page, prefetch_until=enough, may_stop=may_stop):
        for info in answer.tasks:
            # A task submitted between two pages moves the rest down by one: the last task of a
            # page is then the first of the next, and is taken once.
            if info.task_id in seen:
                continue
            seen.add(info.task_id)
            if not filters.matches(info):
                continue
            if n_found == last_n:
                return
            n_found += 1
            yield info
        if n_found == last_n or (answer.tasks and filters.is_exhausted(answer.tasks[-1])):
            return


def _get(last_n: int | None, filters: TaskFilters, client: Client | None) -> TaskList:
    if last_n is not None:
        last_n = parse_count("last_n", last_n)
    client = client or default_client()
    return TaskList._from_infos(iter_tasks(filters, last_n=last_n, client=client), client)
