"""Group tasks by a column: the largest groups, and the rest as one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inductiva_widgets.errors import InputError
from inductiva_widgets.plots._columns import Numbers, shorten, texts

NONE = "(none)"
MAX_LETTERS = 24


@dataclass(frozen=True)
class GroupedTasks:
    """A group for each task: its index into names, largest first, the rest last."""

    indices: NDArray[np.intp]
    names: list[str]
    has_others: bool

    def __len__(self) -> int:
        return len(self.names)

    @property
    def labels(self) -> list[str]:
        """Names for axes and legends, of at most 24 letters, all different."""
        return short_labels(self.names, MAX_LETTERS)

    def select(self, rows: NDArray[np.bool_]) -> GroupedTasks:
        """Return the groups of some of the tasks."""
        return replace(self, indices=self.indices[rows])


def grouped(
    df: pd.DataFrame, by: str, chart: str, max_groups: int, weight: Numbers | None = None
) -> GroupedTasks:
    """Return the groups of a frame by a column.

    Parameters
    ----------
    df
        The tasks.
    by
        Name of the column.
    chart
        Name of the chart, for the error.
    max_groups
        Maximum number of groups, including the group of the rest.
    weight
        Size of each task in its group, 1 by default.

    Raises
    ------
    InputError
        There is no such column.
    """
    if by not in df.columns:
        named = [
            str(name) for name in df.columns if isinstance(df[name].dtype, pd.CategoricalDtype)
        ]
        raise InputError(
            f"plots.{chart}: there is no column {by!r} to group by. "
            f"Expected one of: {', '.join(named) or '(no column of categories)'}."
        )
    codes, names = texts(df[by])
    # Missing values are a group of their own.
    codes = np.where(codes < 0, len(names), codes)
    sizes = np.bincount(codes, weights=weight, minlength=len(names) + 1)
    occurs = np.bincount(codes, minlength=len(names) + 1) > 0
    names = [*names, unused_name(NONE, names)]
    # By size, then by name, so that a frame always gives the same chart.
    order = sorted(np.flatnonzero(occurs), key=lambda code: (-sizes[code], names[code]))
    kept = order if len(order) <= max_groups else order[: max_groups - 1]
    index_of = np.full(len(names), len(kept), dtype=np.intp)
    index_of[kept] = np.arange(len(kept))
    shown = [names[code] for code in kept]
    rest = len(order) - len(kept)
    if rest:
        shown.append(unused_name(f"{rest:,} others", shown))
    return GroupedTasks(index_of[codes], shown, rest > 0)


def short_labels(names: list[str], limit: int) -> list[str]:
    """Return names with their middle left out if they are long, all different."""
    labels: list[str] = []
    for name in names:
        labels.append(unused_name(shorten(name, limit), labels))
    return labels


def unused_name(name: str, taken: list[str]) -> str:
    """Return a name that is not taken."""
    while name in taken:
        name = f"{name}\N{NO-BREAK SPACE}"
    return name
