"""Wire types of tasks, shared by the client and the embedded server.

Structs are decoded straight from JSON. Fields that the service may leave out or send as null have
defaults, unknown fields are ignored and unknown status codes are kept, so that a newer service
never breaks an older client. Times are timezone-aware, durations are seconds, sizes are bytes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from inductiva_widgets.status import Status

# What users of ``task.info`` meet; the others are the business of the client and the server.
__all__ = ["Executer", "Fee", "Operation", "StatusEvent", "TaskInfo", "TaskMetrics"]

DEMO_MARK = {"inductiva-widgets.data": "DEMO"}
"""Metadata of every task that is made up."""


class WireModel(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Base of the wire's values: immutable, unknown fields ignored.

    Decoded JSON has no cycles, so the garbage collector need not look at it: with many thousand
    tasks in memory that was the larger half of the time.
    """


NO_TYPE = (None, "", "n/a")
"""What the service tells for a machine without a type."""


class Executer(WireModel, frozen=True, kw_only=True):
    """The machine that picked a task up.

    Parameters
    ----------
    uuid
        Its id.
    cpu_count_logical, cpu_count_physical
        Number of its processors, hardware threads counted and not.
    memory
        Its memory in bytes.
    n_mpi_hosts
        Number of machines that work on the task together.
    vm_type, vm_name
        Its type, such as ``"c2-standard-4"``, and its name.
    host_type
        Whose machine it is, such as ``"GCP"``.
    error_detail
        What went wrong with it, in the service's words.
    """

    uuid: str | None = None
    cpu_count_logical: int | None = None
    cpu_count_physical: int | None = None
    memory: int | None = None
    n_mpi_hosts: int | None = None
    vm_type: str | None = None
    vm_name: str | None = None
    host_type: str | None = None
    error_detail: str | None = None

    @property
    def machine_type(self) -> str | None:
        """Its type, such as ``"c2-standard-4"``; its name where it has no type."""
        return self.vm_name if self.vm_type in NO_TYPE else self.vm_type


class TaskMetrics(WireModel, frozen=True, kw_only=True):
    """Durations in seconds and sizes in bytes; None where unknown.

    Parameters
    ----------
    total_seconds
        From the task's creation to its end.
    queue_time_seconds
        Wait for a machine.
    container_image_download_seconds
        Fetching the image.
    input_upload_seconds, input_download_seconds, input_decompression_seconds
        Input files: to the service, to the machine, and unpacked there.
    computation_seconds
        Run of the simulator.
    output_compression_seconds, output_upload_seconds
        Output files: packed, and sent to the service.
    container_image_size_bytes
        Size of the image.
    input_zipped_size_bytes, input_size_bytes
        Size of the input archive, and of the files in it.
    output_zipped_size_bytes, output_size_bytes
        Size of the output archive, and of the files in it.
    output_total_files
        Number of output files.
    """

    total_seconds: float | None = None
    queue_time_seconds: float | None = None
    container_image_download_seconds: float | None = None
    input_upload_seconds: float | None = None
    input_download_seconds: float | None = None
    input_decompression_seconds: float | None = None
    computation_seconds: float | None = None
    output_compression_seconds: float | None = None
    output_upload_seconds: float | None = None
    container_image_size_bytes: int | None = None
    input_zipped_size_bytes: int | None = None
    input_size_bytes: int | None = None
    output_zipped_size_bytes: int | None = None
    output_size_bytes: int | None = None
    output_total_files: int | None = None


class Operation(WireModel, frozen=True, kw_only=True):
    """One step inside a status, such as a command that was executed.

    Parameters
    ----------
    name, alias
        What kind of step it is, and its name for people.
    start_timestamp, end_timestamp
        When it began and ended; None where it has not.
    status
        How it is, or was in the end.
    attributes
        More of it, such as ``command`` and ``exit_code``.
    """

    name: str
    alias: str | None = None
    start_timestamp: datetime | None = None
    end_timestamp: datetime | None = None
    status: str | None = None
    attributes: dict[str, Any] = {}


class StatusEvent(WireModel, frozen=True, kw_only=True):
    """One status that a task has entered.

    Parameters
    ----------
    status, alias
        The status, and its name for people.
    description
        What it means, in the service's words.
    timestamp, end_timestamp
        When the task entered it, and left it.
    machine_id
        The machine that it happened on.
    operations
        What was done meanwhile.
    """

    status: Status
    alias: str | None = None
    description: str | None = None
    timestamp: datetime | None = None
    end_timestamp: datetime | None = None
    machine_id: str | None = None
    operations: list[Operation] | None = None

    @property
    def executed_commands(self) -> list[Operation]:
        """Operations that ran a command, with the attribute ``command``, in order."""
        return [
            operation
            for operation in self.operations or ()
            if operation.name == "exec_command" and operation.attributes.get("command")
        ]


