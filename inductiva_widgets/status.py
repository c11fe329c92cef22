"""Task statuses: wire codes, labels, groups and descriptions."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

__all__ = ["Status", "StatusGroup", "StatusInfo"]

SEEN_CODES: set[str] = set()
"""Unknown codes that this process has read, which filters accept."""


class StatusGroup(str, Enum):
    """Group of statuses with one meaning, used by badges, counts and filters."""

    PENDING = "wait"
    RUNNING = "run"
    SUCCEEDED = "ok"
    FAILED = "bad"
    STOPPED = "off"
    UNKNOWN = "unknown"


class Status(str, Enum):
    """Status of a task. Each member equals its code in the API, such as ``"success"``.

    An unknown code does not raise: it becomes a member with this code and ``is_known`` False.

    Examples
    --------
    >>> status = task.get_status()
    >>> print(status)
    success
    >>> status == "success", status.is_terminal, status.is_failed
    (True, True, False)
    >>> inductiva.Status("killed").info.description
    'You killed this task.'
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
        SEEN_CODES.add(value)
        return member

    def __str__(self) -> str:
        return self.value

    def __format__(self, spec: str) -> str:
        return format(self.value, spec)

    @property
    def info(self) -> StatusInfo:
        """Meaning of the status, and advice."""
        return _STATUS_INFO.get(self, _UNKNOWN)

    @property
    def alias(self) -> str:
        """Display name, such as ``"In Queue"``; the code if it is unknown."""
        return self.info.alias or self.value

    @property
    def is_known(self) -> bool:
        """Whether this version knows the code."""
        return self in _STATUS_INFO

    @property
    def is_running(self) -> bool:
        """Whether the task is on a machine."""
        return self.info.running

    @property
    def is_computing(self) -> bool:
        """Whether the simulator is running, so that its files can be read on the machine."""
        return self is Status.COMPUTATION_STARTED

    @property
    def may_be_computing(self) -> bool:
        """Whether the simulator is running or about to be killed, so that it may still write."""
        return self in (Status.COMPUTATION_STARTED, Status.PENDING_KILL)

    @property
    def is_before_computation(self) -> bool:
        """Whether the simulator has not started yet."""
        return self in _BEFORE_COMPUTATION

    @property
    def is_failed(self) -> bool:
        """Whether the task has ended without success, for example by a kill."""
        return self.info.failed

    @property
    def is_terminal(self) -> bool:
        """Whether the status is normally final.

        ``TaskInfo.is_terminal`` is exact: tasks with two of these codes may return to the queue.
        """
        return self.info.terminal


_BEFORE_COMPUTATION = (Status.PENDING_INPUT, Status.SUBMITTED, Status.STARTED)


class StatusInfo(NamedTuple):
    """Meaning of a status code, as documented by the service.

    Parameters
    ----------
    alias
        Display name, such as ``"In Queue"``.
    group
        Group of the status.
    description
        Meaning, in one sentence.
    advice
        Advice, or "" if there is nothing to do.
    terminal
        If True, the status is normally final.
    failed
        If True, the task has ended without success.
    running
        If True, the task is on a machine.
    """

    alias: str
    group: StatusGroup
    description: str
    advice: str = ""
    terminal: bool = False
    failed: bool = False
    running: bool = False


def _ended(
    alias: str, description: str, advice: str, group: StatusGroup = StatusGroup.FAILED
) -> StatusInfo:
    return StatusInfo(alias, group, description, advice, terminal=True, failed=True)


_UNKNOWN = StatusInfo(
    "", StatusGroup.UNKNOWN, "The service reports a status that this version does not know."
)

_STATUS_INFO: dict[Status, StatusInfo] = {
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
        "Finished successfully. Outputs are ready.",
        terminal=True,
    ),
    Status.FAILED: _ended(
        "Failed",
        "A command of the simulation ended with an error.",
        "Read the last lines of stderr.txt and stdout.txt, correct the input files, run again.",
    ),
    Status.PENDING_KILL: StatusInfo(
        "Pending Kill",
        StatusGroup.STOPPED,
        "The kill was asked for and is on its way to the machine.",
    ),
    Status.KILLED: _ended(
        "Killed",
        "You killed this task.",
        "Nothing needs to be corrected: it ended because it was asked to. Run it again any time.",
        StatusGroup.STOPPED,
    ),
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
        "Start a machine group, run again, and terminate the group once its tasks have ended.",
    ),
    Status.EXECUTER_TERMINATED_TTL_EXCEEDED: _ended(
        "Machine Time Limit Reached",
        "The machine group reached its time limit while the task was running.",
        "Start a machine group with a later auto_terminate_ts and run again.",
    ),
    Status.EXECUTER_TERMINATED_CREDITS_EXHAUSTED: _ended(
        "Credits Exhausted",
        "The account ran out of credits while the task was running.",
        "Add credits to the account in the web console and run again.",
    ),
    Status.EXECUTER_FAILED: _ended(
        "Runtime Error",
        "The machine met an error outside the simulator.",
        "Run again on a machine with a larger disk or more memory, which often helps. If it fails "
        "once more, pass the task's id on to the service's support.",
    ),
    Status.ZOMBIE: _ended(
        "Machine Terminated in Queue",
        "The machine group ended while the task was still in the queue.",
        "Start a machine group that lives until its queue is empty, and run again.",
    ),
    Status.TTL_EXCEEDED: _ended(
        "Task Timed Out",
        "The task ran longer than its own time to live.",
        "Run again with a longer time_to_live, or make the simulation shorter.",
    ),
}

KNOWN_STATUSES: tuple[str, ...] = tuple(status.value for status in _STATUS_INFO)
"""All known status codes, in the order in which a task passes through them."""


def order_codes(codes: Iterable[str]) -> list[str]:
    """Return all known codes, followed by the unknown ones of ``codes`` in alphabetical order.

    Parameters
    ----------
    codes
        Codes of tasks.
    """
    unknown = sorted(set(codes).difference(KNOWN_STATUSES))
    # As members, since a filter accepts every code that was read.
    return [*KNOWN_STATUSES, *(Status(code).value for code in unknown)]
