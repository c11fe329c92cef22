"""What two clients asked of the same server for the same operations, and where they differ. Pure.

Requests are made comparable first: ids, signatures and times go, and where a client polls, a
request that it repeats counts once.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from tests.conformance.recorder import Recorded

POLLING = ("wait to success", "kill a running task")
"""Operations that take as many requests as the task takes seconds."""

# Ids of tasks, and of our submissions.
_ID = re.compile(r"(?<![a-z0-9])(?:[a-z0-9]{25}|[0-9a-f]{32})(?![a-z0-9])")
_CHANGING = {"expires", "signature", "start_year", "start_month", "client_version"}


@dataclass(frozen=True)
class Request:
    """One request without what changes from run to run."""

    what: str
    """Method, path and kind: requests of the same `what` are compared field by field."""
    fields: Mapping[str, str] = field(hash=False)
    """Query, body and key, flattened to text."""


@dataclass(frozen=True)
class Difference:
    """Something in which two clients differ in one operation."""

    operation: str
    request: str
    what: str
    vendor: str
    ours: str

    def __str__(self) -> str:
        return f"{self.operation}: {self.request}: {self.what}: {self.vendor} | {self.ours}"


def comparable(recorded: Iterable[Recorded]) -> dict[str, list[Request]]:
    """Return requests by operation, made comparable; those of no operation are left out."""
    found: dict[str, list[Request]] = defaultdict(list)
    for item in recorded:
        if not item.operation:
            continue
        request = _comparable(item)
        if item.operation in POLLING and request in found[item.operation]:
            continue
        found[item.operation].append(request)
    return found


def differences(operation: str, vendor: list[Request], ours: list[Request]) -> list[Difference]:
    """Return in what the requests of an operation differ."""
    found = []
    for what in dict.fromkeys(request.what for request in [*vendor, *ours]):
        theirs = [request for request in vendor if request.what == what]
        mine = [request for request in ours if request.what == what]
        if len(theirs) != len(mine):
            found.append(Difference(operation, what, "requests", str(len(theirs)), str(len(mine))))
        for one, other in zip_longest(theirs, mine):
            if one is None or other is None:
                break
            found += [
                Difference(
                    operation,
                    what,
                    name,
                    one.fields.get(name, "absent"),
                    other.fields.get(name, "absent"),
                )
                for name in sorted({*one.fields, *other.fields})
                if one.fields.get(name) != other.fields.get(name)
            ]
    if len(ours) > len(vendor):
        found.append(
            Difference(operation, "all", "more requests", str(len(vendor)), str(len(ours)))
        )
    return list(dict.fromkeys(found))


def _comparable(item: Recorded) -> Request:
    kind = " (a range)" if item.range else ""
    fields: dict[str, str] = {"key": "sent" if item.has_key else "not sent"}
    if item.body:
        fields["content type"] = item.content_type
        fields["length"] = "in chunks" if item.chunked else "announced"
    for name, value in item.query:
        if name not in _CHANGING:
            # A repeated name is a list: all of it counts.
            key, text = f"query {name}", _without_ids(value)
            fields[key] = f"{fields[key]}, {text}" if key in fields else text
    fields.update(_flatten("body", _body(item)))
    return Request(f"{item.method} {_without_ids(item.path)}{kind}", fields)


def _body(item: Recorded) -> Any:
    if item.content_type == "application/json":
        return item.json
    if item.body[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(item.body)) as archive:
            return {"archive": {info.filename: info.CRC for info in archive.infolist()}}
    return {"bytes": len(item.body)} if item.body else None


def _flatten(name: str, value: Any) -> dict[str, str]:
    if isinstance(value, dict) and value:
        parts = [_flatten(f"{name} {key}", item) for key, item in value.items()]
    elif isinstance(value, list) and value:
        parts = [_flatten(f"{name}[{place}]", item) for place, item in enumerate(value)]
    else:
        return {} if value is None and name == "body" else {name: _without_ids(json.dumps(value))}
    return {key: text for part in parts for key, text in part.items()}


def _without_ids(text: str) -> str:
    return _ID.sub("{id}", text)
