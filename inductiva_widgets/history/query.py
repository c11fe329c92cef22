"""Filters of the task history, applied to cached and new tasks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inductiva_widgets.errors import InputError
from inductiva_widgets.frames._columnar import DictionaryColumn, Mask, TaskColumns, Times
from inductiva_widgets.history.cache import TaskRows

Moment = datetime | date | timedelta | str
"""A time, as an ISO string (UTC by default), or a duration before now, such as ``"7d"``."""

_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)")
_UNITS = {
    "seconds": ("s", "sec", "second", "seconds"),
    "minutes": ("min", "minute", "minutes"),
    "hours": ("h", "hour", "hours"),
    "days": ("d", "day", "days"),
    "weeks": ("w", "week", "weeks"),
}


@dataclass(frozen=True)
class HistoryQuery:
    """Filters of tasks; None for no filter.

    Parameters
    ----------
    last_n
        Maximum number of tasks, the newest ones.
    status, project, simulator
        Values of the task.
    since, until
        Range of the creation time in UTC, from ``since`` to before ``until``.
    """

    last_n: int | None = None
    status: str | None = None
    project: str | None = None
    simulator: str | None = None
    since: np.datetime64 | None = None
    until: np.datetime64 | None = None

    @property
    def is_plain(self) -> bool:
        """Whether there is no filter except ``last_n``."""
        return self == HistoryQuery(last_n=self.last_n)

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
        for name in ("status", "project", "simulator"):
            value = getattr(self, name)
            if value is not None and (by_status or name != "status"):
                found &= _has(fields.texts[name], value)
        created = _created(fields)
        if self.since is not None:
            found &= created >= self.since
        if self.until is not None:
            found &= created < self.until
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
        if self.since is None or not len(fields):
            return False
        return bool(_created(fields)[-1] < self.since)


def parse_time(name: str, given: Moment | None, now: datetime) -> np.datetime64 | None:
    """Convert a time argument to a NumPy time in UTC.

    Parameters
    ----------
    name
        Name of the argument, for the error message.
    given
        The argument.
    now
        The current time.

    Raises
    ------
    InputError
        If it is not a time, or out of the range of NumPy times.
    """
    if given is None:
        return None
    try:
        found = _parse(given, now)
        # The range is that of datetime, from year 1 on.
        return np.datetime64(found.astimezone(timezone.utc).replace(tzinfo=None), "us")
    except (ValueError, TypeError, OverflowError):
        raise InputError(
            f"`{name}` must be a date or time such as '2024-02-01' or '2024-02-01T17:30+01:00', or "
            f"a duration before now such as '7d', '12 h' or a timedelta, got {given!r}."
        ) from None


def _parse(given: Any, now: datetime) -> datetime:
    if isinstance(given, str):
        given = _read(given.strip())
    if isinstance(given, timedelta):
        return now - given
    if isinstance(given, datetime):
        return given if given.tzinfo else given.replace(tzinfo=timezone.utc)
    if isinstance(given, date):
        return datetime(given.year, given.month, given.day, tzinfo=timezone.utc)
    raise TypeError


def _read(text: str) -> datetime | timedelta:
    span = _SPAN.fullmatch(text.lower())
    if span:
        for unit, names in _UNITS.items():
            if span[2] in names:
                return timedelta(**{unit: float(span[1])})
        raise ValueError
    if re.match(r"\d{4}(?!\d)", text) is None:
        # pandas parses "5" as a day of the current month.
        raise ValueError
    import pandas as pd

    return pd.Timestamp(text).to_pydatetime(warn=False)


def _has(text: DictionaryColumn, value: str) -> Mask:
    if value not in text.values:
        return np.zeros(len(text.codes), dtype=np.bool_)
    found: Mask = text.codes == text.values.index(value)
    return found


def _created(fields: TaskColumns) -> Times:
    created, submitted = fields.times["created"], fields.times["submitted"]
    return np.where(np.isnat(created), submitted, created)
