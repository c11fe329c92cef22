"""The way to one task: a connection that all who ask share, a channel for each question.

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
from inductiva_widgets.webrtc.connection import Connection, first_of, opened
from inductiva_widgets.webrtc.event_loop import at_exit
from inductiva_widgets.webrtc.message_queue import Inbox
from inductiva_widgets.webrtc.messages import Question, decode

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client

PATIENCE = 5.0
"""Seconds in which the first second channel should be answered."""
LINGER = 10.0
"""Seconds that a connection is kept when nobody asks."""

_PROBE = Question("last_modified_file")

_links: dict[tuple[Client, str], Link] = {}
# Addresses of services whose peers are known to answer several channels, or one alone.
_several: set[str] = set()
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
        shares = self._client.url not in _alone
        if shares and await self._put_shared(question, inbox):
            return
        own = await Connection.open(self._client, self._task_id)
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

    async def _put_shared(self, question: Question, inbox: Inbox) -> bool:
        """Put a question on the shared connection; return whether that can be used."""
        connection = await self._common()
        if connection.is_fresh:
            await _exchange(connection, question, inbox)
            return True
        is_answered = asyncio.Event()
        try:
            if not await self._hears_several(connection):
                return False
            await _exchange(connection, question, inbox, is_answered.set)
        except APIConnectionError:
            if is_answered.is_set():
                raise
            # It had been lost before, which is noticed only now.
            await _exchange(await self._common(), question, inbox)
        return True

    async def _hears_several(self, connection: Connection) -> bool:
        """Return whether a second channel of a connection is answered; asks once a service."""
        url = self._client.url
        if url not in _several:
            with contextlib.suppress(asyncio.TimeoutError):
                asking = _exchange(connection, _PROBE, Inbox(), lambda: _several.add(url))
                await asyncio.wait_for(asking, PATIENCE)
        return url in _several

    async def _common(self) -> Connection:
        """Return the shared connection."""
        async with self._connecting:
            if self._shared is None or self._shared.lost.is_set():
                await self.close()
                self._shared = await Connection.open(self._client, self._task_id)
            return self._shared

    def _retire(self) -> None:
        if not self._users:
            _links.pop((self._client, self._task_id), None)
            self._closing = asyncio.ensure_future(self.close())


async def put(client: Client, task_id: str, question: Question, inbox: Inbox) -> None:
    """Put a question to the machine of a task."""
    link = _links.setdefault((client, task_id), Link(client, task_id))
    await link.put(question, inbox)


async def _exchange(
    connection: Connection,
    question: Question,
    inbox: Inbox,
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
            inbox.end(error)
            over.set()

    channel.on("message", take)
    channel.on("close", over.set)
    try:
        await opened(channel, connection.lost)
        channel.send(question.encode())
        await first_of(over, connection.lost)
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
