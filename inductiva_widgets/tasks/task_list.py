"""A list of tasks, and actions on all of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload
from urllib.parse import urlsplit

from inductiva_widgets import config
from inductiva_widgets._interrupts import DOWNLOAD_INTERRUPTED, explain_interrupt
from inductiva_widgets.errors import (
    APIConnectionError,
    AuthenticationError,
    InductivaError,
    InputError,
    TaskError,
)
from inductiva_widgets.filters import TaskFilters
from inductiva_widgets.models.tasks import TaskInfo
from inductiva_widgets.status import Status
from inductiva_widgets.tasks import _display
from inductiva_widgets.tasks.task import Task
from inductiva_widgets.tasks.text_table import format_task_table

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd
    from numpy.typing import NDArray

    from inductiva_widgets.downloads import Download
    from inductiva_widgets.filters import Moment, Values
    from inductiva_widgets.http.client import Client
    from inductiva_widgets.tasks.log_watch import LogWatch

Result = TypeVar("Result")

# Requests for details at the same time.
_MAX_REQUESTS = 4
# Failed tasks that an error names.
_MAX_NAMED = 3
_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")


# For type checkers only: polars reads a collections.abc.Sequence item by item even if it has an
# Arrow stream, and pandas does so even if it has __array__.
if TYPE_CHECKING:
    _Base = Sequence[Task]
else:
    _Base = object


class TaskList(_Base):
    """An immutable sequence of tasks; shows itself as a live table in a notebook.

    ``polars.DataFrame(tasks)``, a query of DuckDB on it, ``pyarrow.table(tasks)`` and
    ``pandas.DataFrame(tasks)`` have a column ``task_id`` and the columns of ``to_frame()``, the
    last one with plain types: ``to_frame()`` is faster and has categories, whole numbers and the
    index.

    Parameters
    ----------
    tasks
        The tasks, in order.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> tasks = inductiva.tasks.get(last_n=3)
    >>> tasks
    TaskList(3 tasks)
    >>> print(tasks[:1])
           ID                         SIMULATOR    STATUS    SUBMITTED          STARTED ...
           ...                        swmm         ...
    """

    def __init__(self, tasks: Iterable[Task] = ()) -> None:
        self._items: list[Task | TaskInfo] = list(tasks)
        # Indices of tasks; all other items are rows of a listing. Kept, since a check of each of
        # 100,000 items would take longer than showing the first ones.
        self._made = set(range(len(self._items)))
        self._client: Client | None = None
        for task in self._items:
            if not isinstance(task, Task):
                raise InputError(f"A TaskList holds tasks, not {type(task).__name__}.")

    @classmethod
    def _from_infos(cls, infos: Iterable[TaskInfo], client: Client) -> TaskList:
        """Return the tasks of a listing's rows; costs no request.

        Each ``Task`` is created at the first access: a table of 100,000 tasks needs none.

        Parameters
        ----------
        infos
            The rows.
        client
            The service that they come from.
        """
        made = cls()
        made._items = list(infos)
        made._client = client
        return made

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, client: Client | None = None) -> TaskList:
        """Return the tasks of a DataFrame, live again; costs no request.

        Parameters
        ----------
        frame
            Rows with the task ids as the index ``task_id``, or in a column of that name: from
            ``to_frame``, filtered or sorted, or read from a file. The other columns become the
            cached info, so that a live table shows them at once. Tasks that had not ended or
            have no status in the frame are requested when they are shown.
        client
            The service; by default that of the last ``inductiva_widgets.connect``.

        Returns
        -------
        TaskList
            In the order of the rows.

        Raises
        ------
        InputError
            The frame has no task ids, has a task twice, comes from another service, or has tasks
            of several services.

        Examples
        --------
        >>> df = inductiva.tasks.get_all().to_frame()
        >>> tasks = inductiva.TaskList.from_frame(df.query("simulator == 'swmm'"))
        >>> tasks[0].get_simulator_name()
        'swmm'
        """
        from inductiva_widgets.frames._from_frame import tasks_from_frame
        from inductiva_widgets.frames._provenance import frame_service, frame_source
        from inductiva_widgets.http.default_client import default_client

        rows, source, service = tasks_from_frame(frame), frame_source(frame), frame_service(frame)
        client = client or default_client()
        _check_service(source.get("service"), client)
        _check_service(service, client)
        if source.get("demo") is True or service == config.REPLAY:
            rows = [row if isinstance(row, str) else row.as_demo() for row in rows]
        made = cls._from_infos((), client)
        made._items = [Task(row, client=client) if isinstance(row, str) else row for row in rows]
        made._made = {place for place, row in enumerate(rows) if isinstance(row, str)}
        return made

    @overload
    def __getitem__(self, index: int) -> Task: ...
    @overload
    def __getitem__(self, index: slice) -> TaskList: ...
    def __getitem__(self, index: int | slice) -> Task | TaskList:
        if isinstance(index, slice):
            return TaskList(self._task(i) for i in range(*index.indices(len(self))))
        return self._task(index)

    def _task(self, index: int) -> Task:
        item = self._items[index]
        if isinstance(item, TaskInfo):
            # Kept, so that all users of the list share the task's cached info.
            item = self._items[index] = Task._from_info(item, self._client)
            self._made.add(range(len(self._items))[index])
        return item

    def _infos(self) -> list[TaskInfo]:
        """Return the cached info of each task.

        Costs no request for tasks from a listing, and one for each other task at the first time.
        A task that the service does not know has the status ``not-found``.
        """
        _infos: list[Any] = list(self._items)
        for index, task in self._tasks():
            _infos[index] = task._state.listed_info()
        return _infos

    def _without_info(self) -> list[Task]:
        """Return the tasks without any cached info; no request."""
        return [task for _, task in self._tasks() if task._state.last_info is None]

    def _clients(self) -> set[Client]:
        """Return the services of the tasks, including that of a listing without tasks.

        Costs no request.
        """
        own = set() if self._client is None else {self._client}
        return own | {task.client for _, task in self._tasks()}

    def _tasks(self) -> Iterator[tuple[int, Task]]:
        # A copy, as another thread may add one at the same time.
        for index in tuple(self._made):
            item = self._items[index]
            if isinstance(item, Task):
                yield index, item

    def _prepended(self, infos: Iterable[TaskInfo], client: Client) -> TaskList:
        """Return a list that begins with new tasks and continues with these same objects.

        Costs no request.

        Parameters
        ----------
        infos
            The new tasks' rows of a listing.
        client
            The service that they come from.
        """
        made = TaskList(Task._from_info(info, client) for info in infos)
        made._made |= {index + len(made) for index in self._made}
        made._items += self._items
        made._client = self._client
        return made

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return the tasks as an Arrow stream, for Polars, DuckDB and pyarrow."""
        from inductiva_widgets.frames._arrow import to_arrow_table

        table = to_arrow_table(self.to_frame().reset_index())
        return table.__arrow_c_stream__(requested_schema)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return the tasks as an array of records, which pandas turns into rows."""
        from inductiva_widgets.frames._to_frame import to_records

        if copy is False:
            raise ValueError("The records of tasks are always new: leave `copy` out.")
        return to_records(self.to_frame()).astype(dtype or object, copy=False)

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Task]:
        return (self._task(index) for index in range(len(self)))

    def __add__(self, other: TaskList) -> TaskList:
        if not isinstance(other, TaskList):
            return NotImplemented
        return TaskList((*self, *other))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TaskList):
            return NotImplemented
        return list(self) == list(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def index(self, value: Any, start: int = 0, stop: int | None = None) -> int:
        """Return the first position of a task; costs no request.

        Parameters
        ----------
        value
            The task.
        start, stop
            Positions between which it is searched.

        Raises
        ------
        ValueError
            The task is not there.

        Examples
        --------
        >>> tasks.index(tasks[1])
        1
        """
        return list(self).index(value, start, len(self) if stop is None else stop)

    def count(self, value: Any) -> int:
        """Return how often a task is in the list; costs no request.

        Parameters
        ----------
        value
            The task.

        Examples
        --------
        >>> tasks.count(tasks[1])
        1
        """
        return list(self).count(value)

    def __repr__(self) -> str:
        return f"TaskList({len(self)} task{'' if len(self) == 1 else 's'})"

    def __str__(self) -> str:
        # Tasks that the service does not know get their rows.
        self._infos()
        return format_task_table(self) if self._items else "No tasks found."

    def filter(
        self,
        status: Values | None = None,
        simulator: Values | None = None,
        *,
        project: Values | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
    ) -> TaskList:
        """Return the tasks whose cached info matches; costs no request for listed tasks.

        Parameters
        ----------
        status, simulator, project, since, until
            As for ``inductiva_widgets.tasks.get``.

        Raises
        ------
        InputError
            A filter cannot be read.

        Examples
        --------
        >>> tasks.filter(status="failed")
        TaskList(1 task)
        >>> tasks.filter(status=["success", "failed"], since="30d").to_frame().shape[0]
        3
        """
        filters = TaskFilters.parse(
            status=status, simulator=simulator, project=project, since=since, until=until
        )
        return TaskList(task for task in self if filters.matches(task.info))

    def to_frame(
        self,
        columns: Sequence[str] | None = None,
        *,
        metadata: bool = False,
        raw: bool = False,
    ) -> pd.DataFrame:
        """Return the tasks as a DataFrame, one row each, the task id as its index.

        Parameters
        ----------
        columns
            Names of the columns, in order; by default the usual ones, which
            ``inductiva_widgets.frames`` lists.
        metadata
            If True, add a column ``metadata.<key>`` for each key of the tasks' metadata.
        raw
            If True, return the service's own names and values instead, such as
            ``metrics.total_seconds``, all of type object.

        Returns
        -------
        pandas.DataFrame
            Costs no request for tasks from a listing. ``df.attrs["inductiva"]`` has the service
            and the time of the frame.

        Raises
        ------
        InputError
            There is no such column, or one is named twice.

        Examples
        --------
        >>> df = tasks.to_frame()
        >>> df.groupby("status", observed=True)["computation_time"].count()
        status
        success    2
        failed     1
        Name: computation_time, dtype: int64
        """
        from inductiva_widgets.frames import to_frame

        infos = self._infos()
        return to_frame(
            infos,
            columns=columns,
            metadata=metadata,
            raw=raw,
            now=self._server_time(),
            source=self._frame_source(),
            services=self._services(infos),
        )

    def compare(self, *, details: bool = False, always: Iterable[str] = ()) -> pd.DataFrame:
        """Return the columns that differ; costs requests as ``inductiva_widgets.tasks.compare``.

        Parameters
        ----------
        details
            If True, also compare what only the detail of a task has, such as its commands.
        always
            Names of columns that are kept even if they do not differ.

        Raises
        ------
        InputError
            There are fewer than two tasks.

        Examples
        --------
        >>> "status" in tasks.compare()
        True
        """
        from inductiva_widgets.frames._compare import compare, comparison_frame

        # A single task is refused below, so its detail is not requested.
        if len(self) > 1:
            _fetch_details(list(self) if details else self._without_info())
        infos = self._infos()
        frame = comparison_frame(
            infos,
            details=details,
            now=self._server_time(),
            source=self._frame_source(),
            services=self._services(infos),
        )
        return compare(frame, always=always)

    def _server_time(self) -> datetime | None:
        """Return the present time of the first task's service, or None for an empty list."""
        return self[0].client.server_time if self._items else None

    def _frame_source(self) -> dict[str, Any]:
        """Return the provenance for a frame; empty if there are several services.

        Costs no request.
        """
        services = {client.url for client in self._clients()}
        if len(services) != 1:
            return {}
        # Either all tasks of a service are demo tasks, or none.
        known = self[0]._state.last_info if self._items else None
        return {"service": services.pop(), "demo": known is not None and known.is_demo}

    def _services(self, infos: Sequence[TaskInfo]) -> list[str]:
        """Return the service of each task, or the one of all tasks, for the column of a frame."""
        clients = self._clients()
        if len(clients) == 1:
            # Either all tasks of a service are demo tasks, or none.
            owners, infos = list(clients), infos[:1]
        else:
            owners = [task.client for task in self]
        return [
            client.service_name(is_demo=info.is_demo)
            for client, info in zip(owners, infos, strict=False)
        ]

    @explain_interrupt("The kill was interrupted; some of the tasks may have been asked to end.")
    def kill(self) -> None:
        """Ask the service to kill every task that has not ended; costs requests as ``Task.kill``.

        Raises
        ------
        InductivaError
            Some tasks could not be killed; the others were.

        Examples
        --------
        >>> swmm = inductiva.simulators.SWMM()
        >>> runs = inductiva.TaskList(swmm.run("cases/swmm_storm") for _ in range(2))
        >>> runs.kill()
        >>> [str(status) for status in runs.wait(silent_mode=True)]
        ['killed', 'killed']
        """
        for_each(list(self), lambda task: task.kill(), "killed")

    def watch(self, pattern: str | None = None, **options: Any) -> list[LogWatch]:
        """Read numbers from the logs of tasks that have not ended; requests as ``Task.watch``.

        Parameters
        ----------
        pattern, **options
            As for ``Task.watch``.

        Returns
        -------
        list of Watch
            One for each task that has not ended, in their order.

        Raises
        ------
        InputError
            As for ``Task.watch``; then none is watched.

        Examples
        --------
        >>> tasks.watch()
        []
        """
        begun: list[LogWatch] = []
        try:
            for task in [one for one in self if not one.refresh(max_age=1.0).is_terminal]:
                begun.append(task.watch(pattern, **options))  # noqa: PERF401 - some, on an error
        except InputError:
            for watch in begun:
                watch.stop()
            raise
        return begun

    @explain_interrupt("The wait was interrupted; the tasks go on.")
    def wait(self, polling_period: float = 1.0, silent_mode: bool = False) -> list[Status]:
        """Wait until every task has ended; an interrupt ends only the wait.

        Shows one live table in a notebook, and a line for each task in a terminal.

        Parameters
        ----------
        polling_period
            Seconds between two requests for a task.
        silent_mode
            If True, show nothing.

        Returns
        -------
        list of Status
            The final statuses, in order. Costs one request a period.

        Raises
        ------
        InductivaError
            Some tasks could not be requested, such as removed ones; the others have ended.

        Examples
        --------
        >>> [str(status) for status in tasks.wait()]
        ['success', 'failed', 'success']
        """
        in_notebook = _display.in_notebook()
        if in_notebook and not silent_mode:
            _display.display_task_list(self)
        silent = silent_mode or in_notebook
        return for_each(
            list(self),
            lambda task: task.wait(polling_period, silent, download_std_on_completion=False),
            "waited for",
        )

    @explain_interrupt(DOWNLOAD_INTERRUPTED)
    def download_outputs(
        self,
        filenames: Iterable[str] | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        uncompress: bool = True,
    ) -> list[Path]:
        """Download output files of every task; calling again finishes what was interrupted.

        The tasks share one limit on connections, and one progress bar. Each costs requests as
        ``Task.download_outputs`` does.

        Parameters
        ----------
        filenames
            As for ``Task.download_outputs``.
        output_dir
            Folder for one folder a task, called by its id; by default
            ``inductiva_output/<id>/outputs``.
        uncompress
            As for ``Task.download_outputs``.

        Returns
        -------
        list of Path
            The folders, in order.

        Raises
        ------
        DownloadError
            Some tasks have no output or could not be downloaded; those of the others are there.

        Examples
        --------
        >>> folders = tasks.filter(status="success").download_outputs(["*.rpt"], "reports")
        >>> [path.name for path in folders[0].iterdir()]
        ['model.rpt']
        """
        download = self.start_download(filenames, output_dir, uncompress)
        count = f"{len(self)} task{'' if len(self) == 1 else 's'}"
        paths = _display.wait_with_progress(download, f"Outputs of {count}")
        return paths if uncompress else [path.parent for path in paths]

    def start_download(
        self,
        filenames: Iterable[str] | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        uncompress: bool = True,
    ) -> Download[list[Path]]:
        """Begin ``download_outputs`` in the background; it costs the same requests.

        Parameters
        ----------
        filenames, output_dir, uncompress
            As for ``download_outputs``.

        Returns
        -------
        Download
            As from ``Task.start_download``; its result are the paths, in order.

        Examples
        --------
        >>> download = tasks.filter(status="success").start_download(["stdout.txt"], "logs")
        >>> len(download.result())
        2
        """
        from inductiva_widgets import downloads

        names = filenames if filenames is None or isinstance(filenames, str) else list(filenames)
        base = config.output_dir() if output_dir is None else Path(output_dir)
        requests = [
            task._files.output_request(
                names, None if output_dir is None else base / task.id, uncompress
            )
            for task in self
        ]
        return downloads.start_all(requests, base)

    def widget(
        self,
        *,
        follow: bool = False,
        columns: Sequence[str] | None = None,
        mode: str = "table",
    ) -> Any:
        """Return a new live table of the tasks; costs one request a second while tasks are alive.

        Parameters
        ----------
        follow
            If True, add newly submitted tasks at the top; costs one request every few seconds.
        columns
            Names of the first columns, such as ``["status", "task_id", "cost_usd"]``.
        mode
            ``"table"`` or ``"timeline"``.

        Returns
        -------
        TaskListWidget
            It can be filtered with ``query``, and has what is ``selected``.

        Raises
        ------
        InputError
            There is no such column or mode.

        Examples
        --------
        >>> table = tasks.widget(columns=["status", "task_id", "computation_time"])
        >>> table.query(status="failed")
        >>> table.filtered
        TaskList(1 task)
        """
        return _display.task_list_widget(self, follow=follow, columns=columns, mode=mode)

    def _ipython_display_(self) -> None:
        _display.display_task_list(self)

    def _repr_mimebundle_(self, **_: Any) -> _display.Bundle:
        return _display.task_list_mimebundle(self)


