"""Differences between rows and what the front end has of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from inductiva_widgets.widgets import contract

# Many times the visible rows: the front end has dropped rows that were sent long before.
_MAX_ROWS = 5000


class RowDiffer:
    """Remembers the rows that were sent last, and returns their changes."""

    def __init__(self) -> None:
        self._rows: OrderedDict[str, contract.RowView] = OrderedDict()

    def remember(self, rows: Iterable[contract.RowView]) -> None:
        """Remember rows that are being sent."""
        for row in rows:
            self._rows[row["id"]] = row
            self._rows.move_to_end(row["id"])
        while len(self._rows) > _MAX_ROWS:
            self._rows.popitem(last=False)

    def __contains__(self, task_id: str) -> bool:
        return task_id in self._rows

    def diff_metric(self, task_id: str, metric: contract.MetricView) -> dict[str, Any] | None:
        """Return the task id and the metric of a row, or None if it has not changed."""
        before = self._rows.get(task_id)
        return None if before is None else self.diff({**before, "metric": metric})

    def diff(self, row: contract.RowView) -> dict[str, Any] | None:
        """Return the task id and the changed values of a row, or None if nothing has changed."""
        before: Any = self._rows.get(row["id"])
        if before is None or before == row:
            return None
        self._rows[row["id"]] = row
        changed: dict[str, Any] = {key: value for key, value in row.items() if before[key] != value}
        if "marks" in changed:
            # Usually only one of the five times is new.
            marks = zip(before["marks"], row["marks"], strict=True)
            changed["marks"] = {index: new for index, (old, new) in enumerate(marks) if old != new}
        return {"id": row["id"], **changed}
