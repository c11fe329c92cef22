"""Errors that become HTTP error responses."""

from __future__ import annotations

import re
from typing import Any


class BadRequestError(Exception):
    """The request cannot be carried out as it stands."""


class MissingError(BadRequestError):
    """What the request names does not exist."""


class ConflictingStateError(BadRequestError):
    """The request contradicts the present state."""


class ForbiddenError(BadRequestError):
    """The request is not allowed to do this."""


class UnavailableError(BadRequestError):
    """The request cannot be carried out now: the same one may be, later."""


class TooLargeError(BadRequestError):
    """The request brings or asks for more than there is room for."""


class MalformedRequestError(Exception):
    """A query or body that does not have its shape.

    Parameters
    ----------
    place
        Which part of the request: ``"query"`` or ``"body"``.
    message
        What msgspec says of it.
    kind
        What sort of mistake it is, where that does not follow from the message.
    """

    def __init__(self, place: str, message: str, kind: str = "value_error") -> None:
        super().__init__(message)
        self.place = place
        self.kind = kind

    def detail(self) -> list[dict[str, Any]]:
        """Return what is wrong where."""
        text, _, path = str(self).partition(" - at `")
        loc: list[str | int] = [self.place]
        for name, index in re.findall(r"\.([^.\[\]`]+)|\[(\d+)\]", path):
            loc.append(name or int(index))
        kind = self.kind
        if missing := re.search(r"missing required field `([^`]+)`", text):
            loc.append(missing.group(1))
            kind = "missing"
        if unknown := re.search(r"contains unknown field `([^`]+)`", text):
            loc.append(unknown.group(1))
            kind = "extra_forbidden"
        return [{"loc": loc, "msg": text, "type": kind}]
