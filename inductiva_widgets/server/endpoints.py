"""Routes with typed queries, bodies and answers, for the OpenAPI document.

The handlers parse queries and bodies with the declared types, so that the document is accurate.
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
    """Base class of queries, which rejects unknown parameters."""


class BucketLocation(QueryModel, frozen=True, kw_only=True):
    """Bucket of a request; there is only one, which any provider selects."""

    provider_id: Literal["GCP", "LOCAL"] | None = None
    region: str | None = None


class Endpoint(Route):
    """One method of one path.

    Parameters
    ----------
    method, path
        Method and path of the requests. A slash in a path parameter is sent as ``%2F``.
    handler
        Handler of the requests; the first line of its docstring describes the endpoint.
    answer
        Type of the successful response, None without a body, ``bytes`` for a file.
    status
        Code of the successful response.
    query
        Struct of the query's parameters.
    body
        Type of the body, ``bytes`` for a file.
    errors
        Error codes in addition to those of all routes: 401, 413, 421, 422.
    headers
        Types of the specific headers of the successful response.
    is_open
        If True, requests need no key.
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
        """Match the encoded path, since decoding would split a name with a slash."""
        raw = scope.get("raw_path")
        if raw is None:
            return super().matches(scope)
        match, child = super().matches({**scope, "path": raw.decode("latin-1")})
        if match is not Match.NONE:
            parameters = child["path_params"].items()
            child["path_params"] = {name: unquote(value) for name, value in parameters}
        return match, child
