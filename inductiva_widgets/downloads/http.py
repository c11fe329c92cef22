"""HTTP interface of the download engine, and its implementation with requests.

Everything above speaks to an ``Opener``, so tests and other transports plug in here.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote, urlsplit

from inductiva_widgets._logging import redact_signed_urls_in_logs
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
# Measured with eight connections: larger ones are not faster, but leave gaps in the memory.
CHUNK = 192 * 1024
_POOL = 32


class StreamingResponse(Protocol):
    """An answer whose body has not been read yet."""

    @property
    def status(self) -> int:
        """HTTP status code."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers; their names may be in any case."""

    def chunks(self) -> Iterator[bytes]:
        """Yield the body as it arrives; raise ``APIConnectionError`` where it is cut off."""

    def close(self) -> None:
        """Let go of the connection."""

    def abort(self) -> None:
        """Make a ``chunks`` that is waiting in another thread end soon."""


class HttpGet(Protocol):
    """Makes one GET request; called from several threads at once."""

    def __call__(self, url: str, headers: Mapping[str, str]) -> StreamingResponse:
        """Return the answer once its headers are there.

        Parameters
        ----------
        url
            Where to ask, signature and all.
        headers
            Headers to send.

        Raises
        ------
        APIConnectionError
            When no answer came. Its text must not hold the query of the URL.
        """


def display_url(url: str) -> str:
    """Return host and path of a URL, fit for a message.

    The query of a signed link is as good as a password, so it must never reach a message or a log.

    Examples
    --------
    >>> display_url("https://user:pw@host:8443/a%20b/output.zip?X-Signature=secret")
    'host:8443/a b/output.zip'
    """
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "the link"
    return f"{host}{unquote(parts.path)}"


def check_url(url: str) -> None:
    """Refuse what is no http or https address.

    Raises
    ------
    InputError
        When the address is malformed.
    """
    try:
        parts = urlsplit(url)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        valid = valid and not any(character.isspace() for character in parts.netloc)
    except (ValueError, AttributeError, TypeError):
        valid = False
    if not valid:
        raise InputError("not a web address: it must look like https://host/file")


class RequestsHttpGet:
    """The default ``Opener``: one pooled, key-less ``requests`` session.

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
        """Make one GET request; see ``Opener``."""
        import requests

        error: InductivaError
        try:
            answer = self._shared_session().get(
                url, headers=dict(headers), stream=True, timeout=self._timeouts
            )
            return _RequestsStreamingResponse(answer)
        except requests.TooManyRedirects:
            error = DownloadError(f"{display_url(url)} redirects in circles")
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema):
            error = InputError(f"not a web address: {display_url(url)}")
        except requests.RequestException as exc:
            error = _connection_error(exc, url)
        # Raised here and not inside except: requests' own text holds the whole signed URL, and a
        # chained exception would print it.
        raise error

    def close(self) -> None:
        """Close the pooled connections."""
        with self._lock:
            session, self._session = self._session, None
        if session is not None:
            session.close()

    def _shared_session(self) -> requests.Session:
        import http.cookiejar

        import requests
        from requests.adapters import HTTPAdapter

        with self._lock:
            if self._session is None:
                redact_signed_urls_in_logs()
                session = requests.Session()
                # Without an auth of its own, requests would add credentials from ~/.netrc, which
                # signed links refuse; proxies from the environment stay in force.
                # https://requests.readthedocs.io/en/latest/user/authentication/#netrc-authentication
                session.auth = _no_credentials
                session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
                for scheme in ("http://", "https://"):
                    session.mount(scheme, HTTPAdapter(pool_connections=4, pool_maxsize=_POOL))
                self._session = session
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
            # The raw body: ranges and lengths count the bytes as stored, so nothing may be decoded.
            raw = self._response.raw
            if hasattr(raw, "read1") and not raw.chunked:  # urllib3 >= 2.1
                # What is there already, instead of waiting until a slow link has filled a piece.
                while data := raw.read1(CHUNK, decode_content=False):
                    yield data
            else:
                yield from raw.stream(CHUNK, decode_content=False)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as exc:
            error = _connection_error(exc, self._url)
        except (ValueError, AttributeError):
            # urllib3 and http.client may raise these if another thread closes the body while it is
            # read, usually an HTTPError (30 of 30 times with urllib3 2.8).
            error = APIConnectionError(f"the connection to {display_url(self._url)} was closed")
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
                return  # the body ended meanwhile, so there is nothing to wake


def _no_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _connection_error(exc: Exception, url: str) -> APIConnectionError:
    """Say in own words what went wrong: the library's text would show the signature."""
    import requests
    import urllib3

    where = display_url(url)
    seen = _chain(exc)
    if any(isinstance(one, requests.exceptions.SSLError) for one in seen):
        return APIConnectionError(
            f"no secure connection to {where}: its certificate was not accepted"
        )
    if any(isinstance(one, requests.exceptions.ProxyError) for one in seen):
        return APIConnectionError(f"the proxy on the way to {where} did not answer")
    if any(isinstance(one, urllib3.exceptions.NameResolutionError) for one in seen):
        return APIConnectionError(f"the host of {where} is not known")
    if any(isinstance(one, ConnectionRefusedError) for one in seen):
        return APIConnectionError(f"{where} refused the connection")
    # After the refused connection, which urllib3 counts among the timeouts as well:
    # https://github.com/psf/requests/issues/2811
    if any(isinstance(one, (requests.Timeout, urllib3.exceptions.TimeoutError)) for one in seen):
        return APITimeoutError(f"{where} did not answer in time")
    return APIConnectionError(f"the connection to {where} was cut off")


def _chain(exc: BaseException) -> list[BaseException]:
    """Return an exception with all that it wraps: causes, contexts and urllib3's ``reason``."""
    found: list[BaseException] = []
    waiting: list[object] = [exc]
    while waiting and len(found) < 20:
        one = waiting.pop()
        if isinstance(one, BaseException) and one not in found:
            found.append(one)
            waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
    return found
