"""Widget of a single task: the live card."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import traitlets

from inductiva_widgets.errors import APIConnectionError, InductivaError, RateLimitError, ServerError
from inductiva_widgets.http.time_limits import single_try
from inductiva_widgets.polling import PollStatus, Subscription, Trouble
from inductiva_widgets.widgets import contract, static_html, view_models
from inductiva_widgets.widgets.base import BaseWidget, Bundle
from inductiva_widgets.widgets.log_metrics import LogMetrics
from inductiva_widgets.widgets.log_metrics_view import log_metrics_view, prefer_newer
from inductiva_widgets.widgets.log_tail import FailureLogTail, cached_tail
from inductiva_widgets.widgets.task_actions import TaskActions
from inductiva_widgets.widgets.view_models import PollStatusFilter

if TYPE_CHECKING:
    from inductiva_widgets.tasks.log_watch import LogWatch
    from inductiva_widgets.tasks.task import Task


class TaskWidget(BaseWidget):
    """Live card of a task: status, times, log, files, download and kill.

    While the task computes and the card is visible, its log is read by the watches of the task, or
    with the preset of its simulator.

    Parameters
    ----------
    task
        The task.
    **kwargs
        Traits: ``notify``, if True, the browser shows a notification when the task ends, and those
        of any widget, such as ``layout``.

    Notes
    -----
    Requests: 1, then 1 per second while the task is active, shared by all widgets of the kernel.

    Examples
    --------
    >>> card = inductiva.TaskWidget(task)
    >>> card.freeze()
    """

    kind = traitlets.Unicode("task").tag(sync=True)
    view = traitlets.Dict().tag(sync=True)
    log_metrics = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    notify = traitlets.Bool(False).tag(sync=True)
    download = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    poll_status = traitlets.Dict().tag(sync=True)

    def __init__(self, task: Task, **kwargs: Any) -> None:
        self.task = task
        self._trouble: Trouble | None = None
        error = _refresh(task)
        self._poll_status_filter = PollStatusFilter(task.client)
        self._log_tail = FailureLogTail(self._show_log_tail)
        self._metrics = LogMetrics(self._report_errors(self._show_log_metrics))
        # Watches that have set `notify`, each once, since the user may change it afterwards.
        self._notify_set_by: weakref.WeakSet[LogWatch] = weakref.WeakSet()
        super().__init__(
            view=self._task_view(cached_tail(task)),
            poll_status=self._poll_status_filter.now(error),
            **kwargs,
        )
        actions = TaskActions(self._find, self._report_errors(self._show_download))
        self._handlers.update(actions.handlers())
        subscription = Subscription([task], self._show_task, self._show_poll_status, {task.id})
        subscription.on_trouble = self._show_trouble
        self._metrics.set_tasks([task])
        self._watch(task.client, subscription)
        # After everything else is set, since the callback may be called at once.
        self._log_tail.get(task)

    def __repr__(self) -> str:
        return f"TaskWidget({self.task!r})"

    def _repr_mimebundle_(self, **_: Any) -> Bundle:
        info, now = self.task.info, self.task._state.server_time
        failure, notice = self.view["failure"], self._notice
        tail = failure["last_words"] if failure else ()
        return self._with_fallback(
            static_html.task_text(info, now, tail, self.download, self.log_metrics, notice=notice),
            static_html.task_html(info, now, tail, self.download, self.log_metrics, notice=notice),
        )

    def close(self) -> None:
        """Close the widget, and end its subscriptions."""
        # `__init__` may have raised before. If the task has ended, the end of its log is still
        # shown in the static HTML, and the watches end on their own.
        if hasattr(self, "_metrics") and not self.task.info.is_terminal:
            self._metrics.close()
        if hasattr(self, "_log_tail"):
            self._log_tail.close()
        super().close()

    def _is_finished(self) -> bool:
        is_final = self._trouble is not None and self._trouble.is_final
        return (self.task.info.is_terminal or is_final) and static_html.is_finished(self.download)

    @property
    def _notice(self) -> str:
        """Notice about the task, or ""."""
        return (self._trouble and self._trouble.status.notice) or ""

    def _stored_state(self) -> object:
        return self.view["status"]

    def _on_visibility(self, is_visible: bool) -> None:
        self._metrics.resume() if is_visible else self._metrics.pause()

    def _task_view(self, words: list[contract.LogTailView]) -> contract.TaskView:
        task = self.task
        view = view_models.task_view(
            task.info,
            task._state.queue_position,
            now=task._state.server_time,
            is_local=task.client.is_local,
            last_words=words,
        )
        return {**view, "can_kill": view["can_kill"] and not self._notice}

    def _find(self, task_id: str) -> Task | None:
        return self.task if task_id == self.task.id else None

    def _show_task(self, _: list[Task]) -> None:
        self.view = dict(self._task_view(self._log_tail.get(self.task)))
        # The log is read if the task computes now.
        self._metrics.set_tasks([self.task])

    def _show_log_metrics(self, _: Task) -> None:
        watches = self._metrics.watches_for(self.task)
        found = log_metrics_view(watches)
        if found is not None:
            self.log_metrics = dict(prefer_newer(self.log_metrics, found))
        new = [watch for watch in watches if watch.notify and watch not in self._notify_set_by]
        if new:
            self._notify_set_by.update(new)
            self.notify = True

    def _show_log_tail(self, task: Task) -> None:
        self._show_task([task])

    def _show_trouble(self, _: Task, trouble: Trouble | None) -> None:
        notice, self._trouble = self._notice, trouble
        if self._notice != notice:
            self._show_task([self.task])

    def _show_poll_status(self, status: PollStatus) -> None:
        trouble = self._trouble
        if trouble is not None and (trouble.is_gone or status.offline_since is None):
            status = trouble.status
        view = self._poll_status_filter.next_update(status)
        if view is not None:
            self.poll_status = dict(view)

    def _show_download(self, _: Task, view: contract.DownloadView) -> None:
        self.download = dict(view)


def _refresh(task: Task) -> InductivaError | None:
    """Update a task; if it has cached info, return a connection error instead of raising it."""
    if task._state.last_info is None:
        task.refresh()
        return None
    try:
        with single_try():
            task.refresh()
    except (APIConnectionError, RateLimitError, ServerError) as error:
        # The card shows the cached info and the error, and the poller continues.
        return error
    return None
