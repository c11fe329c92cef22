"""The asyncio event loop of all WebRTC connections, in a background thread."""

from __future__ import annotations

import asyncio
import atexit
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

_lock = threading.Lock()
_running: list[asyncio.AbstractEventLoop] = []


def run_coroutine(coroutine: Coroutine[Any, Any, T]) -> Future[T]:
    """Run a coroutine on the loop, which starts with the first call."""
    with _lock:
        if not _running:
            loop = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="inductiva-peers", daemon=True).start()
            _running.append(loop)
    return asyncio.run_coroutine_threadsafe(coroutine, _running[0])


async def run_blocking(function: Callable[[], T]) -> T:
    """Call a blocking function on a daemon thread, which does not delay the exit."""
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()

    def set_result(value: T | None, error: BaseException | None) -> None:
        if result.done():
            return  # the wait was cancelled
        if error is not None:
            result.set_exception(error)
        else:
            result.set_result(value)  # type: ignore[arg-type]

    def call() -> None:
        value, error = None, None
        try:
            value = function()
        except BaseException as raised:  # raised again by the await below
            error = raised
        loop.call_soon_threadsafe(set_result, value, error)

    threading.Thread(target=call, name="inductiva-peers-http", daemon=True).start()
    return await result


def at_exit(close: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine on the loop at exit, for at most one second."""

    def run() -> None:
        if _running:
            future = run_coroutine(close())
            try:
                future.result(1.0)
            except Exception:
                # The peer detects the lost connection by itself.
                future.cancel()

    atexit.register(run)
