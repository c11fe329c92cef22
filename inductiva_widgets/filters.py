"""Filters of tasks: statuses, projects, simulators and times of creation.

Every listing, export and command takes the same filters, and parses them here.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from difflib import SequenceMatcher
from functools import cached_property
from typing import TYPE_CHECKING, Any

from inductiva_widgets.errors import InputError
from inductiva_widgets.status import KNOWN_STATUSES, SEEN_CODES, Status

if TYPE_CHECKING:
    from inductiva_widgets.models.tasks import TaskInfo

Values = str | Iterable[str]
"""One value or several, such as ``"failed"`` or ``["failed", "killed"]``."""

Moment = datetime | date | timedelta | str
"""A time, in the local time zone if it has none, or a duration before now, such as ``"7d"``."""

_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
# Words that other programs use for a status.
_SYNONYMS = {
    "running": Status.COMPUTATION_STARTED,
    "queued": Status.SUBMITTED,
    "pending": Status.SUBMITTED,
    "succeeded": Status.SUCCESS,
    "completed": Status.SUCCESS,
    "finished": Status.SUCCESS,
    "done": Status.SUCCESS,
    "error": Status.FAILED,
    "cancelled": Status.KILLED,
    "canceled": Status.KILLED,
    "stopped": Status.KILLED,
}
_MIN_SIMILARITY = 0.75
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)")
_UNITS = {
    "seconds": ("s", "sec", "second", "seconds"),
    "minutes": ("min", "minute", "minutes"),
    "hours": ("h", "hour", "hours"),
    "days": ("d", "day", "days"),
    "weeks": ("w", "week", "weeks"),
}


@dataclass(frozen=True)
class TaskFilters:
    """Filters of tasks; None for no filter.

    Parameters
    ----------
    status, project, simulator
        Accepted values. An empty tuple matches no task.
    since, until
        Range of the creation time in UTC, from ``since`` to before ``until``.
    """

    status: tuple[str, ...] | None = None
    project: tuple[str, ...] | None = None
    simulator: tuple[str, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def parse(
        cls,
        *,
        status: Values | None = None,
        project: Values | None = None,
        simulator: Values | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
    ) -> TaskFilters:
        """Check and convert the arguments of a listing.

        Raises
        ------
        InputError
            A value is not a text, a time cannot be read, there is no such status, or ``until`` is
            not after ``since``.
        """
        codes = _parse_values("status", status)
        now = datetime.now(timezone.utc)
        begin = None if since is None else parse_time("since", since, now)
        end = None if until is None else parse_time("until", until, now)
        if begin is not None and end is not None and begin >= end:
            raise InputError(
                f"`since` must be before `until`, got {_local(begin)} and {_local(end)}."
            )
        return cls(
            status=None if codes is None else tuple(parse_status(code).value for code in codes),
            project=_parse_values("project", project),
            simulator=_parse_values("simulator", simulator),
            since=begin,
            until=end,
        )

    @cached_property
    def values(self) -> dict[str, tuple[str, ...]]:
        """Accepted values of the filtered fields, by name."""
        given = {"status": self.status, "project": self.project, "simulator": self.simulator}
        return {name: values for name, values in given.items() if values is not None}

    @property
    def matches_none(self) -> bool:
        """Whether no task can match, so that a listing needs no request."""
        return () in self.values.values()

    @property
    def is_server_side(self) -> bool:
        """Whether the service applies all filters but ``since``, with ``server_filters``."""
        single = all(len(values) == 1 for values in self.values.values())
        return single and self.simulator is None and self.until is None and self._has_known_status

    @property
    def server_filters(self) -> dict[str, Any]:
        """The filters that the service applies, as arguments of ``Client.list_tasks``."""
        filters: dict[str, Any] = {}
        if self.status and self._has_known_status:
            if len(self.status) == 1:
                filters["status"] = self.status[0]
            elif not any(Status(code).is_terminal for code in self.status):
                filters["active"] = True
        if self.project and len(self.project) == 1:
            filters["project"] = self.project[0]
        return filters

    @property
    def _has_known_status(self) -> bool:
        # A service refuses codes that it does not know.
        return self.status is None or set(self.status) <= set(KNOWN_STATUSES)

    def matches(self, info: TaskInfo) -> bool:
        """Return whether a task matches.

        Parameters
        ----------
        info
            The task. If a time is filtered, a task without a time of creation does not match.
        """
        if any(getattr(info, name) not in values for name, values in self.values.items()):
            return False
        if self.since is None and self.until is None:
            return True
        created = _created(info)
        return (
            created is not None
            and (self.since is None or created >= self.since)
            and (self.until is None or created < self.until)
        )

    def is_exhausted(self, info: TaskInfo) -> bool:
        """Return whether no task that is listed after this one can match.

        Parameters
        ----------
        info
            A task of a listing, newest first.
        """
        created = None if self.since is None else _created(info)
        return created is not None and self.since is not None and created < self.since


NO_FILTERS = TaskFilters()
"""Matches every task."""


def parse_status(status: object) -> Status:
    """Return the status with a code.

    Parameters
    ----------
    status
        A known code, a code that the service has sent, or a text that may be a new code.

    Raises
    ------
    InputError
        It is not a code, or probably a typo. The message has the nearest one.
    """
    if isinstance(status, str) and (status in KNOWN_STATUSES or status in SEEN_CODES):
        return Status(str(status))
    near = _nearest_status(status) if isinstance(status, str) else None
    if isinstance(status, str) and near is None and _CODE.fullmatch(status):
        return Status(str(status))
    hint = "" if near is None else f"Did you mean {near!r}? "
    if isinstance(status, str) and "," in status:
        hint = f"Pass several as a list: {[code.strip() for code in status.split(',')]}. "
    raise InputError(
        f"`status` must be the code of a status, got {_plain(status)!r}. {hint}"
        f"Expected one of: {', '.join(KNOWN_STATUSES)}."
    )


def parse_time(name: str, given: Moment, now: datetime | None = None) -> datetime:
    """Return a time in UTC.

    Parameters
    ----------
    name
        Name of the argument, for the error message.
    given
        The argument.
    now
        The current time, for a duration.

    Raises
    ------
    InputError
        It is not a time.
    """
    now = now or datetime.now(timezone.utc)
    try:
        return _read_moment(given, now).astimezone(timezone.utc)
    except (ValueError, TypeError, OverflowError, OSError):
        raise InputError(
            f"`{name}` must be a date or time such as '2024-02-01' or '2024-02-01T17:30+01:00', or "
            f"a duration before now such as '7d', '36h', '2 weeks' or a timedelta, got {given!r}."
        ) from None


def parse_count(name: str, given: object) -> int:
    """Return a positive number of tasks.

    Parameters
    ----------
    name
        Name of the argument, for the error message.
    given
        A Python or NumPy integer.

    Raises
    ------
    InputError
        It is not an integer, or less than 1.
    """
    count = as_integer(given)
    if count is None or count < 1:
        raise InputError(f"`{name}` must be a whole number, 1 or more, got {given!r}.")
    return count


def as_integer(given: object) -> int | None:
    """Return a Python or NumPy integer as an int, or None if it is not one."""
    if isinstance(given, bool):
        return None
    try:
        return operator.index(given)  # type: ignore[arg-type]
    except TypeError:
        return None


def from_numpy(given: Any) -> Any:
    """Return a NumPy scalar as a Python number or a pandas time, and anything else unchanged."""
    kind = getattr(getattr(given, "dtype", None), "kind", "")
    if kind in ("i", "u", "f"):
        return given.item()
    if kind not in ("M", "m"):
        return given
    import pandas as pd

    return pd.Timestamp(given) if kind == "M" else pd.Timedelta(given)


def _parse_values(name: str, given: Any) -> tuple[str, ...] | None:
    """Return texts without duplicates; None for no filter."""
    if given is None:
        return None
    is_several = isinstance(given, Iterable) and not isinstance(given, (str, bytes, Mapping))
    values = list(given) if is_several else [given]
    for value in values:
        if _is_missing(value):
            raise InputError(
                f"`{name}` must not have missing values, got {value!r}. Leave them out, for "
                "example with dropna()."
            )
        if not isinstance(value, str):
            raise InputError(f"`{name}` must be a text or several texts, got {value!r}.")
    return tuple(dict.fromkeys(_plain(value) for value in values))


def _plain(value: Any) -> Any:
    """Return a text of a subclass, such as a NumPy text, as a plain one."""
    return str(value) if isinstance(value, str) else value


def _is_missing(value: object) -> bool:
    """Return whether a value is None, NaN, ``pandas.NaT`` or ``pandas.NA``."""
    is_nan = isinstance(value, float) and math.isnan(value)
    return value is None or is_nan or type(value).__name__ in ("NaTType", "NAType")


def _nearest_status(text: str) -> str | None:
    """Return the known code that a text probably means."""
    text = re.sub(r"[\s_]+", "-", text.strip().casefold())
    if text in _SYNONYMS:
        return _SYNONYMS[text].value
    names = {code: code for code in KNOWN_STATUSES}
    names |= {re.sub(r"\s+", "-", Status(code).alias.casefold()): code for code in names}
    similarity = {name: _similarity(text, name) for name in names}
    nearest = max(names, key=similarity.__getitem__)
    return names[nearest] if similarity[nearest] >= _MIN_SIMILARITY else None


def _similarity(text: str, name: str) -> float:
    """Return the similarity of the least similar words, 0 to 1.

    Compared by words, since a new code often has most words of a known one.
    """
    words, others = text.split("-"), name.split("-")
    if len(words) != len(others):
        return 0.0
    return min(SequenceMatcher(None, *pair).ratio() for pair in zip(words, others, strict=True))


def _read_moment(given: Any, now: datetime) -> datetime:
    given = _read_text(given.strip()) if isinstance(given, str) else from_numpy(given)
    if _is_missing(given):
        raise ValueError
    if isinstance(given, timedelta):
        # A plain timedelta, since pandas has a smaller range.
        return now - timedelta(given.days, given.seconds, given.microseconds)
    if isinstance(given, datetime):
        # A plain datetime, since pandas does not convert a time without a zone.
        given = given if given.tzinfo is None else given.astimezone(timezone.utc)
        return datetime.combine(given.date(), given.time(), given.tzinfo)
    if isinstance(given, date):
        return datetime(given.year, given.month, given.day)
    raise TypeError


def _read_text(text: str) -> datetime | timedelta:
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

    return pd.Timestamp(text)


def _local(moment: datetime) -> str:
    return moment.astimezone().isoformat(sep=" ", timespec="seconds")


def _created(info: TaskInfo) -> datetime | None:
    return info.create_time or info.input_submit_time
