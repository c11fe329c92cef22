"""Records of the store: tasks, projects and machine groups."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

import msgspec

from inductiva_widgets.models.tasks import StatusEvent, TaskInfo, TaskSubmission
from inductiva_widgets.server.schemas.machine_groups import NewGroup


class Supervision(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the supervisor of a task.

    ``handle`` is what its executor knows it by (``executor.TaskHandle``). It is None before the
    supervisor is started, in a record of an earlier version, which has a process id instead, and if
    the server was killed before it could save the handle: ``Executor.find`` is for all three.
    ``offset`` is how much of the journal has gone into the task: it is saved together with what
    came of it, so that no event counts twice, whenever the server is killed. ``attempts`` is how
    many supervisors there have been. ``group_ended`` means that the task's machine group was
    terminated, and the task has to end.
    """

    handle: str | None = None
    offset: int = 0
    attempts: int = 0
    group_ended: bool = False


class TaskRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A task as the store keeps it; ``seq`` is the order of creation."""

    seq: int
    info: TaskInfo
    submission: TaskSubmission
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


class GroupStatus(str, Enum):
    """Status of a machine group, as the wire names it; here one follows the other at once."""

    REGISTERED = "registered"
    STARTED = "started"
    TERMINATED = "terminated"


class GroupRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A machine group; ``spec`` is what it was registered with, None for this machine's own."""

    id: str
    name: str
    machine_id: str
    created: float
    status: GroupStatus = GroupStatus.STARTED
    spec: NewGroup | None = None

    @property
    def is_started(self) -> bool:
        """Whether the group takes tasks."""
        return self.status == GroupStatus.STARTED

    @property
    def machine_type(self) -> str:
        """Type of the group's machines.

        Whatever was asked for when it was registered, and what listings show, though all tasks
        run on this machine; the built-in group goes by its own name.
        """
        return self.name if self.spec is None else self.spec.machine_type
