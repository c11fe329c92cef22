"""The card of one task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import traitlets

from inductiva_widgets.live import Feed, Subscription
from inductiva_widgets.widgets import state, twins, views
from inductiva_widgets.widgets.actions import TaskActions
from inductiva_widgets.widgets.base import BaseWidget, Bundle
from inductiva_widgets.widgets.feed import FeedTeller
from inductiva_widgets.widgets.last_words import LastWords, known_words

if TYPE_CHECKING:
    from inductiva_widgets.tasks.task import Task


class TaskWidget(BaseWidget):
    """A live card: status, times, phases, why it failed, kill, output files, download.

    Parameters
    ----------
    task
        The task. Costs one request, then one a second while the task is alive, shared by all
        cards and tables of the kernel.
    **kwargs
        Traits of any widget, such as ``layout``.

    Examples
    --------
    >>> card = inductiva.TaskWidget(task)
    >>> card.freeze()
    """

    kind = traitlets.Unicode("task").tag(sync=True)
    view = traitlets.Dict().tag(sync=True)
    live = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    notify = traitlets.Bool(False).tag(sync=True)
    download = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    feed = traitlets.Dict().tag(sync=True)

    def __init__(self, task: Task, **kwargs: Any) -> None:
        self.task = task
        task.refresh()
        self._teller = FeedTeller(task.client)
        self._words = LastWords(self._show_words)
        super().__init__(view=self._task_view(known_words(task)), feed=self._teller.now(), **kwargs)
        actions = TaskActions(self._find, self._guarded(self._show_download))
        self._handlers.update(actions.handlers())
        interest = Subscription([task], self._show_task, self._show_feed, {task.id})
        self._watch(task.client, interest)
        # Not before: what is found is shown at once.
        self._words.of(task)

    def __repr__(self) -> str:
        return f"TaskWidget({self.task!r})"

    def _repr_mimebundle_(self, **_: Any) -> Bundle:
        info, now = self.task.info, self.task.now
        failure = self.view["failure"]
        words = failure["last_words"] if failure else ()
        return self._bundle(
            twins.task_text(info, now, words, self.download),
            twins.task_html(info, now, words, self.download),
        )

    def _is_over(self) -> bool:
        return self.task.info.is_terminal and twins.has_ended(self.download)

    def _task_view(self, words: list[views.LastWords]) -> views.TaskView:
        task = self.task
        return state.task_view(
            task.info,
            task.tasks_ahead,
            now=task.now,
            is_local=task.client.is_local,
            last_words=words,
        )

    def _find(self, task_id: str) -> Task | None:
        return self.task if task_id == self.task.id else None

    def _show_task(self, _: list[Task]) -> None:
        self.view = dict(self._task_view(self._words.of(self.task)))

    def _show_words(self, task: Task) -> None:
        self._show_task([task])

    def _show_feed(self, feed: Feed) -> None:
        view = self._teller.worth_telling(feed)
        if view is not None:
            self.feed = dict(view)

    def _show_download(self, _: Task, view: views.DownloadView) -> None:
        self.download = dict(view)
