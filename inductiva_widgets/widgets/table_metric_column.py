"""What the logs of a table's tasks say: for its open cards, and for its column "metric"."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import TYPE_CHECKING

from inductiva_widgets.widgets import automatic_watches, contract
from inductiva_widgets.widgets.log_metrics import (
    LogMetrics,
    is_auto_watched,
    is_metric_known,
    watches_of,
)
from inductiva_widgets.widgets.log_metrics_view import log_metrics_view, metric_view, prefer_newer

if TYPE_CHECKING:
    from inductiva_widgets.tasks.task import Task

# Lines that are taken to be in sight: some windows of the page, which tells none it has already.
_IN_SIGHT = 200


class TableLogMetrics:
    """Reads the logs of the tasks whose cards are open, or whose lines are in sight.

    Parameters
    ----------
    find
        Gives the task of an id, or None.
    on_live
        Called with the id of an open card's task, and what to show of its log.
    on_metric
        Called with the id of a line's task, and what to draw in its line.
    """

    def __init__(
        self,
        find: Callable[[str], Task | None],
        on_live: Callable[[str, contract.LogMetricsView], None],
        on_metric: Callable[[str, contract.MetricView], None],
    ) -> None:
        self._find = find
        self._on_live = on_live
        self._on_metric = on_metric
        self._cards = LogMetrics(self._send_card)
        self._lines = LogMetrics(self._send_row)
        self._open: dict[str, contract.LogMetricsView | None] = {}
        self._in_sight: dict[str, None] = {}
        self._has_column = False

    def open_card(self, task: Task) -> contract.LogMetricsView | None:
        """Read for a card from now on; returns what there is already."""
        self._open.setdefault(task.id, None)
        self.update()
        return self._open.get(task.id) or log_metrics_view(self._cards.watches_for(task))

    def close_card(self, task_id: str) -> None:
        """Read for a card no longer."""
        self._open.pop(task_id, None)
        self.update()

    def set_visible(self, ids: Iterable[str]) -> None:
        """Take note of lines that are being sent: they are in sight, or soon will be."""
        sent = dict.fromkeys(ids)
        self._in_sight = dict.fromkeys(islice({**sent, **self._in_sight}, _IN_SIGHT))
        if self._has_column:
            self.update()

    def show_column(self, is_shown: bool) -> None:
        """Read for the lines in sight, or no longer."""
        self._has_column = is_shown
        self.update()

    def update(self) -> None:
        """Choose anew what is read, as after news of the tasks."""
        cards = (self._find(task_id) for task_id in list(self._open))
        self._cards.set_tasks(task for task in cards if task is not None)
        self._lines.set_tasks(self._drawn() if self._has_column else ())

    def pause(self) -> None:
        """Read nothing while nobody looks."""
        self._cards.pause()
        self._lines.pause()

    def resume(self) -> None:
        """Begin, or go on."""
        self._cards.resume()
        self._lines.resume()

    def close(self) -> None:
        """End everything."""
        self._cards.close()
        self._lines.close()

    def _drawn(self) -> list[Task]:
        """Return the tasks that are watched, and the first ones that are read by themselves."""
        found = [self._find(task_id) for task_id in self._in_sight]
        tasks = [task for task in found if task is not None]
        watched = [task for task in tasks if watches_of(task)]
        others = (
            task
            for task in tasks
            if task not in watched and is_metric_known(task) and is_auto_watched(task)
        )
        # No more than can be read at a time: lines further up must not keep those in sight waiting.
        return [*watched, *islice(others, automatic_watches.MOST)]

    def _send_card(self, task: Task) -> None:
        found = log_metrics_view(self._cards.watches_for(task))
        if found is None or task.id not in self._open:
            return
        shown = self._open[task.id]
        view = prefer_newer(shown, found)
        if view != shown:
            self._open[task.id] = view
            self._on_live(task.id, view)

    def _send_row(self, task: Task) -> None:
        metric = metric_view(self._lines.watches_for(task))
        if metric is not None:
            self._on_metric(task.id, metric)
