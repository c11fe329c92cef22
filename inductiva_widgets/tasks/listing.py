"""List tasks: the last ones, or all of a status or project."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from inductiva_widgets.errors import InputError
from inductiva_widgets.http.client import MAX_PER_PAGE
from inductiva_widgets.http.default_client import default_client
from inductiva_widgets.http.paging import iter_pages
from inductiva_widgets.models.tasks import TaskInfo, TaskPage
from inductiva_widgets.tasks.task import known_status
from inductiva_widgets.tasks.task_list import TaskList

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client


def get(
    last_n: int = 5,
    status: str | None = None,
    project: str | None = None,
    *,
    client: Client | None = None,
) -> TaskList:
    """Return the tasks submitted last, newest first.

    Parameters
    ----------
    last_n
        Maximum number of tasks; more than 500 take several pages.
    status
        Only tasks in this status, such as ``"success"``.
    project
        Only tasks of this project.
    client
        The service; by default that of the last ``inductiva_widgets.connect``.

    Returns
    -------
    TaskList
        Costs one request for each 500 tasks.

    Raises
    ------
    InputError
        ``last_n`` is no positive whole number, or there is no such status.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> inductiva.tasks.get(last_n=10, status="failed")
    TaskList(1 task)
    """
    if isinstance(last_n, bool) or not isinstance(last_n, int) or last_n < 1:
        raise InputError("last_n must be a whole number, 1 or more.")
    return _fetch(status, project, last_n, client)


def get_all(
    status: str | None = None, project: str | None = None, *, client: Client | None = None
) -> TaskList:
    """Return all tasks of the account, newest first; costs one request for each 500 tasks.

    Parameters
    ----------
    status, project, client
        As for ``get``.

    Raises
    ------
    InputError
        There is no such status.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> tasks = inductiva.tasks.get_all(project="default")
    >>> tasks[0].info.create_time >= tasks[-1].info.create_time
    True
    """
    return _fetch(status, project, None, client)


def get_tasks(
    last_n: int = 10,
    status: str | None = None,
    project: str | None = None,
    *,
    client: Client | None = None,
) -> TaskList:
    """Return the tasks submitted last, newest first; costs one request for each 500 tasks.

    Same as ``get``, with the name and defaults of the service's own client.

    Parameters
    ----------
    last_n
        Maximum number of tasks; 0 or less for all.
    status, project, client
        As for ``get``.

    Raises
    ------
    InputError
        ``last_n`` is no whole number, or there is no such status.
    """
    if isinstance(last_n, int) and not isinstance(last_n, bool) and last_n <= 0:
        return get_all(status, project, client=client)
    return get(last_n, status, project, client=client)


def iter_tasks(
    status: str | None = None,
    project: str | None = None,
    *,
    last_n: int | None = None,
    client: Client | None = None,
) -> Iterator[TaskInfo]:
    """Yield tasks page by page, newest first and without duplicates.

    Parameters
    ----------
    status, project, client
        As for ``get``.
    last_n
        Maximum number of tasks; None for all.
    """
    code = None if status is None else known_status(status).value
    client = client or default_client()
    per_page = MAX_PER_PAGE if last_n is None else min(last_n, MAX_PER_PAGE)

    def fetch(page: int) -> TaskPage:
        return client.list_tasks(page=page, per_page=per_page, status=code, project=project)

    seen: set[str] = set()
    enough = None if last_n is None else -(-last_n // per_page)
    for _, answer in iter_pages(fetch, per_page, prefetch_until=enough):
        for info in answer.tasks:
            # A task submitted between two pages moves the rest down by one: the last task of a
            # page is then the first of the next, and is taken once.
            if info.task_id in seen:
                continue
            if len(seen) == last_n:
                return
            seen.add(info.task_id)
            yield info
        if len(seen) == last_n:
            return


def _fetch(
    status: str | None, project: str | None, last_n: int | None, client: Client | None
) -> TaskList:
    client = client or default_client()
    return TaskList._from_infos(iter_tasks(status, project, last_n=last_n, client=client), client)
