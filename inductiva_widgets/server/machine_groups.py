"""Service for machine groups: names under which tasks run on this machine.

A group is only a label with a status. Starting it starts no machine, the tasks of all groups share
the capacity of this machine, and it is free. Idle time and time of termination are stored and
reported but not enforced, since they only limit costs.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from shutil import disk_usage
from typing import NamedTuple

from msgspec.structs import asdict, replace

from inductiva_widgets.server import state_machine
from inductiva_widgets.server.clock import current_moment
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
from inductiva_widgets.server.store.records import GroupRecord, GroupStatus
from inductiva_widgets.server.store.tables import LOCAL_GROUP
from inductiva_widgets.server.store.tasks import TaskStore

_ALL = 10**9
# Clients parse both as times, so they must not be null.
_FOREVER = 365 * 24 * 3600
_NO_END = datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone.utc)


class GroupFilter(NamedTuple):
    """Filter of the group history; None does not filter.

    Groups have no projects on this server, so any ``project`` excludes all groups.
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
    """Implements the machine group API for a data folder.

    Parameters
    ----------
    folder
        The data folder, whose disk size the groups report.
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
        """Create a group; it accepts tasks after its start."""
        return self._view(self._store.groups.add(spec))

    def start(self, key: str) -> LocalGroup:
        """Start a group, so that it accepts tasks; idempotent."""
        with self._store.transaction():
            group = self._record(key)
            if group.status == GroupStatus.TERMINATED:
                raise ConflictingStateError(
                    f"The machine group {group.name!r} was terminated: register another one."
                )
            self._store.groups.set_status(group.id, GroupStatus.STARTED)
        return self.find(key)

    def terminate(self, key: str) -> LocalGroup:
        """Terminate a group and its tasks; idempotent.

        Queued tasks finish immediately, running ones when their processes have ended.
        """
        with self._store.transaction():
            group = self._record(key)
            if group.id == LOCAL_GROUP:
                raise ConflictingStateError(
                    f"The machine group {group.name!r} is this machine and cannot be terminated."
                )
            self._store.groups.set_status(group.id, GroupStatus.TERMINATED)
            now = current_moment()
            for task in self._store.tasks_by_status(
                [*state_machine.WAITING, *state_machine.ON_MACHINE]
            ):
                if task.info.machine_group_id == group.id:
                    self._store.update(
                        task.info.task_id,
                        lambda present: state_machine.on_group_terminated(
                            present, state_machine.task_time(present, now)
                        ),
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
        """Return one page of all groups, including terminated ones, newest first."""
        every = self._store.groups.history(_ALL, 0, ended_only=group_filter.ended_only)
        found = [view for view in map(self._view, every) if group_filter.fits(view)]
        return [_past(view) for view in found[(page - 1) * per_page : page * per_page]]

    def set_sharing(self, key: str, level: SharingLevel) -> None:
        """Store the sharing level of a group."""
        group = self._record(key)
        self._store.metadata.write("group-sharing", group.id, {"level": level}, merge=False)

    def _record(self, key: str) -> GroupRecord:
        found = self._store.groups.find(key)
        if found is None:
            raise MissingError(f"There is no machine group {key!r} here.")
        return found

    def _view(self, group: GroupRecord) -> LocalGroup:
        view = self._describe(group)
        noted = self._store.metadata.read("group-sharing").get(group.id)
        # The stored text is a valid level, since the API has checked it.
        return replace(view, sharing_level=noted["level"]) if noted else view

    def _describe(self, group: GroupRecord) -> LocalGroup:
        """Return the wire format of a machine group.

        Processors, memory and cost are those of the executor, which all groups share. The rest is
        from the registration of the group.
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
    """Return the specification of the built-in group."""
    return NewGroup(
        machine_type="local",
        provider_id="LOCAL",
        spot=False,
        disk_size_gb=max(1, disk_usage(folder).total // 10**9),
        zone="local",
    )


def _past(view: LocalGroup) -> PastGroup:
    began = view.creation_timestamp
    # End and activity of a group are not stored, since the machine runs on without cost.
    usage = GroupUsage(
        total_time=TimeSpent(name="Total time", value=0.0),
        task_time=TimeSpent(name="Task time", value=0.0),
        idle_time=TimeSpent(name="Idle time", value=0.0),
    )
    facts = asdict(view)
    return PastGroup(**facts, start_timestamp=began, deletion_timestamp=None, statistics=usage)