class Fee(WireModel, frozen=True, kw_only=True):
    """The orchestration fee of a task.

    Parameters
    ----------
    amount
        How much.
    charged
        Whether the account was charged with it.
    currency
        Of what, such as ``"USD"``.
    """

    amount: float
    charged: bool = False
    currency: str = "USD"


class QueuePosition(WireModel, frozen=True, kw_only=True):
    """Where a queued task stands."""

    tasks_ahead: int | None = None


class TaskInfo(WireModel, frozen=True, kw_only=True):
    """A task as the service describes it.

    Times have their zone, durations are seconds, sizes bytes. Everything but id and status may be
    None: not told, or not happened yet. ``extra_params``, ``status_history``,
    ``machine_operations`` and ``steps`` come with the detail of one task only, not with a listing.

    Parameters
    ----------
    task_id
        The task's id.
    status, status_alias
        Its status, and the service's name for it.
    simulator, project
        What it runs, and where it belongs.
    is_terminated
        The service's word on whether it has ended.
    num_retries
        How often the service ran it again.
    duration_seconds
        Its length as the service counts it.
    storage_path, storage_input_path, storage_output_path, storage_region
        Its folder in the remote storage, its archives there, and their region.
    container_image
        Image that is run.
    create_time, input_submit_time
        When it was made, and when its input was there and it entered the queue.
    start_time, computation_start_time, computation_end_time, end_time
        When a machine picked it up, the simulator began and ended, and all was stored.
    estimated_computation_cost
        Cost of the computation in US dollars.
    metrics
        Durations and sizes.
    executer
        The machine that picked it up.
    machine_group_name, machine_group_id
        The machine group that it was sent to.
    error_detail
        Why the simulation failed, in the service's words.
    input_resources
        Paths in the remote storage that became inputs too.
    stream_zip, compress_with
        How its outputs are packed.
    task_metadata
        Metadata that users have set.
    extra_params
        What was submitted: commands, image and the like.
    resubmit_on_preemption
        Whether it is queued again when its spot machine is reclaimed.
    orchestration_fee
        Fee of the service.
    status_history
        Every status that it has entered, oldest first.
    machine_operations, steps
        What the machine has done for it, and the steps of the simulation.
    """

    task_id: str
    status: Status
    status_alias: str | None = None
    simulator: str | None = None
    project: str | None = None
    is_terminated: bool | None = None
    num_retries: int | None = None
    duration_seconds: float | None = None
    storage_path: str | None = None
    storage_input_path: str | None = None
    storage_output_path: str | None = None
    storage_region: str | None = None
    container_image: str | None = None
    create_time: datetime | None = None
    input_submit_time: datetime | None = None
    start_time: datetime | None = None
    computation_start_time: datetime | None = None
    computation_end_time: datetime | None = None
    end_time: datetime | None = None
    estimated_computation_cost: float | None = None
    metrics: TaskMetrics | None = None
    executer: Executer | None = None
    machine_group_name: str | None = None
    machine_group_id: str | None = None
    error_detail: str | None = None
    input_resources: list[str] | None = None
    stream_zip: bool | None = None
    compress_with: str | None = None
    task_metadata: dict[str, str] | None = None
    extra_params: dict[str, Any] | None = None
    resubmit_on_preemption: bool | None = None
    orchestration_fee: Fee | None = None
    status_history: list[StatusEvent] | None = None
    machine_operations: list[dict[str, Any]] | None = None
    steps: list[dict[str, Any]] | None = None

    @property
    def is_terminal(self) -> bool:
        """Whether the task has ended; the service's word, else what the code usually means."""
        return self.status.is_terminal if self.is_terminated is None else self.is_terminated

    @property
    def alias(self) -> str:
        """The status for people."""
        return self.status_alias or self.status.alias

    @property
    def machine_type(self) -> str | None:
        """Type of the machine, such as ``"c2-standard-4"``; its name where it has no type."""
        return None if self.executer is None else self.executer.machine_type

    @property
    def reason(self) -> str | None:
        """Why the task failed, in the service's words: the simulation's error or the machine's."""
        machine = self.executer.error_detail if self.executer is not None else None
        return self.error_detail or machine or None

    @property
    def can_be_killed(self) -> bool:
        """Whether a kill can be requested: the task is alive and no kill is pending."""
        return not self.is_terminal and self.status != Status.PENDING_KILL

    @property
    def executed_commands(self) -> list[Operation]:
        """Operations that ran a command, with the attribute ``command``, in order."""
        return [
            command for event in self.status_history or () for command in event.executed_commands
        ]

    @property
    def is_demo(self) -> bool:
        """Whether the task is made up: the embedded server's demo marks its tasks so."""
        return (self.task_metadata or {}).items() >= DEMO_MARK.items()

    @property
    def has_outputs(self) -> bool:
        """Whether the task has left an output archive.

        Success and failure always do; the other ends only when the archive's size is known, since
        the service names a place for the archive before there is one.
        """
        return bool(self.storage_output_path) and self._has_stored

    @property
    def _has_stored(self) -> bool:
        if not self.is_terminal:
            return False
        stored = self.metrics is not None and self.metrics.output_zipped_size_bytes is not None
        return stored or self.status in (Status.SUCCESS, Status.FAILED)


