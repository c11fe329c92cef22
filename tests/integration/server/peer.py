"""A client of the peers that the embedded server has: aiortc, and nothing of this package."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription

from tests.integration.server.conftest import LocalServer

PATIENCE = 60.0


class Channel:
    """One data channel and what came over it; None where it was closed."""

    def __init__(self, channel: RTCDataChannel) -> None:
        self.raw = channel
        self.sizes: list[int] = []
        self._came: asyncio.Queue[Any] = asyncio.Queue()
        self._is_open = asyncio.Event()
        channel.on("open", self._is_open.set)
        channel.on("message", self._take)
        channel.on("close", lambda: self._came.put_nowait(None))

    def _take(self, message: str) -> None:
        self.sizes.append(len(message.encode()))
        self._came.put_nowait(json.loads(message))

    async def send(self, message: str | bytes) -> None:
        await asyncio.wait_for(self._is_open.wait(), PATIENCE)
        self.raw.send(message)

    async def ask(self, operation: str, *, follow: bool = False, **arguments: Any) -> None:
        await self.send(json.dumps({"type": operation, "follow": follow, "args": arguments}))

    async def next(self) -> Any:
        return await asyncio.wait_for(self._came.get(), PATIENCE)

    async def get(self, operation: str, **arguments: Any) -> Any:
        """Return the message of a successful answer."""
        await self.ask(operation, **arguments)
        answer = await self.next()
        assert answer["status"] == "success", answer
        return answer["message"]

    async def refused(self, operation: str, **arguments: Any) -> str:
        """Return the reason of a refusal."""
        await self.ask(operation, **arguments)
        answer = await self.next()
        assert answer["status"] == "error", answer
        return answer["message"]

    async def lines(self, count: int | None = None) -> list[str]:
        """Return so many lines of a tail that is followed, or all until the channel is closed."""
        found: list[str] = []
        while count is None or len(found) < count:
            answer = await self.next()
            if answer is None:
                break
            assert answer["status"] == "success", answer
            found += answer["message"]
        return found


class PeerClient:
    """One connection to a task's peer; for use in ``async with``."""

    def __init__(self, server: LocalServer, task_id: str) -> None:
        self._server = server
        self._path = f"/tasks/{task_id}"
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        # The first one makes the offer one of data channels.
        self.first = self.channel()

    def channel(self) -> Channel:
        return Channel(self.connection.createDataChannel("file_transfer"))

    async def connect(self, expect: int = 200) -> bool:
        """Look for the peer as the service's client does; return whether there is one."""
        me = str(uuid.uuid4())
        await self.connection.setLocalDescription(await self.connection.createOffer())
        offer = {"sender_id": me, "type": "offer", "sdp": self.connection.localDescription.sdp}
        loop = asyncio.get_running_loop()

        def signal() -> tuple[int, Any]:
            self._server.call("POST", f"{self._path}/register", json={"sender_id": me})
            self._server.call("POST", f"{self._path}/offer", json=offer)
            url = f"{self._server.url}{self._path}/message"
            response = self._server.session.get(url, params={"client": me}, timeout=PATIENCE)
            return response.status_code, response.json() if response.content else None

        status, answer = await loop.run_in_executor(None, signal)
        assert status == expect
        if answer is not None:
            assert answer["type"] == "answer"
            await self.connection.setRemoteDescription(RTCSessionDescription(**answer))
        return answer is not None

    async def __aenter__(self) -> PeerClient:
        await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.connection.close()
