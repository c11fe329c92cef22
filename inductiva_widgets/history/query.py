"""Filters of the task history, applied to cached and new tasks."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from inductiva_widgets.filters import NO_FILTERS, TaskFilters
from inductiva_widgets.frames._columnar import DictionaryColumn, Mask, TaskColumns, Times
from inductiva_widgets.history.cache import TaskRows


@dataclass(frozen=True)
class HistoryQuery:
    """Filters and a number of tasks.

    Parameters
    ----------
    last_n
        Maximum number of tasks, the newest ones; None for all.
    filters
        The filters.
    """

    last_n: int | None = None
    filters: TaskFilters = NO_FILTERS

    @property
    def is_plain(self) -> bool:
        """Whether there is no filter except ``last_n``."""
        return self.filters == NO_FILTERS

    def mask(self, fields: TaskColumns, *, by_status: bool = True) -> Mask:
        """Return a mask of the tasks that match, ignoring ``last_n``.

        Parameters
        ----------
        fields
            Columns of the tasks.
        by_status
            If False, ignore the status, which is the only filtered field that may change.
        """
        found = np.ones(len(fields), dtype=np.bool_)
        for name, values in self.filters.values.items():
            if by_status or name != "status":
                found &= _is_in(fields.texts[name], values)
        created = _created(fields)
        if self.filters.since is not None:
            found &= created >= _stamp(self.filters.since)
        if self.filters.until is not None:
            found &= created < _stamp(self.filters.until)
        return found

    def indices(self, fields: TaskColumns, *, by_status: bool = True) -> NDArray[np.intp]:
        """Return the positions of the tasks that match.

        Parameters
        ----------
        fields, by_status
            As for ``mask``.
        """
        return np.flatnonzero(self.mask(fields, by_status=by_status))[: self.last_n]

    def count_certain(self, rows: TaskRows, *, fresh: bool) -> int:
        """Return the number of rows that certainly match.

        Parameters
        ----------
        rows
            The tasks.
        fresh
            If False, only final rows count, as the others may have changed.
        """
        found = self.mask(rows.fields)
        return int((found if fresh else found & rows.final).sum())

    def is_exhausted(self, fields: TaskColumns) -> bool:
        """Return whether no older task can match.

        Parameters
        ----------
        fields
            Columns of the tasks, newest first.
        """
        if self.filters.since is None or not len(fields):
            return False
        return bool(_created(fields)[-1] < _stamp(self.filters.since))


def _is_in(text: DictionaryColumn, values: Collection[str]) -> Mask:
    codes = [code for code, value in enumerate(text.values) if value in values]
    return np.isin(text.codes, codes)


def _stamp(moment: datetime) -> np.datetime64:
    return np.datetime64(moment.replace(tzinfo=None), "us")


def _created(fields: TaskColumns) -> Times:
    created, submitted = fields.times["created"], fields.times["submitted"]
    return np.where(np.isnat(created), submitted, created)
