"""Why the embedded server does not do what a request asks: one sentence each, for people."""

from __future__ import annotations


class RefusedError(Exception):
    """The request cannot be carried out as it stands."""


class AbsentError(RefusedError):
    """What the request names does not exist."""


class ConflictError(RefusedError):
    """The request contradicts the present state."""


class ForbiddenError(RefusedError):
    """The request is not allowed to do this."""
