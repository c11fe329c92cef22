"""Limits of calls to the API: time and size of the response.

``requests`` limits the time between two reads of a socket, which a response that arrives one byte
at a time never exceeds. The connections in this module also limit the time of the whole call. A
compressed response may expand a thousandfold, so its size is limited as it is decoded.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import time
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

import requests.adapters
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from inductiva_widgets.http.api_key import ApiKeyConnection

MAX_RETRY_AFTER = 60.0
"""Maximum seconds that one call waits because of ``Retry-After``."""
PERSISTENT_TRIES = 6
"""Number of tries in ``persistent``."""
MAX_RESPONSE = 64 * 1024 * 1024
"""Maximum bytes of a decoded response. The largest listings have a few MB."""


@dataclass(frozen=True)
class TimeLimits:
    """Limits of one call, in seconds.

    Parameters
    ----------
    connect
        Time to connect to one address of the host.
    answer
        Time until the response begins, and the longest pause within it.
    total
        Time of the whole call: all tries, the pauses between them, and the body.
    tries
        Number of tries.
    repeats_timeouts
        If False, a try that times out is the last one.
    """

    connect: float = 5.0
    answer: float = 15.0
    total: float = 60.0
    tries: int = 4
    repeats_timeouts: bool = True


DEFAULT = TimeLimits()
# If there is no response, the service may still have processed the request. A request that must not
# be repeated gets more time before it fails.
UNREPEATABLE = TimeLimits(answer=60.0, total=120.0, tries=1)

_single: ContextVar[float | None] = ContextVar("single_try", default=None)
_min_tries: ContextVar[int] = ContextVar("min_tries", default=1)
_repeats_timeouts: ContextVar[bool] = ContextVar("repeats_timeouts", default=True)
_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextlib.contextmanager
def single_try(answer: float = DEFAULT.answer) -> Iterator[None]:
    """Make only one try of each call in the block, on this thread.

    For loops that retry by themselves and report the first failure. A call takes at most the time
    to connect plus twice the time until the response must begin.

    Parameters
    ----------
    answer
        Seconds until the response must begin, if less than usual.
    """
    token = _single.set(answer)
    try:
        yield
    finally:
        _single.reset(token)


@contextlib.contextmanager
def single_timeout() -> Iterator[None]:
    """Do not repeat tries that timed out in the block, on this thread.

    For callers that have another answer. Other failures are repeated. A call takes at most the time
    to connect plus twice the time until the response must begin.
    """
    token = _repeats_timeouts.set(False)
    try:
        yield
    finally:
        _repeats_timeouts.reset(token)


@contextlib.contextmanager
def persistent() -> Iterator[None]:
    """Make up to ``PERSISTENT_TRIES`` of each repeatable call in the block, on this thread.

    For work that costs more to lose than to wait for, such as an upload.
    """
    token = _min_tries.set(PERSISTENT_TRIES)
    try:
        yield
    finally:
        _min_tries.reset(token)


def effective(limits: TimeLimits) -> TimeLimits:
    """Return the limits of a call, which the context managers of this module change.

    Parameters
    ----------
    limits
        The usual limits.
    """
    if limits.tries > 1:
        limits = replace(limits, tries=max(limits.tries, _min_tries.get()))
    if not _repeats_timeouts.get():
        limits = replace(limits, total=_total(limits), repeats_timeouts=False)
    answer = _single.get()
    if answer is None:
        return limits
    limits = replace(limits, tries=1, answer=min(limits.answer, answer))
    return replace(limits, total=_total(limits))


def _total(limits: TimeLimits) -> float:
    return min(limits.total, limits.connect + 2 * limits.answer)


@contextlib.contextmanager
def deadline(at: float) -> Iterator[None]:
    """Set the time at which reading a response in the block fails.

    Parameters
    ----------
    at
        Value of ``time.monotonic``.
    """
    token = _deadline.set(at)
    try:
        yield
    finally:
        _deadline.reset(token)


class ResponseTooLarge(Exception):
    """The response has more than ``MAX_RESPONSE`` bytes."""


class LimitedAdapter(requests.adapters.HTTPAdapter):
    """Transport adapter whose connections respect ``deadline`` and ``sending_api_key``.

    Responses respect ``MAX_RESPONSE``.
    """

    def build_response(
        self, req: requests.PreparedRequest, resp: urllib3.BaseHTTPResponse
    ) -> requests.Response:
        """Return the response with a limited body."""
        response = super().build_response(req, resp)
        response.raw = _LimitedBody(response.raw)
        return response

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Create the pools of direct connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """Return the pools of connections through a proxy."""
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager


class _LimitedBody:
    """A response of urllib3 that fails when its decoded body becomes too large."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def stream(self, amt: int, decode_content: bool | None = None) -> Iterator[bytes]:
        """Yield the body, as the method of urllib3."""
        size = 0
        for piece in self._raw.stream(amt, decode_content=decode_content):
            size += len(piece)
            if size > MAX_RESPONSE:
                self._raw.close()
                raise ResponseTooLarge
            yield piece


class _LimitedResponse(http.client.HTTPResponse):
    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        at = _deadline.get()
        if at is not None:
            self.fp = io.BufferedReader(_LimitedReader(self.fp, sock, at))


class _LimitedReader(io.RawIOBase):
    """Reads a socket until a deadline."""

    def __init__(self, source: Any, sock: Any, at: float) -> None:
        self._source, self._sock, self._at = source, sock, at
        self._longest_pause = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        left = self._at - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        pause = self._longest_pause
        self._sock.settimeout(left if pause is None else min(pause, left))
        count: int | None = self._source.raw.readinto(buffer)
        return count

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()


class _LimitedConnection(ApiKeyConnection, HTTPConnection):
    response_class = _LimitedResponse


class _LimitedSecureConnection(ApiKeyConnection, HTTPSConnection):
    response_class = _LimitedResponse


class _LimitedPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _LimitedConnection


class _LimitedSecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _LimitedSecureConnection


_POOLS = {"http": _LimitedPool, "https": _LimitedSecurePool}
