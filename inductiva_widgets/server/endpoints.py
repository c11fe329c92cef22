"""Routes with typed queries, bodies and answers, for the OpenAPI document.

Everything a route declares here it also does: the handlers read queries and bodies with the very
types named in the declaration.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import unquote

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

Handler = Callable[[Request], Awaitable[Response]]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

JSON = "application/json"
BINARY = "application/octet-stream"


class QueryModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the queries of requests; a parameter that is no field is refused."""


class BucketLocation(QueryModel, frozen=True, kw_only=True):
    """Where files are kept. There is one place here, and any provider means it."""

    provider_id: Literal["GCP", "LOCAL"] | None = None
    region: str | None = None


class Endpoint(Route):
    """One method of one path.

    Parameters
    ----------
    method, path
        What it answers to. A slash inside of a path parameter comes as ``%2F``.
    handler
        What answers; the first line of its docstring describes the endpoint to people.
    answer
        Type of the successful answer, None where it has no body, ``bytes`` for a file.
    status
        Code of the successful answer.
    query
        Struct of the query's parameters.
    body
        Type of the body, ``bytes`` for a file.
    errors
        Further error codes than those of every route: 401, 413, 421, 422.
    headers
        What the headers of the successful answer hold that are of this endpoint alone.
    is_open
        Whether it is answered without a key.
    """

    def __init__(
        self,
        method: Method,
        path: str,
        handler: Handler,
        *,
        answer: Any = None,
        status: int = 200,
        query: type[QueryModel] | None = None,
        body: Any = None,
        errors: Sequence[int] = (),
        headers: Mapping[str, type] | None = None,
        is_open: bool = False,
    ) -> None:
        super().__init__(path, handler, methods=[method])
        self.method = method
        self.answer = answer
        self.status = status
        self.query = query
        self.body = body
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.is_open = is_open

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match the path as it was sent: decoded, a name with a slash would read as two parts."""
        raw = scope.get("raw_path")
        if raw is None:
            return super().matches(scope)
        match, child = super().matches({**scope, "path": raw.decode("latin-1")})
        if match is not Match.NONE:
            parameters = child["path_params"].items()
            child["path_params"] = {name: unquote(value) for name, value in parameters}
        return match, child
