"""Records of the store: tasks, projects and machine groups."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

import msgspec

from inductiva_widgets.models.tasks import StatusEvent, TaskInfo, TaskSubmission
from inductiva_widgets.server.clock import Moment
from inductiva_widgets.server.executor import RunEnding
from inductiva_widgets.server.schemas.machine_groups import NewGroup


class Supervision(msgspec.Struct, frozen=True, kw_only=True):
    """State of the supervisor of a task.

    ``handle`` identifies it to the executor (``executor.TaskHandle``). It is None before the start,
    in a record of an earlier version, which has a process id instead, and if the server was killed
    before it could save the handle: ``Executor.find`` handles these cases.
    ``offset`` is the part of the journal that was applied to the task. Both are saved together, so
    that no event is applied twice. ``attempts`` is the number of supervisors so far.
    ``created`` is the moment at which the task was created: the wall clock as it was set then gives
    all times of the task, so that the durations between them are right.
    ``group_ended`` means that the task's machine group was terminated, so the task has to end.
    ``ending`` is the final status that the executor implied for the last run, with the reason.
    """

    handle: str | None = None
    offset: int = 0
    attempts: int = 0
    group_ended: bool = False
    created: Moment | None = None
    ending: RunEnding | None = None


class TaskRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Stored task; ``seq`` is the order of creation."""

    seq: int
    info: TaskInfo
    submission: TaskSubmission
    history: tuple[StatusEvent, ...] = ()
    supervision: Supervision = Supervision()


Change = Callable[[TaskRecord], TaskRecord]


class ProjectRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Project with its number of tasks per status."""

    name: str
    id: str
    kind: str
    created: float
    overview: dict[str, int]


class GroupStatus(str, Enum):
    """Status of a machine group, as named by the API; changes take no time on this server."""

    REGISTERED = "registered"
    STARTED = "started"
    TERMINATED = "terminated"


class GroupRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Machine group; ``spec`` is its registration, None for the built-in group."""

    id: str
    name: str
    machine_id: str
    created: float
    status: GroupStatus = GroupStatus.STARTED
    spec: NewGroup | None = None

    @property
    def is_started(self) -> bool:
        """Whether the group accepts tasks."""
        return self.status == GroupStatus.STARTED

    @property
    def machine_type(self) -> str:
        """Type of the group's machines.

        It is the type of its registration, though all tasks run on this machine. That of the
        built-in group is its name.
        """
        return self.name if self.spec is None else self.spec.machine_type
