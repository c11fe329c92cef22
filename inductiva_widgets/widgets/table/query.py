"""Queries of the table: parsed and checked, whether from the front end or from Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple

from inductiva_widgets._warnings import warn_caller
from inductiva_widgets.columns import COLUMNS, HEADERS, Kind
from inductiva_widgets.errors import InputError
from inductiva_widgets.filters import from_numpy, parse_status, parse_time
from inductiva_widgets.status import StatusGroup
from inductiva_widgets.widgets import contract
from inductiva_widgets.widgets.table.columns import TEXT_KINDS, value_kind

GROUPS = tuple(name for name in HEADERS if COLUMNS[name].kind in ("status", "category"))
"""Columns that tasks can be grouped by."""
STATUS_GROUPS = tuple(group.value for group in StatusGroup)
# Former names of columns, still accepted with a warning.
_OLD_NAMES = {
    "id": "task_id",
    "queue": "queue_time",
    "computation": "computation_time",
    "total": "total_time",
    "machine": "machine_type",
    "cost": "cost_usd",
    "files": "output_files",
    "size": "output_bytes",
}
# The key of the group of tasks whose value is unknown: no name on the wire is a lone NUL.
UNKNOWN_GROUP = "\0"
_MAX_SEARCH = 1000
_MAX_VALUES = 10_000
# About three centuries around 1970: the range of nanoseconds in 64 bits.
_LAST_TIME = 9_000_000_000_000


class ValueRange(NamedTuple):
    """Closed interval; None means no limit."""

    min: float | None
    max: float | None


Filter = tuple[str | None, ...] | ValueRange


class Sort(NamedTuple):
    """Sort column and direction."""

    key: str
    descending: bool


@dataclass(frozen=True)
class TableQuery:
    """Search, filters, sorting and grouping; see ``QueryView`` in the contract."""

    search: str = ""
    status_group: tuple[str, ...] = ()
    filters: dict[str, Filter] = field(default_factory=dict)
    sort: Sort | None = None
    group: str | None = None
    collapsed: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, view: object) -> TableQuery:
        """Parse the query that the front end sends.

        Raises
        ------
        InputError
            A key or column is unknown, or a value has the wrong type.
        """
        if not isinstance(view, Mapping):
            raise InputError(f"A query must be an object, got {_short(view)}.")
        _only_known("query", view, contract.QueryView.__annotations__)
        filters, sort = view.get("filters", {}), view.get("sort")
        if not isinstance(filters, Mapping):
            raise InputError(f"`filters` must be an object by column, got {_short(filters)}.")
        if sort is not None:
            if not isinstance(sort, Mapping) or not isinstance(sort.get("descending"), bool):
                raise InputError(
                    "`sort` must be an object with `key` and `descending` (true or false), "
                    f"got {_short(sort)}."
                )
            sort = Sort(value_name(sort.get("key")), sort["descending"])
        return cls(
            _search(view.get("search", "")),
            _status_groups(view.get("status_groups", [])),
            {value_name(name): _filter_from_json(name, given) for name, given in filters.items()},
            sort,
            _group(view.get("group")),
            _texts("collapsed groups", view.get("collapsed", [])),
        )

    @classmethod
    def from_arguments(
        cls,
        search: str = "",
        status_group: str | Iterable[str] = (),
        sort: str | None = None,
        group: str | None = None,
        collapsed: str | Iterable[str | None] = (),
        **filters: Any,
    ) -> TableQuery:
        """Check the arguments of ``TaskListWidget.query``."""
        for old, new in (("tones", "status_group"), ("closed", "collapsed")):
            if old in filters:
                warn_caller(f"The argument `{old}` is now `{new}`.", DeprecationWarning)
        status_group = filters.pop("tones", status_group)
        collapsed = filters.pop("closed", collapsed)
        order = None
        if sort is not None:
            if not isinstance(sort, str):
                raise InputError(
                    '`sort` must be the name of a column, such as "cost_usd" or "-cost_usd", '
                    f"got {_short(sort)}."
                )
            order = Sort(value_name(column_name(sort.removeprefix("-"))), sort.startswith("-"))
        by_column: dict[str, Any] = {}
        for given_name, given in filters.items():
            name = column_name(given_name)
            if name in by_column:
                raise InputError(f"Got two filters for the column {name!r}. Remove one.")
            by_column[name] = given
        names = [collapsed] if isinstance(collapsed, str) else list(collapsed)
        return cls(
            _search(search),
            _status_groups([status_group] if isinstance(status_group, str) else list(status_group)),
            {value_name(name): _parse_filter(name, given) for name, given in by_column.items()},
            order,
            _group(group if group is None else column_name(group)),
            _texts("collapsed groups", [UNKNOWN_GROUP if name is None else name for name in names]),
        )

    @property
    def text(self) -> str:
        """The search text without leading and trailing spaces, which occur while typing."""
        return self.search.strip()

    def to_json(self) -> contract.QueryView:
        """Return the query as the front end reads it."""
        return {
            "search": self.search,
            "status_groups": list(self.status_group),
            "filters": {
                key: {"min": chosen.min, "max": chosen.max}
                if isinstance(chosen, ValueRange)
                else {"values": list(chosen)}
                for key, chosen in self.filters.items()
            },
            "sort": None if self.sort is None else self.sort._asdict(),
            "group": self.group,
            "collapsed": list(self.collapsed),
        }


def column_name(name: object) -> str:
    """Return the name of a table column, given its present or former name.

    Raises
    ------
    InputError
        There is no such column.
    """
    if isinstance(name, str) and name in _OLD_NAMES:
        warn_caller(
            f"The column {name!r} is now {_OLD_NAMES[name]!r}, as in a frame.", DeprecationWarning
        )
        return _OLD_NAMES[name]
    return _known_name(name)


def _known_name(name: object) -> str:
    if not isinstance(name, str) or name not in HEADERS:
        known = ", ".join(HEADERS)
        raise InputError(f"There is no column {_short(name)}. Expected one of: {known}.")
    return name


def value_name(name: object) -> str:
    """Return the name of a column that can be sorted and filtered.

    Raises
    ------
    InputError
        There is no such column, or it has values for the visible tasks only.
    """
    name = _known_name(name)
    if value_kind(name) == "picture":
        raise InputError(
            f"Cannot sort or filter by {name}: it is read from the logs of the visible tasks "
            "only. Use task.metrics() for the numbers of one task."
        )
    return name


def _only_known(what: str, given: Mapping[Any, Any], known: Iterable[str]) -> None:
    unknown = [key for key in given if key not in set(known)]
    if unknown:
        expected = ", ".join(known)
        raise InputError(f"A {what} has no {_short(unknown[0])}. Expected one of: {expected}.")


def _search(text: object) -> str:
    if not isinstance(text, str) or len(text) > _MAX_SEARCH:
        raise InputError(
            f"`search` must be a text of at most {_MAX_SEARCH} characters, got {_short(text)}."
        )
    return text


def _status_groups(groups: object) -> tuple[str, ...]:
    if not isinstance(groups, list) or not all(map(STATUS_GROUPS.__contains__, groups)):
        known = ", ".join(STATUS_GROUPS)
        raise InputError(f"`status_group` must be one or more of {known}, got {_short(groups)}.")
    return tuple(dict.fromkeys(groups))


def _group(group: object) -> str | None:
    if group is not None and (not isinstance(group, str) or group not in GROUPS):
        known = ", ".join(GROUPS)
        raise InputError(f"`group` must be None or one of {known}, got {_short(group)}.")
    return group


def _texts(what: str, given: object) -> tuple[str, ...]:
    known = isinstance(given, list) and len(given) <= _MAX_VALUES
    if not known or not all(isinstance(text, str) for text in given):  # type: ignore[attr-defined]
        raise InputError(
            f"The {what} must be a list of at most {_MAX_VALUES:,} texts, got {_short(given)}."
        )
    return tuple(dict.fromkeys(given))  # type: ignore[call-overload]


def _filter_from_json(name: object, given: object) -> Filter:
    name = _known_name(name)
    if not isinstance(given, Mapping):
        raise InputError(
            f"The filter of {name} must be an object with `values` or with `min` and `max`, "
            f"got {_short(given)}."
        )
    if value_kind(name) in TEXT_KINDS:
        _only_known(f"filter of {name}", given, ("values",))
        return _values(name, given.get("values"))
    _only_known(f"filter of {name}", given, ("min", "max"))
    return _range(name, given.get("min"), given.get("max"))


def _parse_filter(name: str, given: object) -> Filter:
    if value_kind(name) in TEXT_KINDS:
        is_single = given is None or isinstance(given, str)
        values = list(given) if isinstance(given, Iterable) and not is_single else [given]
        if name == "status":
            values = [None if code is None else parse_status(code).value for code in values]
        return _values(name, values)
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise InputError(
            f"The filter of {name} must be a pair (min, max), with None for no limit, "
            f"got {_short(given)}."
        )
    return _range(name, *(_to_number(name, end) for end in given))


def _values(name: str, values: object) -> tuple[str | None, ...]:
    if not isinstance(values, list) or len(values) > _MAX_VALUES:
        raise InputError(
            f"The values of {name} must be a list of at most {_MAX_VALUES:,}, got {_short(values)}."
        )
    if not all(value is None or isinstance(value, str) for value in values):
        raise InputError(
            f"The values of {name} must be texts, or None for unknown, got {_short(values)}."
        )
    return tuple(dict.fromkeys(values))


def _range(name: str, low: object, high: object) -> ValueRange:
    kind = value_kind(name)
    return ValueRange(_end(name, kind, low), _end(name, kind, high))


def _end(name: str, kind: Kind, end: object) -> float | None:
    if end is None:
        return None
    number = isinstance(end, (int, float)) and not isinstance(end, bool)
    # This form of the comparison also rejects NaN.
    if not number or not abs(end) <= 1e18:  # type: ignore[arg-type]
        raise InputError(f"The limits of {name} must be numbers, got {_short(end)}.")
    if kind != "time":
        return end  # type: ignore[return-value]
    whole = round(end)  # type: ignore[call-overload]
    if abs(whole) > _LAST_TIME:
        raise InputError(
            f"The limits of {name} must be times in milliseconds since 1970, got {_short(end)}."
        )
    return int(whole)


def _to_number(name: str, end: Any) -> object:
    """Convert a time to epoch milliseconds, and a duration to seconds."""
    end = from_numpy(end)
    if end is None or isinstance(end, (int, float)):
        return end
    if value_kind(name) == "time":
        return parse_time(name, end).timestamp() * 1000
    return end.total_seconds() if isinstance(end, timedelta) else end


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 50 else text[:49] + "…"
