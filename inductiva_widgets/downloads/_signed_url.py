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
from inductiva_widgets.errors import APIConnectionError, DownloadCancelled, DownloadError
from inductiva_widgets.http.retry import parse_retry_after

# What object stores say of a link that has expired: AWS and Google answer 400 in some cases.
_EXPIRED = frozenset({400, 401, 403, 410})
_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
_BUSY = frozenset({429, 503})
_LONGEST_PAUSE = 30.0
_LOOK = 0.1  # seconds between two looks whether a cancel came


@dataclass(frozen=True)
class Backoff:
    """How often and how long to wait before trying again.

    Parameters
    ----------
    attempts
        Tries in all, once the server has answered at least once.
    first_attempts
        Tries in all before it ever answered: a wrong host should not take long to be reported.
    base
        Seconds before the second try; doubled each time.
    """

    attempts: int = 6
    first_attempts: int = 3
    base: float = 0.5

    def pause(self, failures: int) -> float:
        """Return the seconds to wait after so many failures in a row, with jitter."""
        longest = min(_LONGEST_PAUSE, self.base * 2.0 ** (failures - 1))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads retries, hides nothing


class SignedUrl:
    """A URL, the way to open it, and the way to get a fresh one. Thread-safe.

    Parameters
    ----------
    url
        Address of the file, signature and all.
    opener
        Makes the requests; a key-less ``requests`` session by default.
    renew
        Returns a new URL for the same file, asked when the present one is refused as expired.
    backoff
        How to try again.
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
        self._control = CancelToken()
        self._when_busy: Callable[[], object] = lambda: None

    def __repr__(self) -> str:
        return f"<Link {self.display_url}>"

    @property
    def display_url(self) -> str:
        """Host and path, fit for a message."""
        return display_url(self._url)

    @property
    def url(self) -> str:
        """The present URL. Never put it into a message."""
        return self._url

    @property
    def paused(self) -> bool:
        """Whether those who read should let go of their connections for a while."""
        return self._control.paused

    def bind(self, control: CancelToken, when_busy: Callable[[], object] | None = None) -> None:
        """Follow a control from now on.

        Parameters
        ----------
        control
            Its cancel ends all that is under way, also a read that waits for a slow server.
        when_busy
            Called when the server says that it is asked too much.
        """
        self._control = control
        self._when_busy = when_busy or self._when_busy
        control.on_cancel(self._abort)

    @contextmanager
    def open(
        self, headers: Mapping[str, str], statuses: Collection[int]
    ) -> Iterator[StreamingResponse]:
        """Open the URL, trying again where that helps, and close the answer at the end.

        Parameters
        ----------
        headers
            Headers of the request, such as ``Range``.
        statuses
            The status codes that the caller can deal with.

        Raises
        ------
        APIConnectionError
            When there was no answer, in spite of all tries.
        DownloadError
            When the answer is another status, in spite of all tries and of a new link.
        DownloadCancelled
            When the control was cancelled.
        """
        response = self._answer({**headers, "Accept-Encoding": "identity"}, statuses)
        with self._lock:
            self._open.add(response)
        try:
            self.raise_if_cancelled()  # a cancel between the answer and its entry in the set
            yield response
        finally:
            with self._lock:
                self._open.discard(response)
            response.close()

    def pause(self, failures: int, at_least: float = 0.0) -> None:
        """Wait before the next try; a cancel ends the wait.

        Parameters
        ----------
        failures
            Failures in a row so far.
        at_least
            Seconds that the server asked for.
        """
        self._control.sleep(min(_LONGEST_PAUSE, max(at_least, self.backoff.pause(failures))))
        self.raise_if_cancelled()

    def wait_if_paused(self) -> None:
        """Return when there is no pause; a cancel ends the wait."""
        self._control.wait_if_paused()
        self.raise_if_cancelled()

    def raise_if_cancelled(self) -> None:
        """Raise ``DownloadCancelled`` after a cancel."""
        if self._control.cancelled:
            raise DownloadCancelled(f"the download of {self.display_url} was cancelled")

    def close(self) -> None:
        """Close the connections, if they are the link's own."""
        if isinstance(self._own_opener, RequestsHttpGet):
            self._own_opener.close()

    def _abort(self) -> None:
        with self._lock:
            under_way = list(self._open)
        for response in under_way:
            response.abort()

    def _answer(self, headers: Mapping[str, str], statuses: Collection[int]) -> StreamingResponse:
        failures = 0
        renewed = False
        while True:
            self.raise_if_cancelled()
            url = self._url
            try:
                response = self._request(url, headers)
            except APIConnectionError:
                failures += 1
                limit = self.backoff.attempts if self.answered else self.backoff.first_attempts
                if failures >= limit:
                    raise
                self.pause(failures)
                continue
            self.answered = True
            if response.status in statuses:
                return response
            response.close()
            if response.status in _TRANSIENT and failures + 1 < self.backoff.attempts:
                failures += 1
                if response.status in _BUSY:
                    self._when_busy()
                self.pause(failures, retry_after(response))
            elif response.status in _EXPIRED and self._renew is not None and not renewed:
                renewed = True
                self._replace(url)
            else:
                raise DownloadError(_status_message(response.status, self.display_url))

    def _request(self, url: str, headers: Mapping[str, str]) -> StreamingResponse:
        """Make a request that a cancel ends.

        Nothing wakes a thread that waits for the headers of an answer, so another one waits.
        """
        answer: Future[StreamingResponse] = Future()

        def ask() -> None:
            try:
                answer.set_result(self._opener(url, headers))
            except BaseException as exc:
                answer.set_exception(exc)

        threading.Thread(target=ask, name="inductiva-request", daemon=True).start()
        while not wait([answer], _LOOK).done:
            if self._control.cancelled:
                answer.add_done_callback(_close_when_done)
                self.raise_if_cancelled()
        return answer.result()

    def _replace(self, expired: str) -> None:
        if self._renew is None:
            return
        with self._lock:
            # Parallel requests all meet the expiry; the first one renews for all of them.
            if self._url == expired:
                url = self._renew()
                check_url(url)
                self._url = url


def _close_when_done(answer: Future[StreamingResponse]) -> None:
    if answer.exception() is None:
        answer.result().close()


def _status_message(status: int, shown: str) -> str:
    if status == 404:
        return f"there is no such file (404): {shown}"
    if status in _EXPIRED:
        return f"the link has expired or is not allowed ({status}): {shown}"
    if status in _TRANSIENT:
        return f"the server keeps failing ({status}): {shown}"
    return f"the server answered {status}: {shown}"


def retry_after(response: StreamingResponse) -> float:
    """Return the seconds that a response asks to wait, 0 if it does not.

    Parameters
    ----------
    response
        The response.
    """
    return parse_retry_after(header(response, "Retry-After")) or 0.0


def header(response: StreamingResponse, name: str) -> str | None:
    """Return a header of an answer, whatever the case of its name, or None.

    Parameters
    ----------
    response
        The answer.
    name
        Name of the header.
    """
    wanted = name.lower()
    return next((value for key, value in response.headers.items() if key.lower() == wanted), None)
