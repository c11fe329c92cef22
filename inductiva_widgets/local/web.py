"""Between HTTP and values: reading queries and bodies, answering, and what errors look like.

Errors have the shapes that clients of the service know: ``{"detail": <sentence>}``, and for a
malformed request a list of what is wrong where.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar, get_origin

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from inductiva_widgets.local.refusals import (
    AbsentError,
    ConflictError,
    ForbiddenError,
    RefusedError,
)
from inductiva_widgets.local.wire import encode

Query = TypeVar("Query", bound=msgspec.Struct)
Body = TypeVar("Body")
Result = TypeVar("Result")

_MOST_BODY = 8 << 20

# The most specific class first.
_STATUS_OF = {AbsentError: 404, ConflictError: 409, ForbiddenError: 403, RefusedError: 400}


class MalformedRequestError(Exception):
    """A query or body that does not have its shape.

    Parameters
    ----------
    place
        Which part of the request: ``"query"`` or ``"body"``.
    message
        What msgspec says of it.
    """

    def __init__(self, place: str, message: str) -> None:
        super().__init__(message)
        self.place = place

    def detail(self) -> list[dict[str, Any]]:
        """Return what is wrong where."""
        text, _, path = str(self).partition(" - at `")
        loc: list[str | int] = [self.place]
        for name, index in re.findall(r"\.([^.\[\]`]+)|\[(\d+)\]", path):
            loc.append(name or int(index))
        kind = "value_error"
        if missing := re.search(r"missing required field `([^`]+)`", text):
            loc.append(missing.group(1))
            kind = "missing"
        return [{"loc": loc, "msg": text, "type": kind}]


def read_query(request: Request, kind: type[Query]) -> Query:
    """Return the query of a request; fields that are lists take every occurrence.

    Raises
    ------
    MalformedRequestError
        The query does not fit.
    """
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        given = request.query_params.getlist(field.encode_name)
        if given:
            values[field.encode_name] = given if _is_list(field.type) else given[-1]
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise MalformedRequestError("query", str(error)) from None


async def read_body(request: Request, kind: type[Body]) -> Body:
    """Return the JSON body of a request.

    Raises
    ------
    MalformedRequestError
        The body is not JSON, or not of that kind.
    """
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > _MOST_BODY:
            raise HTTPException(413, f"The body is larger than {_MOST_BODY >> 20} MiB.")
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.DecodeError as error:
        raise MalformedRequestError("body", str(error)) from None


async def call(function: Callable[..., Result], *arguments: Any, **named: Any) -> Result:
    """Run a function of the services off the event loop, since they may wait for the disk."""
    return await run_in_threadpool(function, *arguments, **named)


def answer(value: object, status: int = 200) -> Response:
    """Return a value as a JSON response."""
    return json_response(encode(value), status)


def json_response(content: bytes, status: int = 200) -> Response:
    """Return JSON that is encoded already."""
    return Response(content, status, media_type="application/json")


def problem(status: int, detail: object) -> Response:
    """Return an error response."""
    return answer({"detail": detail}, status)


def _is_list(kind: Any) -> bool:
    # Looks through Annotated, and needs nothing of unions: no query has an optional list.
    return get_origin(getattr(kind, "__origin__", kind)) is list or get_origin(kind) is list


def _on_refused(_request: Request, error: Exception) -> Response:
    status = next(code for kind, code in _STATUS_OF.items() if isinstance(error, kind))
    return problem(status, str(error))


def _on_malformed(_request: Request, error: Exception) -> Response:
    if not isinstance(error, MalformedRequestError):
        raise error
    return problem(422, error.detail())


def _on_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    detail = error.detail
    if error.status_code == 404:
        detail = f"The embedded server has no {request.method} {request.url.path}."
    elif error.status_code == 405:
        detail = f"{request.url.path} does not answer to {request.method}."
    return problem(error.status_code, detail)


def _on_failure(_request: Request, error: Exception) -> Response:
    # The web server logs it.
    return problem(500, f"The embedded server failed: {error!r}. Its log has the details.")


ERROR_HANDLERS: dict[Any, Callable[[Request, Exception], Response]] = {
    RefusedError: _on_refused,
    MalformedRequestError: _on_malformed,
    HTTPException: _on_http,
    Exception: _on_failure,
}
