"""WebRTC connections on one event loop; imports aiortc."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import Callable

from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription

from inductiva_widgets.server.webrtc_server.requests import PeerChannel
from inductiva_widgets.server.webrtc_server.running_task import RunningTask

_log = logging.getLogger(__name__)
# At level INFO, it logs every pair of addresses that it tries.
logging.getLogger("aioice").setLevel(logging.WARNING)

_MAX_CHANNELS = 64
_ANSWER_TIMEOUT = 8.0
_CLOSE_TIMEOUT = 2.0


class Connections:
    """Open connections; all methods must be called on the event loop that created them.

    Parameters
    ----------
    max_connections
        Maximum number of connections at a time.
    idle
        Seconds without a request after which a connection is closed.
    """

    def __init__(self, max_connections: int, idle: float) -> None:
        self._max_connections = max_connections
        self._idle = idle
        self._open: set[_ServedConnection] = set()
        self._sweeper = asyncio.create_task(self._sweep())

    def __len__(self) -> int:
        return len(self._open)

    async def answer(self, task: RunningTask, sdp: str) -> str | None:
        """Return the answer to an offer, or None if it is rejected or fails."""
        if not _asks_for_data(sdp) or len(self._open) >= self._max_connections:
            return None
        connection = _ServedConnection(task, self._close_later)
        self._open.add(connection)
        try:
            return await asyncio.wait_for(connection.answer(sdp), _ANSWER_TIMEOUT)
        except Exception as error:
            # aiortc does not validate offers, so any exception may be raised.
            _log.info("An offer to task %s could not be answered: %r.", task.id, error)
            await self._close(connection)
            return None

    async def close(self) -> None:
        """Close all connections."""
        self._sweeper.cancel()
        await asyncio.gather(*(self._close(one) for one in list(self._open)))

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(min(1.0, self._idle / 4))
            for connection in list(self._open):
                if connection.idle_seconds() > self._idle:
                    await self._close(connection)

    def _close_later(self, connection: _ServedConnection) -> None:
        if connection in self._open:
            closing = asyncio.ensure_future(self._close(connection))
            # A reference until it is done, since the event loop has only a weak one.
            connection.closing = closing

    async def _close(self, connection: _ServedConnection) -> None:
        self._open.discard(connection)
        await connection.close()


class _ServedConnection:
    """Connection to a client about one task, with several data channels."""

    def __init__(self, task: RunningTask, on_lost: Callable[[_ServedConnection], None]) -> None:
        self.closing: asyncio.Future[None] | None = None
        self._task = task
        self._on_lost = on_lost
        self._channels: list[PeerChannel] = []
        self._active = time.monotonic()
        # Without the default public STUN servers: both peers are on this machine or network.
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._peer.on("datachannel", self._begin)
        self._peer.on("connectionstatechange", self._check_state)

    async def answer(self, sdp: str) -> str:
        """Return the answer to an offer."""
        await self._peer.setRemoteDescription(RTCSessionDescription(sdp=sdp, type="offer"))
        await self._peer.setLocalDescription(await self._peer.createAnswer())
        return str(self._peer.localDescription.sdp)

    def idle_seconds(self) -> float:
        """Return the seconds since the last request."""
        if any(channel.is_busy for channel in self._channels):
            self._active = time.monotonic()
        return time.monotonic() - self._active

    async def close(self) -> None:
        """Close the channels and the connection."""
        for channel in self._channels:
            channel.end()
        # A vanished peer does not confirm.
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._peer.close(), _CLOSE_TIMEOUT)

    def _begin(self, channel: RTCDataChannel) -> None:
        self._active = time.monotonic()
        self._channels = [
            open_channel for open_channel in self._channels if not open_channel.is_over
        ]
        if len(self._channels) >= _MAX_CHANNELS:
            channel.close()
        else:
            self._channels.append(PeerChannel(channel, self._task))

    def _check_state(self) -> None:
        if self._peer.connectionState in ("failed", "closed"):
            self._on_lost(self)


def _asks_for_data(sdp: str) -> bool:
    """Return whether an offer is for data channels only, without audio or video."""
    media = re.findall(r"^m=(\w+)", sdp, re.MULTILINE)
    return media == ["application"]
