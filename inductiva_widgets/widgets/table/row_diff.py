"""What the page was sent of each task, so that it is sent only what has changed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from inductiva_widgets.widgets import contract

# Many windows of a page; of a task that was sent long before, the page has no line any more.
_MOST = 5000


class RowDiffer:
    """The lines that the page was sent last."""

    def __init__(self) -> None:
        self._rows: OrderedDict[str, contract.RowView] = OrderedDict()

    def remember(self, rows: Iterable[contract.RowView]) -> None:
        """Remember what is being sent."""
        for row in rows:
            self._rows[row["id"]] = row
            self._rows.move_to_end(row["id"])
        while len(self._rows) > _MOST:
            self._rows.popitem(last=False)

    def __contains__(self, task_id: str) -> bool:
        return task_id in self._rows

    def diff_metric(self, task_id: str, metric: contract.MetricView) -> dict[str, Any] | None:
        """Return the metric of a line with its id, None where it is as it was sent."""
        before = self._rows.get(task_id)
        return None if before is None else self.diff({**before, "metric": metric})

    def diff(self, row: contract.RowView) -> dict[str, Any] | None:
        """Return what has changed in a line with its id, None where nothing has."""
        before: Any = self._rows.get(row["id"])
        if before is None or before == row:
            return None
        self._rows[row["id"]] = row
        changed: dict[str, Any] = {key: value for key, value in row.items() if before[key] != value}
        if "marks" in changed:
            # Of the five times one is new, most often.
            marks = zip(before["marks"], row["marks"], strict=True)
            changed["marks"] = {place: new for place, (old, new) in enumerate(marks) if old != new}
        return {"id": row["id"], **changed}
