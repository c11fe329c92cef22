"""Decode responses, error bodies and connection errors."""

from __future__ import annotations

import re
import socket
import warnings
from collections.abc import Iterator
from typing import Any

import msgspec
import requests
import urllib3

from inductiva_widgets import errors
from inductiva_widgets.ansi import escape_control_chars
from inductiva_widgets.http.retry import parse_retry_after
from inductiva_widgets.models import lenient

_MAX_CAUSES = 20
# With an offset, times at both ends of what datetime can hold may overflow in UTC.
_EXTREME_YEAR = re.compile(rb'"(?:0000|0001|9999)-[^"]{0,40}[+-](?!00:00)\d\d:\d\d"')


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
        If the response is not JSON, or nothing of it matches the type.

    Notes
    -----
    Single values that do not match are missing in the result, with one ``OddValueWarning``.
    """
    content = b"null" if response.status_code == 204 else response.content
    try:
        found = msgspec.json.decode(content, type=answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as strict_error:
        return _decode_leniently(response, content, answer, endpoint, strict_error)
    if _EXTREME_YEAR.search(content):
        return _decode_leniently(response, content, answer, endpoint)
    return found


def _decode_leniently(
    response: requests.Response,
    content: bytes,
    answer: Any,
    endpoint: str,
    strict_error: Exception | None = None,
) -> Any:
    try:
        value = lenient.parse_json(content)
    except (ValueError, RecursionError) as error:
        raise _not_json(response, endpoint, strict_error or error) from error
    try:
        found, odd = lenient.convert(value, answer)
    except msgspec.ValidationError as error:
        raise errors.UnexpectedResponseError(
            f"The response to {endpoint} does not match the Inductiva API: {error}. Update "
            "inductiva-widgets, or report this to its developers.",
            endpoint=endpoint,
        ) from error
    if odd:
        warnings.warn(_describe(odd, endpoint), errors.OddValueWarning, stacklevel=2)
    return found


def _not_json(
    response: requests.Response, endpoint: str, error: Exception
) -> errors.UnexpectedResponseError:
    kind = response.headers.get("Content-Type", "").split(";")[0] or "no content type"
    if "json" in kind:
        why, advice = str(error), "Try again; if it happens again, report it to the service."
    else:
        why = f"its content type is {kind}"
        advice = "Check that INDUCTIVA_API_URL is the address of the API."
    return errors.UnexpectedResponseError(
        f"The response to {endpoint} does not match the Inductiva API: {why}. {advice}",
        endpoint=endpoint,
    )


def _describe(odd: list[lenient.OddValue], endpoint: str) -> str:
    first = odd[0]
    owner = f"of {escape_control_chars(first.owner)} " if first.owner else ""
    more = f" and {len(odd) - 1} more" if len(odd) > 1 else ""
    return (
        f"The service's response to {endpoint} has a value that cannot be read, shown as missing: "
        f"{escape_control_chars(first.field)} {owner}is {first.value}{more}."
    )


def error_detail(response: requests.Response) -> str:
    """Return the service's message from an error response, empty if it has none."""
    try:
        detail = msgspec.json.decode(response.content)["detail"]
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError, RecursionError):
        return ""
    if isinstance(detail, list):
        return "; ".join(_located(item) for item in detail if isinstance(item, dict))
    return str(detail) if detail else ""


def _located(item: dict[str, Any]) -> str:
    """Return the place and the message of an invalid value."""
    steps = item.get("loc")
    place = ".".join(map(str, steps)) if isinstance(steps, list) else str(steps or "")
    return f"{place}: {item.get('msg', '')}"


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


def is_undelivered(error: BaseException) -> bool:
    """Return whether there was no connection, so that no request was delivered."""
    kinds = (ConnectionRefusedError, socket.gaierror, requests.ConnectTimeout)
    return any(isinstance(cause, kinds) for cause in iter_causes(error))


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
