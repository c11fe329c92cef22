"""Parse and answer the requests of a data channel."""

from __future__ import annotations

import asyncio
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

MAX_ANSWER = 512 << 10
"""Maximum number of bytes of an answer in one message; peers reject more than a megabyte."""

Tree = list["str | dict[str, Tree]"]
Arguments = TypeVar("Arguments")


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
