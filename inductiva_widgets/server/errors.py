"""Errors that become HTTP error responses."""

from __future__ import annotations

import re
from typing import Any


class BadRequestError(Exception):
    """The request cannot be carried out as it stands."""


class MissingError(BadRequestError):
    """The requested object does not exist."""


class ConflictingStateError(BadRequestError):
    """The request contradicts the present state."""


class ForbiddenError(BadRequestError):
    """The request is not allowed."""


class UnavailableError(BadRequestError):
    """The request cannot be carried out now, but may succeed later."""


class TooLargeError(BadRequestError):
    """The request exceeds a size limit or the free space."""


class MalformedRequestError(Exception):
    """The query or body of a request is invalid.

    Parameters
    ----------
    place
        Part of the request: ``"query"`` or ``"body"``.
    message
        Message of msgspec.
    kind
        Kind of error, unless it follows from the message.
    """

    def __init__(self, place: str, message: str, kind: str = "value_error") -> None:
        super().__init__(message)
        self.place = place
        self.kind = kind

    def detail(self) -> list[dict[str, Any]]:
        """Return the error and its location, in the format of the cloud service."""
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