def _check_service(service: object, client: Client) -> None:
    """Raise if the tasks of a frame belong to another service than the client's."""
    if not isinstance(service, str) or service == client.url:
        return
    # A client that was connected by address knows it after the first response only.
    is_here = client.is_local or urlsplit(client.url).hostname in _THIS_MACHINE
    if is_here and service in (config.LOCAL, config.REPLAY, config.SLURM):
        return
    # An embedded server may have another port after a restart.
    if client.is_local and urlsplit(service).hostname in _THIS_MACHINE:
        return
    raise InputError(
        f"This frame has tasks of {service}, but the client is that of {client.url}: connect to "
        "the frame's service with inductiva.connect(...), or give its client=."
    )


def _fetch_details(tasks: Sequence[Task]) -> None:
    """Request the details of tasks, several at a time; the first error ends it."""
    if not tasks:
        return
    pool = ThreadPoolExecutor(_MAX_REQUESTS, thread_name_prefix="inductiva-details")
    try:
        for answer in [pool.submit(task.get_info) for task in tasks]:
            answer.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def for_each(tasks: Sequence[Task], action: Callable[[Task], Result], done: str) -> list[Result]:
    """Call a function with every task and return the results, also after errors.

    Parameters
    ----------
    tasks
        The tasks.
    action
        The function, which gets one task.
    done
        Past participle of the action, for the error.

    Raises
    ------
    InductivaError
        The error of the only task that failed, or one error that names those that failed. A
        service that does not answer or refuses the key ends it at once.
    """
    results: list[Result] = []
    failed: list[tuple[Task, InductivaError]] = []
    for task in tasks:
        error = _attempt(action, task, results)
        if error is None:
            continue
        failed.append((task, error))
        # These errors would occur for the other tasks, too.
        is_general = isinstance(error, (APIConnectionError, AuthenticationError))
        if is_general and not results:
            break
    if len(failed) == 1:
        raise failed[0][1]
    if failed:
        named = failed[:_MAX_NAMED]
        more = f" … and {len(failed) - _MAX_NAMED} more" if len(failed) > _MAX_NAMED else ""
        raise TaskError(
            f"{len(failed)} of {len(tasks)} tasks could not be {done}.",
            hint=" ".join(f"{task.id}: {error}" for task, error in named) + more,
            shell_hint=" ".join(f"{task.id}: {error.shell_message}" for task, error in named)
            + more,
        ) from failed[0][1]
    return results


def _attempt(
    action: Callable[[Task], Result], task: Task, results: list[Result]
) -> InductivaError | None:
    try:
        results.append(action(task))
    except InputError:
        # A bad argument is bad for all of them.
        raise
    except InductivaError as error:
        return error
    return None
