"""Send the API key without storing it in a request.

requests and urllib3 keep the headers of a request in exceptions and local variables, which
tracebacks show. So the connection adds the key to the bytes that it sends.
"""

from __future__ import annotations

import contextlib
import http.client
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from inductiva_widgets._secret import Secret

_api_key: ContextVar[Secret | None] = ContextVar("api_key", default=None)


@contextlib.contextmanager
def sending_api_key(key: Secret) -> Iterator[None]:
    """Send the key with the requests in the block, on this thread.

    Parameters
    ----------
    key
        The API key.
    """
    token = _api_key.set(key)
    try:
        yield
    finally:
        _api_key.reset(token)


class ApiKeyConnection(http.client.HTTPConnection):
    """Connection that respects ``sending_api_key``. A base class of connections of urllib3."""

    _is_head_next = False

    def endheaders(self, *args: Any, **kwargs: Any) -> None:
        """Send the request line and the headers."""
        self._is_head_next = True
        super().endheaders(*args, **kwargs)

    def send(self, data: Any) -> None:
        """Send bytes, with the key if they are the request line and the headers."""
        key = _api_key.get()
        # Reset first: `send` may connect through a proxy, which gets a request of its own.
        is_head, self._is_head_next = self._is_head_next, False
        if is_head and key is not None:
            # A view, since the frames below have it as a variable.
            data = memoryview(data[:-2] + f"X-API-Key: {key.reveal()}\r\n\r\n".encode())
        super().send(data)
