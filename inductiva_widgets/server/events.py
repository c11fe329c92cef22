"""The events of a task's journal, as the server reads them."""

from __future__ import annotations

from datetime import datetime

import msgspec

from inductiva_widgets.models.tasks import Executer
from inductiva_widgets.server.clock import Moment
from inductiva_widgets.status import Status


class _Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    """Event that a supervisor reports at ``time``; see ``clock.Moment`` for the other two."""

    time: datetime
    uptime: float | None = None
    boot: str | None = None

    @property
    def moment(self) -> Moment:
        """The moment of the event."""
        return Moment(self.time, self.uptime, self.boot)


class Supervising(_Event, frozen=True, kw_only=True, tag="supervising"):
    """The supervisor runs and can be stopped.

    ``pid`` is its process id on its machine. The fields of ``machine`` that are not None replace
    the facts that the server has.
    """

    pid: int | None = None
    machine: Executer | None = None


class CommandsResolved(_Event, frozen=True, kw_only=True, tag="resolved"):
    """The programs of all commands were found.

    ``commands`` holds program and arguments of each, ``env`` the defaults of their environment,
    ``image`` and ``engine`` the container image that they run in and the path of its engine.
    """

    commands: list[list[str]]
    env: dict[str, str] = {}
    image: str | None = None
    engine: str | None = None


class InputUnpacked(_Event, frozen=True, kw_only=True, tag="unpacked"):
    """The input was extracted into the work folder.

    ``image_seconds`` is how long it took to fetch the container image before, None if there is none
    or it was there already; ``download_seconds`` the same of the input archive.
    """

    seconds: float
    files: int
    bytes: int
    image_seconds: float | None = None
    download_seconds: float | None = None


class CommandStarted(_Event, frozen=True, kw_only=True, tag="command_started"):
    """A command is about to run; ``program`` is the path of what is started for it."""

    index: int
    command: str
    program: str | None = None


class CommandRunning(_Event, frozen=True, kw_only=True, tag="command_running"):
    """A command has a process group."""

    index: int
    group: int


class CommandEnded(_Event, frozen=True, kw_only=True, tag="command_ended"):
    """A command has ended; the exit code is None if it could not be started.

    ``usage`` has the measured resource use of its processes.
    """

    index: int
    exit_code: int | None
    usage: dict[str, int | float] = {}


class ComputationEnded(_Event, frozen=True, kw_only=True, tag="computation_ended"):
    """All commands have ended; the output is being packed."""


class Archived(_Event, frozen=True, kw_only=True, tag="archived"):
    """The output archive is complete."""

    seconds: float
    files: int
    bytes: int
    zipped_bytes: int
    skipped: list[str] = []


class Finished(_Event, frozen=True, kw_only=True, tag="finished"):
    """The supervisor has finished; always the last event.

    ``cost`` is the price of the computation in US$, None if the executor knows none.
    """

    outcome: Status
    reason: str | None = None
    cost: float | None = None


Event = (
    Supervising
    | CommandsResolved
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
