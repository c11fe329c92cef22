"""Session with the machine of one task: a shared connection, a channel per request.

Some peers answer only one channel per connection, and the stream of a file without changes is
silent for long. So the second channel of a connection first sends a request that is always
answered. If no answer arrives, each request gets a connection of its own; if it is answered soon
there, all later requests to the service get their own connections.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from inductiva_widgets.errors import APIConnectionError, InductivaError
from inductiva_widgets.webrtc.connection import PeerConnection, at_exit, opened, wait_any
from inductiva_widgets.webrtc.messages import MessageQueue, PeerRequest, decode

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client

PATIENCE = 5.0
"""Seconds to wait for an answer on the second channel."""
LINGER = 10.0
"""Seconds for which an unused connection is kept open."""

_PROBE = PeerRequest("last_modified_file")

_sessions: dict[tuple[Client, str], PeerSession] = {}
# URLs of services whose peers answer several channels of a connection, or only one.
_multi_channel: set[str] = set()
_single_channel: set[str] = set()


class PeerSession:
    """Session with the machine of one task. Used only on the event loop."""

    def __init__(self, client: Client, task_id: str) -> None:
        self._client = client
        self._task_id = task_id
        self._shared: PeerConnection | None = None
        self._connecting = asyncio.Lock()
        self._n_requests = 0
        self._close_timer: asyncio.TimerHandle | None = None

    async def send(self, request: PeerRequest, queue: MessageQueue) -> None:
        """Send a request, and put its answers into a queue until they end.

        Parameters
        ----------
        request
            The request.
        queue
            Receives the answers. It is closed at the end.
        """
        self._n_requests += 1
        if self._close_timer is not None:
            self._close_timer.cancel()
        try:
            await self._send(request, queue)
            queue.close()
        except InductivaError as error:
            queue.close(error)
        except Exception as error:
            queue.close(APIConnectionError(f"The connection failed: {error!r}."))
        finally:
            queue.close()
            self._n_requests -= 1
            if not self._n_requests:
                loop = asyncio.get_running_loop()
                self._close_timer = loop.call_later(LINGER, self._close_shared)

    async def close(self) -> None:
        """Close the shared connection."""
        shared, self._shared = self._shared, None
        if shared is not None:
            await shared.close()

    async def _send(self, request: PeerRequest, queue: MessageQueue) -> None:
        can_share = self._client.url not in _single_channel
        if can_share and await self._send_on_shared(request, queue):
            return
        own = await PeerConnection.open(self._client, self._task_id)
        now = asyncio.get_running_loop().time
        began = now()

        def on_answer() -> None:
            # A late answer does not prove anything: the file may not have changed until then.
            if can_share and now() - began < PATIENCE:
                _single_channel.add(self._client.url)

        try:
            await _exchange(own, request, queue, on_answer)
        finally:
            await own.close()

    async def _send_on_shared(self, request: PeerRequest, queue: MessageQueue) -> bool:
        """Send a request on the shared connection; return False if that is not supported."""
        connection = await self._shared_connection()
        if connection.is_fresh:
            await _exchange(connection, request, queue)
            return True
        is_answered = asyncio.Event()
        try:
            if not await self._supports_multiple_channels(connection):
                return False
            await _exchange(connection, request, queue, is_answered.set)
        except APIConnectionError:
            if is_answered.is_set():
                raise
            # The connection was lost before, which is detected only now.
            await _exchange(await self._shared_connection(), request, queue)
        return True

    async def _supports_multiple_channels(self, connection: PeerConnection) -> bool:
        """Return whether the peer answers a second channel; tested once per service."""
        url = self._client.url
        if url not in _multi_channel:
            with contextlib.suppress(asyncio.TimeoutError):
                probe = _exchange(
                    connection, _PROBE, MessageQueue(), lambda: _multi_channel.add(url)
                )
                await asyncio.wait_for(probe, PATIENCE)
        return url in _multi_channel

    async def _shared_connection(self) -> PeerConnection:
        """Return the shared connection, opened if needed."""
        async with self._connecting:
            if self._shared is None or self._shared.lost.is_set():
                await self.close()
                self._shared = await PeerConnection.open(self._client, self._task_id)
            return self._shared

    def _close_shared(self) -> None:
        if not self._n_requests:
            _sessions.pop((self._client, self._task_id), None)
            self._closing = asyncio.ensure_future(self.close())


async def send(client: Client, task_id: str, request: PeerRequest, queue: MessageQueue) -> None:
    """Send a request to the machine of a task, and put its answers into a queue."""
    session = _sessions.setdefault((client, task_id), PeerSession(client, task_id))
    await session.send(request, queue)


async def _exchange(
    connection: PeerConnection,
    request: PeerRequest,
    queue: MessageQueue,
    on_answer: Callable[[], None] = lambda: None,
) -> None:
    """Send a request on a channel, and receive answers until they end."""
    channel = connection.channel()
    is_done = asyncio.Event()
    is_answered = False

    def on_message(raw: object) -> None:
        nonlocal is_answered
        if is_done.is_set():
            return
        if not is_answered:
            is_answered = True
            on_answer()
        try:
            queue.put(decode(raw), len(raw) if isinstance(raw, (str, bytes)) else 0)
            if not request.follow:
                is_done.set()
        except InductivaError as error:
            queue.close(error)
            is_done.set()

    channel.on("message", on_message)
    channel.on("close", is_done.set)
    try:
        await opened(channel, connection.lost)
        channel.send(request.encode())
        await wait_any(is_done, connection.lost)
        if not is_done.is_set():
            raise ConnectionError
    except ConnectionError as error:
        raise APIConnectionError(
            "The connection to the machine of the task was lost. Try again."
        ) from error
    finally:
        is_done.set()
        channel.close()


async def _close_all() -> None:
    sessions = list(_sessions.values())
    _sessions.clear()
    await asyncio.gather(*(session.close() for session in sessions), return_exceptions=True)


at_exit(_close_all)
