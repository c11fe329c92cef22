"""Answer the requests of a data channel in order."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from inductiva_widgets.server.errors import BadRequestError
from inductiva_widgets.server.webrtc_server import requests, tail
from inductiva_widgets.server.webrtc_server.requests import ChannelRequest
from inductiva_widgets.server.webrtc_server.running_task import RunningTask
from inductiva_widgets.server.webrtc_server.tail import batch_by_size

_log = logging.getLogger(__name__)

# Files are read further only when fewer bytes are waiting to be sent.
_MAX_BUFFERED = 256 << 10
_MAX_WAITING = 16


class _GoneError(Exception):
    """Raised if the data channel is closed."""


class PeerChannel:
    """Answers the requests on one data channel; needs a running event loop.

    Parameters
    ----------
    channel
        The open data channel, an ``aiortc.RTCDataChannel``.
    task
        The task of the requests.
    """

    def __init__(self, channel: Any, task: RunningTask) -> None:
        self._channel = channel
        self._task = task
        self._waiting: asyncio.Queue[str | bytes] = asyncio.Queue(_MAX_WAITING)
        self._low = asyncio.Event()
        self.is_busy = False
        """Whether a request is being answered."""
        channel.on("message", self._take)
        channel.on("bufferedamountlow", self._low.set)
        channel.on("close", self.end)
        self._work = asyncio.create_task(self._answer_all())

    def end(self) -> None:
        """Stop answering."""
        self._work.cancel()

    @property
    def is_over(self) -> bool:
        """Whether no more requests are answered."""
        return self._work.done()

    def _take(self, message: str | bytes) -> None:
        try:
            self._waiting.put_nowait(message)
        except asyncio.QueueFull:
            # No well-behaved client sends so many requests at a time.
            self.end()
            self._channel.close()

    async def _answer_all(self) -> None:
        try:
            while True:
                message = await self._waiting.get()
                self.is_busy = True
                await self._answer(message)
                self.is_busy = not self._waiting.empty()
        except _GoneError:
            pass
        finally:
            self.is_busy = False

    async def _answer(self, message: str | bytes) -> None:
        try:
            request = requests.parse_request(message)
            if request.type == "tail" and request.follow:
                await self._follow(request)
            else:
                await self._send(await requests.answer(self._task, request))
        except BadRequestError as error:
            await self._send(requests.failure(str(error)))
        except _GoneError:
            raise
        except Exception as error:
            _log.exception("A request to the peer of task %s failed.", self._task.id)
            await self._send(requests.failure(f"The embedded server failed: {error!r}."))

    async def _follow(self, request: ChannelRequest) -> None:
        arguments = requests.tail_arguments(request)
        name = arguments.filename
        file = await tail.opened(self._task, name, wait=arguments.wait)
        async for lines in tail.iter_new_lines(self._task, name, file, arguments.lines):
            for batch in batch_by_size(lines):
                await self._send(requests.success(batch))
        # Closing the channel is the end mark for the client, and must follow all messages.
        await self._drained(0)
        self._channel.close()

    async def _send(self, message: str) -> None:
        await self._drained(_MAX_BUFFERED)
        if self._channel.readyState != "open":
            raise _GoneError
        self._channel.send(message)

    async def _drained(self, max_bytes: int) -> None:
        """Wait until at most ``max_bytes`` bytes are waiting to be sent."""
        self._channel.bufferedAmountLowThreshold = max_bytes
        while self._channel.bufferedAmount > max_bytes:
            self._low.clear()
            await self._low.wait()
