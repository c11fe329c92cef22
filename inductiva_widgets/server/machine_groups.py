"""Service for machine groups: names under which tasks run on this machine.

A group here is a label with a life of its own. Starting one starts no machine, its tasks share this
machine's capacity with those of all other groups, and it costs nothing. Its idle time and its time
of termination are kept and reported but not enforced: they limit costs, and here are none.
"""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import asdict, replace

from inductiva_widgets.server import machine_info, state_machine
from inductiva_widgets.server.errors import ConflictingStateError, MissingError
from inductiva_widgets.server.schemas.machine_groups import (
    GroupUsage,
    LocalGroup,
    NewGroup,
    PastGroup,
    SharingLevel,
    TimeSpent,
)
from inductiva_widgets.server.store import metadata
from inductiva_widgets.server.store.machine_groups import LOCAL_GROUP
from inductiva_widgets.server.store.records import GroupRecord, GroupStatus
from inductiva_widgets.server.store.tasks import TaskStore
from inductiva_widgets.server.task_loop import TaskLoop

_ALL = 10**9


class GroupFilter(NamedTuple):
    """Which groups of the history to list; None does not filter.

    ``project`` is for a link between groups and projects that there is not here: no group has one.
    """

    before: datetime | None = None
    after: datetime | None = None
    project: str | None = None
    ended_only: bool = False
    provider: str | None = None

    def fits(self, group: LocalGroup) -> bool:
        """Return whether a group is to be listed."""
        created = group.creation_timestamp
        return (
            (self.before is None or (created is not None and created < self.before))
            and (self.after is None or (created is not None and created > self.after))
            and self.provider in (None, group.provider_id)
            and self.project is None
        )


class GroupService:
    """The machine groups of one data folder.

    Parameters
    ----------
    folder
        The data folder, whose disk the groups have.
    store
        Its store.
    task_loop
        Who runs the tasks, and ends those of a terminated group.
    capacity
        How many tasks run at a time.
    """

    def __init__(self, folder: Path, store: TaskStore, task_loop: TaskLoop, capacity: int) -> None:
        self._folder = folder
        self._store = store
        self._task_loop = task_loop
        self._capacity = capacity

    def register(self, spec: NewGroup) -> LocalGroup:
        """Make a group; it takes no task before it is started."""
        return self._view(self._store.groups.add(spec))

    def start(self, key: str) -> LocalGroup:
        """Let a group take tasks; starting it again does no harm."""
        with self._store.transaction():
            group = self._record(key)
            if group.status == GroupStatus.TERMINATED:
                raise ConflictingStateError(
                    f"The machine group {group.name!r} was terminated: register another one."
                )
            self._store.groups.set_status(group.id, GroupStatus.STARTED)
        return self.find(key)

    def terminate(self, key: str) -> LocalGroup:
        """End a group and all of its tasks; ending it again does no harm.

        Tasks that wait are over at once, those on the machine as soon as their processes are.
        """
        with self._store.transaction():
            group = self._record(key)
            if group.id == LOCAL_GROUP:
                raise ConflictingStateError(
                    f"The machine group {group.name!r} is this machine and cannot be terminated."
                )
            self._store.groups.set_status(group.id, GroupStatus.TERMINATED)
            now = datetime.now(timezone.utc)
            for task in self._store.tasks_by_status(
                [*state_machine.WAITING, *state_machine.ON_MACHINE]
            ):
                if task.info.machine_group_id == group.id:
                    self._store.update(
                        task.info.task_id,
                        lambda present: state_machine.on_group_terminated(present, now),
                    )
        self._task_loop.wake()
        return self.find(key)

    def find(self, key: str) -> LocalGroup:
        """Return the group of a name or an id, whatever its status."""
        return self._view(self._record(key))

    def active(self) -> list[LocalGroup]:
        """Return the groups that have not been terminated."""
        return [self._view(group) for group in self._store.groups.active()]

    def history(self, page: int, per_page: int, group_filter: GroupFilter) -> list[PastGroup]:
        """Return one page of all groups there have ever been, newest first."""
        every = self._store.groups.history(_ALL, 0, ended_only=group_filter.ended_only)
        found = [view for view in map(self._view, every) if group_filter.fits(view)]
        return [_past(view) for view in found[(page - 1) * per_page : page * per_page]]

    def set_sharing(self, key: str, level: SharingLevel) -> None:
        """Note who a group is for."""
        group = self._record(key)
        metadata.write_metadata(
            self._store, "group-sharing", group.id, {"level": level}, merge=False
        )

    def _record(self, key: str) -> GroupRecord:
        found = self._store.groups.find(key)
        if found is None:
            raise MissingError(f"There is no machine group {key!r} here.")
        return found

    def _view(self, group: GroupRecord) -> LocalGroup:
        view = machine_info.machine_group(group, self._capacity, self._folder)
        noted = metadata.read_metadata(self._store, "group-sharing").get(group.id)
        # What was noted is one of the levels, since it came through the API.
        return replace(view, sharing_level=noted["level"]) if noted else view


def _past(view: LocalGroup) -> PastGroup:
    began = view.creation_timestamp
    # When a group ended is not kept, nor what its machines did: the machine goes on, at no cost.
    usage = GroupUsage(
        total_time=TimeSpent(name="Total time", value=0.0),
        task_time=TimeSpent(name="Task time", value=0.0),
        idle_time=TimeSpent(name="Idle time", value=0.0),
    )
    facts = asdict(view)
    return PastGroup(**facts, start_timestamp=began, deletion_timestamp=None, statistics=usage)
