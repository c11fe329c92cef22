"""Encode requests, decode untrusted messages of a data channel, and queue them for a reader."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, NamedTuple

import msgspec

from inductiva_widgets.ansi import escape_control_chars
from inductiva_widgets.errors import InductivaError, TaskError, UnexpectedResponseError

MAX_BYTES = 1 << 20
"""Maximum size of a message; peers send less than 64 KiB."""
_MAX_ERROR_CHARS = 500
_MAX_FILES = 10_000
_MAX_DEPTH = 100


@dataclass(frozen=True)
class PeerRequest:
    """A request to a peer.

    Parameters
    ----------
    operation
        ``"ls"``, ``"tail"``, ``"top"`` or ``"last_modified_file"``.
    args
        Arguments of the operation.
    follow
        If True, the peer sends answers until the request is cancelled.
    """

    operation: str
    args: dict[str, Any] = field(default_factory=dict)
    follow: bool = False

    def encode(self) -> str:
        """Encode the request as JSON."""
        body = {"type": self.operation, "follow": self.follow, "args": self.args}
        return msgspec.json.encode(body).decode()


class _Message(msgspec.Struct):
    status: str
    message: Any = None


def decode(raw: object) -> Any:
    """Decode a message of a peer.

    Parameters
    ----------
    raw
        The message as received.

    Raises
    ------
    TaskError
        If the peer reports an error; the message includes it.
    UnexpectedResponseError
        If the message is malformed.
    """
    if not isinstance(raw, (str, bytes)) or len(raw) > MAX_BYTES:
        raise UnexpectedResponseError("The machine of the task sent a message that is too long.")
    try:
        message = msgspec.json.decode(raw, type=_Message)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise UnexpectedResponseError(
            f"The machine of the task sent an invalid message: {error}."
        ) from error
    if message.status != "success":
        reason = message.message if isinstance(message.message, str) else message.status
        raise TaskError(f"The machine of the task reports: {_shorten(reason)}")
    return message.message


def parse_lines(message: Any) -> list[str]:
    """Return the lines of an answer to ``tail``.

    Raises
    ------
    UnexpectedResponseError
        If the answer is not a list of strings.
    """
    try:
        # Some peers may include line ends.
        return [line.rstrip("\n") for line in msgspec.convert(message, list[str])]
    except msgspec.ValidationError as error:
        raise UnexpectedResponseError(
            f"The machine of the task must send a list of lines: {error}."
        ) from error


class ModifiedFileMessage(msgspec.Struct):
    """Answer to ``last_modified_file``; times are seconds since the epoch."""

    most_recent_file: str
    most_recent_timestamp: float
    now_timestamp: float | None = None

    @property
    def modified(self) -> datetime | None:
        """Time of the last change, by the machine's clock, or None if it is invalid."""
        try:
            return datetime.fromtimestamp(self.most_recent_timestamp, timezone.utc)
        except (ValueError, OverflowError, OSError):
            return None


def parse_last_modified(message: Any) -> ModifiedFileMessage | None:
    """Return the answer to ``last_modified_file``, or None if there is no file.

    Raises
    ------
    UnexpectedResponseError
        If the answer is malformed.
    """
    if not message or (isinstance(message, dict) and not message.get("most_recent_file")):
        return None
    try:
        return msgspec.convert(message, ModifiedFileMessage, strict=False)
    except msgspec.ValidationError as error:
        raise UnexpectedResponseError(
            f"The machine of the task must send a file and its time: {error}."
        ) from error


def parse_files(message: Any) -> list[str]:
    """Return the file paths in an answer to ``ls``, in its order.

    Raises
    ------
    UnexpectedResponseError
        If the answer is malformed, or has more than 10,000 entries.
    """
    names: list[str] = []
    left: list[tuple[str, Any, int]] = [("", message, 0)]
    seen = 0
    while left:
        folder, entries, depth = left.pop()
        if not isinstance(entries, list) or depth > _MAX_DEPTH:
            raise UnexpectedResponseError("The machine of the task must send a file listing.")
        seen += len(entries)
        if seen > _MAX_FILES:
            raise UnexpectedResponseError(
                f"The machine of the task must list at most {_MAX_FILES:,} files."
            )
        for entry in entries:
            if isinstance(entry, str):
                names.append(f"{folder}{entry}")
            elif isinstance(entry, dict):
                left += [(f"{folder}{name}/", inner, depth + 1) for name, inner in entry.items()]
            else:
                raise UnexpectedResponseError("The machine of the task must send a file listing.")
    return names


def _shorten(text: str) -> str:
    text = escape_control_chars(text)
    return text if len(text) <= _MAX_ERROR_CHARS else f"{text[:_MAX_ERROR_CHARS]}…"


class MessageBatch(NamedTuple):
    """Messages in the order of their arrival.

    Parameters
    ----------
    messages
        The messages.
    is_whole
        If False, messages before these were dropped because they were not read in time.
    """

    messages: list[Any]
    is_whole: bool


class MessageQueue:
    """A queue for one reader. If it is full, the oldest messages are dropped.

    Parameters
    ----------
    limit
        Maximum total size of the messages in bytes.
    """

    def __init__(self, limit: int = 4 << 20) -> None:
        self._limit = limit
        self._condition = threading.Condition()
        self._messages: deque[tuple[Any, int]] = deque()
        self._size = 0
        self._is_whole = True
        self._is_closed = False
        self._error: InductivaError | None = None

    @property
    def is_closed(self) -> bool:
        """Whether the queue is closed and empty."""
        with self._condition:
            return self._is_closed and not self._messages

    def put(self, message: Any, size: int) -> None:
        """Add a message.

        Parameters
        ----------
        message
            The message.
        size
            Its size in bytes.
        """
        with self._condition:
            if self._is_closed:
                return
            self._messages.append((message, size))
            self._size += size
            while self._size > self._limit and len(self._messages) > 1:
                self._size -= self._messages.popleft()[1]
                self._is_whole = False
            self._condition.notify_all()

    def close(self, error: InductivaError | None = None) -> None:
        """Close the queue, with the error of the first call as the reason."""
        with self._condition:
            if not self._is_closed:
                self._is_closed, self._error = True, error
                self._condition.notify_all()

    def get(self, timeout: float) -> MessageBatch:
        """Return all messages, waiting for the first one if there is none.

        Parameters
        ----------
        timeout
            Maximum seconds to wait. The batch may be empty then.

        Raises
        ------
        InductivaError
            The error of ``close``, once the queue is empty.
        """
        with self._condition:
            self._condition.wait_for(lambda: self._messages or self._is_closed, timeout)
            if not self._messages and self._error is not None:
                raise self._error
            batch = MessageBatch([message for message, _ in self._messages], self._is_whole)
            self._messages.clear()
            self._size, self._is_whole = 0, True
            return batch
