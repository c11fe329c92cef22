"""What to show of the tasks, checked: a query comes from the page or from a person."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from inductiva_widgets.errors import InputError
from inductiva_widgets.status import StatusGroup
from inductiva_widgets.widgets import contract
from inductiva_widgets.widgets.table.columns import COLUMNS, KEYS_BY_NAME, Kind

GROUPS = ("simulator", "project", "status", "machine")
TONES = tuple(tone.value for tone in StatusGroup)
# The key of the group of tasks whose value is unknown: no name on the wire is a lone NUL.
UNKNOWN_GROUP = "\0"
_PACKAGE = __name__.partition(".")[0] + "."
_MAX_SEARCH = 1000
_MAX_VALUES = 10_000
# Some three centuries around 1970: what nanoseconds in 64 bits can say.
_LAST_TIME = 9_000_000_000_000


class ValueRange(NamedTuple):
    """Ends included; None is open."""

    min: float | None
    max: float | None


Filter = tuple[str | None, ...] | ValueRange


class Sort(NamedTuple):
    """A column to sort by."""

    key: str
    descending: bool


@dataclass(frozen=True)
class TableQuery:
    """What a table shows of its tasks; see ``QueryView`` in the contract."""

    search: str = ""
    status_group: tuple[str, ...] = ()
    filters: dict[str, Filter] = field(default_factory=dict)
    sort: Sort | None = None
    group: str | None = None
    collapsed: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, view: object) -> TableQuery:
        """Read what the page sends.

        Raises
        ------
        InputError
            Something is unknown or of the wrong type; it is named.
        """
        if not isinstance(view, Mapping):
            raise InputError("A query is an object with search, tones, filters, sort and group.")
        _only_known("query", view, contract.QueryView.__annotations__)
        filters, sort = view.get("filters", {}), view.get("sort")
        if not isinstance(filters, Mapping):
            raise InputError("The filters of a query are an object, by column.")
        if sort is not None:
            if not isinstance(sort, Mapping) or not isinstance(sort.get("descending"), bool):
                raise InputError("The sort of a query has a key, and descending as true or false.")
            sort = Sort(value_key(sort.get("key")), sort["descending"])
        return cls(
            _search(view.get("search", "")),
            _status_groups(view.get("tones", [])),
            {value_key(key): _filter_of_view(key, given) for key, given in filters.items()},
            sort,
            _group(view.get("group")),
            _texts("closed groups", view.get("closed", [])),
        )

    @classmethod
    def from_arguments(
        cls,
        search: str = "",
        tones: str | Iterable[str] = (),
        sort: str | None = None,
        group: str | None = None,
        closed: Iterable[str | None] = (),
        **filters: Any,
    ) -> TableQuery:
        """Read what a person writes; see ``TaskListWidget.query``."""
        order = None
        if sort is not None:
            if not isinstance(sort, str):
                raise InputError('Sort by the name of a column, such as "cost_usd" or "-cost_usd".')
            order = Sort(value_key(key_of_name(sort.removeprefix("-"))), sort.startswith("-"))
        by_key: dict[str, Any] = {}
        for name, given in filters.items():
            key = key_of_name(name)
            if key in by_key:
                raise InputError(f"There are two filters of {COLUMNS[key].frame}. Leave one out.")
            by_key[key] = given
        folded = [closed] if isinstance(closed, str) else list(closed)
        return cls(
            _search(search),
            _status_groups([tones] if isinstance(tones, str) else list(tones)),
            {value_key(key): _filter_of_person(key, given) for key, given in by_key.items()},
            order,
            _group(group if group is None else key_of_name(group)),
            _texts("closed groups", [UNKNOWN_GROUP if name is None else name for name in folded]),
        )

    @property
    def text(self) -> str:
        """What is searched for: spaces around it, as while it is typed, mean nothing."""
        return self.search.strip()

    def to_json(self) -> contract.QueryView:
        """Return it as the page reads it."""
        return {
            "search": self.search,
            "tones": list(self.status_group),
            "filters": {
                key: {"min": chosen.min, "max": chosen.max}
                if isinstance(chosen, ValueRange)
                else {"values": list(chosen)}
                for key, chosen in self.filters.items()
            },
            "sort": None if self.sort is None else self.sort._asdict(),
            "group": self.group,
            "closed": list(self.collapsed),
        }


def key_of_name(name: object) -> str:
    """Return the key of a column from its name in a frame.

    The key itself is accepted too, with a warning where it differs from the name.

    Raises
    ------
    InputError
        There is no such column.
    """
    if isinstance(name, str) and name in KEYS_BY_NAME:
        return KEYS_BY_NAME[name]
    if not isinstance(name, str) or name not in COLUMNS:
        known = ", ".join(KEYS_BY_NAME)
        raise InputError(f"There is no column {_short(name)}. Expected one of: {known}.")
    warnings.warn(
        f"The column {name!r} is now {COLUMNS[name].frame!r}, as in a frame.",
        DeprecationWarning,
        stacklevel=_caller_level(),
    )
    return name


def _caller_level() -> int:
    """Return the stack level of the first caller outside this package, for a warning."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    return level


