"""Routes with typed queries, bodies and answers, and the OpenAPI document made from them.

The handlers parse queries and bodies with the declared types, so that the document is accurate.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
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

_REFERENCE = "#/components/schemas/{name}"
_REASONS = {
    204: "No content.",
    206: "The part of the file that was asked for.",
    400: "The request cannot be carried out as it stands.",
    401: "The API key is missing or not the one of this server.",
    403: "The link does not fit its use, or has expired.",
    404: "What the request names does not exist.",
    405: "The path does not answer to this method.",
    409: "The request contradicts the present state.",
    413: "There is no room for what the request brings or asks for.",
    416: "The file has none of the bytes asked for.",
    421: "The server does not answer to that host name.",
    422: "The query or the body does not have its shape.",
    507: "The disk is full.",
}


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


class ErrorBody(msgspec.Struct, frozen=True, kw_only=True):
    """Reason of an error, as a sentence."""

    detail: str


class ValidationIssue(msgspec.Struct, frozen=True, kw_only=True):
    """Error in a request, and its location."""

    loc: list[str | int]
    msg: str
    type: str


class ValidationErrorBody(msgspec.Struct, frozen=True, kw_only=True):
    """All errors in the format of a request."""

    detail: list[ValidationIssue]


def document(endpoints: Iterable[Endpoint], version: str) -> dict[str, Any]:
    """Return the OpenAPI document.

    Parameters
    ----------
    endpoints
        All endpoints of the application.
    version
        Version of the server.
    """
    listed = list(endpoints)
    types = [ErrorBody, ValidationErrorBody]
    for one in listed:
        types += [kind for kind in (one.body, one.answer) if kind not in (None, bytes)]
    _, components = msgspec.json.schema_components(types, ref_template=_REFERENCE)
    paths: dict[str, dict[str, Any]] = {}
    for one in listed:
        # Without converters: OpenAPI cannot express that a parameter may contain slashes.
        path = one.path.replace(":path}", "}")
        paths.setdefault(path, {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Inductiva, embedded server",
            "version": version,
            "description": "What the service's clients ask for, answered by this machine.",
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}},
        },
    }


def _operation(one: Endpoint) -> dict[str, Any]:
    said = (one.endpoint.__doc__ or "").strip().splitlines()
    name = one.endpoint.__name__.strip("_")
    noun = one.endpoint.__module__.rpartition(".")[2]
    operation: dict[str, Any] = {
        "operationId": f"{noun}_{name}_{one.path.strip('/').rpartition('/')[2].strip('{}')}",
        "tags": [noun],
        "summary": said[0] if said else name,
        "parameters": [*_path_parameters(one), *_query_parameters(one.query)],
        "responses": _responses(one),
        "security": [] if one.is_open else [{"key": []}],
    }
    if one.body is not None:
        operation["requestBody"] = {"required": True, "content": _content(one.body)}
    return operation


def _path_parameters(one: Endpoint) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in one.param_convertors
    ]


def _query_parameters(query: type[QueryModel] | None) -> list[dict[str, Any]]:
    if query is None:
        return []
    found = []
    for field in msgspec.structs.fields(query):
        schema = _schema(field.type)
        if isinstance(field.default, str | int | bool):
            schema["default"] = field.default
        found.append(
            {
                "name": field.encode_name,
                "in": "query",
                "required": field.required,
                "schema": _without_null(schema),
            }
        )
    return found


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    # An omitted parameter is None in Python, but a query has no null.
    choices = [one for one in schema.get("anyOf", []) if one != {"type": "null"}]
    kept = {name: value for name, value in schema.items() if name != "anyOf"}
    if isinstance(kept.get("enum"), list):
        kept["enum"] = [one for one in kept["enum"] if one is not None]
    if not choices:
        return kept
    return {**kept, **choices[0]} if len(choices) == 1 else {**kept, "anyOf": choices}


def _responses(one: Endpoint) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "Done."}
    if one.answer is not None:
        good["content"] = _content(one.answer)
    if one.headers:
        good["headers"] = {name: {"schema": _schema(kind)} for name, kind in one.headers.items()}
    responses = {str(one.status): good}
    codes = {421, *one.errors}
    if not one.is_open:
        codes.add(401)
    if one.query is not None or one.body not in (None, bytes):
        codes.add(422)
    if one.body is not None:
        codes.add(413)
    for code in sorted(codes):
        refusal: dict[str, Any] = {"description": _REASONS[code]}
        kind: Any = bytes if code == 206 else ValidationErrorBody if code == 422 else ErrorBody
        if code != 204:
            refusal["content"] = _content(kind)
        responses[str(code)] = refusal
    return responses


def _content(kind: Any) -> dict[str, Any]:
    if kind is bytes:
        # Archives have their own content type, further files any type.
        return {BINARY: {}, "application/zip": {}}
    return {JSON: {"schema": _schema(kind)}}


def _schema(kind: Any) -> dict[str, Any]:
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=_REFERENCE)
    return dict(schema)
