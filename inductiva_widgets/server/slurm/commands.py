"""Calls of the programs of Slurm, such as ``sbatch`` and ``squeue``, each with a time limit.

The options and columns are those that Slurm has had since version 20.11. JSON output is not used:
its content differs between versions, and version 22.05 reports failed jobs as successful.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from inductiva_widgets.errors import LocalServerError
from inductiva_widgets.server.executor import UnreachableError

PROGRAMS = ("sbatch", "squeue", "scancel", "sinfo")

_TIMEOUT = 30.0
# Of calls that the scheduler waits for, so that it soon reads the journals again.
_SHORT_TIMEOUT = 10.0
_JOB_COLUMNS = "%i|%T|%r|%S|%N|%l|%P|%j"
_PARTITION_COLUMNS = "%P|%a|%l|%D|%c|%X|%Y|%m|%T"
_ACCOUNTING_COLUMNS = "JobID,State,Reason,Start,NodeList,Timelimit,Partition,JobName"
# Errors after which the same call may succeed later. All others are final, such as an unknown
# partition.
_TEMPORARY = re.compile(
    "contact|timed out|temporar|try again|connect|communicat|socket|munge|credential|"
    "authenticat|resource unavailable|submit.*limit|MaxSubmit|no such host|resolve",
    re.IGNORECASE,
)
_VALUES_OF_A_JOB = ("SLURM_", "SLURMD_")
_SECRETS = ("INDUCTIVA_API_KEY", "INDUCTIVA_LOCAL_API_KEY")


class SlurmError(UnreachableError):
    """A program of Slurm failed or did not respond; calling it again later may succeed."""


class RejectedError(Exception):
    """Slurm refused a request; the text is its reason."""


class Job(NamedTuple):
    """A job as ``squeue`` or ``sacct`` reports it.

    ``state`` is a code such as ``"PENDING"``, ``reason`` why the job waits or has ended. ``start``
    is the estimated or actual time in the format of Slurm. ``time_limit`` is in seconds, None
    without a limit.
    """

    job_id: str
    state: str
    reason: str
    start: str
    nodes: str
    time_limit: float | None
    partition: str
    name: str


class Partition(NamedTuple):
    """A partition; numbers per node are those of its largest node. Memory is in bytes."""

    name: str
    is_default: bool
    is_up: bool
    time_limit: float | None
    nodes: int
    cpus: int
    cores: int
    memory: int
    node_states: Mapping[str, int]


def missing_programs() -> list[str]:
    """Return the required programs of Slurm that are not on the PATH."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


def require_programs() -> None:
    """Raise if a required program of Slurm is missing.

    Raises
    ------
    LocalServerError
        A program is not on the PATH.
    """
    if missing := missing_programs():
        raise LocalServerError(
            f"This machine has no Slurm: {', '.join(missing)} not found on the PATH. Start the "
            "server on a login node of the cluster, or load the module of Slurm first."
        )


def submit(arguments: Sequence[str], script: str, folder: str) -> str:
    """Submit a batch script and return the id of the job.

    Parameters
    ----------
    arguments
        Options of ``sbatch``.
    script
        The script.
    folder
        Working folder of the job.

    Raises
    ------
    RejectedError
        Slurm will never accept the job.
    SlurmError
        Slurm could not be reached. The job may have been submitted all the same.
    """
    command = ["sbatch", "--parsable", f"--chdir={folder}", *arguments]
    answer = _run(command, stdin=script, timeout=_SHORT_TIMEOUT)
    # On a federation, the name of the cluster follows.
    job_id = answer.strip().splitlines()[-1].partition(";")[0] if answer.strip() else ""
    if not job_id.isdigit():
        raise SlurmError(f"sbatch must print the number of a job, got {answer!r}.")
    return job_id


def list_jobs() -> dict[str, Job]:
    """Return all jobs of this user that Slurm has in memory, recently ended ones included.

    Raises
    ------
    SlurmError
        Slurm could not be reached.
    """
    answer = _query(["squeue", "--me", "--states=all", "--noheader", f"--format={_JOB_COLUMNS}"])
    return {job.job_id: job for line in answer.splitlines() if (job := _parse_job(line))}


def find_active_jobs(name: str) -> list[Job]:
    """Return the jobs of this user with a name that have not ended, oldest first.

    Raises
    ------
    SlurmError
        Slurm could not be reached.
    """
    command = ["squeue", "--me", f"--name={name}", "--noheader", f"--format={_JOB_COLUMNS}"]
    answer = _query(command, timeout=_SHORT_TIMEOUT)
    jobs = [job for line in answer.splitlines() if (job := _parse_job(line))]
    return sorted(jobs, key=lambda job: int(job.job_id))


def read_accounting(job_id: str) -> Job | None:
    """Return an ended job from the accounting, or None if there is none or it lacks the job."""
    if shutil.which("sacct") is None:
        return None
    try:
        answer = _query(
            [
                "sacct",
                "--allocations",
                "--noheader",
                "--parsable2",
                f"--jobs={job_id}",
                f"--format={_ACCOUNTING_COLUMNS}",
            ]
        )
    except (SlurmError, RejectedError):
        # Many clusters have no accounting.
        return None
    jobs = [job for line in answer.splitlines() if (job := _parse_job(line))]
    return jobs[-1] if jobs else None


def terminate(job_id: str) -> None:
    """Cancel a job that waits, or send SIGTERM to the script of a job that runs.

    Raises
    ------
    SlurmError
        Slurm could not be reached.
    """
    _cancel(["--state=PENDING", job_id])
    _cancel(["--batch", "--signal=TERM", job_id])


