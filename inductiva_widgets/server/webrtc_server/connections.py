"""WebRTC connections on one event loop; imports aiortc."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import Callable

from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription

from inductiva_widgets.server.webrtc_server.channel import PeerChannel
from inductiva_widgets.server.webrtc_server.running_task import RunningTask

_log = logging.getLogger(__name__)
# It logs every pair of addresses that it tries.
logging.getLogger("aioice").setLevel(logging.WARNING)

_MOST_CHANNELS = 64
_ANSWER_TAKES = 8.0
_CLOSE_TAKES = 2.0


class Connections:
    """The connections; all methods are for the event loop they are on.

    Parameters
    ----------
    max_connections
        How many there may be at a time.
    idle
        Seconds without a request under way after which one is closed, as one that never opens.
    """

    def __init__(self, max_connections: int, idle: float) -> None:
        self._max_connections = max_connections
        self._idle = idle
        self._open: set[_ServedConnection] = set()
        self._sweeper = asyncio.create_task(self._sweep())

    def __len__(self) -> int:
        return len(self._open)

    async def answer(self, task: RunningTask, sdp: str) -> str | None:
        """Return the answer to an offer, None where there is none to give."""
        if not _asks_for_data(sdp) or len(self._open) >= self._max_connections:
            return None
        connection = _ServedConnection(task, self._close_later)
        self._open.add(connection)
        try:
            return await asyncio.wait_for(connection.answer(sdp), _ANSWER_TAKES)
        except Exception as error:
            # aiortc reads what it is given without a check, so anything may be raised.
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
            # Kept until it is done, since the loop does not keep it.
            connection.closing = closing

    async def _close(self, connection: _ServedConnection) -> None:
        self._open.discard(connection)
        await connection.close()


class _ServedConnection:
    """One connection to one client, about one task; any number of channels."""

    def __init__(self, task: RunningTask, on_lost: Callable[[_ServedConnection], None]) -> None:
        self.closing: asyncio.Future[None] | None = None
        self._task = task
        self._on_lost = on_lost
        self._conversations: list[PeerChannel] = []
        self._active = time.monotonic()
        # Not the public servers that are asked by default: both sides are on this machine, or in
        # reach of each other.
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._peer.on("datachannel", self._begin)
        self._peer.on("connectionstatechange", self._look)

    async def answer(self, sdp: str) -> str:
        """Return the answer to an offer."""
        await self._peer.setRemoteDescription(RTCSessionDescription(sdp=sdp, type="offer"))
        await self._peer.setLocalDescription(await self._peer.createAnswer())
        return str(self._peer.localDescription.sdp)

    def idle_seconds(self) -> float:
        """Return for how long no request has been under way."""
        if any(one.is_busy for one in self._conversations):
            self._active = time.monotonic()
        return time.monotonic() - self._active

    async def close(self) -> None:
        """End everything that is said here, and the connection."""
        for conversation in self._conversations:
            conversation.end()
        # The other side may be gone without a word.
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._peer.close(), _CLOSE_TAKES)

    def _begin(self, channel: RTCDataChannel) -> None:
        self._active = time.monotonic()
        self._conversations = [one for one in self._conversations if not one.is_over]
        if len(self._conversations) >= _MOST_CHANNELS:
            channel.close()
        else:
            self._conversations.append(PeerChannel(channel, self._task))

    def _look(self) -> None:
        if self._peer.connectionState in ("failed", "closed"):
            self._on_lost(self)


def _asks_for_data(sdp: str) -> bool:
    """Return whether an offer is for data channels, and not for sound or pictures."""
    media = re.findall(r"^m=(\w+)", sdp, re.MULTILINE)
    return media == ["application"]
