"""Decode responses, error bodies and connection errors."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import msgspec
import requests
import urllib3

from inductiva_widgets import errors
from inductiva_widgets.http.retry import parse_retry_after

_MAX_CAUSES = 20


def decode_json(response: requests.Response, answer: Any, endpoint: str) -> Any:
    """Decode a JSON response into a type.

    Parameters
    ----------
    response
        The response.
    answer
        Type of the result.
    endpoint
        Method and path, for the error message.

    Raises
    ------
    UnexpectedResponseError
        If the response does not match the type.
    """
    try:
        return msgspec.json.decode(response.content, type=answer)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        kind = response.headers.get("Content-Type", "").split(";")[0] or "no content type"
        why = str(error) if "json" in kind else f"its content type is {kind}"
        raise errors.UnexpectedResponseError(
            f"The response to {endpoint} does not match the Inductiva API: {why}. "
            "Check that INDUCTIVA_API_URL is the address of the API.",
            endpoint=endpoint,
        ) from error


def error_detail(response: requests.Response) -> str:
    """Return the service's message from an error response, empty if it has none."""
    try:
        detail = msgspec.json.decode(response.content)["detail"]
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError):
        return ""
    if isinstance(detail, list):
        parts = [
            f"{'.'.join(str(step) for step in item.get('loc', ()))}: {item.get('msg', '')}"
            for item in detail
            if isinstance(item, dict)
        ]
        return "; ".join(parts)
    return str(detail) if detail else ""


def retry_after(response: requests.Response) -> float | None:
    """Return the seconds to wait according to ``Retry-After``, or None."""
    headers = response.headers
    return parse_retry_after(headers.get("Retry-After"), date=headers.get("Date"))


def iter_causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and all it wraps: arguments, causes, contexts and urllib3's reasons."""
    found: list[BaseException] = []
    pending = [error]
    while pending and len(found) < _MAX_CAUSES:
        current = pending.pop()
        if current not in found:
            found.append(current)
            pending += reversed(_wrapped(current))
    yield from found


def _wrapped(error: BaseException) -> list[BaseException]:
    candidates = (
        getattr(error, "reason", None), *error.args, error.__cause__, error.__context__,
    )  # fmt: skip
    return [candidate for candidate in candidates if isinstance(candidate, BaseException)]


def is_connection_refused(error: BaseException) -> bool:
    """Return whether the connection was refused, so that no request was delivered."""
    return any(isinstance(cause, ConnectionRefusedError) for cause in iter_causes(error))


def timed_out(error: BaseException) -> bool:
    """Return whether the response did not begin or continue in time."""
    # requests raises a ConnectionError if the body is not read in time:
    # https://github.com/psf/requests/pull/4882
    kinds = (requests.Timeout, urllib3.exceptions.ReadTimeoutError, TimeoutError)
    return any(isinstance(cause, kinds) for cause in iter_causes(error))


def root_cause(error: BaseException) -> str:
    """Return the innermost reason, as the outer messages repeat the URL with its query."""
    innermost = error
    for _ in range(_MAX_CAUSES):
        wrapped = _wrapped(innermost)
        if not wrapped:
            break
        innermost = wrapped[0]
    if isinstance(innermost, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(innermost, socket.gaierror):
        return "the host name could not be resolved"
    if isinstance(innermost, OSError) and innermost.strerror:
        return innermost.strerror
    return type(innermost).__name__
