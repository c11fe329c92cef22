"""Decode queries and bodies, encode answers and errors.

Errors have the format of the cloud service: ``{"detail": <sentence>}``, or a list of errors with
their locations for a malformed request.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any, TypeVar, get_origin

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match, Route

from inductiva_widgets.server.errors import (
    BadRequestError,
    ConflictingStateError,
    ForbiddenError,
    MalformedRequestError,
    MissingError,
    TooLargeError,
    UnavailableError,
)
from inductiva_widgets.server.executor import UnreachableError
from inductiva_widgets.server.schemas.base import encode

AnyQuery = TypeVar("AnyQuery", bound=msgspec.Struct)
Body = TypeVar("Body")
Result = TypeVar("Result")

_MOST_BODY = 8 << 20

# The most specific class first.
_STATUS_OF = {
    MissingError: 404,
    ConflictingStateError: 409,
    ForbiddenError: 403,
    TooLargeError: 413,
    UnavailableError: 503,
    BadRequestError: 400,
}


def read_query(request: Request, kind: type[AnyQuery]) -> AnyQuery:
    """Parse the query of a request; list fields collect repeated parameters.

    Parameters
    ----------
    request
        The request.
    kind
        Struct of the parameters; if it forbids unknown fields, unknown parameters are rejected.

    Raises
    ------
    MalformedRequestError
        The query is invalid.
    """
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    values: dict[str, Any] = {}
    for name in request.query_params:
        if name not in fields:
            if not kind.__struct_config__.forbid_unknown_fields:
                continue
            known = ", ".join(fields) or "none"
            message = f"There is no such parameter; there are: {known} - at `$.{name}`"
            raise MalformedRequestError("query", message, "extra_forbidden")
        every = request.query_params.getlist(name)
        values[name] = every if _is_list(fields[name].type) else every[-1]
    try:
        query = msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise MalformedRequestError("query", str(error)) from None
    for name, given in values.items():
        # msgspec reads the text "null" as None unless the type allows text:
        # https://jcristharif.com/msgspec/usage.html#strict-vs-lax-mode
        if getattr(query, fields[name].name) is None:
            message = f"Expected a value, got {given!r}: leave it out - at `$.{name}`"
            raise MalformedRequestError("query", message)
    return query


async def read_body(request: Request, kind: type[Body]) -> Body:
    """Parse the JSON body of a request.

    Raises
    ------
    MalformedRequestError
        The body is not valid JSON, or has another type.
    """
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > _MOST_BODY:
            raise HTTPException(413, f"The body is larger than {_MOST_BODY >> 20} MiB.")
    try:
        value = msgspec.json.decode(content, type=kind)
        # Fields of type Any may have values that cannot be encoded, such as a huge integer.
        encode(value)
    except (msgspec.MsgspecError, OverflowError, RecursionError, ValueError) as error:
        raise MalformedRequestError("body", str(error) or "It is nested too deep") from None
    return value


async def run_in_thread(function: Callable[..., Result], *arguments: Any, **named: Any) -> Result:
    """Run a function of a service in a thread, since it may wait for the disk."""
    return await run_in_threadpool(function, *arguments, **named)


def respond(value: object, status: int = 200) -> Response:
    """Return a value as a JSON response."""
    return json_response(encode(value), status)


def json_response(content: bytes, status: int = 200) -> Response:
    """Return encoded JSON as a response."""
    return Response(content, status, media_type="application/json")


def error_response(status: int, detail: object) -> Response:
    """Return an error response."""
    return respond({"detail": detail}, status)


def _is_list(kind: Any) -> bool:
    # Looks through Annotated, and needs nothing of unions: no query has an optional list.
    return get_origin(getattr(kind, "__origin__", kind)) is list or get_origin(kind) is list


def _on_bad_request(_request: Request, error: Exception) -> Response:
    status = next(code for kind, code in _STATUS_OF.items() if isinstance(error, kind))
    refusal = error_response(status, str(error))
    if status == 503:
        # Clients retry if this header is present.
        refusal.headers["retry-after"] = "1"
    return refusal


def _on_malformed(_request: Request, error: Exception) -> Response:
    if not isinstance(error, MalformedRequestError):
        raise error
    return error_response(422, error.detail())


def _on_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    detail = error.detail
    path = request.url.path
    if error.status_code == 404:
        detail = f"The embedded server has no {request.method} {path}."
    elif error.status_code == 405:
        allowed = ", ".join(sorted(_methods_of(request)))
        detail = f"{path} does not answer to {request.method}, only to {allowed}."
        refusal = error_response(405, detail)
        refusal.headers["allow"] = allowed
        return refusal
    return error_response(error.status_code, detail)


def _methods_of(request: Request) -> set[str]:
    routes = [route for route in request.app.routes if isinstance(route, Route)]
    near = [route for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    # The first is the nearest: ``{name}`` after it fits all words, also those with a path of their
    # own.
    return {name for route in near if route.path == near[0].path for name in route.methods or ()}


def _on_system_error(_request: Request, error: Exception) -> Response:
    """Return status 507 for a full disk, 409 for a concurrent change, or else 500."""
    number = getattr(error, "errno", None)
    if number in (errno.ENOSPC, errno.EDQUOT):
        return error_response(
            507, "The disk of this machine is full: free some space and try again."
        )
    if number in (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENOENT, errno.ENOTEMPTY):
        return error_response(
            409, "What the request names was changed by another one in the meantime: try again."
        )
    return _on_failure(_request, error)


def _on_unreachable(_request: Request, error: Exception) -> Response:
    refusal = error_response(503, str(error))
    # Clients retry if this header is present.
    refusal.headers["retry-after"] = "1"
    return refusal


def _on_failure(_request: Request, error: Exception) -> Response:
    # The web server logs it.
    return error_response(500, f"The embedded server failed: {error!r}. Its log has the details.")


def _on_disconnect(_request: Request, _error: Exception) -> Response:
    # Nobody reads it, but without a response uvicorn logs an error.
    return Response(status_code=400)


ERROR_HANDLERS: dict[Any, Callable[[Request, Exception], Response]] = {
    BadRequestError: _on_bad_request,
    MalformedRequestError: _on_malformed,
    HTTPException: _on_http,
    UnreachableError: _on_unreachable,
    ClientDisconnect: _on_disconnect,
    OSError: _on_system_error,
    Exception: _on_failure,
}
