"""The chosen tasks, by their positions in the list; they stay chosen when a query hides them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from inductiva_widgets.widgets import contract
from inductiva_widgets.widgets.table import aggregates
from inductiva_widgets.widgets.table.columns import ColumnStore, Mask, Positions
from inductiva_widgets.widgets.table.row_order import RowOrder


class RowSelection:
    """Which of some tasks are chosen.

    Parameters
    ----------
    size
        How many tasks there are.
    """

    def __init__(self, size: int) -> None:
        self.mask: Mask = np.zeros(size, dtype=np.bool_)
        self.version = 0

    def set(self, positions: Iterable[int] | Positions, on: bool) -> None:
        """Choose some tasks, or no longer."""
        changed = self.mask.copy()
        changed[np.asarray(positions, dtype=np.intp)] = on
        if not np.array_equal(changed, self.mask):
            self.mask = changed
            self.version += 1

    def set_lines(self, layout: RowOrder, start: int, stop: int, on: bool) -> None:
        """Choose the tasks of some lines; the head of a folded group stands for its tasks.

        So does that of an open one where it is meant alone: within a stretch of lines the tasks
        below it are there for themselves.
        """
        lines = layout.rows[start:stop]
        chosen = [lines[lines >= 0]]
        for line in lines[lines < 0]:
            group = layout.groups[-1 - line]
            if not group.is_open or len(lines) == 1:
                chosen.append(layout.order[group.start : group.stop])
        self.set(np.concatenate(chosen), on)

    def clear(self) -> None:
        """Choose no task any more."""
        self.set(np.flatnonzero(self.mask), False)

    def grow(self, count: int) -> None:
        """Take up new tasks before the others; none of them is chosen."""
        self.mask = np.concatenate([np.zeros(count, dtype=np.bool_), self.mask])

    def view(self, columns: ColumnStore, shown: Positions) -> contract.SelectionView:
        """Return what the page is told.

        Parameters
        ----------
        columns
            The tasks.
        shown
            Those that match the query.
        """
        tasks = int(np.count_nonzero(self.mask))
        if not tasks:
            nothing = {"tasks": 0, "hidden": 0, "can_kill": 0, "with_outputs": 0, "cost": None}
            return {"version": self.version, **nothing}  # type: ignore[typeddict-item]
        return {
            "version": self.version,
            "tasks": tasks,
            "hidden": tasks - int(np.count_nonzero(self.mask[shown])),
            "can_kill": int(np.count_nonzero(columns.bool_column("can_kill") & self.mask)),
            "with_outputs": int(np.count_nonzero(columns.bool_column("has_outputs") & self.mask)),
            "cost": aggregates.total_cost(columns, self.mask),
        }
