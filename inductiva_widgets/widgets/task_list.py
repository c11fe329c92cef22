"""The table of several tasks."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import traitlets

from inductiva_widgets.errors import InputError
from inductiva_widgets.live import Feed, Subscription
from inductiva_widgets.tasks.task_list import TaskList
from inductiva_widgets.widgets import state, twins
from inductiva_widgets.widgets.actions import TaskActions
from inductiva_widgets.widgets.base import BaseWidget, Bundle
from inductiva_widgets.widgets.feed import FeedTeller

if TYPE_CHECKING:
    from collections.abc import Iterable

    from inductiva_widgets.tasks.task import Task

_HEAD = 50
_MAX_WINDOW = 500


class TaskListWidget(BaseWidget):
    """A live table: one row a task, its badge, times, phases, Kill; a row opens its card.

    Parameters
    ----------
    tasks
        The tasks, in order. Only the rows in sight are sent to the page.

    Examples
    --------
    >>> inductiva.tasks.get(last_n=20).widget()  # doctest: +SKIP
    """

    kind = traitlets.Unicode("task_list").tag(sync=True)
    total = traitlets.Int().tag(sync=True)
    head: traitlets.List[state.RowView] = traitlets.List().tag(sync=True)
    counts = traitlets.Dict().tag(sync=True)
    feed = traitlets.Dict().tag(sync=True)
    is_demo = traitlets.Bool(False).tag(sync=True)

    def __init__(self, tasks: Iterable[Task], **kwargs: Any) -> None:
        self.tasks = tasks if isinstance(tasks, TaskList) else TaskList(tasks)
        self._by_id = {task.id: task for task in self.tasks}
        self._open: set[str] = set()
        # A table may be shown twice, and a card be open in both.
        self._views: Counter[str] = Counter()
        clients = {task.client for task in self.tasks}
        self._teller = FeedTeller(next(iter(clients))) if clients else None
        super().__init__(
            total=len(self.tasks),
            head=self._rows(0, _HEAD),
            counts=state.count_tones([task.info for task in self.tasks]),
            feed=self._teller.now() if self._teller else state.feed_view(Feed()),
            is_demo=any(task.info.is_demo for task in self.tasks),
            **kwargs,
        )
        self._actions = TaskActions(self._by_id.get, self._guarded(self._show_download))
        self._handlers.update(
            self._actions.handlers(),
            rows=self._answer_rows,
            open=self._open_card,
            close=self._close_card,
        )
        for client in clients:
            self._follow(client)

    def __repr__(self) -> str:
        return f"TaskListWidget({self.tasks!r})"

    def _repr_mimebundle_(self, **_: Any) -> Bundle:
        now = self.tasks[0].now if self.tasks else datetime.now(timezone.utc)
        infos = self.tasks.infos()
        return self._bundle(twins.list_text(self.tasks), twins.list_html(infos, now))

    def _follow(self, client: Any) -> None:
        mine = [task for task in self.tasks if task.client is client]
        self._watch(client, Subscription(mine, self._show_tasks, self._show_feed, self._open))

    def _rows(self, start: int, stop: int) -> list[state.RowView]:
        return [state.row_view(task.info) for task in self.tasks[start:stop]]

    def _answer_rows(self, content: dict[str, Any]) -> dict[str, Any]:
        start, stop = content.get("start"), content.get("stop")
        if not isinstance(start, int) or not isinstance(stop, int) or not 0 <= start <= stop:
            raise InputError("rows needs a start and a stop.")
        return {"start": start, "rows": self._rows(start, min(stop, start + _MAX_WINDOW))}

    def _open_card(self, content: dict[str, Any]) -> dict[str, Any]:
        task = self._actions.task(content)
        task.get_info()
        if task.info.status == "submitted":
            task.refresh()
        self._views[task.id] += 1
        self._open.add(task.id)
        return {"view": self._card(task), "download": self._actions.current_download(task)}

    def _close_card(self, content: dict[str, Any]) -> None:
        task_id = self._actions.task(content).id
        self._views[task_id] -= 1
        if self._views[task_id] <= 0:
            del self._views[task_id]
            self._open.discard(task_id)

    def _card(self, task: Task) -> state.TaskView:
        return state.task_view(task.info, task.tasks_ahead, is_local=task.client.is_local)

    def _show_tasks(self, tasks: list[Task]) -> None:
        self.send({"push": "rows", "rows": [state.row_view(task.info) for task in tasks]})
        for task in tasks:
            if task.id in self._open:
                self.send({"push": "card", "view": self._card(task)})
        self.counts = state.count_tones([task.info for task in self.tasks])

    def _show_feed(self, feed: Feed) -> None:
        view = self._teller.worth_telling(feed) if self._teller else None
        if view is not None:
            self.feed = dict(view)

    def _show_download(self, task: Task, view: state.DownloadView) -> None:
        self.send({"push": "download", "task_id": task.id, "download": view})