class TaskSummary(
    TaskInfo, frozen=True, kw_only=True, gc=False, rename={"extra_params": "extra_params (detail)"}
):
    """A row of a listing: everything but the commands, which come with the detail of one task.

    They are the larger half of a row, and nobody looks for them in a table. Read under a name that
    does not occur, they are passed over without being built.
    """

    extra_params: dict[str, Any] | None = None


class TaskFromFrame(TaskInfo, frozen=True, kw_only=True, gc=False):
    """A row of a DataFrame, which does not tell the places in the storage: they are asked for."""

    def as_demo(self) -> TaskFromFrame:
        """Return the same task, said to be made up."""
        metadata = {**(self.task_metadata or {}), **DEMO_MARK}
        return msgspec.structs.replace(self, task_metadata=metadata)

    @property
    def has_outputs(self) -> bool:
        """Whether the task has left an output archive."""
        return self._has_stored


class WorkingFile(WireModel, frozen=True, kw_only=True):
    """A file in the working folder of a running task.

    Parameters
    ----------
    name
        Path in the folder, with forward slashes.
    size
        Size in bytes; None on the cloud, which does not tell it.
    modified
        When it was last written, by the service's clock; None on the cloud.
    """

    name: str
    size: int | None = None
    modified: datetime | None = None


class SdpAnswer(WireModel, frozen=True, kw_only=True):
    """What the machine of a running task answers to the offer of a connection."""

    sdp: str
    type: Literal["answer"] = "answer"


class TaskPage(WireModel, frozen=True, kw_only=True):
    """One page of a listing, newest first."""

    tasks: list[TaskSummary]
    total_size: int | None = None


class TaskStatus(WireModel, frozen=True, kw_only=True):
    """Answer to a status or kill request."""

    id: str
    status: Status
    is_terminated: bool | None = None
    position_in_queue: QueuePosition | None = None

    @property
    def is_terminal(self) -> bool:
        """Whether the task has ended; the service's word, else what the code usually means."""
        return self.status.is_terminal if self.is_terminated is None else self.is_terminated

    @property
    def tasks_ahead(self) -> int | None:
        """Number of tasks before this one in the queue, where the service tells."""
        return None if self.position_in_queue is None else self.position_in_queue.tasks_ahead


class SubmissionResult(TaskStatus, frozen=True, kw_only=True):
    """Answer to a submission."""

    storage_region: str | None = None
    time_to_live_seconds: float | None = None
    orchestration_fee: Fee | None = None


class MpiConfig(WireModel, frozen=True, kw_only=True):
    """How mpirun wraps a command."""

    version: str
    options: dict[str, Any] = {}


class Command(WireModel, frozen=True, kw_only=True):
    """One command of a simulation: no shell, prompts are lines for its standard input."""

    cmd: str
    prompts: list[str] = []
    mpi_config: MpiConfig | None = None
    env: dict[str, str] = {}


class TaskSubmission(WireModel, frozen=True, kw_only=True):
    """Body of a submission; nullable fields are sent as null, as the service expects."""

    simulator: str
    resource_pool: str
    container_image: str
    simulator_name_alias: str | None = None
    extra_params: dict[str, Any] | None = None
    storage_path_prefix: str = ""
    project: str | None = None
    input_resources: list[str] = []
    time_to_live_seconds: float | None = None
    resubmit_on_preemption: bool = False
    stream_zip: bool = True
    compress_with: str | None = "SEVEN_Z"


class ArchiveEntry(WireModel, frozen=True, kw_only=True):
    """One member of an archive on the service."""

    name: str
    size: int | None = None
    compressed_size: int | None = None
    range_start: int | None = None
    compress_type: int | None = None
    creation_time: datetime | None = None


class ArchiveListing(WireModel, frozen=True, kw_only=True):
    """Members of an archive on the service; ``size`` is the archive's own."""

    contents: list[ArchiveEntry]
    size: int | None = None


class ImageCatalogue(WireModel, frozen=True, kw_only=True):
    """Versions of the simulators that the service offers, by image name."""

    production: dict[str, list[str]] = {}
    development: dict[str, list[str]] = {}
