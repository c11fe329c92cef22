"""GET requests to one URL, with retries and renewal of an expired signature."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass

from inductiva_widgets.downloads._cancellation import CancelToken
from inductiva_widgets.downloads.http import (
    HttpGet,
    RequestsHttpGet,
    StreamingResponse,
    check_url,
    display_url,
)
from inductiva_widgets.errors import APIConnectionError, DownloadError
from inductiva_widgets.http.retry import parse_retry_after

# Statuses that a new URL may cure: AWS and Google respond with 400 to some expired URLs.
_EXPIRED = frozenset({400, 401, 403, 410})
_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
_BUSY = frozenset({429, 503})
_MAX_PAUSE = 30.0
_POLL_SECONDS = 0.1  # interval of checks for a cancellation


class UnexpectedStatusError(DownloadError):
    """The response has a status that is not accepted, after all tries and a renewal."""

    status = 0
    """The status."""


@dataclass(frozen=True)
class Backoff:
    """Number of tries and the pauses between them.

    Parameters
    ----------
    attempts
        Maximum tries once the server has responded.
    first_attempts
        Maximum tries before the first response, so that a wrong host is reported soon.
    base
        Seconds before the second try; doubled for each further try.
    """

    attempts: int = 6
    first_attempts: int = 3
    base: float = 0.5

    def pause(self, failures: int) -> float:
        """Return the seconds to wait after a number of failures in a row, with jitter."""
        pause = min(_MAX_PAUSE, self.base * 2.0 ** (failures - 1))
        return pause * random.uniform(0.5, 1.0)  # noqa: S311 - jitter needs no secure random numbers


class SignedUrl:
    """A URL that is opened with retries and renewed when it expires. Thread-safe.

    Parameters
    ----------
    url
        URL of the file, including its signature.
    opener
        Makes the requests; by default a ``requests`` session without credentials.
    renew
        Function that returns a new URL of the file, called when the URL has expired.
    backoff
        Number of tries and pauses.
    """

    def __init__(
        self,
        url: str,
        *,
        opener: HttpGet | None = None,
        renew: Callable[[], str] | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        check_url(url)
        self.backoff = backoff or Backoff()
        self.answered = False
        self._url = url
        self._opener: HttpGet = opener or RequestsHttpGet()
        self._own_opener = self._opener if opener is None else None
        self._renew = renew
        self._lock = threading.Lock()
        self._open: set[StreamingResponse] = set()
        self._cancel_token = CancelToken()
        self._on_throttled: Callable[[], object] = lambda: None

    def __repr__(self) -> str:
        return f"<SignedUrl {self.display_url}>"

    @property
    def display_url(self) -> str:
        """Host and path, without the signature, for messages."""
        return display_url(self._url)

    @property
    def url(self) -> str:
        """Current URL. It contains the signature, so it must not appear in a message."""
        return self._url

    @property
    def paused(self) -> bool:
        """Whether the download is paused, so that readers should release their connections."""
        return self._cancel_token.paused

    def bind(
        self, cancel_token: CancelToken, on_throttled: Callable[[], object] | None = None
    ) -> None:
        """Attach a cancellation token.

        Parameters
        ----------
        cancel_token
            Cancelling it also ends requests that wait for a slow server.
        on_throttled
            Called when a response has status 429 or 503.
        """
        self._cancel_token = cancel_token
        self._on_throttled = on_throttled or self._on_throttled
        cancel_token.on_cancel(self._abort)

    @contextmanager
    def open(
        self,
        headers: Mapping[str, str],
        statuses: Collection[int],
        *,
        attempts: int | None = None,
    ) -> Iterator[StreamingResponse]:
        """Open the URL with retries, and close the response at the end of the context.

        Parameters
        ----------
        headers
            Request headers, such as ``Range``.
        statuses
            Status codes to accept.
        attempts
            Maximum tries; by default those of ``backoff``.

        Raises
        ------
        APIConnectionError
            If there was no response after all tries.
        UnexpectedStatusError
            If the response has another status after all tries and a renewal.
        DownloadCancelled
            If the download is cancelled.
        """
        response = self._request_with_retries(
            {**headers, "Accept-Encoding": "identity"}, statuses, attempts or self.backoff.attempts
        )
        with self._lock:
            self._open.add(response)
        try:
            self.raise_if_cancelled()  # it may have been cancelled before it was in the set
            yield response
        finally:
            with self._lock:
                self._open.discard(response)
            response.close()

    def pause(self, failures: int, at_least: float = 0.0) -> None:
        """Wait before the next try, or until cancelled.

        Parameters
        ----------
        failures
            Number of failures in a row.
        at_least
            Minimum seconds, as requested by the server; at most 30 are respected.
        """
        self._cancel_token.sleep(min(_MAX_PAUSE, max(at_least, self.backoff.pause(failures))))
        self.raise_if_cancelled()

    def wait_if_paused(self) -> None:
        """Wait until resumed, or raise ``DownloadCancelled``."""
        self._cancel_token.wait_if_paused()
        self.raise_if_cancelled()

    def raise_if_cancelled(self) -> None:
        """Raise ``DownloadCancelled`` if the download is cancelled."""
        self._cancel_token.raise_if_cancelled()

    def close(self) -> None:
        """Close the connections, unless ``opener`` was given."""
        if isinstance(self._own_opener, RequestsHttpGet):
            self._own_opener.close()

    def _abort(self) -> None:
        with self._lock:
            responses = list(self._open)
        for response in responses:
            response.abort()

    def _request_with_retries(
        self, headers: Mapping[str, str], statuses: Collection[int], attempts: int
    ) -> StreamingResponse:
        failures = 0
        renewed = False
        while True:
            self.raise_if_cancelled()
            url = self._url
            try:
                response = self._request(url, headers)
            except APIConnectionError:
                failures += 1
                limit = attempts if self.answered else self.backoff.first_attempts
                if failures >= min(limit, attempts):
                    raise
                self.pause(failures)
                continue
            self.answered = True
            if response.status in statuses:
                return response
            response.close()
            if response.status in _TRANSIENT and failures + 1 < attempts:
                failures += 1
                if response.status in _BUSY:
                    self._on_throttled()
                self.pause(failures, retry_after(response))
            elif response.status in _EXPIRED and self._renew is not None and not renewed:
                renewed = True
                self._replace(url)
            else:
                raise _status_error(response.status, self.display_url)

    def _request(self, url: str, headers: Mapping[str, str]) -> StreamingResponse:
        """Make a request that a cancellation ends.

        A thread that waits for response headers cannot be woken, so the request runs on another.
        """
        result: Future[StreamingResponse] = Future()

        def send() -> None:
            try:
                result.set_result(self._opener(url, headers))
            except BaseException as exc:
                result.set_exception(exc)

        threading.Thread(target=send, name="inductiva-request", daemon=True).start()
        while not wait([result], _POLL_SECONDS).done:
            if self._cancel_token.cancelled:
                result.add_done_callback(_close_when_done)
                self.raise_if_cancelled()
        return result.result()

    def _replace(self, expired: str) -> None:
        if self._renew is None:
            return
        with self._lock:
            # Several parallel requests see the URL expire; the first one renews it for all.
            if self._url == expired:
                url = self._renew()
                check_url(url)
                self._url = url


def _close_when_done(result: Future[StreamingResponse]) -> None:
    if result.exception() is None:
        result.result().close()


def _status_error(status: int, shown: str) -> UnexpectedStatusError:
    error = UnexpectedStatusError(_status_message(status, shown))
    error.status = status
    return error


def _status_message(status: int, shown: str) -> str:
    if status == 404:
        return f"The file does not exist (404): {shown}."
    if status == 400:
        return f"The server refused the request (400): {shown}. The URL may have expired."
    if status in _EXPIRED:
        return f"The URL has expired or access is denied ({status}): {shown}."
    if status in _TRANSIENT:
        return f"The server failed repeatedly ({status}): {shown}. Try again later."
    return f"The server responded with status {status}: {shown}."


def retry_after(response: StreamingResponse) -> float:
    """Return the seconds to wait according to ``Retry-After``, 0 if not given.

    Parameters
    ----------
    response
        The response.
    """
    seconds = parse_retry_after(header(response, "Retry-After"), date=header(response, "Date"))
    return seconds or 0.0


def header(response: StreamingResponse, name: str) -> str | None:
    """Return a response header by its case-insensitive name, or None.

    Parameters
    ----------
    response
        The response.
    name
        Name of the header.
    """
    key = name.lower()
    return next((value for other, value in response.headers.items() if other.lower() == key), None)


def content_length(response: StreamingResponse) -> int | None:
    """Return the length of a body, None if it is not given or contradictory.

    Parameters
    ----------
    response
        The response.
    """
    if header(response, "Transfer-Encoding"):
        return None  # the length does not count then: RFC 9112, section 6.3
    # A proxy may have joined two equal headers: RFC 9110, section 8.6.
    lengths = {one.strip() for one in (header(response, "Content-Length") or "").split(",")}
    length = lengths.pop()
    return int(length) if not lengths and length.isascii() and length.isdecimal() else None
