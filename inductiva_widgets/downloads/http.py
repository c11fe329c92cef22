"""HTTP interface of the download engine, and its implementation with requests.

All other modules make requests through an ``HttpGet``, so tests and other transports plug in here.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote, urlsplit

from inductiva_widgets.errors import (
    APIConnectionError,
    APITimeoutError,
    DownloadError,
    InductivaError,
    InputError,
)

if TYPE_CHECKING:
    import requests

CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 60.0
# With eight connections, larger chunks are not faster, and fragment the memory.
CHUNK = 192 * 1024
_POOL = 32


class StreamingResponse(Protocol):
    """A response whose body has not been read yet."""

    @property
    def status(self) -> int:
        """HTTP status code."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Response headers, in any case."""

    def chunks(self) -> Iterator[bytes]:
        """Yield the body as it arrives; raise ``APIConnectionError`` if the connection is lost."""

    def close(self) -> None:
        """Release the connection."""

    def abort(self) -> None:
        """End a ``chunks`` call that waits in another thread."""


class HttpGet(Protocol):
    """Function that makes a GET request, called from several threads."""

    def __call__(self, url: str, headers: Mapping[str, str]) -> StreamingResponse:
        """Return the response once its headers are received.

        Parameters
        ----------
        url
            URL, including its signature.
        headers
            Request headers.

        Raises
        ------
        APIConnectionError
            If there was no response. The message must not contain the query of the URL.
        """


def display_url(url: str) -> str:
    """Return host and path of a URL, for messages.

    The query of a signed URL grants access, so it must never appear in a message or a log.

    Examples
    --------
    >>> display_url("https://user:pw@host:8443/a%20b/output.zip?X-Signature=secret")
    'host:8443/a b/output.zip'
    """
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "the URL"
    return f"{host}{unquote(parts.path)}"


def check_url(url: str) -> None:
    """Raise an error unless a URL is a valid HTTP URL.

    Raises
    ------
    InputError
        If the URL is malformed.
    """
    try:
        parts = urlsplit(url)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        valid = valid and not any(character.isspace() for character in parts.netloc)
    except (ValueError, AttributeError, TypeError):
        valid = False
    if not valid:
        raise InputError("The URL must have the form https://host/file.")


class RequestsHttpGet:
    """The default ``HttpGet``: a pooled ``requests`` session without credentials.

    Parameters
    ----------
    timeouts
        Seconds to wait for the connection, and for the next bytes.
    """

    def __init__(self, timeouts: tuple[float, float] = (CONNECT_TIMEOUT, READ_TIMEOUT)) -> None:
        self._timeouts = timeouts
        self._lock = threading.Lock()
        self._session: requests.Session | None = None

    def __call__(self, url: str, headers: Mapping[str, str]) -> StreamingResponse:
        """Make a GET request, see ``HttpGet``."""
        import requests

        error: InductivaError
        try:
            answer = self._shared_session().get(
                url, headers=dict(headers), stream=True, timeout=self._timeouts
            )
            return _RequestsStreamingResponse(answer)
        except requests.TooManyRedirects:
            error = DownloadError(f"{display_url(url)} has a redirect loop.")
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema):
            error = InputError(f"The URL must be a valid HTTP URL, got {display_url(url)}.")
        except requests.RequestException as exc:
            error = _connection_error(exc, url)
        # Raised outside the except block: the message of the requests exception contains the signed
        # URL, and a chained exception would print it.
        raise error

    def close(self) -> None:
        """Close the pooled connections."""
        with self._lock:
            session, self._session = self._session, None
        if session is not None:
            session.close()

    def _shared_session(self) -> requests.Session:
        from requests.adapters import HTTPAdapter

        from inductiva_widgets.http.sessions import create_session

        with self._lock:
            if self._session is None:
                self._session = create_session(HTTPAdapter(pool_connections=4, pool_maxsize=_POOL))
            return self._session


class _RequestsStreamingResponse:
    def __init__(self, response: requests.Response) -> None:
        self._response = response
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self._url = response.url

    def chunks(self) -> Iterator[bytes]:
        import requests
        import urllib3

        error: APIConnectionError
        try:
            # The raw body: ranges and lengths count encoded bytes, so they must not be decoded.
            raw = self._response.raw
            if hasattr(raw, "read1") and not raw.chunked:  # urllib3 >= 2.1
                # Yield what has arrived, instead of waiting for a full chunk on a slow connection.
                while data := raw.read1(CHUNK, decode_content=False):
                    yield data
            else:
                yield from raw.stream(CHUNK, decode_content=False)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as exc:
            error = _connection_error(exc, self._url)
        except (ValueError, AttributeError):
            # urllib3 and http.client may raise these if another thread closes the body while it is
            # read, usually an HTTPError (30 of 30 times with urllib3 2.8).
            error = APIConnectionError(f"The connection to {display_url(self._url)} was closed.")
        else:
            return
        raise error

    def close(self) -> None:
        self._response.close()

    def abort(self) -> None:
        shutdown = getattr(self._response.raw, "shutdown", None)  # urllib3 >= 2.3
        if shutdown is not None:
            try:
                shutdown()
            except (ValueError, RuntimeError, OSError):
                return  # the body has ended


def _connection_error(exc: Exception, url: str) -> APIConnectionError:
    """Return the error without the library's message, which contains the signature."""
    import requests
    import urllib3

    from inductiva_widgets.http.responses import iter_causes

    where = display_url(url)
    seen = list(iter_causes(exc))
    if any(isinstance(one, requests.exceptions.SSLError) for one in seen):
        return APIConnectionError(
            f"No secure connection to {where} could be made: its certificate was not accepted."
        )
    if any(isinstance(one, requests.exceptions.ProxyError) for one in seen):
        return APIConnectionError(f"The proxy for {where} did not respond.")
    if any(isinstance(one, urllib3.exceptions.NameResolutionError) for one in seen):
        return APIConnectionError(f"The host name of {where} could not be resolved.")
    if any(isinstance(one, ConnectionRefusedError) for one in seen):
        return APIConnectionError(f"{where} refused the connection.")
    # After the other checks, as urllib3 reports a refused connection as a timeout too:
    # https://github.com/psf/requests/issues/2811
    if any(isinstance(one, (requests.Timeout, urllib3.exceptions.TimeoutError)) for one in seen):
        return APITimeoutError(f"{where} did not respond in time.")
    return APIConnectionError(f"The connection to {where} was lost.")
