"""Values of the wire protocol, as both the client and the embedded server speak it.

Structs are decoded straight from JSON. Fields that the service may leave out or send as null have
defaults, unknown fields are ignored and unknown status codes are kept, so that a newer service
never breaks an older client. Times are timezone-aware, durations are seconds, sizes are bytes.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple

import msgspec


class Tone(str, Enum):
    """How a status reads at a glance: the families that badges, counts and filters use."""

    WAIT = "wait"
    RUN = "run"
    OK = "ok"
    BAD = "bad"
    OFF = "off"
    UNKNOWN = "unknown"


class Status(str, Enum):
    """Status of a task; each member equals its code on the wire.

    A code that this version does not know becomes a member of its own that keeps the text, reads
    as unknown and never raises.

    Examples
    --------
    >>> print(Status("submitted"))
    submitted
    >>> Status("success") == "success"
    True
    >>> Status("brand-new").is_known
    False
    """

    PENDING_INPUT = "pending-input"
    SUBMITTED = "submitted"
    STARTED = "started"
    COMPUTATION_STARTED = "computation-started"
    COMPUTATION_ENDED = "computation-ended"
    SUCCESS = "success"
    FAILED = "failed"
    PENDING_KILL = "pending-kill"
    KILLED = "killed"
    SPOT_INSTANCE_PREEMPTED = "spot-instance-preempted"
    EXECUTER_TERMINATED = "executer-terminated"
    EXECUTER_TERMINATED_BY_USER = "executer-terminated-by-user"
    EXECUTER_TERMINATED_TTL_EXCEEDED = "executer-terminated-ttl-exceeded"
    EXECUTER_TERMINATED_CREDITS_EXHAUSTED = "executer-terminated-credits-exhausted"
    EXECUTER_FAILED = "executer-failed"
    ZOMBIE = "zombie"
    TTL_EXCEEDED = "ttl-exceeded"

    @classmethod
    def _missing_(cls, value: object) -> Status:
        if not isinstance(value, str):
            raise ValueError(f"{value!r} is not a status code: it is not text.")
        member = str.__new__(cls, value)
        member._name_ = value.upper().replace("-", "_")
        member._value_ = value
        return member

    def __str__(self) -> str:
        return self.value

    def __format__(self, spec: str) -> str:
        return format(self.value, spec)

    @property
    def facts(self) -> StatusFacts:
        """Everything that is known of this code."""
        return STATUS_FACTS.get(self, _UNKNOWN_FACTS)

    @property
    def alias(self) -> str:
        """The name for people, such as ``"In Queue"``; the code itself where none is known."""
        return self.facts.alias or self.value

    @property
    def is_known(self) -> bool:
        """Whether this version knows the code."""
        return self in STATUS_FACTS

    @property
    def is_running(self) -> bool:
        """Whether a machine works on the task."""
        return self.facts.running

    @property
    def is_failed(self) -> bool:
        """Whether the task ended without success, a kill included."""
        return self.facts.failed

    @property
    def is_terminal(self) -> bool:
        """Whether a task normally stays in this status for good.

        The service's own ``is_terminated`` decides where it is known, since two codes may go back
        to the queue.
        """
        return self.facts.terminal


class StatusFacts(NamedTuple):
    """What a status code means; source: the public documentation of the service."""

    alias: str
    tone: Tone
    meaning: str
    advice: str = ""
    terminal: bool = False
    failed: bool = False
    running: bool = False


def _ended(alias: str, meaning: str, advice: str, tone: Tone = Tone.BAD) -> StatusFacts:
    return StatusFacts(alias, tone, meaning, advice, terminal=True, failed=True)


_UNKNOWN_FACTS = StatusFacts(
    "", Tone.UNKNOWN, "The service reports a status that this version does not know."
)

STATUS_FACTS: dict[Status, StatusFacts] = {
    Status.PENDING_INPUT: StatusFacts(
        "Waiting for Input", Tone.WAIT, "The input files are being uploaded."
    ),
    Status.SUBMITTED: StatusFacts("In Queue", Tone.WAIT, "The task waits for a machine."),
    Status.STARTED: StatusFacts(
        "Preparing to Compute",
        Tone.RUN,
        "A machine has picked the task up and fetches the simulator and the input files.",
        running=True,
    ),
    Status.COMPUTATION_STARTED: StatusFacts(
        "In Progress", Tone.RUN, "The simulator is running.", running=True
    ),
    Status.COMPUTATION_ENDED: StatusFacts(
        "Finalizing",
        Tone.RUN,
        "The simulator has ended; the output files are being stored.",
        running=True,
    ),
    Status.SUCCESS: StatusFacts(
        "Success", Tone.OK, "The simulation ended well; its output is available.", terminal=True
    ),
    Status.FAILED: _ended(
        "Failed",
        "A command of the simulation ended with an error.",
        "Read the last lines of stderr.txt and stdout.txt, correct the input files, run again.",
    ),
    Status.PENDING_KILL: StatusFacts(
        "Pending Kill", Tone.OFF, "The kill was asked for and is on its way to the machine."
    ),
    Status.KILLED: _ended("Killed", "The task was killed by the user.", "", Tone.OFF),
    Status.SPOT_INSTANCE_PREEMPTED: _ended(
        "Spot Reclaimed",
        "The provider took the spot machine back while the task was running.",
        "Run again, with resubmit_on_preemption=True, or on machines that are not spot machines.",
    ),
    Status.EXECUTER_TERMINATED: _ended(
        "Task Runner Terminated",
        "The provider ended the machine while the task was running.",
        "Run again; resubmit_on_preemption=True does so by itself.",
    ),
    Status.EXECUTER_TERMINATED_BY_USER: _ended(
        "Machine Terminated by User",
        "The machine group was terminated while the task was running; there is no output.",
        "Start a machine group and run again.",
    ),
    Status.EXECUTER_TERMINATED_TTL_EXCEEDED: _ended(
        "Machine Time Limit Reached",
        "The machine group reached its time limit while the task was running.",
        "Give the machine group a longer time limit and run again.",
    ),
    Status.EXECUTER_TERMINATED_CREDITS_EXHAUSTED: _ended(
        "Credits Exhausted",
        "The account ran out of credits while the task was running.",
        "Add credits to the account and run again.",
    ),
    Status.EXECUTER_FAILED: _ended(
        "Runtime Error",
        "The machine met an error outside the simulator.",
        "Read the reason given by the machine; a larger disk or more memory often helps.",
    ),
    Status.ZOMBIE: _ended(
        "Machine Terminated in Queue",
        "The machine group ended while the task was still in the queue.",
        "Start a machine group and run again.",
    ),
    Status.TTL_EXCEEDED: _ended(
        "Task Timed Out",
        "The task ran longer than its own time to live.",
        "Run again with a longer time_to_live, or make the simulation shorter.",
    ),
}

KNOWN_STATUSES: tuple[str, ...] = tuple(status.value for status in STATUS_FACTS)


class _Wire(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the wire's values: immutable, unknown fields ignored."""


