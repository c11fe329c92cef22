"""Session with the machine of one task: a shared connection, a channel per request.

That several channels of a connection are answered is not certain of every peer, and one that tells
of a quiet file says nothing for long. So the first second channel asks what is always answered.
Where no answer comes, the question gets a connection of its own; if it is answered there at once,
so do all questions to the same service from then on.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from inductiva_widgets.errors import APIConnectionError, InductivaError
from inductiva_widgets.webrtc.connection import PeerConnection, opened, wait_any
from inductiva_widgets.webrtc.event_loop import at_exit
from inductiva_widgets.webrtc.message_queue import MessageQueue
from inductiva_widgets.webrtc.messages import PeerRequest, decode

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client

PATIENCE = 5.0
"""Seconds in which the first second channel should be answered."""
LINGER = 10.0
"""Seconds that a connection is kept when nobody asks."""

_PROBE = PeerRequest("last_modified_file")

_links: dict[tuple[Client, str], PeerSession] = {}
# Addresses of services whose peers are known to answer several channels, or one alone.
_several: set[str] = set()
_alone: set[str] = set()


class PeerSession:
    """The way to one task; used on the loop alone."""

    def __init__(self, client: Client, task_id: str) -> None:
        self._client = client
        self._task_id = task_id
        self._shared: PeerConnection | None = None
        self._connecting = asyncio.Lock()
        self._users = 0
        self._end: asyncio.TimerHandle | None = None

    async def send(self, question: PeerRequest, inbox: MessageQueue) -> None:
        """Put a question; its answers go into an inbox until they end or it is cancelled."""
        self._users += 1
        if self._end is not None:
            self._end.cancel()
        try:
            await self._put(question, inbox)
            inbox.close()
        except InductivaError as error:
            inbox.close(error)
        except Exception as error:
            inbox.close(APIConnectionError(f"The connection failed: {error!r}."))
        finally:
            inbox.close()
            self._users -= 1
            if not self._users:
                self._end = asyncio.get_running_loop().call_later(LINGER, self._close_shared)

    async def close(self) -> None:
        """End the connection."""
        shared, self._shared = self._shared, None
        if shared is not None:
            await shared.close()

    async def _put(self, question: PeerRequest, inbox: MessageQueue) -> None:
        shares = self._client.url not in _alone
        if shares and await self._send_on_shared(question, inbox):
            return
        own = await PeerConnection.open(self._client, self._task_id)
        now = asyncio.get_running_loop().time
        began = now()

        def learn() -> None:
            # A late answer says nothing of the shared connection: the file was just quiet.
            if shares and now() - began < PATIENCE:
                _alone.add(self._client.url)

        try:
            await _exchange(own, question, inbox, on_answer=learn)
        finally:
            await own.close()

    async def _send_on_shared(self, question: PeerRequest, inbox: MessageQueue) -> bool:
        """Put a question on the shared connection; return whether that can be used."""
        connection = await self._shared_connection()
        if connection.is_fresh:
            await _exchange(connection, question, inbox)
            return True
        is_answered = asyncio.Event()
        try:
            if not await self._supports_multiple_channels(connection):
                return False
            await _exchange(connection, question, inbox, is_answered.set)
        except APIConnectionError:
            if is_answered.is_set():
                raise
            # It had been lost before, which is noticed only now.
            await _exchange(await self._shared_connection(), question, inbox)
        return True

    async def _supports_multiple_channels(self, connection: PeerConnection) -> bool:
        """Return whether a second channel of a connection is answered; asks once a service."""
        url = self._client.url
        if url not in _several:
            with contextlib.suppress(asyncio.TimeoutError):
                asking = _exchange(connection, _PROBE, MessageQueue(), lambda: _several.add(url))
                await asyncio.wait_for(asking, PATIENCE)
        return url in _several

    async def _shared_connection(self) -> PeerConnection:
        """Return the shared connection."""
        async with self._connecting:
            if self._shared is None or self._shared.lost.is_set():
                await self.close()
                self._shared = await PeerConnection.open(self._client, self._task_id)
            return self._shared

    def _close_shared(self) -> None:
        if not self._users:
            _links.pop((self._client, self._task_id), None)
            self._closing = asyncio.ensure_future(self.close())


async def put(client: Client, task_id: str, question: PeerRequest, inbox: MessageQueue) -> None:
    """Put a question to the machine of a task."""
    link = _links.setdefault((client, task_id), PeerSession(client, task_id))
    await link.send(question, inbox)


async def _exchange(
    connection: PeerConnection,
    question: PeerRequest,
    inbox: MessageQueue,
    on_answer: Callable[[], None] = lambda: None,
) -> None:
    """Ask on a channel until the answers end."""
    channel = connection.channel()
    over = asyncio.Event()
    is_answered = False

    def take(raw: object) -> None:
        nonlocal is_answered
        if over.is_set():
            return
        if not is_answered:
            is_answered = True
            on_answer()
        try:
            inbox.put(decode(raw), len(raw) if isinstance(raw, (str, bytes)) else 0)
            if not question.follow:
                over.set()
        except InductivaError as error:
            inbox.close(error)
            over.set()

    channel.on("message", take)
    channel.on("close", over.set)
    try:
        await opened(channel, connection.lost)
        channel.send(question.encode())
        await wait_any(over, connection.lost)
        if not over.is_set():
            raise ConnectionError
    except ConnectionError as error:
        raise APIConnectionError(
            "The connection with the task's machine was lost. Try again."
        ) from error
    finally:
        over.set()
        channel.close()


async def _close_all() -> None:
    links = list(_links.values())
    _links.clear()
    await asyncio.gather(*(link.close() for link in links), return_exceptions=True)


at_exit(_close_all)
