"""Executor that runs tasks as batch jobs of a Slurm cluster.

The batch script of a job is the supervisor, which reports through the journal in the task folder.
That folder must therefore be on a file system that this machine and the compute nodes share. Jobs
are named after their task, so that a server finds a job whose number it could not save.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import shlex
import sys
import threading
import time
from collections.abc import Collection, Iterator
from typing import Any

from inductiva_widgets.server.data_dir import TaskDir, package_root
from inductiva_widgets.server.executor import RunEnding, RunState, SubmitError, TaskHandle
from inductiva_widgets.server.local_executor import LocalExecutor
from inductiva_widgets.server.machine_facts import MachineFacts
from inductiva_widgets.server.slurm import commands, job_states
from inductiva_widgets.server.slurm.commands import Partition, RejectedError, SlurmError
from inductiva_widgets.server.slurm.job_table import JobTable
from inductiva_widgets.server.slurm.options import SlurmOptions
from inductiva_widgets.server.top import format_top
from inductiva_widgets.status import Status

DEFAULT_CAPACITY = 1000
"""Default number of jobs that are in the queue or running at a time."""

_log = logging.getLogger(__name__)

_INTERVAL = 10.0
_SHORT_INTERVAL = 1.0
# Until the first query that can contain a new job.
_NEW_INTERVAL = 2.0
# Queries are frequent for so long after a stop, and a silent job is cancelled at its end.
_PATIENCE = 30.0
# Pause between calls that change something, after Slurm could not be reached.
_OUTAGE_PAUSE = 10.0
# The scheduler waits for it, and tries again later.
_FORCE_TAKES = 20.0
_PARTITIONS_AGE = 60.0
# Journals are read at this interval, and less often if there are more jobs than that per second.
_POLL_INTERVAL = 0.2
_POLLS_PER_SECOND = 500
# Time for a supervisor to unpack the input and to pack the output, besides the time to live.
_OWN_SECONDS = 300.0
# Handle of a supervisor on this machine, which cleans up after a job that has ended.
_LOCAL = "local:"

_SCRIPT = """\
#!/bin/sh
# The stop file stops the task if a signal comes before the supervisor can handle it.
trap '' TERM
export OMP_NUM_THREADS="${{SLURM_CPUS_PER_TASK:-1}}"
{profile}exec {command}
"""


class _Stop:
    """A polite stop: its time, the size of the journal then, and whether it was sent."""

    def __init__(self, task: TaskDir) -> None:
        self.time = time.monotonic()
        self.is_sent = False
        self._task = task
        self._journal_size = _size(task)

    def is_due(self) -> bool:
        """Return whether the job is to be stopped now, for the first time or again."""
        if not self.is_sent:
            return True
        is_silent = _size(self._task) == self._journal_size
        return is_silent and time.monotonic() > self.time + _PATIENCE


class SlurmExecutor:
    """Runs tasks as jobs of a Slurm cluster, which outlive the server.

    A handle is the number of the job.

    Parameters
    ----------
    options
        How jobs are submitted.
    capacity
        Maximum number of jobs that wait or run at a time.
    interval
        Seconds between two queries for the states of all jobs, while no task is being stopped.
    """

    has_queue = True

    def __init__(
        self,
        options: SlurmOptions,
        capacity: int = DEFAULT_CAPACITY,
        interval: float = _INTERVAL,
    ) -> None:
        self._options = options
        self._capacity = capacity
        self._interval = interval
        self._table = JobTable(commands.list_jobs)
        self._cleaner = LocalExecutor(1)
        self._submitted: dict[TaskHandle, float] = {}
        self._stops: dict[TaskHandle, _Stop] = {}
        self._sender: threading.Thread | None = None
        self._n_watched = 0
        self._has_new = False
        self._outage: tuple[float, SlurmError] | None = None
        self._partitions: tuple[float, list[Partition]] | None = None
        self._partitions_lock = threading.Lock()

    @property
    def capacity(self) -> int:
        """Maximum number of jobs that wait or run at a time."""
        return self._capacity

    @property
    def tasks_per_machine(self) -> int:
        """One, since Slurm gives each job processors of its own."""
        return 1

    @property
    def poll_interval(self) -> float:
        """Seconds between two readings of all journals, longer if there are many."""
        return max(_POLL_INTERVAL, self._n_watched / _POLLS_PER_SECOND)

    # Submission ----------------------------------------------------------------------------------

    def submit(self, task: TaskDir) -> TaskHandle:
        """Submit the supervisor of a task as a batch job.

        After an earlier run, or a stop, the supervisor only cleans up. It does so on this machine,
        since a job might wait for hours.

        Raises
        ------
        SubmitError
            Slurm refuses the job.
        SlurmError
            Slurm could not be reached; the job may have been submitted all the same.
        """
        if task.journal.exists() or task.stop.exists():
            return TaskHandle(_LOCAL + self._cleaner.submit(task))
        job = json.loads(task.job.read_bytes())
        with self._remember_outage():
            arguments = [
                f"--job-name={task.root.name}",
                "--no-requeue",
                # A percent sign starts a placeholder.
                f"--output={str(task.log).replace('%', '%%')}",
                "--open-mode=append",
                *self._size_arguments(job),
                *self._options.sbatch_arguments(self._partition_of(job)),
            ]
            try:
                job_id = commands.submit(arguments, self._script(task), str(package_root()))
            except RejectedError as error:
                raise SubmitError(f"Slurm does not accept the task: {error}") from error
        handle = TaskHandle(job_id)
        self._submitted[handle] = time.monotonic()
        return handle

    def find(self, task: TaskDir) -> TaskHandle | None:
        """Return the job that is named after a task, or the process that cleans up after it."""
        with self._remember_outage():
            jobs = commands.find_active_jobs(task.root.name)
        if jobs:
            handle = TaskHandle(jobs[0].job_id)
            # The last query for all jobs may have come before the job.
            self._submitted[handle] = time.monotonic()
            return handle
        local = self._cleaner.find(task)
        return None if local is None else TaskHandle(_LOCAL + local)

    @contextlib.contextmanager
    def _remember_outage(self) -> Iterator[None]:
        """Raise an error again for some seconds, rather than wait for a controller that is down."""
        if self._outage is not None:
            since, known = self._outage
            if time.monotonic() < since + _OUTAGE_PAUSE:
                raise SlurmError(str(known))
        try:
            yield
        except SlurmError as error:
            self._outage = (time.monotonic(), error)
            raise
        self._outage = None

    def _script(self, task: TaskDir) -> str:
        module = "inductiva_widgets.server.supervisor"
        command = shlex.join([sys.executable, "-m", module, str(task.root)])
        path = self._options.profile_path()
        profile = "" if path is None else f". {shlex.quote(str(path))}\n"
        return _SCRIPT.format(profile=profile, command=command)

    def _size_arguments(self, job: dict[str, Any]) -> list[str]:
        """Return the options for the number of processes and nodes, and the time limit."""
        counts = [(command["mpi_options"] or {}).get("np") for command in job["commands"]]
        # Slurm takes no more nodes than there are processes.
        processes = max([job["machines"], *(one for one in counts if isinstance(one, int))])
        arguments = [f"--ntasks={processes}"]
        if job["machines"] > 1:
            arguments.append(f"--nodes={job['machines']}")
        if job["ttl_seconds"] is not None:
            seconds = job["ttl_seconds"] + _OWN_SECONDS
            partition = self._find_partition(self._partition_of(job) or self._options.partition)
            if partition is not None and partition.time_limit is not None:
                # A job with more would wait for ever.
                seconds = min(seconds, partition.time_limit)
            arguments.append(f"--time={math.ceil(seconds / 60)}")
        return arguments

    def _partition_of(self, job: dict[str, Any]) -> str | None:
        """Return the partition that a task names as its machine group, or None."""
        name = job["machine_group"]
        names = {partition.name for partition in self.partitions()}
        return name if name in names else None

    # States --------------------------------------------------------------------------------------

    def states(self, handles: Collection[TaskHandle]) -> dict[TaskHandle, RunState]:
        """Return the states of jobs, at most some seconds old."""
        local = [handle for handle in handles if handle.startswith(_LOCAL)]
        known = self._cleaner.states([_local_handle(handle) for handle in local])
        states = {handle: known[_local_handle(handle)] for handle in local}
        remote = [handle for handle in handles if not handle.startswith(_LOCAL)]
        self._n_watched = len(remote)
        if not remote:
            return states
        jobs, started = self._table.read(self._next_interval())
        self._has_new = any(since > started for since in self._submitted.values())
        for handle in remote:
            job = jobs.get(handle)
            if job is not None:
                states[handle] = job_states.run_state(job)
            elif self._submitted.get(handle, 0.0) > started:
                # The query may have come before the job.
                states[handle] = RunState.QUEUED
            else:
                states[handle] = RunState.ENDED
            if states[handle] == RunState.ENDED:
                self._submitted.pop(handle, None)
                self._stops.pop(handle, None)
        self._send_stops()
        return states

    def describe(self, handle: TaskHandle) -> str | None:
        """Return why a job waits, or on which nodes it runs."""
        job = self._table.last().get(handle)
        return None if job is None else job_states.describe(job)

    def ending(self, task: TaskDir, handle: TaskHandle) -> RunEnding | None:
        """Return the status that the final state of a job implies."""
        if handle.startswith(_LOCAL):
            return None
        job = self._table.last().get(handle) or commands.read_accounting(handle)
        hint = _log_hint(task)
        if job is None:
            return RunEnding(
                Status.EXECUTER_FAILED,
                f"Slurm job {handle} has ended, and Slurm does not know its state any more. {hint}",
            )
        limit = json.loads(task.job.read_bytes())["ttl_seconds"]
        found = job_states.ending(job, limit, hint)
        if found is None and not task.journal.exists():
            return RunEnding(
                Status.EXECUTER_FAILED,
                f"Slurm job {handle} ended before the supervisor of the task started. {hint}",
            )
        return found

    def _next_interval(self) -> float:
        now = time.monotonic()
        is_stopping = any(now < stop.time + _PATIENCE for stop in self._stops.values())
        if is_stopping:
            return min(self._interval, _SHORT_INTERVAL)
        return min(self._interval, _NEW_INTERVAL) if self._has_new else self._interval

    # Stopping ------------------------------------------------------------------------------------

    def stop(self, task: TaskDir, handle: TaskHandle | None, *, force: bool = False) -> None:
        """Ask the supervisor to end its task, or cancel the job and wait for its end."""
        if handle is not None and handle.startswith(_LOCAL):
            self._cleaner.stop(task, _local_handle(handle), force=force)
            return
        if force:
            self._kill(task, handle)
            return
        try:
            task.stop.touch()
        finally:
            # Also on a full disk.
            if handle is not None:
                self._stops.setdefault(handle, _Stop(task))
                self._send_stops()

    def _send_stops(self) -> None:
        """Stop jobs in the background: the stop file ends a running task all the same."""
        if self._stops and not (self._sender is not None and self._sender.is_alive()):
            due = [(handle, stop) for handle, stop in self._stops.items() if stop.is_due()]
            if due:
                self._sender = threading.Thread(
                    target=self._cancel_jobs, args=(due,), name="scancel", daemon=True
                )
                self._sender.start()

    def _cancel_jobs(self, stops: list[tuple[TaskHandle, _Stop]]) -> None:
        """Ask jobs to end, and cancel those that have reported nothing since they were asked."""
        for handle, stop in stops:
            try:
                if stop.is_sent:
                    _log.warning("Job %s does not react to its stop and is cancelled.", handle)
                    commands.cancel(handle)
                else:
                    commands.terminate(handle)
            except SlurmError as error:
                _log.warning("Job %s cannot be stopped. %s", handle, error)
                time.sleep(_OUTAGE_PAUSE)
                return
            stop.time, stop.is_sent = time.monotonic(), True

    def _kill(self, task: TaskDir, handle: TaskHandle | None) -> None:
        deadline = time.monotonic() + _FORCE_TAKES
        ids = [str(handle)] if handle is not None else []
        with self._remember_outage():
            ids += [job.job_id for job in commands.find_active_jobs(task.root.name)]
        for job_id in dict.fromkeys(ids):
            commands.cancel(job_id, kill=True)
        while commands.find_active_jobs(task.root.name):
            if time.monotonic() > deadline:
                raise SlurmError(
                    f"Job {', '.join(ids)} has not ended within {_FORCE_TAKES:g} s. "
                    "The server tries again."
                )
            time.sleep(_SHORT_INTERVAL / 5)
        # The next states come from a new query.
        self._table = JobTable(commands.list_jobs)
        self._cleaner.stop(task, None, force=True)

    def clear_up(self, task: TaskDir) -> None:
        """Remove the stop file and the list of processes."""
        self._cleaner.clear_up(task)

    # Machines ------------------------------------------------------------------------------------

    def partitions(self) -> list[Partition]:
        """Return the partitions of the cluster, at most a minute old.

        Raises
        ------
        SlurmError
            Slurm could not be reached, and no partition is known yet.
        """
        with self._partitions_lock:
            now = time.monotonic()
            if self._partitions is not None and now < self._partitions[0] + _PARTITIONS_AGE:
                return self._partitions[1]
            try:
                found = commands.list_partitions()
            except SlurmError:
                if self._partitions is None:
                    raise
                found = self._partitions[1]
            self._partitions = (now, found)
            return found

    def machine_facts(self) -> MachineFacts:
        """Return the processors and memory of the largest node of the partition."""
        partition = self._find_partition(self._options.partition)
        if partition is None:
            raise SlurmError(
                f"Slurm has no partition {self._options.partition or 'of this user'}: see sinfo."
            )
        cpus = max(1, partition.cpus)
        return MachineFacts(cpus, max(1, min(cpus, partition.cores)), partition.memory)

    def _find_partition(self, name: str | None) -> Partition | None:
        """Return a partition by its name, or the default one if None."""
        found = self.partitions()
        if name is not None:
            # Slurm takes several names and chooses among them.
            name = name.partition(",")[0]
        for partition in found:
            if partition.name == name if name is not None else partition.is_default:
                return partition
        return found[0] if found and name is None else None

    def top(self, task: TaskDir) -> str:
        """Return the threads of a task on the first node of its job."""
        running = [
            job
            for job in self._table.last().values()
            if job.name == task.root.name and job_states.run_state(job) == RunState.RUNNING
        ]
        if not running:
            return format_top([])
        module = "inductiva_widgets.server.slurm.node_top"
        command = [sys.executable, "-m", module, str(task.root)]
        return commands.run_in_job(running[0].job_id, str(package_root()), command)


def _local_handle(handle: TaskHandle) -> TaskHandle:
    return TaskHandle(handle.removeprefix(_LOCAL))


def _size(task: TaskDir) -> int:
    try:
        return task.journal.stat().st_size
    except FileNotFoundError:
        return 0


def _log_hint(task: TaskDir) -> str:
    try:
        lines = task.log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    if not lines:
        return (
            f"It wrote no log. Check that the compute nodes see the folder {task.root} and the "
            f"Python interpreter {sys.executable}."
        )
    return f"The last line of its log, {task.log}: {lines[-1]}"
