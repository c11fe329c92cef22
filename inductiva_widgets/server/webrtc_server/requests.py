"""Parse the requests of a data channel, and answer them in order."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import closing
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from inductiva_widgets.server.errors import BadRequestError, MissingError
from inductiva_widgets.server.schemas.tasks import WorkingFileEntry
from inductiva_widgets.server.webrtc_server import tail
from inductiva_widgets.server.webrtc_server.running_task import RunningTask
from inductiva_widgets.server.webrtc_server.tail import batch_by_size

MAX_ANSWER = 512 << 10
"""Maximum number of bytes of an answer in one message; peers reject more than a megabyte."""

Tree = list["str | dict[str, Tree]"]
Arguments = TypeVar("Arguments")

_log = logging.getLogger(__name__)
# Files are read further only when fewer bytes are waiting to be sent.
_MAX_BUFFERED = 256 << 10
_MAX_WAITING = 16


class ChannelRequest(msgspec.Struct, frozen=True):
    """Request of a client."""

    type: str
    follow: bool = False
    args: dict[str, Any] | None = None


class TailArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of ``tail``: file, number of lines, and whether to wait for the file."""

    filename: str
    lines: Annotated[int, Meta(ge=0, le=10**9)] = 10
    wait: bool = False


class _NoArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of operations that have none."""


def parse_request(message: str | bytes) -> ChannelRequest:
    """Parse a message.

    Raises
    ------
    BadRequestError
        The message is not a valid request.
    """
    try:
        return msgspec.json.decode(message, type=ChannelRequest)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise BadRequestError(f"The request cannot be read: {error}.") from None


def tail_arguments(request: ChannelRequest) -> TailArguments:
    """Return the arguments of a request for ``tail``."""
    return _arguments(request, TailArguments)


def success(value: object) -> str:
    """Return the message of an answer."""
    return msgspec.json.encode({"status": "success", "message": value}).decode()


def failure(reason: str) -> str:
    """Return the message of an error."""
    # Truncated, since the reason may quote the request.
    return msgspec.json.encode({"status": "error", "message": reason[:2000]}).decode()


async def answer(task: RunningTask, request: ChannelRequest) -> str:
    """Return the message that answers a request.

    Raises
    ------
    BadRequestError
        The operation is unknown or fails.
    """
    operation = OPERATIONS.get(request.type)
    if operation is None:
        known = ", ".join(OPERATIONS)
        raise BadRequestError(f"There is no operation {request.type!r}. Expected one of: {known}.")
    return success(await operation(task, request))


async def _tail(task: RunningTask, request: ChannelRequest) -> list[str]:
    arguments = tail_arguments(request)
    with closing(await tail.opened(task, arguments.filename, wait=arguments.wait)) as file:
        return await asyncio.to_thread(tail.last_lines, file, arguments.lines, MAX_ANSWER)


async def _list(task: RunningTask, request: ChannelRequest) -> Tree:
    _arguments(request, _NoArguments)
    return to_nested_lists(await asyncio.to_thread(task.files), MAX_ANSWER)


async def _last_modified_file(task: RunningTask, request: ChannelRequest) -> dict[str, str | float]:
    _arguments(request, _NoArguments)
    files = await asyncio.to_thread(task.files)
    if not files:
        raise MissingError("The task has no files yet.")
    now, modified = time.time(), files[0].modified.timestamp()
    return {
        "most_recent_file": files[0].name,
        "most_recent_timestamp": modified,
        "now_timestamp": now,
        # Not negative if a program has set a future time.
        "time_since_last_mod": max(0.0, now - modified),
    }


async def _top(task: RunningTask, request: ChannelRequest) -> str:
    _arguments(request, _NoArguments)
    return await asyncio.to_thread(task.top)


OPERATIONS: dict[str, Callable[[RunningTask, ChannelRequest], Awaitable[object]]] = {
    "ls": _list,
    "tail": _tail,
    "top": _top,
    "last_modified_file": _last_modified_file,
}


def to_nested_lists(files: Iterable[WorkingFileEntry], max_bytes: int) -> Tree:
    """Return files as nested lists by folder, truncated to the first files that fit.

    Parameters
    ----------
    files
        The files.
    max_bytes
        Approximate maximum size as JSON.
    """
    kept = []
    for file in files:
        # An overestimate: each folder is sent once.
        max_bytes -= len(file.name.encode()) + 8
        if max_bytes < 0:
            break
        kept.append(file.name)
    top_level: Tree = []
    known: dict[str, Tree] = {"": top_level}
    for name in sorted(kept):
        folder, _, last = name.rpartition("/")
        _folder(folder, known).append(last)
    return top_level


def _folder(path: str, known: dict[str, Tree]) -> Tree:
    if path not in known:
        above, _, last = path.rpartition("/")
        known[path] = []
        _folder(above, known).append({last: known[path]})
    return known[path]


def _arguments(request: ChannelRequest, kind: type[Arguments]) -> Arguments:
    try:
        return msgspec.convert(request.args or {}, kind)
    except msgspec.ValidationError as error:
        raise BadRequestError(f"Invalid arguments of {request.type!r}: {error}.") from None


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
            request = parse_request(message)
            if request.type == "tail" and request.follow:
                await self._follow(request)
            else:
                await self._send(await answer(self._task, request))
        except BadRequestError as error:
            await self._send(failure(str(error)))
        except _GoneError:
            raise
        except Exception as error:
            _log.exception("A request to the peer of task %s failed.", self._task.id)
            await self._send(failure(f"The embedded server failed: {error!r}."))

    async def _follow(self, request: ChannelRequest) -> None:
        arguments = tail_arguments(request)
        name = arguments.filename
        file = await tail.opened(self._task, name, wait=arguments.wait)
        async for lines in tail.iter_new_lines(self._task, name, file, arguments.lines):
            for batch in batch_by_size(lines):
                await self._send(success(batch))
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
