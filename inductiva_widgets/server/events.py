"""The events of a task's journal, as the server reads them."""

from __future__ import annotations

from datetime import datetime

import msgspec

from inductiva_widgets.status import Status


class _Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    """Something that a supervisor reports; ``time`` is when."""

    time: datetime


class Supervising(_Event, frozen=True, kw_only=True, tag="supervising"):
    """The supervisor is up and listens to SIGTERM."""

    pid: int


class InputUnpacked(_Event, frozen=True, kw_only=True, tag="unpacked"):
    """The input files are in the work folder.

    ``image_seconds`` is how long it took to fetch the container image before, None where there is
    none, or was already.
    """

    seconds: float
    files: int
    bytes: int
    image_seconds: float | None = None


class CommandStarted(_Event, frozen=True, kw_only=True, tag="command_started"):
    """A command is about to run."""

    index: int
    command: str


class CommandRunning(_Event, frozen=True, kw_only=True, tag="command_running"):
    """A command has a process group."""

    index: int
    group: int


class CommandEnded(_Event, frozen=True, kw_only=True, tag="command_ended"):
    """A command is over; no exit code where it could not be started.

    ``usage`` holds what its processes have used, as far as it was measured.
    """

    index: int
    exit_code: int | None
    usage: dict[str, int | float] = {}


class ComputationEnded(_Event, frozen=True, kw_only=True, tag="computation_ended"):
    """All commands are over; the output is being packed."""


class Archived(_Event, frozen=True, kw_only=True, tag="archived"):
    """The output archive is there."""

    seconds: float
    files: int
    bytes: int
    zipped_bytes: int
    skipped: list[str] = []


class Finished(_Event, frozen=True, kw_only=True, tag="finished"):
    """The supervisor is done; always the last event."""

    outcome: Status
    reason: str | None = None


Event = (
    Supervising
    | InputUnpacked
    | CommandStarted
    | CommandRunning
    | CommandEnded
    | ComputationEnded
    | Archived
    | Finished
)

_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def decode(line: bytes) -> Event:
    """Return the event of one line of a journal."""
    return _decoder.decode(line)
