"""The task history as a DataFrame, cached on this machine, with a bar while it is loaded."""

from __future__ import annotations

import contextlib
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from inductiva_widgets.design_tokens import TOKENS, hue
from inductiva_widgets.errors import InputError, StaleHistoryWarning
from inductiva_widgets.filters import TaskFilters, parse_count
from inductiva_widgets.formatting import format_duration
from inductiva_widgets.http.default_client import default_client
from inductiva_widgets.models.tasks import DEMO_MARK
from inductiva_widgets.tasks._display import in_notebook
from inductiva_widgets.tasks.listing import iter_tasks
from inductiva_widgets.tasks.task_list import TaskList

if TYPE_CHECKING:
    import pandas as pd

    from inductiva_widgets.filters import Moment, Values
    from inductiva_widgets.frames._columnar import TaskColumns
    from inductiva_widgets.history.load import HistoryResult
    from inductiva_widgets.http.client import Client


ProgressCallback = Callable[[int, int], None]

_MIN_TASKS = 1000
"""Number of tasks below which no bar is shown, as it would disappear immediately."""
_DRAW_PERIOD = 0.1

_TEXT = "font:13px/1.5 system-ui,sans-serif;padding:2px 0"


@contextlib.contextmanager
def history_progress(progress: bool | None) -> Iterator[ProgressCallback]:
    """Show the progress of loading the history.

    Parameters
    ----------
    progress
        If False, show nothing.

    Returns
    -------
    callable
        Called with the number of loaded tasks, and of all tasks to load.
    """
    if progress is False:
        yield lambda *_: None
    elif in_notebook():
        with _notebook() as on_progress:
            yield on_progress
    elif sys.stderr.isatty():
        with _terminal() as on_progress:
            yield on_progress
    else:
        # The output is a log file, for example.
        yield lambda *_: None


@contextlib.contextmanager
def _terminal() -> Iterator[ProgressCallback]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Left

    columns = (TextColumn("Task history"), BarColumn(), MofNCompleteColumn(), Left())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    line = bar.add_task("", total=None)
    started = False

    def on_progress(done: int, total: int) -> None:
        nonlocal started
        if not started and total - done > _MIN_TASKS:
            started = True
            bar.start()
        bar.update(line, completed=done, total=total)

    try:
        yield on_progress
    finally:
        if started:
            bar.stop()


@contextlib.contextmanager
def _notebook() -> Iterator[ProgressCallback]:
    from IPython.display import HTML, display

    handle: Any = None
    begin = time.monotonic()
    drawn, read = -_DRAW_PERIOD, 0

    def on_progress(done: int, total: int) -> None:
        nonlocal handle, drawn, read
        read, now = done, time.monotonic()
        if now - drawn < _DRAW_PERIOD or (handle is None and total - done <= _MIN_TASKS):
            return
        drawn = now
        shown = HTML(_bar(done, total))  # type: ignore[no-untyped-call]
        if handle is None:
            handle = display(shown, display_id=True)  # type: ignore[no-untyped-call]
        else:
            handle.update(shown)

    how = "read until the interrupt"
    try:
        yield on_progress
        how = "read"
    finally:
        if handle is not None:
            took = format_duration(time.monotonic() - begin)
            text = f"Task history: {read:,} tasks {how} in {took}."
            handle.update(HTML(f'<div style="{_TEXT}">{text}</div>'))  # type: ignore[no-untyped-call]


def _bar(done: int, total: int) -> str:
    """Return the bar as HTML without a script, in colours for light and dark themes."""
    share = 100 * done / max(total, 1)
    return (
        f'<div style="{_TEXT};display:flex;flex-wrap:wrap;gap:2px 12px;align-items:center">'
        "<span>Reading the task history</span>"
        f'<div role="progressbar" aria-label="Task history" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{share:.0f}" style="width:240px;height:6px;border-radius:3px;'
        f'background:{TOKENS.static_line};overflow:hidden">'
        f'<div style="width:{share:.1f}%;height:100%;background:{hue("blue")}"></div></div>'
        '<span style="font-variant-numeric:tabular-nums">'
        f"{done:,} of {total:,} tasks</span></div>"
    )


def history(
    last_n: int | None = None,
    status: Values | None = None,
    project: Values | None = None,
    *,
    simulator: Values | None = None,
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

    If the service changes a task more than 10 minutes after its end, for example its metadata or
    its cost, the cached row is outdated until it is read again. Each call reads one page of 500
    cached rows again: that of the row which was read longest ago. So after about as many calls as
    there are pages, all rows were read again. The column ``read_at`` has the time of each row.
    Calls with ``last_n`` and a filter read no such page.

    Parameters
    ----------
    last_n
        Maximum number of tasks; None for all.
    status, project, simulator, since, until
        Filters as for ``get``, applied on this machine.
    columns
        Names of the columns, in order; by default the usual ones, which
        ``inductiva_widgets.frames`` lists. Name ``read_at`` here for the time at which each row
        was read.
    metadata
        If True, add a column ``metadata.<key>`` for each key of the tasks' metadata.
    raw
        If True, return the service's own names and values instead, all of type object. They are
        not cached: each call costs one request for each 500 tasks, without a progress bar.
    refresh
        If True, also request all cached tasks again.
    offline
        If True, return what is cached, without any request.
    progress
        If False, show no progress bar in a notebook or a terminal.
    client
        The service; by default that of the last ``inductiva_widgets.connect``.

    Returns
    -------
    pandas.DataFrame
        One row per task, index ``task_id``. ``df.attrs["inductiva"]`` has ``service``, ``as_of``
        (the service's time of the call, at which the durations of live tasks end), ``requests``,
        ``kept`` (number of cached rows), ``oldest_read_at`` (time at which the oldest row was
        read), ``complete`` (whether no row was missing at ``as_of``) and ``offline`` (whether the
        service did not respond, or was not requested).

    Raises
    ------
    InputError
        An argument is invalid, or nothing is cached and ``offline`` is set.
    APIConnectionError
        The service cannot be reached and nothing is cached.

    Notes
    -----
    Requests: the first time 1 for each 500 tasks. Later 1 for the newest tasks, 1 for a page of
    cached rows, and a few more if tasks are unfinished or have finished since.

    If the service does not respond, the cached tasks are returned with a ``StaleHistoryWarning``:
    at most 15 s after its last response, or 35 s if a response begins and does not end. If nothing
    is cached, requests are tried again for 60 s.

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
    filters = TaskFilters.parse(
        status=status, project=project, simulator=simulator, since=since, until=until
    )
    if last_n is not None:
        last_n = parse_count("last_n", last_n)
    from inductiva_widgets.frames._to_frame import build_frame, to_frame
    from inductiva_widgets.history import load
    from inductiva_widgets.history.query import HistoryQuery

    # Raises for invalid columns before anything is requested.
    to_frame([], columns=columns, raw=raw)
    client = client or default_client()
    if raw:
        listed = TaskList._from_infos(iter_tasks(filters, last_n=last_n, client=client), client)
        return listed.to_frame(columns, raw=True)
    query = HistoryQuery(last_n, filters)
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
        "oldest_read_at": found.oldest_read_at.isoformat(timespec="seconds"),
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
