"""Encode requests and decode untrusted messages of a data channel."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

import msgspec

from inductiva_widgets.errors import TaskError, UnexpectedResponseError

LONGEST = 1 << 20
"""Bytes of a message; peers send less than 64 KiB."""
_LONGEST_ERROR = 500
_MOST_FILES = 10_000
_DEEPEST = 100


@dataclass(frozen=True)
class PeerRequest:
    """What a peer is asked.

    Parameters
    ----------
    operation
        ``"ls"``, ``"tail"``, ``"top"`` or ``"last_modified_file"``.
    args
        Arguments of the operation.
    follow
        Whether the answers go on.
    """

    operation: str
    args: dict[str, Any] = field(default_factory=dict)
    follow: bool = False

    def encode(self) -> str:
        """Return the question as it is sent."""
        body = {"type": self.operation, "follow": self.follow, "args": self.args}
        return msgspec.json.encode(body).decode()


class _Message(msgspec.Struct):
    status: str
    message: Any = None


def decode(raw: object) -> Any:
    """Return what a peer's message says.

    Raises
    ------
    TaskError
        The peer could not do what it was asked; its own words are in the text.
    UnexpectedResponseError
        The message has another form.
    """
    if not isinstance(raw, (str, bytes)) or len(raw) > LONGEST:
        raise UnexpectedResponseError("The task's machine sent a message that is too long.")
    try:
        message = msgspec.json.decode(raw, type=_Message)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise UnexpectedResponseError(
            f"The task's machine sent what is no answer: {error}."
        ) from error
    if message.status != "success":
        said = message.message if isinstance(message.message, str) else message.status
        raise TaskError(f"The task's machine says: {_short(said)}")
    return message.message


def parse_lines(message: Any) -> list[str]:
    """Return the lines of an answer to ``tail``.

    Raises
    ------
    UnexpectedResponseError
        It is no list of texts.
    """
    try:
        # Some peers may leave the line ends on.
        return [line.rstrip("\n") for line in msgspec.convert(message, list[str])]
    except msgspec.ValidationError as error:
        raise UnexpectedResponseError(
            f"The task's machine sent something else than lines: {error}."
        ) from error


class ModifiedFileMessage(msgspec.Struct):
    """The answer to ``last_modified_file``, times in seconds since the epoch."""

    most_recent_file: str
    most_recent_timestamp: float
    now_timestamp: float | None = None

    @property
    def modified(self) -> datetime | None:
        """When the file was written, by the clock of its machine; None for no time at all."""
        try:
            return datetime.fromtimestamp(self.most_recent_timestamp, timezone.utc)
        except (ValueError, OverflowError, OSError):
            return None


def parse_last_modified(message: Any) -> ModifiedFileMessage | None:
    """Return what an answer to ``last_modified_file`` says; None where there is no file.

    Raises
    ------
    UnexpectedResponseError
        It has another form.
    """
    if not message or (isinstance(message, dict) and not message.get("most_recent_file")):
        return None
    try:
        return msgspec.convert(message, ModifiedFileMessage, strict=False)
    except msgspec.ValidationError as error:
        raise UnexpectedResponseError(
            f"The task's machine sent something else than a file and its time: {error}."
        ) from error


def parse_files(message: Any) -> list[str]:
    """Return the names in an answer to ``ls``, in its order; folders are named by their files.

    Raises
    ------
    UnexpectedResponseError
        It is no such listing, or has more than 10,000 entries.
    """
    names: list[str] = []
    left: list[tuple[str, Any, int]] = [("", message, 0)]
    seen = 0
    while left:
        folder, entries, depth = left.pop()
        if not isinstance(entries, list) or depth > _DEEPEST:
            raise UnexpectedResponseError("The task's machine sent something else than a listing.")
        seen += len(entries)
        if seen > _MOST_FILES:
            raise UnexpectedResponseError(
                f"The task's machine lists more than {_MOST_FILES:,} files."
            )
        for entry in entries:
            if isinstance(entry, str):
                names.append(f"{folder}{entry}")
            elif isinstance(entry, dict):
                left += [(f"{folder}{name}/", inner, depth + 1) for name, inner in entry.items()]
            else:
                raise UnexpectedResponseError(
                    "The task's machine sent something else than a listing."
                )
    return names


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_ERROR else f"{text[:_LONGEST_ERROR]}…"
