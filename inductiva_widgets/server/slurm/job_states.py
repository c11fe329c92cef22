"""What the states and reasons of Slurm jobs mean for tasks."""

from __future__ import annotations

from inductiva_widgets.formatting import format_duration
from inductiva_widgets.server.executor import RunEnding, RunState
from inductiva_widgets.server.slurm.commands import Job
from inductiva_widgets.status import Status

_QUEUED = frozenset({"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED"})
_QUEUED_ALSO = frozenset({"RESV_DEL_HOLD", "SPECIAL_EXIT", "POWER_UP_NODE"})
_ENDED = frozenset(
    {
        "BOOT_FAIL",
        "CANCELLED",
        "COMPLETED",
        "DEADLINE",
        "FAILED",
        "NODE_FAIL",
        "OUT_OF_MEMORY",
        "PREEMPTED",
        "REVOKED",
        "TIMEOUT",
    }
)

_REASONS = {
    "None": "Slurm is about to schedule it",
    "Resources": "waiting for free cores or memory",
    "Priority": "behind other jobs",
    "PartitionDown": "its partition is down",
    "PartitionInactive": "its partition is inactive",
    "PartitionTimeLimit": "its time limit is above that of its partition",
    "PartitionNodeLimit": "it needs more nodes than its partition gives",
    "ReqNodeNotAvail": "the nodes that it needs are down, drained or reserved",
    "NodeDown": "a node that it needs is down",
    "JobHeldUser": "it is held (scontrol release starts it)",
    "JobHeldAdmin": "it is held by an administrator",
    "BeginTime": "its start time has not come",
    "Dependency": "it depends on another job",
    "DependencyNeverSatisfied": "a job that it depends on has failed",
    "Licenses": "waiting for a licence",
    "Reservation": "waiting for its reservation",
    "InvalidAccount": "its account is not valid",
    "InvalidQOS": "its QOS is not valid",
    "Cleaning": "its nodes are being cleaned",
    "Prolog": "its nodes are being prepared",
    "BadConstraints": "no node can ever fit its options",
    "launch failed requeued held": "its start failed, and it is held",
}
_LIMITS = {"Assoc": "a limit of your account is reached", "QOS": "a limit of its QOS is reached"}

_FAILED = {
    "NODE_FAIL": "A node of the task failed",
    "BOOT_FAIL": "A node of the task did not boot",
    "REVOKED": "Slurm moved the job to another cluster",
    "CANCELLED": "The job was cancelled, but not by the embedded server",
    "DEADLINE": "The job passed its deadline",
}


def run_state(job: Job) -> RunState:
    """Return the state of a run; an unknown state of a job counts as running."""
    if job.state in _ENDED:
        return RunState.ENDED
    if job.state in _QUEUED or job.state in _QUEUED_ALSO:
        return RunState.QUEUED
    return RunState.RUNNING


def describe(job: Job) -> str:
    """Return one sentence about a job for its user: why it waits, or where it runs."""
    number = f"Slurm job {job.job_id}"
    if run_state(job) != RunState.QUEUED:
        return f"{number} on {job.nodes}." if job.nodes else f"{number}."
    start = f"; expected to start at {_clock(job.start)}" if _is_time(job.start) else ""
    return f"{number} in partition {job.partition}: {describe_reason(job.reason)}{start}."


def describe_reason(reason: str) -> str:
    """Return why a job waits, in words; an unknown reason as Slurm reports it."""
    code = reason.partition(",")[0].strip("()")
    if code in _REASONS:
        return _REASONS[code]
    for prefix, words in _LIMITS.items():
        if code.startswith(prefix):
            return f"{words} ({code})"
    return f"waiting ({reason})"


def ending(job: Job, time_to_live: float | None, log_hint: str) -> RunEnding | None:
    """Return the final status that the state of an ended job implies, None if it implies none.

    Parameters
    ----------
    job
        The job.
    time_to_live
        Limit of the task in seconds, None without one.
    log_hint
        Where the output of the job is, in one sentence.
    """
    number = f"Slurm job {job.job_id}{f' on {job.nodes}' if job.nodes else ''}"
    if job.state == "TIMEOUT":
        return _timeout(job, time_to_live, number)
    if job.state == "PREEMPTED":
        reason = f"Slurm preempted the task for a job of higher priority ({number})."
        return RunEnding(Status.SPOT_INSTANCE_PREEMPTED, reason)
    if job.state == "OUT_OF_MEMORY":
        return RunEnding(
            Status.EXECUTER_FAILED,
            f"The task ran out of the memory that its job was given ({number}). Request more, for "
            'example with --job-options "--mem=8G".',
        )
    if job.state in _FAILED:
        why = f": {job.reason}" if job.reason not in ("", "None") else ""
        return RunEnding(Status.EXECUTER_TERMINATED, f"{_FAILED[job.state]} ({number}{why}).")
    if job.state == "FAILED":
        return RunEnding(
            Status.EXECUTER_FAILED,
            f"The supervisor of the task failed ({number}). {log_hint}",
        )
    return None


def _timeout(job: Job, time_to_live: float | None, number: str) -> RunEnding:
    limit = job.time_limit
    if time_to_live is not None and (limit is None or time_to_live <= limit):
        return RunEnding(
            Status.TTL_EXCEEDED,
            f"The task ran longer than its time to live of {time_to_live:g} s ({number}).",
        )
    of = f" of {format_duration(limit)}" if limit is not None else ""
    return RunEnding(
        Status.EXECUTER_TERMINATED_TTL_EXCEEDED,
        f"The task reached the time limit{of} of partition {job.partition} ({number}). Use a "
        "partition with a higher limit.",
    )


def _is_time(text: str) -> bool:
    return text[:4].isdigit()


def _clock(text: str) -> str:
    return text[:16].replace("T", " ")
