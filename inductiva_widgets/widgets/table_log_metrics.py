"""The lines of a list with what is read of the tasks' logs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from inductiva_widgets.tasks import _watch_registry
from inductiva_widgets.tasks.task_list import TaskList
from inductiva_widgets.widgets import contract
from inductiva_widgets.widgets.log_metrics import TableLogMetrics
from inductiva_widgets.widgets.table_controller import TableWidget

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client
    from inductiva_widgets.tasks.task import Task


class TableWidgetWithMetrics(TableWidget):
    """Base of the list: its column "metric", and what open cards tell of the log.

    Parameters
    ----------
    tasks, client, columns, mode
        See ``LinesWidget``.
    """

    def __init__(
        self,
        tasks: TaskList,
        client: Client | None,
        columns: Sequence[str] | None = None,
        mode: str = "table",
        **kwargs: Any,
    ) -> None:
        self._live = TableLogMetrics(
            self._find, self._report_errors(self._show_live), self._report_errors(self._show_metric)
        )
        super().__init__(tasks, client, columns, mode, **kwargs)
        self._see_lines(self.head)
        self.observe(self._on_columns, "columns")
        self._on_columns()

    def close(self) -> None:
        """End the view, and the reading of logs."""
        # A widget whose making was refused is closed too.
        if hasattr(self, "_live"):
            self._live.close()
        super().close()

    def _find(self, task_id: str) -> Task | None:
        with self._telling:
            place = self._table.index_of(task_id)
            return None if place is None else self.tasks[place]

    def _first_columns(self) -> list[str]:
        columns = super()._first_columns()
        # The other way round all tasks would be looked through, before anything is shown.
        watched = {watch.task.id for watch in _watch_registry.retained()}
        if any(self._table.index_of(task_id) is not None for task_id in watched):
            columns.insert(columns.index("phases") + 1, "metric")
        return columns

    def _on_columns(self, _: Any = None) -> None:
        self._live.show_column("metric" in self.columns)

    def _on_visibility(self, is_seen: bool) -> None:
        self._live.resume() if is_seen else self._live.pause()

    def _rows(self, content: dict[str, Any]) -> dict[str, Any]:
        answer = super()._rows(content)
        self._see_lines(answer["lines"])
        return answer

    def _show_lines(self) -> None:
        super()._show_lines()
        self._see_lines(self.head)

    def _see_lines(self, lines: Iterable[Any]) -> None:
        self._live.add_visible(line["id"] for line in lines if "id" in line)

    def _show_live(self, task_id: str, live: contract.LogMetricsView) -> None:
        self.send({"push": "live", "task_id": task_id, "live": live})

    def _show_metric(self, task_id: str, metric: contract.MetricView) -> None:
        with self._telling:
            patch = self._table.update_metric(task_id, metric)
            if patch is not None:
                self.send({"push": "rows", "rows": [patch]})
