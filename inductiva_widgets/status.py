"""Task statuses: wire codes, labels, groups and descriptions."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

__all__ = ["Status", "StatusGroup", "StatusInfo"]


class StatusGroup(str, Enum):
    """Group of statuses that share a badge colour, a count and a filter."""

    PENDING = "wait"
    RUNNING = "run"
    SUCCEEDED = "ok"
    FAILED = "bad"
    STOPPED = "off"
    UNKNOWN = "unknown"


class Status(str, Enum):
    """Status of a task. Each member equals its code in the API.

    An unknown code becomes a new member of the group ``UNKNOWN``, so it never raises.

    Examples
    --------
    >>> status = task.get_status()
    >>> print(status)
    success
    >>> status == "success", status.is_terminal, status.is_failed
    (True, True, False)
    >>> inductiva.Status("killed").info.description
    'The task was killed by its user.'
    >>> inductiva.Status("brand-new").is_known
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
            raise ValueError(f"A status code must be a string, got {value!r}.")
        member = str.__new__(cls, value)
        member._name_ = value.upper().replace("-", "_")
        member._value_ = value
        return member

    def __str__(self) -> str:
        return self.value

    def __format__(self, spec: str) -> str:
        return format(self.value, spec)

    @property
    def info(self) -> StatusInfo:
        """Label, group, description and advice."""
        return STATUS_FACTS.get(self, _UNKNOWN_FACTS)

    @property
    def alias(self) -> str:
        """Label of the status, such as ``"In Queue"``, or its code if unknown."""
        return self.info.alias or self.value

    @property
    def is_known(self) -> bool:
        """Whether this version of the package knows the code."""
        return self in STATUS_FACTS

    @property
    def is_running(self) -> bool:
        """Whether a machine is processing the task."""
        return self.info.running

    @property
    def is_computing(self) -> bool:
        """Whether the simulator is running, so that its files can be read on the machine."""
        return self is Status.COMPUTATION_STARTED

    @property
    def is_before_computation(self) -> bool:
        """Whether the simulator has not started yet."""
        return self in _BEFORE_COMPUTATION

    @property
    def is_failed(self) -> bool:
        """Whether the task ended without success, including a kill."""
        return self.info.failed

    @property
    def is_terminal(self) -> bool:
        """Whether the status is normally final.

        ``TaskInfo.is_terminal`` is more reliable, as two of these statuses may return to the queue.
        """
        return self.info.terminal


_BEFORE_COMPUTATION = (Status.PENDING_INPUT, Status.SUBMITTED, Status.STARTED)


class StatusInfo(NamedTuple):
    """Meaning of a status code, from the public documentation of the service.

    Parameters
    ----------
    alias
        Label, such as ``"In Queue"``.
    group
        Group of the status.
    description
        What happened, in one sentence.
    advice
        What to do next; empty if nothing.
    terminal
        If True, the status is normally final.
    failed
        If True, the task ended without success.
    running
        If True, a machine is processing the task.
    """

    alias: str
    group: StatusGroup
    description: str
    advice: str = ""
    terminal: bool = False
    failed: bool = False
    running: bool = False


def _unsuccessful(
    alias: str, description: str, advice: str, group: StatusGroup = StatusGroup.FAILED
) -> StatusInfo:
    return StatusInfo(alias, group, description, advice, terminal=True, failed=True)


_UNKNOWN_FACTS = StatusInfo(
    "", StatusGroup.UNKNOWN, "The service reports a status that this version does not know."
)

STATUS_FACTS: dict[Status, StatusInfo] = {
    Status.PENDING_INPUT: StatusInfo(
        "Waiting for Input", StatusGroup.PENDING, "The input files are being uploaded."
    ),
    Status.SUBMITTED: StatusInfo("In Queue", StatusGroup.PENDING, "The task waits for a machine."),
    Status.STARTED: StatusInfo(
        "Preparing to Compute",
        StatusGroup.RUNNING,
        "A machine has picked the task up and fetches the simulator and the input files.",
        running=True,
    ),
    Status.COMPUTATION_STARTED: StatusInfo(
        "In Progress", StatusGroup.RUNNING, "The simulator is running.", running=True
    ),
    Status.COMPUTATION_ENDED: StatusInfo(
        "Finalizing",
        StatusGroup.RUNNING,
        "The simulator has ended; the output files are being stored.",
        running=True,
    ),
    Status.SUCCESS: StatusInfo(
        "Success",
        StatusGroup.SUCCEEDED,
        "The simulation ended well; its output is available.",
        terminal=True,
    ),
    Status.FAILED: _unsuccessful(
        "Failed",
        "A command of the simulation ended with an error.",
        "Read the last lines of stderr.txt and stdout.txt, correct the input files, run again.",
    ),
    Status.PENDING_KILL: StatusInfo(
        "Pending Kill",
        StatusGroup.STOPPED,
        "The kill was asked for and is on its way to the machine.",
    ),
    Status.KILLED: _unsuccessful(
        "Killed",
        "The task was killed by its user.",
        "Nothing needs to be corrected: it ended because it was asked to. Run it again any time.",
        StatusGroup.STOPPED,
    ),
    Status.SPOT_INSTANCE_PREEMPTED: _unsuccessful(
        "Spot Reclaimed",
        "The provider took the spot machine back while the task was running.",
        "Run again, with resubmit_on_preemption=True, or on machines that are not spot machines.",
    ),
    Status.EXECUTER_TERMINATED: _unsuccessful(
        "Task Runner Terminated",
        "The provider ended the machine while the task was running.",
        "Run again; resubmit_on_preemption=True does so by itself.",
    ),
    Status.EXECUTER_TERMINATED_BY_USER: _unsuccessful(
        "Machine Terminated by User",
        "The machine group was terminated while the task was running; there is no output.",
        "Start a machine group, run again, and terminate the group once its tasks have ended.",
    ),
    Status.EXECUTER_TERMINATED_TTL_EXCEEDED: _unsuccessful(
        "Machine Time Limit Reached",
        "The machine group reached its time limit while the task was running.",
        "Start a machine group with a later auto_terminate_ts and run again.",
    ),
    Status.EXECUTER_TERMINATED_CREDITS_EXHAUSTED: _unsuccessful(
        "Credits Exhausted",
        "The account ran out of credits while the task was running.",
        "Add credits to the account in the web console and run again.",
    ),
    Status.EXECUTER_FAILED: _unsuccessful(
        "Runtime Error",
        "The machine met an error outside the simulator.",
        "Run again on a machine with a larger disk or more memory, which often helps. If it fails "
        "once more, pass the task's id on to the service's support.",
    ),
    Status.ZOMBIE: _unsuccessful(
        "Machine Terminated in Queue",
        "The machine group ended while the task was still in the queue.",
        "Start a machine group that lives until its queue is empty, and run again.",
    ),
    Status.TTL_EXCEEDED: _unsuccessful(
        "Task Timed Out",
        "The task ran longer than its own time to live.",
        "Run again with a longer time_to_live, or make the simulation shorter.",
    ),
}

KNOWN_STATUSES: tuple[str, ...] = tuple(status.value for status in STATUS_FACTS)
