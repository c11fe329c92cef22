"""One WebRTC connection to the machine of a task."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any

from inductiva_widgets import config
from inductiva_widgets.errors import (
    APIConnectionError,
    ConfigurationError,
    InductivaError,
    UnexpectedResponseError,
)
from inductiva_widgets.webrtc.event_loop import run_blocking

if TYPE_CHECKING:
    from aiortc import RTCDataChannel, RTCPeerConnection

    from inductiva_widgets.http.client import Client

_LABEL = "file_transfer"
# Seconds that the service may take to find the task's machine, and the two to find each other.
_ANSWER = 20
_CONNECT = 30.0


def import_aiortc() -> Any:
    """Return the package of WebRTC.

    Raises
    ------
    ConfigurationError
        It is not installed.
    """
    try:
        import aiortc
    except ImportError as error:
        raise ConfigurationError(
            "Files of a running task come by WebRTC here, which needs aiortc "
            f'({error}): pip install "inductiva-widgets[live]"'
        ) from error
    return aiortc


class PeerConnection:
    """An open connection. Made by ``Connection.open``, used on the loop alone."""

    def __init__(self, peer: RTCPeerConnection) -> None:
        self._peer = peer
        self._first: RTCDataChannel | None = peer.createDataChannel(_LABEL)
        self.lost = asyncio.Event()
        peer.on("connectionstatechange", self._look)

    @classmethod
    async def open(cls, client: Client, task_id: str) -> PeerConnection:
        """Connect with the machine of a task; costs three requests.

        Raises
        ------
        ConfigurationError
            WebRTC is not installed.
        APIConnectionError
            Nobody answered, or the two did not find each other.
        """
        aiortc = import_aiortc()
        where = config.turn_server()
        servers = [aiortc.RTCIceServer(f"{kind}:{where}") for kind in ("stun", "turn")]
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
        """Whether nothing was asked yet."""
        return self._first is not None

    def channel(self) -> RTCDataChannel:
        """Return a channel for one question."""
        channel, self._first = self._first, None
        return channel or self._peer.createDataChannel(_LABEL)

    async def close(self) -> None:
        """End the connection."""
        self.lost.set()
        await self._peer.close()

    async def _negotiate(self, client: Client, task_id: str, aiortc: Any) -> None:
        await self._peer.setLocalDescription(await self._peer.createOffer())
        sender, offer = str(uuid.uuid4()), self._peer.localDescription.sdp
        await run_blocking(lambda: client.register_peer(task_id, sender))
        await run_blocking(lambda: client.send_peer_offer(task_id, sender, offer))
        answer = await run_blocking(lambda: client.get_peer_answer(task_id, sender, _ANSWER))
        if answer is None:
            raise APIConnectionError(
                f"The machine of task {task_id} did not answer: its files cannot be read at the "
                "moment. Try again in a while."
            )
        try:
            await self._peer.setRemoteDescription(
                aiortc.RTCSessionDescription(answer.sdp, answer.type)
            )
        except InductivaError:
            raise
        except Exception as error:
            # Whatever a malformed answer makes the parser stumble over.
            raise UnexpectedResponseError(
                f"The machine of task {task_id} answered with what is no WebRTC session: {error!r}."
            ) from error
        try:
            await asyncio.wait_for(self._wait_open(), _CONNECT)
        except (asyncio.TimeoutError, ConnectionError) as error:
            raise APIConnectionError(
                f"No connection with the machine of task {task_id} came about. "
                "The network may not let WebRTC (UDP) pass."
            ) from error

    async def _wait_open(self) -> None:
        assert self._first is not None  # noqa: S101 - nothing was asked before it is open
        await opened(self._first, self.lost)

    def _look(self) -> None:
        if self._peer.connectionState in {"failed", "closed"}:
            self.lost.set()


async def opened(channel: RTCDataChannel, lost: asyncio.Event) -> None:
    """Wait until a channel is open.

    Raises
    ------
    ConnectionError
        The connection was lost before.
    """
    ready = asyncio.Event()
    channel.on("open", ready.set)
    if channel.readyState == "open":
        return
    await wait_any(ready, lost)
    if not ready.is_set():
        raise ConnectionError


async def wait_any(*events: asyncio.Event, timeout: float | None = None) -> None:
    """Wait until one of several events is there, or the time is over."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