def column_key(key: object) -> str:
    """Return the key of a column.

    Raises
    ------
    InputError
        There is no such column.
    """
    if not isinstance(key, str) or key not in COLUMNS:
        raise InputError(f"There is no column {_short(key)}. There are {', '.join(COLUMNS)}.")
    return key


def value_key(key: object) -> str:
    """Return the key of a column whose values the table knows of every task.

    Raises
    ------
    InputError
        There is no such column, or it is drawn from what the logs of a few tasks say.
    """
    name = column_key(key)
    if COLUMNS[name].kind == "drawing":
        raise InputError(
            f"Tasks are neither sorted nor filtered by {name}: it is read from the logs of the "
            "tasks in sight only. task.metrics() gives the numbers of one task."
        )
    return name


def _only_known(what: str, given: Mapping[Any, Any], known: Iterable[str]) -> None:
    unknown = [key for key in given if key not in set(known)]
    if unknown:
        raise InputError(f"A {what} has no {_short(unknown[0])}; it has {', '.join(known)}.")


def _search(text: object) -> str:
    if not isinstance(text, str) or len(text) > _MAX_SEARCH:
        raise InputError(f"A search is a text of at most {_MAX_SEARCH} characters.")
    return text


def _status_groups(tones: object) -> tuple[str, ...]:
    if not isinstance(tones, list) or not all(tone in TONES for tone in map(_text, tones)):
        raise InputError(f"Tones are a list of some of {', '.join(TONES)}.")
    return tuple(dict.fromkeys(tones))


def _group(group: object) -> str | None:
    if group is not None and (not isinstance(group, str) or group not in GROUPS):
        names = ", ".join(COLUMNS[key].frame for key in GROUPS)
        raise InputError(f"Tasks are grouped by {names}, or by None.")
    return group


def _texts(what: str, given: object) -> tuple[str, ...]:
    known = isinstance(given, list) and len(given) <= _MAX_VALUES
    if not known or not all(isinstance(text, str) for text in given):  # type: ignore[attr-defined]
        raise InputError(f"The {what} are a list of at most {_MAX_VALUES:,} texts.")
    return tuple(dict.fromkeys(given))  # type: ignore[call-overload]


def _filter_of_view(key: object, given: object) -> Filter:
    name = column_key(key)
    if not isinstance(given, Mapping):
        raise InputError(f"The filter of {name} is an object with values, or with min and max.")
    if COLUMNS[name].kind == "text":
        _only_known(f"filter of {name}", given, ("values",))
        return _values(name, given.get("values"))
    _only_known(f"filter of {name}", given, ("min", "max"))
    return _range(name, given.get("min"), given.get("max"))


def _filter_of_person(key: str, given: object) -> Filter:
    name = column_key(key)
    if COLUMNS[name].kind == "text":
        one = given is None or isinstance(given, str)
        many = list(given) if isinstance(given, Iterable) and not one else [given]
        return _values(name, many)
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise InputError(f"The filter of {name} is a pair, from and to; None leaves an end open.")
    return _range(name, *(_plain(end) for end in given))


def _values(name: str, values: object) -> tuple[str | None, ...]:
    if not isinstance(values, list) or len(values) > _MAX_VALUES:
        raise InputError(f"The values of {name} are a list of at most {_MAX_VALUES:,}.")
    if not all(value is None or isinstance(value, str) for value in values):
        raise InputError(f"The values of {name} are texts, or None for what is not known.")
    return tuple(dict.fromkeys(values))


def _range(name: str, low: object, high: object) -> ValueRange:
    kind = COLUMNS[name].kind
    return ValueRange(_end(name, kind, low), _end(name, kind, high))


def _end(name: str, kind: Kind, end: object) -> float | None:
    if end is None:
        return None
    number = isinstance(end, (int, float)) and not isinstance(end, bool)
    # This way round also not-a-number is refused.
    if not number or not abs(end) <= 1e18:  # type: ignore[arg-type]
        raise InputError(f"{name} lies between two numbers, not {_short(end)}.")
    if kind != "time":
        return end  # type: ignore[return-value]
    whole = round(end)  # type: ignore[call-overload]
    if abs(whole) > _LAST_TIME:
        raise InputError(f"{name} lies between two times in milliseconds since 1970.")
    return int(whole)


def _plain(end: object) -> object:
    """Return a time as epoch milliseconds and a duration as seconds; times of no zone are local."""
    if isinstance(end, timedelta):
        return end.total_seconds()
    if isinstance(end, datetime):
        return end.timestamp() * 1000
    if isinstance(end, date):
        return datetime(end.year, end.month, end.day).timestamp() * 1000
    return end


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 50 else text[:49] + "…"
