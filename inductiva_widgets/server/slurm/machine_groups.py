"""Machine groups of a cluster: its partitions, besides the groups that users register."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from inductiva_widgets.server.errors import ConflictingStateError
from inductiva_widgets.server.machine_groups import GroupService
from inductiva_widgets.server.schemas.machine_groups import CpuInfo, LocalGroup, NewGroup
from inductiva_widgets.server.slurm.commands import Partition, SlurmError
from inductiva_widgets.server.slurm.executor import SlurmExecutor
from inductiva_widgets.server.store.records import GroupRecord
from inductiva_widgets.server.store.tasks import TaskStore

_log = logging.getLogger(__name__)

_MACHINE_TYPE = "slurm"
# Each group is stored under an id that no registration can have.
_ID = "partition-"


class SlurmGroupService(GroupService):
    """The machine groups of a cluster, each partition being one that cannot be changed.

    Parameters
    ----------
    folder, store, on_change
        As for ``GroupService``.
    cluster
        Runs the tasks, and knows the partitions.
    """

    def __init__(
        self,
        folder: Path,
        store: TaskStore,
        cluster: SlurmExecutor,
        on_change: Callable[[], None],
    ) -> None:
        super().__init__(folder, store, cluster, on_change)
        self._cluster = cluster

    def update_partitions(self) -> None:
        """Add a group for each new partition; log an error if Slurm cannot be reached."""
        try:
            partitions = self._cluster.partitions()
        except SlurmError as error:
            _log.warning("The partitions of the cluster cannot be read. %s", error)
            return
        for partition in partitions:
            spec = NewGroup(
                machine_type=_MACHINE_TYPE, provider_id="LOCAL", spot=False, zone="local"
            )
            self._store.groups.ensure(_ID + partition.name, partition.name, spec)

    def active(self) -> list[LocalGroup]:
        """Return the groups that have not been terminated."""
        self.update_partitions()
        return super().active()

    def terminate(self, key: str) -> LocalGroup:
        """Terminate a group that a user has registered, and its tasks; idempotent."""
        group = self._record(key)
        if group.id.startswith(_ID):
            raise ConflictingStateError(
                f"The machine group {group.name!r} is a partition of the cluster and cannot be "
                "terminated."
            )
        return super().terminate(key)

    def _describe(self, group: GroupRecord) -> LocalGroup:
        view = super()._describe(group)
        partition = self._partition(group)
        if partition is None:
            return view
        cpus = max(1, partition.cpus)
        return replace(
            view,
            num_vms=partition.nodes,
            min_vms=partition.nodes,
            max_vms=partition.nodes,
            cpu_info=CpuInfo(
                cpu_cores_logical=cpus, cpu_cores_physical=max(1, min(cpus, partition.cores))
            ),
            total_ram_gb=partition.memory // 10**9,
        )

    def _partition(self, group: GroupRecord) -> Partition | None:
        name = group.id.removeprefix(_ID)
        if name == group.id:
            return None
        return next((one for one in self._cluster.partitions() if one.name == name), None)
