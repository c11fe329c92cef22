"""HTTP transport: sessions, retries and errors.

One session sends the key and connects to the API only, the other sends no key and is used for
signed URLs. Every call has a time limit, idempotent calls are retried with back-off and jitter, and
every failure is raised as one of ``inductiva_widgets.errors``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import msgspec
import requests

from inductiva_widgets import errors
from inductiva_widgets._interrupts import explain_interrupt
from inductiva_widgets.ansi import escape_control_chars
from inductiva_widgets.config import SERVER_NAME
from inductiva_widgets.http import responses, time_limits
from inductiva_widgets.http.api_key import sending_api_key
from inductiva_widgets.http.retry import backoff, parse_http_date
from inductiva_widgets.http.sessions import create_session
from inductiva_widgets.http.time_limits import TimeLimits

if TYPE_CHECKING:
    from inductiva_widgets.config import Settings

T = TypeVar("T")
_Timeout = tuple[float, float]

TRIES = time_limits.DEFAULT.tries
# The connect timeout also limits each send. After the upload, the store needs time to save it.
_UPLOAD = TimeLimits(
    connect=10.0, answer=60.0, total=float("inf"), tries=time_limits.PERSISTENT_TRIES
)
_RETRIED_STATUSES = frozenset({429, 500, 502, 503, 504})
_FIRST_YEAR, _LAST_YEAR = 2000, 2199  # a Date header outside of them does not have the time
_SAFE_METHODS = frozenset({"GET", "HEAD", "PUT", "DELETE"})


class FileRange(NamedTuple):
    """A byte range of a task file, from the embedded server.

    Parameters
    ----------
    data
        The bytes.
    size
        Size of the whole file.
    modified
        Time of the last change, by the service's clock; None if unknown.
    """

    data: bytes
    size: int
    modified: datetime | None


_INTERRUPTED = "A request to the service was interrupted."


@dataclass(frozen=True)
class _Host:
    """A host in error messages, what it checks, and what to do if it refuses that."""

    address: str
    credential: str = "the API key"
    advice: str = "Check INDUCTIVA_API_KEY or the key file."


class _BodyError(Exception):
    """The content to upload cannot be read. Its cause is raised, and no try is repeated."""


def _read_body(body: Callable[[], Iterable[bytes]]) -> Iterator[bytes]:
    # requests would take an OSError or ValueError of the content for one of the connection.
    try:
        yield from body()
    except Exception as error:
        raise _BodyError from error


@dataclass(frozen=True)
class _ApiRequest:
    method: str
    path: str
    params: list[tuple[str, str]]
    body: Any
    safe: bool
    keyed: bool
    # Seconds that the service may wait before it responds.
    held: float = 0.0

    @property
    def endpoint(self) -> str:
        return f"{self.method} {self.path}"


class Transport:
    """Sends requests to one service.

    Parameters
    ----------
    settings
        Address and key.
    revive
        Function called when the service refuses the connection; returns new settings, or raises.
        It starts the embedded server again, which quits when idle.
    sleep
        Function that pauses for some seconds.
    repeatable, unrepeatable
        Time limits of calls that may be repeated, and of those that may not.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        revive: Callable[[], Settings] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        repeatable: TimeLimits = time_limits.DEFAULT,
        unrepeatable: TimeLimits = time_limits.UNREPEATABLE,
    ) -> None:
        self.settings = settings
        self._repeatable, self._unrepeatable = repeatable, unrepeatable
        self._revive = revive
        self._sleep = sleep
        self._lock = threading.Lock()
        self._keyed = create_session(_adapter())
        self._keyless = create_session(_adapter())
        self.clock_skew = 0.0
        """Seconds by which the service's clock is ahead, from its last response."""
        self.is_embedded = settings.is_local
        """Whether the service is an embedded server, known after the first response."""

    def __repr__(self) -> str:
        return f"Transport({self.settings.api_url!r})"

    @explain_interrupt(_INTERRUPTED)
    def call(
        self,
        method: str,
        path: str,
        *,
        answer: type[T] | Any = None,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        retry: bool | None = None,
        keyed: bool = True,
        held: float = 0.0,
    ) -> T | Any:
        """Make a call to the API and decode the response.

        A try fails if no connection is made within 5 s, or if no response begins within 15 s. The
        whole call takes at most 60 s, including retries and the body, and 60 s more if the service
        asks to wait by ``Retry-After``. A call that must not be repeated waits 60 s for its
        response and takes at most 120 s. The time of the host name lookup is not limited.

        Parameters
        ----------
        method, path
            HTTP method, and path relative to the service's address.
        answer
            Type of the JSON response; None to ignore the body. A response with status 204 is None,
            which the type must allow.
        params
            Query; None values are left out, and the items of lists repeat the key.
        body
            Value to send as JSON; None for no body.
        retry
            If True, failed tries are repeated. By default for all methods except POST and PATCH.
        keyed
            If False, the request goes to the catalogue, without the key.
        held
            Seconds that the service may hold its response back, added to the limits.

        Raises
        ------
        APIError, APIConnectionError, UnexpectedResponseError
            As described in ``inductiva_widgets.errors``.
        """
        safe = method in _SAFE_METHODS if retry is None else retry
        request = _ApiRequest(method, path, _query(params), body, safe, keyed, held)
        response = self._send(request)
        if not response.ok or response.is_redirect:
            raise self._error(response, request.endpoint)
        if answer is None:
            return None
        return responses.decode_json(response, answer, request.endpoint)

    @explain_interrupt(_INTERRUPTED)
    def get_range(self, path: str, params: Mapping[str, int]) -> FileRange:
        """Return a byte range of a task file from the embedded server.

        Parameters
        ----------
        path
            Path relative to the service's address.
        params
            Query with the range.
        """
        request = _ApiRequest("GET", path, _query(params), None, safe=True, keyed=True)
        response = self._send(request)
        if not response.ok or response.is_redirect:
            raise self._error(response, request.endpoint)
        try:
            size = int(response.headers["X-File-Size"])
            modified = response.headers.get("X-File-Modified")
            written = None
            if modified is not None:
                written = datetime.fromtimestamp(float(modified), timezone.utc)
        except (KeyError, ValueError, OverflowError, OSError) as error:
            raise errors.UnexpectedResponseError(
                f"The response to {request.endpoint} does not have the size and time of the file.",
                endpoint=request.endpoint,
            ) from error
        return FileRange(response.content, size, written)

    @explain_interrupt(_INTERRUPTED)
    def upload(self, url: str, body: Callable[[], Iterable[bytes]]) -> None:
        """Upload a stream to a signed URL, without the key.

        Parameters
        ----------
        url
            Signed URL for an upload.
        body
            Function that returns the content in chunks, called for each try. Its exceptions are
            raised unchanged.

        Raises
        ------
        APIError, APIConnectionError
            If the upload is refused or interrupted.
        """
        parts = urlsplit(url)
        endpoint = f"PUT {parts.path}"
        # Without the user name that an address may have.
        host = _Host(
            f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}",
            credential="the signed URL",
            advice="It may have expired: run again.",
        )

        def send(timeout: _Timeout) -> requests.Response:
            return self._keyless.put(
                url,
                data=_read_body(body),
                headers={"Content-Type": "application/octet-stream"},
                timeout=timeout,
                allow_redirects=False,
            )

        failure: BaseException | None = None
        try:
            response = self._send_with_retries(send, endpoint, time_limits.effective(_UPLOAD), host)
        except errors.APIConnectionError as error:
            failure = error.with_traceback(None)
        except _BodyError as error:
            failure = error.__cause__
        if failure is not None:
            # Drop the errors of requests, whose messages contain the signed URL.
            failure.__cause__ = failure.__context__ = None
            raise failure
        if not response.ok or response.is_redirect:
            raise self._error(response, endpoint, host)

    def _send(self, request: _ApiRequest) -> requests.Response:
        call_limits = self._limits(request)
        used = self.settings
        sent_at = 0.0

        def send(timeout: _Timeout) -> requests.Response:
            nonlocal sent_at
            sent_at = time.monotonic()
            return self._send_once(request, timeout)

        try:
            response = self._send_with_retries(send, request.endpoint, call_limits)
        except errors.APIConnectionError as error:
            if self._revive is None or not responses.is_connection_refused(error):
                raise
            with self._lock:
                if self.settings is used:
                    self.settings = self._revive()
            response = self._send_with_retries(send, request.endpoint, call_limits)
        is_embedded = response.headers.get("Server") == SERVER_NAME
        # The catalogue may be on another host, with another clock. An error may come from a proxy.
        if request.keyed and (response.ok or is_embedded):
            self._update_clock_offset(response, sent_at)
            self.is_embedded = is_embedded
        return response

    def _limits(self, request: _ApiRequest) -> TimeLimits:
        found = time_limits.effective(self._repeatable if request.safe else self._unrepeatable)
        return replace(found, answer=found.answer + request.held, total=found.total + request.held)

    def _send_once(self, request: _ApiRequest, timeout: _Timeout) -> requests.Response:
        settings = self.settings
        headers = {"Accept": "application/json"}
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        session = self._keyed if request.keyed else self._keyless
        base = settings.api_url if request.keyed else settings.catalogue_url
        with sending_api_key(settings.api_key) if request.keyed else nullcontext():
            return session.request(
                request.method,
                base + request.path,
                params=request.params,
                data=None if request.body is None else msgspec.json.encode(request.body),
                headers=headers,
                timeout=timeout,
                # A redirect may lead to another host, which must not get the key.
                allow_redirects=False,
            )

    def _send_with_retries(
        self,
        send: Callable[[_Timeout], requests.Response],
        endpoint: str,
        call_limits: TimeLimits,
        host: _Host | None = None,
    ) -> requests.Response:
        attempt, waited = 0, 0.0
        deadline = time.monotonic() + call_limits.total
        while True:
            attempt += 1
            is_last = attempt == call_limits.tries
            pause = backoff(attempt)
            left = max(0.001, deadline - time.monotonic())
            try:
                with time_limits.deadline(deadline):
                    response = send((min(call_limits.connect, left), min(call_limits.answer, left)))
            except time_limits.ResponseTooLarge as error:
                raise errors.UnexpectedResponseError(
                    f"The response to {endpoint} must have at most "
                    f"{time_limits.MAX_RESPONSE >> 20} MiB. Check that INDUCTIVA_API_URL is "
                    "the address of the API.",
                    endpoint=endpoint,
                ) from error
            except requests.RequestException as error:
                # If the server can be started again, do not retry a refused connection.
                is_last = is_last or (
                    self._revive is not None and responses.is_connection_refused(error)
                )
                has_timed_out = responses.timed_out(error)
                is_last = is_last or (has_timed_out and not call_limits.repeats_timeouts)
                if is_last or time.monotonic() + pause >= deadline:
                    raise self._connection_error(error, endpoint, host) from error
            except ValueError as error:
                # requests parses the address of a redirect also if it does not follow it.
                raise errors.UnexpectedResponseError(
                    f"The response to {endpoint} has a malformed redirect. Check that "
                    "INDUCTIVA_API_URL is the address of the API.",
                    endpoint=endpoint,
                ) from error
            else:
                if response.status_code not in _RETRIED_STATUSES or is_last:
                    return response
                asked = responses.retry_after(response)
                if asked is not None:
                    pause = asked
                    waited += asked
                    deadline += asked
                exceeds_wait = waited > time_limits.MAX_RETRY_AFTER
                if exceeds_wait or time.monotonic() + pause >= deadline:
                    return response
                response.close()
            self._sleep(pause)

    def _connection_error(
        self, error: requests.RequestException, endpoint: str, host: _Host | None
    ) -> errors.APIConnectionError:
        where = host.address if host else self.settings.api_url
        if responses.timed_out(error):
            return errors.APITimeoutError(
                f"{where} did not respond in time ({endpoint}). "
                "Check the connection and try again.",
                endpoint=endpoint,
            )
        reason = responses.root_cause(error)
        checked = "the network" if host else "the address in INDUCTIVA_API_URL and the network"
        return errors.APIConnectionError(
            f"{where} cannot be reached ({endpoint}): {reason}. Check {checked}.",
            endpoint=endpoint,
        )

    def _error(
        self, response: requests.Response, endpoint: str, host: _Host | None = None
    ) -> errors.InductivaError:
        checked = host or _Host(self.settings.api_url)
        where, status = checked.address, response.status_code
        if response.is_redirect:
            target = urlsplit(response.headers.get("Location", "")).hostname or "another address"
            return errors.UnexpectedResponseError(
                f"{where} redirects {endpoint} to {target}. The key is not sent there. "
                "Set INDUCTIVA_API_URL to the service's own address.",
                endpoint=endpoint,
            )
        detail = responses.error_detail(response)
        reason = f": {escape_control_chars(detail).removesuffix('.')}." if detail else "."
        if status in (401, 403):
            message = (
                f"{where} refused {checked.credential} for {endpoint} ({status}){reason} "
                f"{checked.advice}"
            )
        else:
            message = f"{where} responded to {endpoint} with {status} {response.reason}{reason}"
        asked = responses.retry_after(response)
        if asked:
            message += f" The service asks to try again in {asked:.0f} s."
        return errors.error_for_status(status)(
            message, status=status, endpoint=endpoint, detail=detail, retry_after=asked
        )

    def _update_clock_offset(self, response: requests.Response, sent_at: float) -> None:
        theirs = parse_http_date(response.headers.get("Date", ""))
        if theirs is None or not _FIRST_YEAR <= theirs.year <= _LAST_YEAR:
            return
        # The service wrote the time somewhere between the request and the end of the response.
        min_skew = (theirs - datetime.now(timezone.utc)).total_seconds()
        max_skew = min_skew + (time.monotonic() - sent_at)
        # The header has whole seconds, so ignore small differences.
        self.clock_skew = 0.0 if min_skew < 2.0 and max_skew > -2.0 else (min_skew + max_skew) / 2


def _adapter() -> time_limits.LimitedAdapter:
    return time_limits.LimitedAdapter(pool_connections=4, pool_maxsize=16)


def _query(params: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for key, value in (params or {}).items():
        if value is None:
            continue
        for item in value if isinstance(value, (list, tuple)) else (value,):
            text = str(item).lower() if isinstance(item, bool) else str(item)
            pairs.append((key, text))
    return pairs
