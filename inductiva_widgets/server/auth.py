"""Authentication middleware: checks the API key and the Host header.

Any web page that the user visits can send requests to a port of this machine, but it has no key and
cannot read responses across origins. A page whose host name points to this machine (DNS rebinding)
is recognised by the Host header. So all but the open paths need a key, and foreign host names are
rejected.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
import time
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inductiva_widgets.server.http_util import error_response
from inductiva_widgets.server.signed_urls import LINK_PREFIX

_HOST = re.compile(r"(\[(?P<address>[\w.:%]+)\]|(?P<name>[\w.-]+))(:\d{0,5})?", re.ASCII)

OPEN_PATHS = frozenset(
    {"/version", "/version-check", "/simulators/available-images", "/pricing/machine-types"}
)


class IdleTracker:
    """Time since the last request ended."""

    def __init__(self) -> None:
        self._running = 0
        self._last = time.monotonic()

    def begin(self) -> None:
        """Record the start of a request."""
        self._running += 1

    def end(self) -> None:
        """Record the end of a request."""
        self._running -= 1
        self._last = time.monotonic()

    def idle_seconds(self) -> float:
        """Return the seconds since the last request, 0 during a request."""
        return 0.0 if self._running else time.monotonic() - self._last


class AuthMiddleware:
    """ASGI middleware that rejects requests without the user's key.

    Parameters
    ----------
    app
        The wrapped application.
    api_key
        The key that requests must carry.
    host_names
        Further names of this server than ``localhost``. IP addresses are always accepted, since
        DNS cannot redirect them.
    activity
        Records the begin and end of each request.
    """

    def __init__(
        self, app: ASGIApp, api_key: str, host_names: Iterable[str], activity: IdleTracker
    ) -> None:
        self._app = app
        self._api_key = api_key.encode()
        self._host_names = {"localhost", *(name.lower() for name in host_names)}
        self._activity = activity

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to the application, or reject it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._activity.begin()
        try:
            headers: dict[bytes, bytes] = dict(scope["headers"])
            if not self._is_own_host(headers.get(b"host", b"").decode("latin-1")):
                refusal = error_response(421, "This server does not answer to that host name.")
                await refusal(scope, receive, send)
            elif not self._may_pass(scope["path"], headers.get(b"x-api-key")):
                refusal = error_response(
                    401, "The API key is missing or not the one of this server."
                )
                await refusal(scope, receive, send)
            else:
                await self._app(scope, receive, _without_sniffing(send))
        finally:
            self._activity.end()

    def _may_pass(self, path: str, key: bytes | None) -> bool:
        if path in OPEN_PATHS or path.startswith(LINK_PREFIX):
            return True
        return key is not None and hmac.compare_digest(key, self._api_key)

    def _is_own_host(self, header: str) -> bool:
        name = _host_of(header)
        if name in self._host_names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def _host_of(header: str) -> str:
    """Return the host of a Host header, without port and brackets; "" if it is malformed."""
    found = _HOST.fullmatch(header)
    return "" if found is None else (found["address"] or found["name"]).lower()


def _without_sniffing(send: Send) -> Send:
    """Add the header against MIME sniffing, since output files may contain scripts."""

    async def sender(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"x-content-type-options", b"nosniff")]
        await send(message)

    return sender
