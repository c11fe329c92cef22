"""A WebRTC connection to the machine of a task, and the event loop of all connections."""

from __future__ import annotations

import asyncio
import atexit
import threading
import uuid
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from inductiva_widgets import config
from inductiva_widgets.errors import (
    APIConnectionError,
    ConfigurationError,
    InductivaError,
    UnexpectedResponseError,
)

if TYPE_CHECKING:
    from aiortc import RTCDataChannel, RTCPeerConnection

    from inductiva_widgets.http.client import Client


T = TypeVar("T")

_lock = threading.Lock()
_running: list[asyncio.AbstractEventLoop] = []

_LABEL = "file_transfer"
# Seconds to wait for the answer of the machine, and for the connection.
_ANSWER_SECONDS = 20
_CONNECT_SECONDS = 30.0


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


def import_aiortc() -> Any:
    """Import and return ``aiortc``.

    Raises
    ------
    ConfigurationError
        If it is not installed.
    """
    try:
        import aiortc
    except ImportError as error:
        raise ConfigurationError(
            "Reading the files of a running task requires aiortc "
            f'({error}). Install the extra: pip install "inductiva-widgets[live]".'
        ) from error
    return aiortc


class PeerConnection:
    """An open connection, created by ``open``. Used only on the event loop."""

    def __init__(self, peer: RTCPeerConnection) -> None:
        self._peer = peer
        self._first: RTCDataChannel | None = peer.createDataChannel(_LABEL)
        self.lost = asyncio.Event()
        peer.on("connectionstatechange", self._on_state_change)

    @classmethod
    async def open(cls, client: Client, task_id: str) -> PeerConnection:
        """Connect to the machine of a task.

        Raises
        ------
        ConfigurationError
            If aiortc is not installed.
        APIConnectionError
            If the machine does not answer, or no connection can be made.

        Notes
        -----
        Requests: 3
        """
        aiortc = import_aiortc()
        host = config.turn_server()
        servers = [aiortc.RTCIceServer(f"{kind}:{host}") for kind in ("stun", "turn")]
        peer = aiortc.RTCPeerConnection(aiortc.RTCConfiguration(servers))
        connection = cls(peer)
        try:
            await connection._negotiate(client, task_id, aiortc)
        except BaseException:
            await connection.close()
            raise
        return connection

    @property
    def is_fresh(self) -> bool:
        """Whether no request was sent yet."""
        return self._first is not None

    def channel(self) -> RTCDataChannel:
        """Return a channel for one request."""
        channel, self._first = self._first, None
        return channel or self._peer.createDataChannel(_LABEL)

    async def close(self) -> None:
        """Close the connection."""
        self.lost.set()
        await self._peer.close()

    async def _negotiate(self, client: Client, task_id: str, aiortc: Any) -> None:
        await self._peer.setLocalDescription(await self._peer.createOffer())
        sender, offer = str(uuid.uuid4()), self._peer.localDescription.sdp
        await run_blocking(lambda: client.register_peer(task_id, sender))
        await run_blocking(lambda: client.send_peer_offer(task_id, sender, offer))
        answer = await run_blocking(
            lambda: client.get_peer_answer(task_id, sender, _ANSWER_SECONDS)
        )
        if answer is None:
            raise APIConnectionError(
                f"The machine of task {task_id} did not answer, so its files cannot be read. "
                "Try again later."
            )
        try:
            await self._peer.setRemoteDescription(
                aiortc.RTCSessionDescription(answer.sdp, answer.type)
            )
        except InductivaError:
            raise
        except Exception as error:
            # The parser raises many kinds of exceptions for a malformed answer.
            raise UnexpectedResponseError(
                f"The machine of task {task_id} sent an invalid WebRTC session: {error!r}."
            ) from error
        try:
            await asyncio.wait_for(self._wait_open(), _CONNECT_SECONDS)
        except (asyncio.TimeoutError, ConnectionError) as error:
            raise APIConnectionError(
                f"Could not connect to the machine of task {task_id}. "
                "Check that the network allows WebRTC (UDP)."
            ) from error

    async def _wait_open(self) -> None:
        assert self._first is not None  # noqa: S101 - requests are sent after the connection opens
        await opened(self._first, self.lost)

    def _on_state_change(self) -> None:
        if self._peer.connectionState in {"failed", "closed"}:
            self.lost.set()


async def opened(channel: RTCDataChannel, lost: asyncio.Event) -> None:
    """Wait until a channel is open.

    Raises
    ------
    ConnectionError
        If the connection is lost first.
    """
    ready = asyncio.Event()
    channel.on("open", ready.set)
    if channel.readyState == "open":
        return
    await wait_any(ready, lost)
    if not ready.is_set():
        raise ConnectionError


async def wait_any(*events: asyncio.Event, timeout: float | None = None) -> None:
    """Wait until one of several events is set, or the timeout is over."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
