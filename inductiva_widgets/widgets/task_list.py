"""The table of several tasks."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import traitlets

from inductiva_widgets.errors import InputError
from inductiva_widgets.polling import (
    NewTaskSubscription,
    PollStatus,
    Subscription,
    Trouble,
    get_poller,
    run_in_thread,
)
from inductiva_widgets.tasks.task_list import TaskList
from inductiva_widgets.widgets import contract, static_html, view_models
from inductiva_widgets.widgets.base import Bundle, Handler
from inductiva_widgets.widgets.log_tail import FailureLogTail
from inductiva_widgets.widgets.poll_status import PollStatusFilter
from inductiva_widgets.widgets.selection_actions import SelectionActions
from inductiva_widgets.widgets.table import requests
from inductiva_widgets.widgets.table_log_metrics import TableWidgetWithMetrics
from inductiva_widgets.widgets.task_actions import TaskActions

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client
    from inductiva_widgets.models.tasks import TaskInfo
    from inductiva_widgets.tasks.task import Task

# Seconds that the lines keep their places at least, whatever the news.
_REST = 2.0
# Failed tries of a task before that is told.
_TRIES_UNTOLD = 2
# Seconds to wait for the first word of the page; there may be none.
_GREETING = 0.5


class TaskListWidget(TableWidgetWithMetrics):
    """A live table: one line a task; searched, sorted, grouped and acted on over the whole list.

    Parameters
    ----------
    tasks
        The tasks, in order. Only the lines in sight are sent to the page.
    follow
        Whether tasks of the account that are submitted from now on appear at the head by
        themselves; costs one request every few seconds.
    columns
        Names of the first columns, in order: ``status``, ``simulator``, ``project``, ``task_id``,
        ``submitted``, ``started``, ``ended``, ``queue_time``, ``computation_time``,
        ``total_time``, ``machine_type``, ``cost_usd``, ``output_files`` and ``output_bytes``, as
        in a frame, and the drawings ``phases`` and ``metric``. The page changes them too.
        While ``metric`` is among them, the logs of computing tasks in sight are read, of 8 at a
        time; it is there from the beginning if one of the tasks is watched.
    mode
        ``"table"`` or ``"timeline"``.
    **kwargs
        Traits of any widget, such as ``layout``.

    Raises
    ------
    InputError
        There is no such column or mode.

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
    feed = traitlets.Dict().tag(sync=True)
    download = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    is_following = traitlets.Bool(False).tag(sync=True)
    is_demo = traitlets.Bool(False).tag(sync=True)

    # Here and not only in __init__: a widget whose making was refused is closed too.
    _bulk: SelectionActions | None = None

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
        self._teller = None if client is None else PollStatusFilter(client)
        self._settled = time.monotonic()
        self._troubles: dict[str, Trouble] = {}
        self._open: set[str] = set()
        self._words = FailureLogTail(self._show_card)
        # A table may be shown twice, and a card be open in both.
        self._views: Counter[str] = Counter()
        super().__init__(
            listed,
            client,
            columns,
            mode,
            feed=self._teller.now() if self._teller else view_models.poll_status_view(PollStatus()),
            # A demo's tasks are among no others.
            is_demo=any(task.info.is_demo for task in listed[:1]),
            **kwargs,
        )
        self._actions = TaskActions(self._find, self._report_errors(self._show_download))
        self._bulk = SelectionActions(
            self._selected_tasks, self._report_errors(self._show_bulk), self._show_error
        )
        self._handlers.update(self._actions.handlers())
        self._handlers.update(self._list_handlers(self._bulk))
        self._interests = {client: self._subscribe(client) for client in clients}
        self._follows: Sequence[NewTaskSubscription] = ()
        if not self._is_summed:
            run_in_thread(self._start, self._send_error, "list")
        if follow:
            self.follow(True)

    def __repr__(self) -> str:
        return f"TaskListWidget({self.tasks!r})"

    def close(self) -> None:
        """End the view, its share of the polling, and the looking for new tasks."""
        if self._bulk is not None:
            self._bulk.close()
        self._interests, self._follows = {}, ()
        super().close()

    def follow(self, on: bool = True) -> None:
        """Have new tasks appear at the head by themselves, or no longer.

        New are those of the account that were submitted after the newest of the list.

        Parameters
        ----------
        on
            Whether to look for them.

        Raises
        ------
        InputError
            The list has no service.
        """
        with self._telling:
            for follow in self._follows:
                follow.cancel()
            clients = self._interests if on else ()
            if on and not clients:
                raise InputError("An empty list has no service that could have new tasks.")
            made = [i.create_time for i in self._table.infos if i.create_time] if on else []
            since = max(made, default=self._now())
            self._follows = [
                NewTaskSubscription(self._is_known, since, partial(self._add, client))
                for client in clients
            ]
            self.is_following = on
        for client, follow in zip(clients, self._follows, strict=True):
            self._watch(client, follow)

    def _repr_mimebundle_(self, **_: Any) -> Bundle:
        with self._telling:
            shown = self._apply(self._table.visible[: static_html.ROWS_SHOWN])
            count = len(self._table.visible)
            totals: Any = self.totals if self._is_summed else None
            gone = [key for key, trouble in self._troubles.items() if trouble.is_gone]
        return self._with_fallback(
            static_html.list_text(shown, count, gone),
            static_html.list_html(shown._infos(), self._now(), count, totals, gone),
        )

    def _is_finished(self) -> bool:
        with self._telling:
            return not self.is_following and not self._table.live.size

    def _stored_state(self) -> object:
        with self._telling:
            infos = self._table.infos
            return len(infos), [(place, infos[place].status) for place in self._table.live.tolist()]

    def _list_handlers(self, bulk: SelectionActions) -> dict[str, Handler]:
        actions = self._actions
        return {
            "follow": lambda content: self.follow(requests.parse_bool(content)),
            "open": self._open_card,
            "close": self._close_card,
            "kill_selected": bulk.kill,
            "download_selected": bulk.download,
            "compare": self._compare,
            "pause_download": _either(actions.pause_download, bulk.pause),
            "resume_download": _either(actions.resume_download, bulk.resume),
            "cancel_download": _either(actions.cancel_download, bulk.cancel),
        }

    def _compare(self, _: dict[str, Any]) -> contract.ComparisonView:
        # Brings pandas along, which takes a while and is wanted by few.
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
            "live": self._live.open_card(task),
            "download": self._actions.current_download(task),
        }

    def _close_card(self, content: dict[str, Any]) -> None:
        task_id = self._actions.task(content).id
        self._views[task_id] -= 1
        if self._views[task_id] <= 0:
            del self._views[task_id]
            self._open.discard(task_id)
            self._live.close_card(task_id)

    def _card(self, task: Task) -> contract.TaskView:
        return view_models.task_view(
            task.info,
            task.queue_position,
            now=task.server_time,
            is_local=task.client.is_local,
            last_words=self._words.get(task),
        )

    def _show_card(self, task: Task) -> None:
        if task.id in self._open:
            self.send({"push": "card", "view": self._card(task)})

    # News

    def _subscribe(self, client: Client) -> Subscription[Task]:
        live = self._live_tasks(client) if self._is_summed else ()
        subscription = Subscription(live, self._show_tasks, self._show_poll_status, self._open)
        subscription.on_trouble = self._show_trouble
        self._watch(client, subscription)
        return subscription

    def _live_tasks(self, client: Client) -> list[Task]:
        # Of tasks that have ended there are no news: the poller need not look through them.
        live = [self.tasks[place] for place in self._table.live]
        return [task for task in live if task.client is client]

    def _start(self) -> None:
        """Do for a long list what its first lines did not wait for, once they are drawn."""
        self._greeted.wait(_GREETING)
        if self.comm is None:
            return
        self._aggregate()
        for client, interest in self._interests.items():
            interest.add(self._live_tasks(client))
            get_poller(client).subscribe(interest)

    def _show_tasks(self, tasks: list[Task]) -> None:
        with self._telling:
            patches = self._table.update(task.info for task in tasks)
            if patches:
                self.send({"push": "rows", "rows": patches})
            self._show_sums()
        for task in tasks:
            self._show_card(task)
        # Some of them may compute now.
        self._live.update()
        self._update_stored()

    def _show_trouble(self, task: Task, trouble: Trouble | None) -> None:
        if trouble is None:
            self._troubles.pop(task.id, None)
            return
        self._troubles[task.id] = trouble
        # A request that fails once or twice is no reason to alarm anybody.
        if trouble.tries == (1 if trouble.is_gone else _TRIES_UNTOLD + 1):
            title = "It is not updated"
            if trouble.is_gone:
                title = "The service does not know this task any more"
            self._show_error(task.id, view_models.error_view(title, trouble.error))

    def _show_poll_status(self, feed: PollStatus) -> None:
        view = self._teller.next_update(feed) if self._teller else None
        with self._telling:
            if view is not None:
                self.feed = dict(view)
            if self._table.is_stale and self._is_due() and self._table.reorder():
                self._show_lines()

    def _is_due(self) -> bool:
        """Return whether lines may change their places; the poller stops with the last task."""
        now = time.monotonic()
        if now - self._settled < _REST and self._table.live.size:
            return False
        self._settled = now
        return True

    def _add(self, client: Client, infos: list[TaskInfo]) -> None:
        with self._telling:
            self.tasks = self.tasks._prepended(infos, client)
            self._table.prepend(infos)
            self.total = len(self.tasks)
            self._show_lines()
            new = [self.tasks[place] for place in range(len(infos))]
        self._interests[client].add(task for task in new if not task.info.is_terminal)
        self._update_stored()

    def _show_download(self, task: Task, view: contract.DownloadView) -> None:
        self.send({"push": "download", "task_id": task.id, "download": view})

    def _show_bulk(self, view: contract.DownloadView) -> None:
        with self._telling:
            self.download = dict(view)

    def _show_error(self, task_id: str, error: contract.ErrorView) -> None:
        self.send({"push": "error", "task_id": task_id, "error": error})

    # Which tasks

    def _is_known(self, task_id: str) -> bool:
        return self._table.index_of(task_id) is not None

    def _selected_tasks(self, flag: str) -> TaskList:
        with self._telling:
            return self._apply(self._table.selected(flag))


def _either(one: Handler, many: Handler) -> Handler:
    """Return what acts on the task that is named, else on the selection."""
    return lambda content: (many if content.get("task_id") is None else one)(content)
