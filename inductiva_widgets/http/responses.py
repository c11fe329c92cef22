"""Decoding of responses, error bodies and connection errors."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import msgspec
import requests
import urllib3

from inductiva_widgets import errors
from inductiva_widgets.http.retry import parse_retry_after


def decode_json(response: requests.Response, answer: Any, endpoint: str) -> Any:
    """Return the JSON of an answer as a type; anything else is one error naming the endpoint."""
    try:
        return msgspec.json.decode(response.content, type=answer)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        kind = response.headers.get("Content-Type", "").split(";")[0] or "no content type"
        why = str(error) if "json" in kind else f"it came as {kind}"
        raise errors.UnexpectedResponseError(
            f"The answer to {endpoint} is not what the Inductiva API sends: {why}. "
            "Check that INDUCTIVA_API_URL is the address of the API.",
            endpoint=endpoint,
        ) from error


def error_detail(response: requests.Response) -> str:
    """Return the service's own words, from both shapes of its error bodies."""
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
    """Return the pause that a response asks for, or None."""
    return parse_retry_after(response.headers.get("Retry-After"))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what lies beneath it, outermost first."""
    for _ in range(12):
        if error is None:
            return
        yield error
        inner = [getattr(error, "reason", None), *error.args, error.__cause__, error.__context__]
        error = next((item for item in inner if isinstance(item, BaseException)), None)


def is_connection_refused(error: BaseException) -> bool:
    """Return whether nobody listened, so that even a POST was never delivered."""
    return any(isinstance(cause, ConnectionRefusedError) for cause in _causes(error))


def timed_out(error: BaseException) -> bool:
    """Return whether an answer did not begin, or did not go on, in time."""
    # requests raises a ConnectionError for a body that is not read in time:
    # https://github.com/psf/requests/pull/4882
    kinds = (requests.Timeout, urllib3.exceptions.ReadTimeoutError, TimeoutError)
    return any(isinstance(cause, kinds) for cause in _causes(error))


def root_cause(error: BaseException) -> str:
    """Return the innermost reason; the outer texts repeat the address with its query."""
    *_, innermost = _causes(error)
    if isinstance(innermost, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(innermost, socket.gaierror):
        return "the host name is not known"
    if isinstance(innermost, OSError) and innermost.strerror:
        return innermost.strerror
    return type(innermost).__name__
