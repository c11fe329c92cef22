"""HTTP connections that are closed if the client is silent for too long.

uvicorn limits the pauses between two requests only. Without further limits, a client that sends
half a request, or does not read its response, would hold its connection for ever.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol


class TimedProtocol(H11Protocol):
    """HTTP/1.1 connection with limits, in seconds, for what the client has to do."""

    max_head_seconds: ClassVar[float] = 30.0
    """From the connection, or the first byte of a later request, to the end of the headers."""
    max_stall_seconds: ClassVar[float] = 120.0
    """Pause within the body of a request, and between two reads of a response."""
    check_period: ClassVar[float] = 5.0
    """Between two checks."""

    _head_since: float | None = None
    _progress_at = 0.0
    _n_unsent = 0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the checks."""
        super().connection_made(transport)
        self._head_since = self._progress_at = self.loop.time()
        self._timer = self.loop.call_later(self.check_period, self._check)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the checks."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Record the progress."""
        self._progress_at = self.loop.time()
        # After an early response, the rest of a body is no head of a request.
        if self._head_since is None and not self._has_request and not self._has_open_body:
            self._head_since = self._progress_at
        super().data_received(data)

    def on_response_complete(self) -> None:
        """Leave the pause before the next request to uvicorn, which limits it."""
        self._head_since = None
        super().on_response_complete()

    @property
    def _has_request(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def _has_open_body(self) -> bool:
        return self.cycle is not None and self.cycle.more_body and not self.flow.read_paused

    def _check(self) -> None:
        now = self.loop.time()
        n_unsent = self.transport.get_write_buffer_size()
        is_clients_turn = n_unsent or self._has_open_body
        if n_unsent != self._n_unsent or not is_clients_turn:
            self._n_unsent, self._progress_at = n_unsent, now
        head_since = now if self._head_since is None or self._has_request else self._head_since
        is_late = now > head_since + self.max_head_seconds
        if is_late or now > self._progress_at + self.max_stall_seconds:
            # Not `close`, which would wait until the client has read the response.
            self.transport.abort()
            return
        self._timer = self.loop.call_later(self.check_period, self._check)
