"""What goes over a channel. Nothing that comes from a peer is trusted. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from inductiva_widgets.errors import TaskError, UnexpectedAnswerError

LONGEST = 1 << 20
"""Bytes of a message; peers send less than 64 KiB."""
_LONGEST_ERROR = 500


@dataclass(frozen=True)
class Question:
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
    UnexpectedAnswerError
        The message has another form.
    """
    if not isinstance(raw, (str, bytes)) or len(raw) > LONGEST:
        raise UnexpectedAnswerError("The task's machine sent a message that is too long.")
    try:
        message = msgspec.json.decode(raw, type=_Message)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise UnexpectedAnswerError(
            f"The task's machine sent what is no answer: {error}."
        ) from error
    if message.status != "success":
        said = message.message if isinstance(message.message, str) else message.status
        raise TaskError(f"The task's machine says: {_short(said)}")
    return message.message


def lines_of(message: Any) -> list[str]:
    """Return the lines of an answer to ``tail``.

    Raises
    ------
    UnexpectedAnswerError
        It is no list of texts.
    """
    try:
        # Some peers may leave the line ends on.
        return [line.rstrip("\n") for line in msgspec.convert(message, list[str])]
    except msgspec.ValidationError as error:
        raise UnexpectedAnswerError(
            f"The task's machine sent something else than lines: {error}."
        ) from error


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_ERROR else f"{text[:_LONGEST_ERROR]}…"
