"""The task history as a DataFrame, cached on this machine."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from datetime import datetime, timezone
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from inductiva_widgets.errors import InputError, StaleHistoryWarning
from inductiva_widgets.http.client import MAX_PER_PAGE
from inductiva_widgets.http.default_client import default_client
from inductiva_widgets.models.tasks import DEMO_MARK
from inductiva_widgets.tasks._progress import history_progress
from inductiva_widgets.tasks.listing import iter_tasks
from inductiva_widgets.tasks.task import known_status
from inductiva_widgets.tasks.task_list import TaskList

if TYPE_CHECKING:
    import pandas as pd

    from inductiva_widgets.frames._columnar import TaskColumns
    from inductiva_widgets.history.load import HistoryResult
    from inductiva_widgets.history.query import HistoryQuery, Moment
    from inductiva_widgets.http.client import Client
    from inductiva_widgets.models.tasks import TaskInfo


def history(
    last_n: int | None = None,
    status: str | None = None,
    project: str | None = None,
    *,
    simulator: str | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    columns: Sequence[str] | None = None,
    metadata: bool = False,
    raw: bool = False,
    refresh: bool = False,
    offline: bool = False,
    progress: bool | None = None,
    client: Client | None = None,
) -> pd.DataFrame:
    """Return the tasks of the account as a DataFrame, newest first.

    Finished tasks are cached on this machine, in the user's cache folder or in
    ``INDUCTIVA_CACHE_DIR``, so that only new and unfinished tasks are requested. An interrupt
    keeps what has been received; the next call continues from there.

    Parameters
    ----------
    last_n
        Maximum number of tasks; None for all.
    status, project, simulator
        Only tasks with this value, such as ``status="success"``.
    since, until
        Only tasks created at or after ``since``, and before ``until``: a datetime, a date, an ISO
        string (UTC if it has no zone), or an age, as a timedelta or a string like ``"7d"``.
    columns
        Names of the columns, in order; by default the usual ones, which
        ``inductiva_widgets.frames`` lists.
    metadata
        If True, add a column ``metadata.<key>`` for each key of the tasks' metadata.
    raw
        If True, return the service's own names and values instead, all of type object. They are
        not cached: each call costs one request for each 500 tasks, without a progress bar.
    refresh
        If True, also request the cached tasks again.
    offline
        If True, return what is cached, without any request.
    progress
        If False, show no progress bar in a notebook or a terminal.
    client
        The service; by default that of the last ``inductiva_widgets.connect``.

    Returns
    -------
    pandas.DataFrame
        One row a task, index ``task_id``. The first time costs one request for each 500 tasks;
        later ones cost one, and a few more if further tasks have finished. If the service cannot
        be reached, the cached tasks are returned with a ``StaleHistoryWarning``.
        ``df.attrs["inductiva"]`` has ``service``, ``as_of`` (the service's time of the rows),
        ``requests``, ``kept`` (number of cached rows), ``complete`` (whether no row is missing)
        and ``offline``.

    Raises
    ------
    InputError
        An argument is invalid, or nothing is cached and ``offline`` is set.
    APIConnectionError
        The service cannot be reached and nothing is cached.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> df = inductiva.tasks.history(since="30d", progress=False)
    >>> df["status"].value_counts()[["success", "failed"]].to_dict()
    {'success': 2, 'failed': 1}
    >>> again = inductiva.tasks.history(since="30d", progress=False)
    >>> again.attrs["inductiva"]["requests"]
    1
    """
    if refresh and offline:
        raise InputError("refresh=True reads from the service, offline=True must not: choose one.")
    if raw and offline:
        raise InputError("Raw values are not kept on this machine: leave raw or offline out.")
    query = _parse_query(last_n, status, project, simulator, since, until)
    from inductiva_widgets.frames._to_frame import build_frame, to_frame
    from inductiva_widgets.history import load

    # Raises for invalid columns before anything is requested.
    to_frame([], columns=columns, raw=raw)
    client = client or default_client()
    if raw:
        return _raw(client, query).to_frame(columns, raw=True)
    notes: list[str] = []
    try:
        if offline:
            found = load.read_offline(client, query, notes.append)
        else:
            with history_progress(progress) as on_progress:
                found = load.load_history(
                    client, query, refresh=refresh, on_progress=on_progress, warn=notes.append
                )
    except KeyboardInterrupt:
        # No warning: if warnings are errors, it would replace the interrupt.
        sys.stderr.write("".join(f"{note}\n" for note in ["Interrupted.", *notes]))
        notes.clear()
        raise
    finally:
        for note in notes:
            warnings.warn(note, StaleHistoryWarning, stacklevel=2)
    return build_frame(
        found.fields,
        columns=columns,
        metadata=metadata,
        now=found.as_of,
        source=_source(client, found),
        services=[client.service_name(is_demo=_is_demo(found.fields))],
    )


def _raw(client: Client, query: HistoryQuery) -> TaskList:
    """Return the tasks of a query, as the service lists them now."""
    from inductiva_widgets.frames._columnar import TaskColumns

    narrowed = query.simulator or query.since is not None or query.until is not None
    last_n = None if narrowed else query.last_n
    listed = iter_tasks(query.status, query.project, last_n=last_n, client=client)
    infos: list[TaskInfo] = []
    while page := list(islice(listed, MAX_PER_PAGE)):
        fields = TaskColumns.read(page)
        infos += [page[index] for index in query.indices(fields).tolist()]
        if query.is_exhausted(fields) or len(infos) >= (query.last_n or sys.maxsize):
            break
    return TaskList._from_infos(infos[: query.last_n], client)


def clear_history(client: Client | None = None) -> None:
    """Delete the account's task history from this machine's cache; costs no request.

    Parameters
    ----------
    client
        The service; by default that of the last ``inductiva_widgets.connect``.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> inductiva.tasks.clear_history()
    """
    from inductiva_widgets.history.store import HistoryStore

    HistoryStore((client or default_client()).settings).clear()


def _source(client: Client, found: HistoryResult) -> dict[str, Any]:
    return {
        "service": client.url,
        "demo": _is_demo(found.fields),
        "requests": found.requests,
        "kept": found.kept,
        "complete": found.complete,
        "offline": found.offline,
    }


def _is_demo(fields: TaskColumns) -> bool:
    """Return whether the first task is a demo task, as then all tasks of the service are."""
    from inductiva_widgets.frames._columnar import METADATA

    text = fields.texts[METADATA]
    if not len(fields) or text.codes[0] < 0:
        return False
    metadata = msgspec.json.decode(text.values[text.codes[0]], type=dict[str, str])
    return metadata.items() >= DEMO_MARK.items()


def _parse_query(  # noqa: PLR0917 - the arguments of history()
    last_n: int | None,
    status: str | None,
    project: str | None,
    simulator: str | None,
    since: Moment | None,
    until: Moment | None,
) -> HistoryQuery:
    from inductiva_widgets.history.query import HistoryQuery, parse_time

    if last_n is not None and (
        isinstance(last_n, bool) or not isinstance(last_n, int) or last_n < 1
    ):
        raise InputError("last_n must be a whole number, 1 or more, or None for all.")
    for name, value in (("project", project), ("simulator", simulator)):
        if value is not None and not isinstance(value, str):
            raise InputError(f"{name} must be a text, such as 'default', not {value!r}.")
    now = datetime.now(timezone.utc)
    begin, end = parse_time("since", since, now), parse_time("until", until, now)
    if begin is not None and end is not None and begin >= end:
        raise InputError(f"since ({begin}) must be before until ({end}); both are UTC.")
    code = None if status is None else known_status(status).value
    return HistoryQuery(last_n, code, project, simulator, begin, end)
