"""Widget of a list of tasks."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

import traitlets

from inductiva_widgets._callbacks import run_in_thread
from inductiva_widgets.columns import DEFAULT_TABLE_COLUMNS
from inductiva_widgets.errors import InputError
from inductiva_widgets.polling import (
    NewTaskSubscription,
    PollStatus,
    Subscription,
    Trouble,
    get_poller,
)
from inductiva_widgets.tasks.log_watch import registry
from inductiva_widgets.tasks.task_list import TaskList
from inductiva_widgets.widgets import contract, static_html, table_controller, view_models
from inductiva_widgets.widgets.base import BaseWidget, Bundle, Handler
from inductiva_widgets.widgets.log_metrics import TableLogMetrics
from inductiva_widgets.widgets.log_tail import FailureLogTail
from inductiva_widgets.widgets.selection_actions import SelectionActions
from inductiva_widgets.widgets.table import TableQuery, column_name
from inductiva_widgets.widgets.table_controller import TableController
from inductiva_widgets.widgets.task_actions import TaskActions
from inductiva_widgets.widgets.view_models import PollStatusFilter

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client
    from inductiva_widgets.models.tasks import TaskInfo
    from inductiva_widgets.tasks.task import Task

# Minimum seconds between two changes of the order of rows.
_REORDER_PERIOD = 2.0
# Number of failed updates of a task before an error is shown.
_MAX_SILENT_FAILURES = 2
# Seconds to wait for the first message of the front end, which may send none.
_FIRST_MESSAGE_TIMEOUT = 0.5
_MODES = ("table", "timeline")
# Maximum width of a column, in pixels.
_MAX_WIDTH = 2000


class TaskListWidget(BaseWidget):
    """Live table of tasks, to search, sort, group and select in the whole list.

    Parameters
    ----------
    tasks
        The tasks, in order. Only visible rows are sent to the front end.
    follow
        If True, add new tasks of the account at the top of the table.
    columns
        Names of the columns, in order: ``status``, ``simulator``, ``project``, ``task_id``,
        ``submitted``, ``started``, ``ended``, ``queue_time``, ``computation_time``,
        ``total_time``, ``machine_type``, ``cost_usd``, ``output_files`` and ``output_bytes`` as in
        a DataFrame, and the charts ``phases`` and ``metric``. With ``metric``, the logs of at most
        8 visible tasks are read at a time; it is a default column if a task has a watch. The user
        may change the columns in the table. If it is too narrow for all of them, some are left out,
        which its foot says.
    mode
        ``"table"`` or ``"timeline"``.
    **kwargs
        Traits of any widget, such as ``layout``; and ``column_widths``, a dictionary of widths in
        pixels by the names of columns, which the user changes by dragging.

    Raises
    ------
    InputError
        There is no such column or mode.

    Notes
    -----
    Requests: 1 per second while a task is active, shared by all widgets of the kernel, and 1 every
    3 s if new tasks are followed.

    Examples
    --------
    >>> table = inductiva.tasks.get_all().widget(follow=True)
    >>> table.query(status="success", sort="-computation_time")
    >>> frame = table.filtered.to_frame()  # all that match, in the order shown
    >>> table.selected  # what was chosen in the page
    TaskList(0 tasks)
    >>> table.close()
    """

    kind = traitlets.Unicode("task_list").tag(sync=True)
    total = traitlets.Int().tag(sync=True)
    first_rows: traitlets.List[contract.LineView] = traitlets.List().tag(sync=True)
    query_result = traitlets.Dict().tag(sync=True)
    aggregates = traitlets.Dict().tag(sync=True)
    selection = traitlets.Dict().tag(sync=True)
    columns: traitlets.List[str] = traitlets.List(list(DEFAULT_TABLE_COLUMNS)).tag(sync=True)
    column_widths = traitlets.Dict().tag(sync=True)
    mode = traitlets.Unicode("table").tag(sync=True)
    poll_status = traitlets.Dict().tag(sync=True)
    download = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    is_following = traitlets.Bool(False).tag(sync=True)
    is_demo = traitlets.Bool(False).tag(sync=True)

    # A class attribute, since `close` is called even if `__init__` has raised.
    _selection_actions: SelectionActions | None = None

    def __init__(
        self,
        tasks: Iterable[Task],
        *,
        follow: bool = False,
        columns: Sequence[str] | None = None,
        mode: str = "table",
        **kwargs: Any,
    ) -> None:
        listed = tasks if isinstance(tasks, TaskList) else TaskList(tasks)
        clients = listed._clients()
        client = next(iter(clients), None)
        self._client = client
        self._poll_status_filter = None if client is None else PollStatusFilter(client)
        self._last_reorder = time.monotonic()
        self._has_message = threading.Event()
        self._troubles: dict[str, Trouble] = {}
        self._open: set[str] = set()
        self._log_tail = FailureLogTail(self._show_card)
        # Number of open cards by task id, since a table may be displayed twice.
        self._views: Counter[str] = Counter()
        self._table = TableController(listed, self._now, self._set_state, self._add_visible)
        self._metrics = TableLogMetrics(
            self._table.find,
            self._report_errors(self._show_log_metrics),
            self._report_errors(self._show_metric),
        )
        super().__init__(
            columns=self._first_columns()
            if columns is None
            else [column_name(name) for name in columns],
            mode=mode,
            poll_status=self._poll_status_filter.now()
            if self._poll_status_filter
            else view_models.poll_status_view(PollStatus()),
            # Either all tasks are demo tasks or none is.
            is_demo=any(task.info.is_demo for task in listed[:1]),
            **self._table.initial_state(),
            **kwargs,
        )
        self._add_visible(self.first_rows)
        self.observe(self._on_columns, "columns")
        self._on_columns()
        self._actions = TaskActions(self._table.find, self._report_errors(self._show_download))
        self._selection_actions = SelectionActions(
            self._table.selected,
            self._report_errors(self._show_selection_download),
            self._show_error,
        )
        self._handlers.update(self._table.handlers())
        self._handlers.update(self._actions.handlers())
        self._handlers.update(self._list_handlers(self._selection_actions))
        self._task_subscriptions = {client: self._subscribe(client) for client in clients}
        self._new_task_subscriptions: Sequence[NewTaskSubscription] = ()
        if not self._table.is_aggregated:
            run_in_thread(self._start, self._send_error, "list")
        if follow:
            self.follow(True)

    @property
    def tasks(self) -> TaskList:
        """All tasks of the table, in the order of the list."""
        return self._table.tasks

    def __repr__(self) -> str:
        return f"TaskListWidget({self.tasks!r})"

    def close(self) -> None:
        """Close the widget, and end its subscriptions."""
        if self._selection_actions is not None:
            self._selection_actions.close()
        if hasattr(self, "_metrics"):
            self._metrics.close()
            self._log_tail.close()
        self._task_subscriptions, self._new_task_subscriptions = {}, ()
        super().close()

    def follow(self, on: bool = True) -> None:
        """Start or stop to add new tasks of the account at the top of the table.

        Parameters
        ----------
        on
            If True, add tasks that are submitted after the newest task of the table.

        Raises
        ------
        InputError
            The table is empty, so that the service is unknown.
        """
        with self._table.lock:
            for follow in self._new_task_subscriptions:
                follow.cancel()
            clients = self._task_subscriptions if on else ()
            if on and not clients:
                raise InputError("An empty table has no service whose tasks could be followed.")
            created = (
                [info.create_time for info in self._table.infos if info.create_time] if on else []
            )
            since = max(created, default=self._now())
            self._new_task_subscriptions = [
                NewTaskSubscription(self._table.has, since, partial(self._add, client))
                for client in clients
            ]
            self.is_following = on
        for client, follow in zip(clients, self._new_task_subscriptions, strict=True):
            self._watch(client, follow)

    @property
    def selected(self) -> TaskList:
        """The selected tasks in the order shown, followed by those that the query hides."""
        return self._table.selected()

    @property
    def filtered(self) -> TaskList:
        """All tasks that match the query, in the order shown, including collapsed groups.

        Examples
        --------
        >>> table = tasks.widget()
        >>> table.query(status="success")
        >>> table.filtered
        TaskList(2 tasks)
        """
        return self._table.matching()

    @property
    def pandas_code(self) -> str:
        """Python code that creates the DataFrame of ``filtered`` from the list ``tasks``.

        Examples
        --------
        >>> table = tasks.widget()
        >>> table.query(status="success", sort="-computation_time")
        >>> print(table.pandas_code)
        df = tasks.to_frame()
        ...
        """
        return str(self.query_result["code"])

    def query(
        self,
        search: str = "",
        *,
        status_group: str | Iterable[str] = (),
        sort: str | None = None,
        group: str | None = None,
        collapsed: str | Iterable[str | None] = (),
        **filters: Any,
    ) -> None:
        """Show the tasks that match a query; without arguments, all tasks.

        Parameters
        ----------
        search
            A text that occurs anywhere in a task, whatever its case: in its id, simulator,
            project, machine, status or error.
        status_group
            One or more of ``"wait"``, ``"run"``, ``"ok"``, ``"bad"``, ``"off"``,
            ``"unknown"``.
        sort
            Name of a column of the frame, such as ``"cost_usd"``; ``"-cost_usd"`` for the largest
            first.
        group
            ``"simulator"``, ``"project"``, ``"status"`` or ``"machine_type"``.
        collapsed
            Names of groups to collapse.
        **filters
            By name of a column of the frame: for texts one or several values, None for missing
            ones; for numbers, times and durations a pair of ends, None if it is open. Sizes are
            bytes; durations are seconds or ``timedelta``; times are as ``since`` of
            ``inductiva_widgets.tasks.get``, or epoch milliseconds.

        Raises
        ------
        InputError
            Something is unknown or of the wrong type.

        Examples
        --------
        >>> table = df.inductiva.tasks().widget()
        >>> table.query("reef", status=["failed", "killed"], cost_usd=(1, None), sort="-cost_usd")
        >>> len(table.filtered) < len(df)
        True
        """
        self._table.set_query(
            TableQuery.from_arguments(search, status_group, sort, group, collapsed, **filters)
        )

    def send(self, content: Any, buffers: Any = None) -> None:
        """Send a message. If its result is a ``partial``, call it under the lock.

        Parameters
        ----------
        content
            The message.
        buffers
            Binary parts of it.
        """
        with self._table.lock:
            if isinstance(content.get("result"), partial):
                content = {**content, "result": content["result"]()}
            super().send(content, buffers)

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:
        """Return the traits, with the current first rows.

        Parameters
        ----------
        key, drop_defaults
            As for any widget.
        """
        values: dict[str, Any] = super().get_state(key, drop_defaults)
        if "first_rows" in values:
            values["first_rows"] = self._table.first_rows()
        return values

    def _repr_mimebundle_(self, **_: Any) -> Bundle:
        with self._table.lock:
            shown = self._table.matching(static_html.ROWS_SHOWN)
            count = self._table.n_matching
            aggregates: Any = self.aggregates if self._table.is_aggregated else None
            gone = [key for key, trouble in self._troubles.items() if trouble.is_gone]
        return self._with_fallback(
            static_html.list_text(shown, count, gone),
            static_html.list_html(shown._infos(), self._now(), count, aggregates, gone),
        )

    def _is_finished(self) -> bool:
        with self._table.lock:
            return not self.is_following and not self._table.has_live_tasks

    def _stored_state(self) -> object:
        with self._table.lock:
            return len(self.tasks), self._table.live_statuses()

    def _list_handlers(self, selection: SelectionActions) -> dict[str, Handler]:
        actions = self._actions
        return {
            "follow": lambda content: self.follow(table_controller.parse_bool(content)),
            "open": self._open_card,
            "close": self._close_card,
            "kill_selected": selection.kill,
            "download_selected": selection.download,
            "compare": self._compare,
            "pause_download": _either(actions.pause_download, selection.pause),
            "resume_download": _either(actions.resume_download, selection.resume),
            "cancel_download": _either(actions.cancel_download, selection.cancel),
        }

    def _compare(self, _: dict[str, Any]) -> contract.ComparisonView:
        # Imported here, since it imports pandas, which is slow.
        from inductiva_widgets.widgets.comparison import comparison_view

        return comparison_view(self.selected)

    def _open_card(self, content: dict[str, Any]) -> dict[str, Any]:
        task = self._actions.task(content)
        task.get_info()
        if task.info.status == "submitted":
            task.refresh()
        self._views[task.id] += 1
        self._open.add(task.id)
        return {
            "view": self._card(task),
            "log_metrics": self._metrics.open_card(task),
            "download": self._actions.current_download(task),
        }

    def _close_card(self, content: dict[str, Any]) -> None:
        task_id = self._actions.task(content).id
        self._views[task_id] -= 1
        if self._views[task_id] <= 0:
            del self._views[task_id]
            self._open.discard(task_id)
            self._metrics.close_card(task_id)

    def _card(self, task: Task) -> contract.TaskView:
        return view_models.task_view(
            task.info,
            task._state.queue_position,
            now=task._state.server_time,
            is_local=task.client.is_local,
            last_words=self._log_tail.get(task),
        )

    def _show_card(self, task: Task) -> None:
        if task.id in self._open:
            self.send({"push": "card", "view": self._card(task)})

    def _subscribe(self, client: Client) -> Subscription[Task]:
        live = self._table.live_tasks(client) if self._table.is_aggregated else ()
        subscription = Subscription(live, self._show_tasks, self._show_poll_status, self._open)
        subscription.on_trouble = self._show_trouble
        self._watch(client, subscription)
        return subscription

    def _start(self) -> None:
        """Show the aggregates of a long list and poll it, after its first rows are drawn."""
        self._has_message.wait(_FIRST_MESSAGE_TIMEOUT)
        if self.comm is None:
            return
        self._table.show_aggregates()
        for client, subscription in self._task_subscriptions.items():
            subscription.add(self._table.live_tasks(client))
            get_poller(client).subscribe(subscription)

    def _show_tasks(self, tasks: list[Task]) -> None:
        self._table.update((task.info for task in tasks), self._send_rows)
        for task in tasks:
            self._show_card(task)
        # The set of computing tasks may have changed.
        self._metrics.update()
        self._update_stored()

    def _show_trouble(self, task: Task, trouble: Trouble | None) -> None:
        if trouble is None:
            self._troubles.pop(task.id, None)
            return
        self._troubles[task.id] = trouble
        if trouble.tries == (1 if trouble.is_gone else _MAX_SILENT_FAILURES + 1):
            title = "The task could not be updated"
            if trouble.is_gone:
                title = "The service does not know this task any more"
            self._show_error(task.id, view_models.error_view(title, trouble.error))

    def _show_poll_status(self, status: PollStatus) -> None:
        view = self._poll_status_filter.next_update(status) if self._poll_status_filter else None
        with self._table.lock:
            if view is not None:
                self.poll_status = dict(view)
            self._table.reorder(self._is_due)

    def _is_due(self) -> bool:
        """Return whether rows may be reordered, always if no later update will come."""
        now = time.monotonic()
        if now - self._last_reorder < _REORDER_PERIOD and self._table.has_live_tasks:
            return False
        self._last_reorder = now
        return True

    def _add(self, client: Client, infos: list[TaskInfo]) -> None:
        new = self._table.prepend(infos, client)
        self._task_subscriptions[client].add(task for task in new if not task.info.is_terminal)
        self._update_stored()

    def _show_download(self, task: Task, view: contract.DownloadView) -> None:
        self.send({"push": "download", "task_id": task.id, "download": view})

    def _show_selection_download(self, view: contract.DownloadView) -> None:
        with self._table.lock:
            self.download = dict(view)

    def _show_error(self, task_id: str, error: contract.ErrorView) -> None:
        self.send({"push": "error", "task_id": task_id, "error": error})

    def _send_rows(self, patches: list[Any]) -> None:
        self.send({"push": "rows", "rows": patches})

    # Log metrics

    def _first_columns(self) -> list[str]:
        """Return the default columns; "metric" is among them if a task is watched."""
        columns = list(DEFAULT_TABLE_COLUMNS)
        # There are few watches, but there may be many tasks.
        if any(self._table.has(watch.task.id) for watch in registry.retained()):
            columns.insert(columns.index("phases") + 1, "metric")
        return columns

    def _on_columns(self, _: Any = None) -> None:
        self._metrics.show_column("metric" in self.columns)

    def _on_visibility(self, is_visible: bool) -> None:
        self._metrics.resume() if is_visible else self._metrics.pause()

    def _add_visible(self, rows: Iterable[Any]) -> None:
        self._metrics.add_visible(row["id"] for row in rows if "id" in row)

    def _show_log_metrics(self, task_id: str, view: contract.LogMetricsView) -> None:
        self.send({"push": "log_metrics", "task_id": task_id, "log_metrics": view})

    def _show_metric(self, task_id: str, metric: contract.MetricView) -> None:
        self._table.update_metric(task_id, metric, self._send_rows)

    # State

    def _set_state(self, values: dict[str, Any]) -> None:
        """Set synced traits, in one message."""
        with self.hold_sync():
            for name, value in values.items():
                self.set_trait(name, value)

    @traitlets.validate("columns")
    def _check_columns(self, proposal: Any) -> list[str]:
        return list(dict.fromkeys(map(column_name, proposal["value"])))

    @traitlets.validate("column_widths")
    def _check_column_widths(self, proposal: Any) -> dict[str, int]:
        widths = {column_name(name): width for name, width in proposal["value"].items()}
        for name, width in widths.items():
            # isinstance would accept a bool.
            if type(width) is not int or not 0 < width <= _MAX_WIDTH:
                raise InputError(
                    f"The width of {name} must be a number of pixels from 1 to {_MAX_WIDTH}, "
                    f"got {width!r}."
                )
        return widths

    @traitlets.validate("mode")
    def _check_mode(self, proposal: Any) -> str:
        mode = proposal["value"]
        if mode not in _MODES:
            raise InputError(f"Unknown mode {mode!r}, expected one of: {', '.join(_MODES)}.")
        return str(mode)

    def _handle_visible(self, content: dict[str, Any]) -> None:
        super()._handle_visible(content)
        self._has_message.set()

    def _now(self) -> datetime:
        skew = 0.0 if self._client is None else self._client.transport.clock_skew
        return datetime.now(timezone.utc) + timedelta(seconds=skew)


def _either(on_task: Handler, on_selection: Handler) -> Handler:
    """Return a handler for requests about a task, or about the selection if there is no id."""
    return lambda content: (on_selection if content.get("task_id") is None else on_task)(content)
