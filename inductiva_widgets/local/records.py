"""What the server remembers of a task beyond what the wire shows."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from inductiva_widgets.models import StatusEvent, Submission, TaskInfo


class Supervision(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the process that runs a task.

    ``offset`` is how much of the journal has gone into the task: it is saved together with what
    came of it, so that no event counts twice, whenever the server is killed. ``ready`` tells that
    the process listens to SIGTERM, ``attempts`` how many such processes there have been.
    """

    pid: int | None = None
    offset: int = 0
    ready: bool = False
    attempts: int = 0


class TaskRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A task as the store keeps it; ``seq`` is the order of creation."""

    seq: int
    info: TaskInfo
    submission: Submission
    history: tuple[StatusEvent, ...] = ()
    supervision: Supervision = Supervision()


Change = Callable[[TaskRecord], TaskRecord]


class ProjectRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A project and how many tasks it has of each status."""

    name: str
    id: str
    kind: str
    created: float
    overview: dict[str, int]


class GroupRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The machine group of this machine."""

    id: str
    name: str
    machine_id: str
    created: float
