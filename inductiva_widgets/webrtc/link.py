"""The way to one task: a connection that all who ask share, a channel for each question.

That several channels of a connection are answered is not certain of every peer. Where a second one
gets no answer, the question is put again on a connection of its own; if that is answered at once,
questions to the same service get connections of their own from then on.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from inductiva_widgets.errors import APIConnectionError, InductivaError
from inductiva_widgets.webrtc.connection import Connection, first_of, opened
from inductiva_widgets.webrtc.inbox import Inbox
from inductiva_widgets.webrtc.loop import at_exit
from inductiva_widgets.webrtc.messages import Question, decode

if TYPE_CHECKING:
    from inductiva_widgets.api.client import Client

PATIENCE = 5.0
"""Seconds in which a second channel should be answered."""
LINGER = 10.0
"""Seconds that a connection is kept when nobody asks."""

_links: dict[tuple[Client, str], Link] = {}
_alone: set[str] = set()


class Link:
    """The way to one task; used on the loop alone."""

    def __init__(self, client: Client, task_id: str) -> None:
        self._client = client
        self._task_id = task_id
        self._shared: Connection | None = None
        self._connecting = asyncio.Lock()
        self._users = 0
        self._end: asyncio.TimerHandle | None = None

    async def put(self, question: Question, inbox: Inbox) -> None:
        """Put a question; its answers go into an inbox until they end or it is cancelled."""
        self._users += 1
        if self._end is not None:
            self._end.cancel()
        try:
            await self._put(question, inbox)
            inbox.end()
        except InductivaError as error:
            inbox.end(error)
        except Exception as error:
            inbox.end(APIConnectionError(f"The connection failed: {error!r}."))
        finally:
            inbox.end()
            self._users -= 1
            if not self._users:
                self._end = asyncio.get_running_loop().call_later(LINGER, self._retire)

    async def close(self) -> None:
        """End the connection."""
        shared, self._shared = self._shared, None
        if shared is not None:
            await shared.close()

    async def _put(self, question: Question, inbox: Inbox) -> None:
        is_known_to_share = self._client.url not in _alone
        if is_known_to_share:
            connection, patience = await self._common()
            if await _exchange(connection, question, inbox, patience):
                return
        own = await Connection.open(self._client, self._task_id)
        try:
            if not await _exchange(own, question, inbox, PATIENCE if is_known_to_share else None):
                # It was just quiet: that says nothing of the shared connection.
                await _exchange(own, question, inbox, None)
            elif is_known_to_share:
                _alone.add(self._client.url)
        finally:
            await own.close()

    async def _common(self) -> tuple[Connection, float | None]:
        """Return the shared connection, and how long an answer on it is waited for."""
        async with self._connecting:
            if self._shared is None or self._shared.lost.is_set():
                await self.close()
                self._shared = await Connection.open(self._client, self._task_id)
            return self._shared, None if self._shared.is_fresh else PATIENCE

    def _retire(self) -> None:
        if not self._users:
            _links.pop((self._client, self._task_id), None)
            self._closing = asyncio.ensure_future(self.close())


async def put(client: Client, task_id: str, question: Question, inbox: Inbox) -> None:
    """Put a question to the machine of a task."""
    link = _links.setdefault((client, task_id), Link(client, task_id))
    await link.put(question, inbox)


async def _exchange(
    connection: Connection, question: Question, inbox: Inbox, patience: float | None
) -> bool:
    """Ask on a channel until the answers end; return whether there was one in time."""
    channel = connection.channel()
    answered, over = asyncio.Event(), asyncio.Event()

    def take(raw: object) -> None:
        if over.is_set():
            return
        try:
            inbox.put(decode(raw), len(raw) if isinstance(raw, (str, bytes)) else 0)
            if not question.follow:
                over.set()
        except InductivaError as error:
            inbox.end(error)
            over.set()
        answered.set()

    channel.on("message", take)
    channel.on("close", over.set)
    try:
        await asyncio.wait_for(opened(channel, connection.lost), patience)
        channel.send(question.encode())
        await first_of(answered, over, connection.lost, timeout=patience)
        if not (answered.is_set() or over.is_set() or connection.lost.is_set()):
            return False
        await first_of(over, connection.lost)
        if not over.is_set():
            raise ConnectionError
    except asyncio.TimeoutError:
        return False
    except ConnectionError as error:
        raise APIConnectionError(
            "The connection with the task's machine was lost. Try again."
        ) from error
    finally:
        over.set()
        channel.close()
    return True


async def _close_all() -> None:
    links = list(_links.values())
    _links.clear()
    await asyncio.gather(*(link.close() for link in links), return_exceptions=True)


at_exit(_close_all)
