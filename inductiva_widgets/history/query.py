"""The query of a history: filters applied to cached and new tasks."""

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
"""A time; a time span means so long ago. Texts are ISO times (UTC without a zone) or like "7d"."""

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
    """Conditions on tasks; None for no condition.

    Parameters
    ----------
    last_n
        How many, the newest first.
    status, project, simulator
        What the task has.
    since, until
        When it was created, UTC: not before the one, before the other.
    """

    last_n: int | None = None
    status: str | None = None
    project: str | None = None
    simulator: str | None = None
    since: np.datetime64 | None = None
    until: np.datetime64 | None = None

    @property
    def is_plain(self) -> bool:
        """Whether there is no condition but that of number."""
        return self == HistoryQuery(last_n=self.last_n)

    def mask(self, fields: TaskColumns, *, by_status: bool = True) -> Mask:
        """Return which tasks meet the conditions, that of number aside.

        Parameters
        ----------
        fields
            The tasks.
        by_status
            Whether the status counts: it is the one that a live task may still change.
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
        """Return where the tasks that are asked for stand."""
        return np.flatnonzero(self.mask(fields, by_status=by_status))[: self.last_n]

    def count_certain(self, rows: TaskRows, *, fresh: bool) -> int:
        """Return how many rows meet the conditions for certain.

        Parameters
        ----------
        rows
            The tasks.
        fresh
            Whether they were read just now; else those that may have changed do not count.
        """
        found = self.mask(rows.fields)
        return int((found if fresh else found & rows.final).sum())

    def is_exhausted(self, fields: TaskColumns) -> bool:
        """Return whether nothing after these tasks, which are the next older ones, is wanted."""
        if self.since is None or not len(fields):
            return False
        return bool(_created(fields)[-1] < self.since)


def parse_time(name: str, given: Moment | None, now: datetime) -> np.datetime64 | None:
    """Return a time as arrays have it.

    Parameters
    ----------
    name
        What the argument is called.
    given
        The time.
    now
        The present time.

    Raises
    ------
    InputError
        It is none, or no time that arrays can hold.
    """
    if given is None:
        return None
    try:
        found = _parse(given, now)
        # Not before the year 1, nor after what a datetime can be.
        return np.datetime64(found.astimezone(timezone.utc).replace(tzinfo=None), "us")
    except (ValueError, TypeError, OverflowError):
        raise InputError(
            f"{name} is no time: {given!r}. Give a date or time, such as '2024-02-01' or "
            "'2024-02-01T17:30+01:00', or how long ago, such as '7d', '12 h' or a timedelta."
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
        # Else pandas takes "5" for a day of this month.
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
