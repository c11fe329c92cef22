"""API types of tasks, shared by the client and the embedded server.

Structs are decoded directly from JSON. Fields that the service may omit or send as null have
defaults, unknown fields are ignored and unknown status codes are kept, so that a newer service does
not break an older client. Times are timezone-aware, durations are in seconds, sizes in bytes.
"""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from inductiva_widgets.status import Status

# The types of ``task.info``, which are public.
__all__ = ["Executer", "Fee", "Metric", "Operation", "StatusEvent", "TaskInfo", "TaskMetrics"]

DEMO_MARK = {"inductiva-widgets.data": "DEMO"}
"""Metadata of all demo tasks."""


Time = Annotated[datetime, msgspec.Meta(tz=True)]
"""A time with a zone. A response that has one without is read by ``models.lenient``."""

Count = Annotated[int, msgspec.Meta(gt=-(2**63), le=2**63 - 1)]
"""A whole number of 64 bits; in arrays, the lowest one stands for a missing value."""


def is_usd(currency: str) -> bool:
    """Return whether a currency is the US dollar."""
    return currency == "USD" or currency.upper() == "USD"


class WireModel(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Base class of the API types: immutable, unknown fields are ignored.

    The garbage collector does not track the instances, as decoded JSON has no cycles. With many
    tasks, tracking took most of the time.
    """


NO_TYPE = (None, "", "n/a")
"""Values that the service sends for a machine without a type."""


class Executer(WireModel, frozen=True, kw_only=True):
    """The machine that runs a task.

    Parameters
    ----------
    uuid
        Id of the machine.
    cpu_count_logical, cpu_count_physical
        Number of logical and physical CPU cores.
    memory
        Memory in bytes.
    n_mpi_hosts
        Number of machines that run the task together.
    vm_type, vm_name
        Machine type, such as ``"c2-standard-4"``, and machine name.
    host_type
        Provider, such as ``"GCP"``.
    error_detail
        Error message of the machine.
    """

    uuid: str | None = None
    cpu_count_logical: Count | None = None
    cpu_count_physical: Count | None = None
    memory: Count | None = None
    n_mpi_hosts: Count | None = None
    vm_type: str | None = None
    vm_name: str | None = None
    host_type: str | None = None
    error_detail: str | None = None

    @property
    def machine_type(self) -> str | None:
        """Machine type, such as ``"c2-standard-4"``, or the name if there is no type."""
        return self.vm_name if self.vm_type in NO_TYPE else self.vm_type


class TaskMetrics(WireModel, frozen=True, kw_only=True):
    """Durations in seconds and sizes in bytes; None if unknown.

    Parameters
    ----------
    total_seconds
        Time from creation to the end.
    queue_time_seconds
        Time in the queue.
    container_image_download_seconds
        Download time of the container image.
    input_upload_seconds, input_download_seconds, input_decompression_seconds
        Time to upload, download and decompress the input.
    computation_seconds
        Run time of the simulator.
    output_compression_seconds, output_upload_seconds
        Time to compress and upload the output.
    container_image_size_bytes
        Size of the container image.
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
    container_image_size_bytes: Count | None = None
    input_zipped_size_bytes: Count | None = None
    input_size_bytes: Count | None = None
    output_zipped_size_bytes: Count | None = None
    output_size_bytes: Count | None = None
    output_total_files: Count | None = None


class Metric(NamedTuple):
    """A value of ``TaskMetrics`` and its label.

    Parameters
    ----------
    label
        Name in words, without the unit.
    value
        Seconds, bytes or number of files; None if unknown.
    """

    label: str
    value: float | None


class Operation(WireModel, frozen=True, kw_only=True):
    """A step within a status, such as the execution of a command.

    Parameters
    ----------
    name, alias
        Kind of step, and its label.
    start_timestamp, end_timestamp
        Start and end; None if not reached.
    status
        Current or final status of the step.
    attributes
        Details, such as ``command`` and ``exit_code``.
    """

    name: str
    alias: str | None = None
    start_timestamp: Time | None = None
    end_timestamp: Time | None = None
    status: str | None = None
    attributes: dict[str, Any] = {}


class StatusEvent(WireModel, frozen=True, kw_only=True):
    """A status that a task has entered.

    Parameters
    ----------
    status, alias
        The status and its label.
    description
        The service's description.
    timestamp, end_timestamp
        Time at which the task entered and left the status.
    machine_id
        Id of the machine.
    operations
        Steps within the status.
    """

    status: Status
    alias: str | None = None
    description: str | None = None
    timestamp: Time | None = None
    end_timestamp: Time | None = None
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
        Amount of the fee.
    charged
        If True, the account was charged; None if unknown.
    currency
        Currency, such as ``"USD"``.
    """

    amount: float
    charged: bool | None = None
    currency: str = "USD"

    @property
    def charged_usd(self) -> float | None:
        """US dollars that the account was charged; None if unknown or in another currency."""
        if self.charged is None:
            return None
        if not self.charged:
            return 0.0
        return self.amount if is_usd(self.currency) else None


class QueuePosition(WireModel, frozen=True, kw_only=True, omit_defaults=True):
    """Position of a task in the queue; ``reason`` is why it waits, from the embedded server only.

    The official client ignores the reason.
    """

    tasks_ahead: int | None = None
    reason: str | None = None


class TaskInfo(WireModel, frozen=True, kw_only=True):
    """A task, as described by the service.

    Everything except id and status may be None: unknown or not reached. ``extra_params``,
    ``status_history``, ``machine_operations`` and ``steps`` are only in the details of a task, not
    in a listing.

    Parameters
    ----------
    task_id
        Id of the task.
    status, status_alias
        Status, and the service's label for it.
    simulator, project
        Names of the simulator and the project.
    is_terminated
        If True, the task has ended.
    num_retries
        Number of times the service ran the task again.
    duration_seconds
        Duration as reported by the service.
    storage_path, storage_input_path, storage_output_path, storage_region
        Folder in the remote storage, input and output archives there, and the region.
    container_image
        Container image.
    create_time, input_submit_time
        Time of creation, and of the upload of the input, when the task entered the queue.
    start_time, computation_start_time, computation_end_time, end_time
        Time at which a machine started the task, the simulator started and ended, and the output
        was stored.
    estimated_computation_cost
        Cost of the computation in US dollars.
    metrics
        Durations and sizes.
    executer
        The machine that runs the task.
    machine_group_name, machine_group_id
        Name and id of the machine group.
    error_detail
        Error message of the simulation.
    input_resources
        Paths in the remote storage that are additional inputs.
    stream_zip, compress_with
        Options for compressing the output.
    task_metadata
        Metadata set by users.
    extra_params
        Submitted parameters: commands, image and others.
    resubmit_on_preemption
        If True, the task is resubmitted if its spot machine is reclaimed.
    orchestration_fee
        Orchestration fee.
    status_history
        All statuses that the task has entered, oldest first.
    machine_operations, steps
        Operations of the machine, and steps of the simulation.
    """

    task_id: str
    status: Status
    status_alias: str | None = None
    simulator: str | None = None
    project: str | None = None
    is_terminated: bool | None = None
    num_retries: Count | None = None
    duration_seconds: float | None = None
    storage_path: str | None = None
    storage_input_path: str | None = None
    storage_output_path: str | None = None
    storage_region: str | None = None
    container_image: str | None = None
    create_time: Time | None = None
    input_submit_time: Time | None = None
    start_time: Time | None = None
    computation_start_time: Time | None = None
    computation_end_time: Time | None = None
    end_time: Time | None = None
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
        """Whether the task has ended, as reported by the service or else by its status."""
        return self.status.is_terminal if self.is_terminated is None else self.is_terminated

    @property
    def alias(self) -> str:
        """Label of the status."""
        return self.status_alias or self.status.alias

    @property
    def machine_type(self) -> str | None:
        """Machine type, such as ``"c2-standard-4"``, or the name if there is no type."""
        return None if self.executer is None else self.executer.machine_type

    @property
    def status_note(self) -> str | None:
        """Why the task waits, or else where it was started, if its history says so."""
        status = Status.SUBMITTED if self.status == Status.SUBMITTED else Status.STARTED
        found = [one.description for one in self.status_history or () if one.status == status]
        return found[-1] if found and found[-1] != status.info.description else None

    @property
    def reason(self) -> str | None:
        """Error message of the simulation or else of the machine."""
        machine = self.executer.error_detail if self.executer is not None else None
        return self.error_detail or machine or None

    @property
    def time_metrics(self) -> SimpleNamespace:
        """The durations of ``metrics`` as ``Metric``, by their names."""
        return SimpleNamespace(**_labelled(self.metrics, is_time=True))

    @property
    def data_metrics(self) -> SimpleNamespace:
        """The sizes and counts of ``metrics`` as ``Metric``, by their names."""
        return SimpleNamespace(**_labelled(self.metrics, is_time=False))

    @property
    def can_be_killed(self) -> bool:
        """Whether a kill can be requested: the task has not ended and no kill is pending."""
        return not self.is_terminal and self.status != Status.PENDING_KILL

    @property
    def executed_commands(self) -> list[Operation]:
        """Operations that ran a command, with the attribute ``command``, in order."""
        return [
            command for event in self.status_history or () for command in event.executed_commands
        ]

    @property
    def is_demo(self) -> bool:
        """Whether the task is synthetic, created by the demo of the embedded server."""
        return (self.task_metadata or {}).items() >= DEMO_MARK.items()

    @property
    def has_outputs(self) -> bool:
        """Whether the task has an output archive.

        A successful or failed task always has one. Other tasks have one only if its size is known,
        as the service sets the path of the archive before it exists.
        """
        return bool(self.storage_output_path) and self._has_output_archive

    @property
    def _has_output_archive(self) -> bool:
        if not self.is_terminal:
            return False
        has_size = self.metrics is not None and self.metrics.output_zipped_size_bytes is not None
        return has_size or self.status in (Status.SUCCESS, Status.FAILED)


def _labelled(metrics: TaskMetrics | None, *, is_time: bool) -> dict[str, Metric]:
    return {
        name: Metric(
            name.removesuffix("_seconds").removesuffix("_bytes").replace("_", " ").capitalize(),
            getattr(metrics, name, None),
        )
        for name in TaskMetrics.__struct_fields__
        if name.endswith("_seconds") == is_time
    }


class TaskSummary(
    TaskInfo, frozen=True, kw_only=True, gc=False, rename={"extra_params": "extra_params (detail)"}
):
    """A task in a listing, without the submitted parameters.

    They are more than half of the data and are not needed in a table. Renaming the field to a name
    that does not occur skips its decoding.
    """

    extra_params: dict[str, Any] | None = None


class TaskFromFrame(TaskInfo, frozen=True, kw_only=True, gc=False):
    """A task from a row of a DataFrame, which has no storage paths."""

    def as_demo(self) -> TaskFromFrame:
        """Return a copy that is marked as a demo task."""
        metadata = {**(self.task_metadata or {}), **DEMO_MARK}
        return msgspec.structs.replace(self, task_metadata=metadata)

    @property
    def has_outputs(self) -> bool:
        """Whether the task has an output archive."""
        return self._has_output_archive


class WorkingFile(WireModel, frozen=True, kw_only=True):
    """A file in the working directory of a running task.

    Parameters
    ----------
    name
        Relative path, with forward slashes.
    size
        Size in bytes; None on the cloud.
    modified
        Time of the last change, by the service's clock; None on the cloud.
    """

    name: str
    size: Count | None = None
    modified: Time | None = None


class SdpAnswer(WireModel, frozen=True, kw_only=True):
    """Answer of the machine of a task to a WebRTC offer."""

    sdp: str
    type: Literal["answer"] = "answer"


class TaskPage(WireModel, frozen=True, kw_only=True):
    """A page of a listing, newest task first."""

    tasks: list[TaskSummary]
    total_size: int | None = None


class TaskStatus(WireModel, frozen=True, kw_only=True):
    """Response to a status or kill request."""

    id: str
    status: Status
    is_terminated: bool | None = None
    position_in_queue: QueuePosition | None = None

    @property
    def is_terminal(self) -> bool:
        """Whether the task has ended, as reported by the service or else by its status."""
        return self.status.is_terminal if self.is_terminated is None else self.is_terminated

    @property
    def tasks_ahead(self) -> int | None:
        """Number of tasks ahead in the queue, or None if unknown."""
        return None if self.position_in_queue is None else self.position_in_queue.tasks_ahead

    @property
    def waiting_reason(self) -> str | None:
        """Why the task waits, or None if unknown."""
        return None if self.position_in_queue is None else self.position_in_queue.reason


class SubmissionResult(TaskStatus, frozen=True, kw_only=True):
    """Response to a submission."""

    storage_region: str | None = None
    time_to_live_seconds: float | None = None
    orchestration_fee: Fee | None = None


class MpiConfig(WireModel, frozen=True, kw_only=True):
    """MPI version and options of a command."""

    version: str
    options: dict[str, Any] = {}


class CommandSpec(WireModel, frozen=True, kw_only=True):
    """A command of a simulation, run without a shell; prompts are lines of its standard input."""

    cmd: str
    prompts: list[str] = []
    mpi_config: MpiConfig | None = None
    env: dict[str, str] = {}


SUBMISSION_ID = "submission_id"
"""Key in ``extra_params`` of the id that is unique to a submission by this package."""


class TaskSubmission(WireModel, frozen=True, kw_only=True):
    """Request body of a submission. Fields that are None are sent as null, as the API expects."""

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
    """An entry of a stored archive."""

    name: str
    size: Count | None = None
    compressed_size: int | None = None
    range_start: int | None = None
    compress_type: int | None = None
    creation_time: Time | None = None


class ArchiveListing(WireModel, frozen=True, kw_only=True):
    """Entries of a stored archive; ``size`` is the size of the archive."""

    contents: list[ArchiveEntry]
    size: Count | None = None


class ImageCatalogue(WireModel, frozen=True, kw_only=True):
    """Available simulator versions, by image name."""

    production: dict[str, list[str]] = {}
    development: dict[str, list[str]] = {}
