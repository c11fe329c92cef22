"""Service for machine groups: names under which tasks run on this machine.

A group here is a label with a life of its own. Starting one starts no machine, its tasks share this
machine's capacity with those of all other groups, and it costs nothing. Its idle time and its time
of termination are kept and reported but not enforced: they limit costs, and here are none.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from shutil import disk_usage
from typing import NamedTuple

from msgspec.structs import asdict, replace

from inductiva_widgets.server import state_machine
from inductiva_widgets.server.errors import ConflictingStateError, MissingError
from inductiva_widgets.server.executor import Executor
from inductiva_widgets.server.schemas.machine_groups import (
    CostRange,
    CpuInfo,
    GroupUsage,
    LocalGroup,
    NewGroup,
    PastGroup,
    QuotaUsage,
    SharingLevel,
    TimeSpent,
)
from inductiva_widgets.server.store import metadata
from inductiva_widgets.server.store.machine_groups import LOCAL_GROUP
from inductiva_widgets.server.store.records import GroupRecord, GroupStatus
from inductiva_widgets.server.store.tasks import TaskStore

_ALL = 10**9
# Clients turn both into times, so neither may be null.
_FOREVER = 365 * 24 * 3600
_NO_END = datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone.utc)


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
    executor
        The executor that runs the tasks of all groups.
    on_change
        Called when tasks are to be stopped.
    """

    def __init__(
        self, folder: Path, store: TaskStore, executor: Executor, on_change: Callable[[], None]
    ) -> None:
        self._folder = folder
        self._store = store
        self._executor = executor
        self._on_change = on_change

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
        self._on_change()
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
        view = self._describe(group)
        noted = metadata.read_metadata(self._store, "group-sharing").get(group.id)
        # What was noted is one of the levels, since it came through the API.
        return replace(view, sharing_level=noted["level"]) if noted else view

    def _describe(self, group: GroupRecord) -> LocalGroup:
        """Return a machine group as the wire shows it.

        Processors, memory and cost are those of the executor, which all groups share; the rest is
        what the group was registered with.
        """
        host = self._executor.machine_facts()
        spec = group.spec or _own_spec(self._folder)
        machines = spec.num_vms
        return LocalGroup(
            id=group.id,
            name=group.name,
            machine_type=group.machine_type,
            status=group.status.value,
            started=group.is_started,
            type=spec.kind,
            provider_id=spec.provider_id,
            zone=spec.zone or "local",
            num_vms=machines,
            spot=spec.spot,
            creation_timestamp=datetime.fromtimestamp(group.created, timezone.utc),
            threads_per_core=spec.threads_per_core,
            disk_size_gb=spec.disk_size_gb,
            min_vms=spec.min_vms or machines,
            max_vms=spec.max_vms or machines,
            is_elastic=spec.kind == "elastic",
            max_idle_time=spec.max_idle_time or _FOREVER,
            idle_seconds=0,
            auto_terminate_ts=spec.auto_terminate_ts or _NO_END,
            cost_per_hour=CostRange(),
            cpu_info=CpuInfo(
                cpu_cores_logical=host.cpu_count_logical, cpu_cores_physical=host.cpu_count_physical
            ),
            gpu_info=None,
            total_ram_gb=host.memory // 10**9,
            quota_usage=QuotaUsage(
                max_price_hour=0.0, max_vcpus=host.cpu_count_logical, max_instances=1
            ),
            dynamic_disk_resize_config=spec.dynamic_disk_resize_config,
            machines=[],
            max_tasks=self._executor.capacity,
        )


def _own_spec(folder: Path) -> NewGroup:
    """Return what the built-in group would have been registered with."""
    return NewGroup(
        machine_type="local",
        provider_id="LOCAL",
        spot=False,
        disk_size_gb=max(1, disk_usage(folder).total // 10**9),
        zone="local",
    )


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
