"""Convert decoded JSON to the API types, value by value.

Used only for responses that do not match the types. A value is read if its meaning is certain, such
as a time without a zone or a number as text. All others are left out and reported, so that one odd
value does not make a whole listing unreadable.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec
import msgspec.inspect

_MISSING = ("", None)
_LEAP_SECOND = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d):60(.*)", re.DOTALL)
_UNKNOWN = "unknown"
_MAX_SHOWN = 60

Report = Callable[[str, Any], None]
"""Called with the path of a field, such as ``"tasks.t1.end_time"``, and its value."""


class _Unreadable(Exception):
    """A value has no certain meaning."""


class OddValue(msgspec.Struct, frozen=True):
    """A value that could not be read.

    Parameters
    ----------
    owner
        Id of the task or other object, empty if unknown.
    field
        Path of the field in the object.
    value
        The value, shortened.
    """

    owner: str
    field: str
    value: str


def parse_json(content: bytes) -> Any:
    """Parse JSON that may have NaN, lone surrogates or invalid UTF-8.

    Parameters
    ----------
    content
        The JSON.

    Raises
    ------
    ValueError
        If it is not JSON.
    """
    text = content.decode("utf-8", "replace")
    # NaN is a number that is not known.
    found = json.loads(text, parse_constant=lambda name: None if name == "NaN" else name)
    return _without_surrogates(found)


def convert(value: Any, kind: Any) -> tuple[Any, list[OddValue]]:
    """Convert a value to a type, and return the values that could not be read.

    Parameters
    ----------
    value
        Decoded JSON.
    kind
        The type.

    Raises
    ------
    msgspec.ValidationError
        If nothing of the value matches the type.
    """
    reader = _Reader()
    try:
        return reader.read(value, msgspec.inspect.type_info(kind), "", ""), reader.odd
    except _Unreadable:
        return msgspec.convert(value, kind), reader.odd


class _Reader:
    def __init__(self) -> None:
        self.odd: list[OddValue] = []

    def read(self, value: Any, kind: msgspec.inspect.Type, owner: str, path: str) -> Any:
        """Return a value of a type, or raise ``_Unreadable``."""
        container = _CONTAINERS.get(type(kind))
        if container is not None:
            return container(self, value, kind, owner, path)
        scalar = _SCALARS.get(type(kind))
        if scalar is None:
            raise _Unreadable
        return scalar(value, kind)

    def _annotated(self, value: Any, kind: msgspec.inspect.Metadata, owner: str, path: str) -> Any:
        return self.read(value, kind.type, owner, path)

    def _union(self, value: Any, kind: msgspec.inspect.UnionType, owner: str, path: str) -> Any:
        if value is None and kind.includes_none:
            return None
        for option in kind.types:
            if not isinstance(option, msgspec.inspect.NoneType):
                return self.read(value, option, owner, path)
        raise _Unreadable

    def _struct(self, value: Any, kind: msgspec.inspect.StructType, owner: str, path: str) -> Any:
        if not isinstance(value, dict):
            raise _Unreadable
        owner = next(
            (text for name in ("task_id", "id") if isinstance(text := value.get(name), str)), owner
        )
        if owner and value.get("task_id", value.get("id")) == owner:
            path = ""
        fields: dict[str, Any] = {}
        for field in kind.fields:
            if field.encode_name not in value:
                if field.required:
                    raise _Unreadable
                continue
            given = value[field.encode_name]
            where = f"{path}.{field.name}" if path else field.name
            try:
                fields[field.name] = self.read(given, field.type, owner, where)
            except _Unreadable:
                if isinstance(field.type, msgspec.inspect.EnumType):
                    fields[field.name] = field.type.cls(_UNKNOWN)
                elif field.required:
                    raise
                if given not in _MISSING:
                    self._report(owner, where, given)
        return kind.cls(**fields)

    def _list(self, value: Any, kind: msgspec.inspect.ListType, owner: str, path: str) -> Any:
        if not isinstance(value, list):
            raise _Unreadable
        items = []
        for index, item in enumerate(value):
            where = f"{path}[{index}]"
            try:
                items.append(self.read(item, kind.item_type, owner, where))
            except _Unreadable:
                self._report(owner, where, item)
        return items

    def _dict(self, value: Any, kind: msgspec.inspect.DictType, owner: str, path: str) -> Any:
        if not isinstance(value, dict):
            raise _Unreadable
        items = {}
        for key, item in value.items():
            where = f"{path}.{key}"
            try:
                items[key] = self.read(item, kind.value_type, owner, where)
            except _Unreadable:
                if item is not None:
                    self._report(owner, where, item)
        return items

    def _report(self, owner: str, path: str, value: Any) -> None:
        shown = json.dumps(value)
        shown = shown if len(shown) <= _MAX_SHOWN else f"{shown[:_MAX_SHOWN]}…"
        self.odd.append(OddValue(owner, path, shown))


def _time(value: Any, _: Any = None) -> datetime:
    if not isinstance(value, str):
        raise _Unreadable
    text = value.strip()
    extra = timedelta(0)
    # As in POSIX, a leap second is the first second of the next minute.
    if leap := _LEAP_SECOND.fullmatch(text):
        text, extra = f"{leap[1]}:59{leap[2]}", timedelta(seconds=1)
    try:
        found: datetime = msgspec.convert(text, datetime)
        found += extra
    except (msgspec.ValidationError, OverflowError):
        raise _Unreadable from None
    # The service's times are in UTC.
    found = found.replace(tzinfo=found.tzinfo or timezone.utc)
    try:
        found.astimezone(timezone.utc)
    except OverflowError:
        raise _Unreadable from None
    return found


def _float(value: Any, _: Any = None) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise _Unreadable
    try:
        found = float(value)
    except (ValueError, OverflowError):
        raise _Unreadable from None
    if not math.isfinite(found):
        raise _Unreadable
    return found


def _int(value: Any, _: Any = None) -> int:
    if isinstance(value, str):
        try:
            value = int(value)
        except ValueError:
            value = _float(value)
    elif not isinstance(value, int):
        value = _float(value)
    # A float from 2**53 on may have lost digits.
    limit = 2**53 if isinstance(value, float) else 2**63
    if isinstance(value, bool) or not -limit < value < limit or value != int(value):
        raise _Unreadable
    return int(value)


def _text(value: Any, _: Any = None) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, int, float)):
        return json.dumps(value)
    raise _Unreadable


def _bool(value: Any, _: Any = None) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise _Unreadable


def _enum(value: Any, kind: msgspec.inspect.EnumType) -> Any:
    if isinstance(value, str):
        return kind.cls(value)
    raise _Unreadable


def _literal(value: Any, kind: msgspec.inspect.LiteralType) -> Any:
    if value in kind.values:
        return value
    raise _Unreadable


_CONTAINERS: dict[type[msgspec.inspect.Type], Callable[..., Any]] = {
    msgspec.inspect.UnionType: _Reader._union,
    msgspec.inspect.Metadata: _Reader._annotated,
    msgspec.inspect.StructType: _Reader._struct,
    msgspec.inspect.ListType: _Reader._list,
    msgspec.inspect.DictType: _Reader._dict,
}
_SCALARS: dict[type[msgspec.inspect.Type], Callable[..., Any]] = {
    msgspec.inspect.DateTimeType: _time,
    msgspec.inspect.FloatType: _float,
    msgspec.inspect.IntType: _int,
    msgspec.inspect.StrType: _text,
    msgspec.inspect.BoolType: _bool,
    msgspec.inspect.EnumType: _enum,
    msgspec.inspect.LiteralType: _literal,
    msgspec.inspect.AnyType: lambda value, _: value,
}


def _without_surrogates(value: Any) -> Any:
    """Return decoded JSON whose texts can be encoded: lone surrogates become U+FFFD."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    return value