def cancel(job_id: str, *, kill: bool = False) -> None:
    """Cancel a job. Its processes get SIGTERM, and SIGKILL after the ``KillWait`` of the cluster.

    Parameters
    ----------
    job_id
        The job.
    kill
        If True, send SIGKILL first.

    Raises
    ------
    SlurmError
        Slurm could not be reached.
    """
    if kill:
        # The script first, or it would report the end of its commands.
        _cancel(["--batch", "--signal=KILL", job_id])
        _cancel(["--full", "--signal=KILL", job_id])
    _cancel([job_id])


def list_partitions() -> list[Partition]:
    """Return the partitions that this user can see, in the order of Slurm.

    Raises
    ------
    SlurmError
        Slurm could not be reached.
    """
    command = ["sinfo", "--noheader", f"--format={_PARTITION_COLUMNS}"]
    answer = _query(command, timeout=_SHORT_TIMEOUT)
    rows: dict[str, list[list[str]]] = {}
    for line in answer.splitlines():
        fields = line.split("|")
        if len(fields) == 9:
            rows.setdefault(fields[0], []).append(fields)
    return [_partition(name, lines) for name, lines in rows.items()]


def run_in_job(job_id: str, folder: str, command: Sequence[str]) -> str:
    """Run a command in a folder on the first node of a running job, and return its output.

    Raises
    ------
    SlurmError
        The command could not be run.
    """
    options = [f"--jobid={job_id}", "--overlap", "--nodes=1", "--ntasks=1", f"--chdir={folder}"]
    return _query(["srun", *options, *command])


def parse_time_limit(text: str) -> float | None:
    """Return the seconds of a limit such as ``"1-02:03:04"`` or ``"30:00"``, None without one.

    Examples
    --------
    >>> parse_time_limit("1-02:03:04"), parse_time_limit("1:30"), parse_time_limit("infinite")
    (93784.0, 90.0, None)
    """
    days, dash, rest = text.strip().rpartition("-")
    parts = rest.split(":")
    if not all(part.isdigit() for part in [*parts, *([days] if dash else [])]):
        # UNLIMITED, infinite, NOT_SET, Partition_Limit
        return None
    numbers = [int(part) for part in parts]
    # With days the first number is hours, otherwise the last one is seconds.
    numbers = numbers + [0] * (3 - len(numbers)) if dash else [0] * (3 - len(numbers)) + numbers
    hours, minutes, seconds = numbers[-3:]
    return float(((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + seconds)


def _parse_job(line: str) -> Job | None:
    fields = line.split("|", 7)
    # Ids of array elements, such as 12_3, are not of this server.
    if len(fields) != 8 or not fields[0].strip().isdigit():
        return None
    job_id, state, reason, start, nodes, limit, partition, name = map(str.strip, fields)
    # The accounting reports "CANCELLED by 0".
    state = state.split()[0] if state else ""
    return Job(job_id, state, reason, start, nodes, parse_time_limit(limit), partition, name)


def _partition(marked: str, lines: list[list[str]]) -> Partition:
    states: dict[str, int] = {}
    for line in lines:
        # A suffix such as * or ~ says that the node does not respond or is powered down.
        state = line[8].rstrip("*~#!%$@^-+")
        states[state] = states.get(state, 0) + _number(line[3])
    return Partition(
        name=marked.rstrip("*"),
        is_default=marked.endswith("*"),
        is_up=lines[0][1] == "up",
        time_limit=parse_time_limit(lines[0][2]),
        nodes=sum(_number(line[3]) for line in lines),
        cpus=max(_number(line[4]) for line in lines),
        cores=max(_number(line[5]) * _number(line[6]) for line in lines),
        memory=max(_number(line[7]) for line in lines) << 20,
        node_states=states,
    )


def _number(text: str) -> int:
    # A plus follows the lowest of several numbers.
    digits = text.strip().rstrip("+")
    return int(digits) if digits.isdigit() else 0


def _query(command: list[str], timeout: float = _TIMEOUT) -> str:
    """Run a command whose failure is always temporary."""
    try:
        return _run(command, timeout=timeout)
    except RejectedError as error:
        raise SlurmError(str(error)) from error


def _cancel(arguments: list[str]) -> None:
    try:
        _run(["scancel", "--quiet", *arguments])
    except RejectedError:
        # The job has ended, or is not in the state.
        return


def _run(command: list[str], stdin: str = "", timeout: float = _TIMEOUT) -> str:
    program = command[0]
    try:
        done = subprocess.run(  # noqa: S603 - the programs of the cluster
            command,
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
            env=_environment(os.environ),
        )
    except subprocess.TimeoutExpired:
        raise SlurmError(
            f"{program} did not respond within {timeout:g} s: the controller of Slurm may be "
            "down or overloaded. The server tries again."
        ) from None
    except OSError as error:
        raise SlurmError(
            f"{program} cannot be run: {error.strerror}. Check that Slurm is installed here."
        ) from error
    if done.returncode != 0:
        said = done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}"
        if _TEMPORARY.search(said):
            raise SlurmError(f"{program} failed: {said}. The server tries again.")
        raise RejectedError(said)
    return done.stdout


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment for jobs, without secrets.

    A notebook server that is itself a job has the values of that job, which must not become those
    of the jobs that it submits.
    """
    kept = {
        name: value
        for name, value in environ.items()
        if name not in _SECRETS and not name.startswith(_VALUES_OF_A_JOB)
    }
    if "SLURM_CONF" in environ:
        kept["SLURM_CONF"] = environ["SLURM_CONF"]
    # The columns of times are parsed.
    kept["SLURM_TIME_FORMAT"] = "standard"
    return kept
