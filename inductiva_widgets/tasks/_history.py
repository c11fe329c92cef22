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

    Tasks that have ended are kept on this machine, in the user's cache folder
    (``INDUCTIVA_CACHE_DIR`` names another), so that only what is new or was not over is fetched.
    An interrupt keeps what came; the next call goes on from there.

    Parameters
    ----------
    last_n
        How many at most; None for all.
    status, project, simulator
        Only tasks that have this, such as ``status="success"``.
    since, until
        Only tasks created not before the one, and before the other: a datetime, a date, an ISO
        text (UTC where it names no zone), or how long ago, as a timedelta or a text like ``"7d"``.
    columns
        Names of the columns, in order; by default the usual ones, which
        ``inductiva_widgets.frames`` lists.
    metadata
        Whether to add a column ``metadata.<key>`` for each key of the tasks' metadata.
    raw
        Whether to give the service's own names and values instead, all of type object. They are
        not kept here: each time costs one request for each 500 tasks, without a bar.
    refresh
        Whether to read anew what is kept, too.
    offline
        Whether to make do with what is kept, without any request.
    progress
        False to not show how far a long reading has come, in a notebook or a terminal.
    client
        The service; by default that of the last ``inductiva_widgets.connect``.

    Returns
    -------
    pandas.DataFrame
        One row a task, index ``task_id``. The first time costs one request for each 500 tasks;
        later ones cost one, and a few more where tasks have ended that had not. Where the service
        cannot be reached, what is kept comes instead, with a ``StaleHistoryWarning``.
        ``df.attrs["inductiva"]`` tells of ``service``, ``as_of`` (the service's time of which the
        rows are), ``requests``, ``kept`` (how many rows were not fetched), ``complete`` (whether
        no row is missing) and ``offline``.

    Raises
    ------
    InputError
        An argument cannot be used, or nothing is kept and ``offline`` is set.
    APIConnectionError
        The service cannot be reached and nothing is kept.

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
    wanted = _wanted(last_n, status, project, simulator, since, until)
    from inductiva_widgets.frames._to_frame import build_frame, to_frame
    from inductiva_widgets.history import load

    # What cannot be is said before anything is fetched.
    to_frame([], columns=columns, raw=raw)
    client = client or default_client()
    if raw:
        return _raw(client, wanted).to_frame(columns, raw=True)
    notes: list[str] = []
    try:
        if offline:
            found = load.read_offline(client, wanted, notes.append)
        else:
            with history_progress(progress) as told:
                found = load.load_history(
                    client, wanted, refresh=refresh, on_progress=told, warn=notes.append
                )
    except KeyboardInterrupt:
        # No warning: where warnings are errors, it would stand in the interrupt's place.
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
    )


def _raw(client: Client, wanted: HistoryQuery) -> TaskList:
    """Return the tasks that are wanted, as the service lists them now."""
    from inductiva_widgets.frames._columnar import TaskColumns

    narrowed = wanted.simulator or wanted.since is not None or wanted.until is not None
    most = None if narrowed else wanted.last_n
    listed = iter_tasks(wanted.status, wanted.project, last_n=most, client=client)
    infos: list[TaskInfo] = []
    while page := list(islice(listed, MAX_PER_PAGE)):
        fields = TaskColumns.read(page)
        infos += [page[place] for place in wanted.indices(fields).tolist()]
        if wanted.is_exhausted(fields) or len(infos) >= (wanted.last_n or sys.maxsize):
            break
    return TaskList._from_infos(infos[: wanted.last_n], client)


def clear_history(client: Client | None = None) -> None:
    """Remove what is kept of the account's task history on this machine; costs no request.

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
    """Return whether the tasks are made up: a service has such tasks, or none."""
    from inductiva_widgets.frames._columnar import METADATA

    text = fields.texts[METADATA]
    if not len(fields) or text.codes[0] < 0:
        return False
    told = msgspec.json.decode(text.values[text.codes[0]], type=dict[str, str])
    return told.items() >= DEMO_MARK.items()


def _wanted(  # noqa: PLR0917 - the arguments of history()
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
