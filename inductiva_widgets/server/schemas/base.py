"""Base class of the values that the server sends, and their JSON encoding."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

_encoder = msgspec.json.Encoder()


class ServerModel(msgspec.Struct, frozen=True, kw_only=True):
    """Base class of response bodies."""


def encode(value: object) -> bytes:
    """Return a value as JSON.

    Times end in ``+00:00``, since the parser of Python 3.10 rejects the ``Z`` that msgspec writes.
    """
    return _encoder.encode(_with_offsets(msgspec.to_builtins(value, builtin_types=(datetime,))))


def _with_offsets(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: _with_offsets(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_offsets(item) for item in value]
    return value