class Executer(_Wire, frozen=True, kw_only=True):
    """The machine that picked a task up."""

    uuid: str | None = None
    cpu_count_logical: int | None = None
    cpu_count_physical: int | None = None
    memory: int | None = None
    n_mpi_hosts: int | None = None
    vm_type: str | None = None
    vm_name: str | None = None
    host_type: str | None = None
    error_detail: str | None = None


class Metrics(_Wire, frozen=True, kw_only=True):
    """Durations in seconds and sizes in bytes; null where unknown."""

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


class Operation(_Wire, frozen=True, kw_only=True):
    """One step inside a status, such as a command that was executed."""

    name: str
    alias: str | None = None
    start_timestamp: datetime | None = None
    end_timestamp: datetime | None = None
    status: str | None = None
    attributes: dict[str, Any] = {}


class StatusEvent(_Wire, frozen=True, kw_only=True):
    """One status that a task has entered."""

    status: Status
    alias: str | None = None
    description: str | None = None
    timestamp: datetime | None = None
    end_timestamp: datetime | None = None
    machine_id: str | None = None
    operations: list[Operation] | None = None


class Fee(_Wire, frozen=True, kw_only=True):
    """The orchestration fee of a task."""

    amount: float
    charged: bool = False
    currency: str = "USD"


class QueuePosition(_Wire, frozen=True, kw_only=True):
    """Where a queued task stands."""

    tasks_ahead: int | None = None


class TaskInfo(_Wire, frozen=True, kw_only=True):
    """A task as the service describes it.

    ``status_history``, ``machine_operations`` and ``steps`` come with the detail of one task only,
    not with a listing.
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
    metrics: Metrics | None = None
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
        if self.executer is None:
            return None
        kind = self.executer.vm_type
        return self.executer.vm_name if kind in (None, "", "n/a") else kind

    @property
    def has_outputs(self) -> bool:
        """Whether the task has left an output archive.

        Success and failure always do; the other ends only when the archive's size is known, since
        the service names a place for the archive before there is one.
        """
        if not self.is_terminal or not self.storage_output_path:
            return False
        stored = self.metrics is not None and self.metrics.output_zipped_size_bytes is not None
        return stored or self.status in (Status.SUCCESS, Status.FAILED)


class TaskPage(_Wire, frozen=True, kw_only=True):
    """One page of a listing, newest first."""

    tasks: list[TaskInfo]
    total_size: int | None = None


class TaskStatus(_Wire, frozen=True, kw_only=True):
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


class Submitted(TaskStatus, frozen=True, kw_only=True):
    """Answer to a submission."""

    storage_region: str | None = None
    time_to_live_seconds: float | None = None
    orchestration_fee: Fee | None = None


class MpiConfig(_Wire, frozen=True, kw_only=True):
    """How mpirun wraps a command."""

    version: str
    options: dict[str, Any] = {}


class Command(_Wire, frozen=True, kw_only=True, omit_defaults=True):
    """One command of a simulation: no shell, prompts are lines for its standard input."""

    cmd: str
    prompts: list[str] = []
    mpi_config: MpiConfig | None = None
    env: dict[str, str] = {}


class Submission(_Wire, frozen=True, kw_only=True):
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


class ArchiveEntry(_Wire, frozen=True, kw_only=True):
    """One member of an archive on the service."""

    name: str
    size: int | None = None
    compressed_size: int | None = None
    range_start: int | None = None
    compress_type: int | None = None
    creation_time: datetime | None = None


class ArchiveListing(_Wire, frozen=True, kw_only=True):
    """Members of an archive on the service; ``size`` is the archive's own."""

    contents: list[ArchiveEntry]
    size: int | None = None


class MachineGroup(_Wire, frozen=True, kw_only=True):
    """A group of machines of the account."""

    id: str
    name: str | None = None
    machine_type: str | None = None
    status: str | None = None
    started: bool | None = None
    type: str | None = None
    provider_id: str | None = None
    zone: str | None = None
    num_vms: int | None = None
    spot: bool | None = None
    creation_timestamp: datetime | None = None

    @property
    def is_started(self) -> bool:
        """Whether the group takes tasks now."""
        return self.status == "started" if self.status else bool(self.started)


class Images(_Wire, frozen=True, kw_only=True):
    """Versions of the simulators that the service offers, by image name."""

    production: dict[str, list[str]] = {}
    development: dict[str, list[str]] = {}
