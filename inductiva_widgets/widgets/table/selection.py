"""Selection of tasks by position; tasks stay selected if a query hides them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from inductiva_widgets.widgets import contract
from inductiva_widgets.widgets.table import aggregates
from inductiva_widgets.widgets.table.columns import ColumnStore, Mask, Positions
from inductiva_widgets.widgets.table.row_order import RowOrder


class RowSelection:
    """Mask of the selected tasks.

    Parameters
    ----------
    size
        Number of tasks.
    """

    def __init__(self, size: int) -> None:
        self.mask: Mask = np.zeros(size, dtype=np.bool_)
        self.version = 0

    def set(self, positions: Iterable[int] | Positions, on: bool) -> None:
        """Select tasks, or deselect them if ``on`` is False."""
        changed = self.mask.copy()
        changed[np.asarray(positions, dtype=np.intp)] = on
        if not np.array_equal(changed, self.mask):
            self.mask = changed
            self.version += 1

    def set_lines(self, layout: RowOrder, start: int, stop: int, on: bool) -> None:
        """Select the tasks of rows; the header of a collapsed group selects its tasks.

        A header alone also selects the tasks of an open group. In a range of rows it does not,
        since the tasks have rows of their own.
        """
        rows = layout.rows[start:stop]
        chosen = [rows[rows >= 0]]
        for header in rows[rows < 0]:
            group = layout.groups[-1 - header]
            if not group.is_open or len(rows) == 1:
                chosen.append(layout.order[group.start : group.stop])
        self.set(np.concatenate(chosen), on)

    def clear(self) -> None:
        """Deselect all tasks."""
        self.set(np.flatnonzero(self.mask), False)

    def grow(self, count: int) -> None:
        """Insert unselected tasks at the beginning."""
        self.mask = np.concatenate([np.zeros(count, dtype=np.bool_), self.mask])

    def view(self, columns: ColumnStore, shown: Positions) -> contract.SelectionView:
        """Return the selection for the front end.

        Parameters
        ----------
        columns
            The tasks.
        shown
            Positions of the tasks that match the query.
        """
        tasks = int(np.count_nonzero(self.mask))
        if not tasks:
            empty = {"tasks": 0, "hidden": 0, "can_kill": 0, "with_outputs": 0, "cost": None}
            return {"version": self.version, **empty}  # type: ignore[typeddict-item]
        return {
            "version": self.version,
            "tasks": tasks,
            "hidden": tasks - int(np.count_nonzero(self.mask[shown])),
            "can_kill": int(np.count_nonzero(columns.bool_column("can_kill") & self.mask)),
            "with_outputs": int(np.count_nonzero(columns.bool_column("has_outputs") & self.mask)),
            "cost": aggregates.total_cost(columns, self.mask),
        }
