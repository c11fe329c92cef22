"""The seam between the server and the place where tasks run.

The scheduler decides *which* task runs next and applies what its journal reports; an executor
decides *where* a task runs. It starts a supervisor for a task folder, observes it and stops it.
Three things are shared by all executors:

- The **task folder** (``data_dir.TaskDir``), which the server and the machine of the task both see.
  The server writes ``job.json`` before it submits the task.
- The **journal** in it, by which the supervisor reports all that happens: the machine, the programs
  that were found there, statuses, results. An executor reports nothing of that itself.
- The file ``stop`` in it. A task ends soon after this file appears, even if no signal reaches its
  supervisor. An executor may do more, such as send a signal, to make it faster.

Implementations: ``local_executor.LocalExecutor`` (processes of this machine),
``slurm.executor.SlurmExecutor`` (jobs of a cluster) and ``demo.executor.DemoExecutor`` (synthetic
tasks). ``tests/unit/server/test_executors.py`` holds the
contract test that every implementation must pass.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum
from typing import NamedTuple, NewType, Protocol

from inductiva_widgets.server.data_dir import TaskDir
from inductiva_widgets.server.machine_facts import MachineFacts
from inductiva_widgets.status import Status

TaskHandle = NewType("TaskHandle", str)
"""Name of a submitted run, such as a process id with its start time or a batch job id.

Opaque to the server, which stores it with the task. A later server passes it to a new executor.
"""


class RunState(str, Enum):
    """State of a submitted run, as its executor sees it."""

    QUEUED = "queued"
    """Accepted, but its supervisor has not been started yet."""
    RUNNING = "running"
    """Its supervisor is running."""
    ENDED = "ended"
    """Its supervisor has ended or vanished, or there is no such run."""


class RunEnding(NamedTuple):
    """Final status of a task that an executor implies, with the reason."""

    status: Status
    reason: str


class UnreachableError(OSError):
    """The executor cannot be reached now; the text says why and what to do."""


class SubmitError(Exception):
    """The executor does not accept the task and never will; the text is the reason."""


class Executor(Protocol):
    """Runs tasks somewhere.

    The scheduler calls all methods but ``machine_facts`` and ``top`` from its one thread. Those two
    are called from request threads. Any method may raise ``OSError`` if the executor cannot be
    reached: the scheduler logs it and calls the method again about a second later.
    """

    @property
    def capacity(self) -> int:
        """Maximum number of tasks that are submitted at a time."""

    @property
    def tasks_per_machine(self) -> int:
        """Maximum number of tasks that share one machine; the supervisor divides threads by it."""

    @property
    def has_queue(self) -> bool:
        """Whether submitted tasks may wait.

        If True, the status of a task stays ``submitted`` until its journal begins. Otherwise it
        changes to ``started`` right before the task is submitted.
        """

    @property
    def poll_interval(self) -> float:
        """Seconds between two readings of the states and the journals."""

    def submit(self, task: TaskDir) -> TaskHandle:
        """Start a supervisor for a task folder and return the handle of the run.

        Returns without waiting for the supervisor. Not idempotent: two calls make two runs. The
        scheduler therefore calls ``find`` first if an earlier server may have submitted the task.
        It submits a task a second time after the first run vanished. The folder has a journal then,
        and the supervisor cleans up instead of running the task again.

        Parameters
        ----------
        task
            The folder, with a complete ``job.json``.

        Raises
        ------
        SubmitError
            The task is not accepted. The scheduler fails it with the text as the reason.
        """

    def find(self, task: TaskDir) -> TaskHandle | None:
        """Return the handle of the live run of a task, or None if there is none.

        Called once per task when a server starts, for tasks whose handle was not stored because the
        earlier server was killed, so it may be slow. Only a run that is queued or running counts.
        """

    def states(self, handles: Collection[TaskHandle]) -> dict[TaskHandle, RunState]:
        """Return the state of each handle, in one query for all of them.

        Called every ``poll_interval`` seconds while tasks run, so an executor with an expensive
        query must cache its answer. The answer may be late but must not be early: ``ENDED`` means
        that the run writes nothing more, and that the server sees all that it has written. The
        scheduler reads the rest of the journal then, and submits the task again if it does not end
        there. If the state cannot be determined, raise ``OSError`` rather than guess; journals are
        read all the same.

        Returns
        -------
        dict[TaskHandle, RunState]
            One entry per handle. An unknown handle is ``ENDED``.
        """

    def describe(self, handle: TaskHandle) -> str | None:
        """Return one sentence about a run for its user: why it waits, or where it runs.

        Called as often as ``states``, for executors with a queue. None if there is nothing to say.
        """

    def ending(self, task: TaskDir, handle: TaskHandle) -> RunEnding | None:
        """Return the cause if a run ended without the end of its journal, None if unknown.

        Called when the run is ``ENDED``, and its journal lacks its end or reports a kill that was
        not requested.
        """

    def stop(self, task: TaskDir, handle: TaskHandle | None, *, force: bool = False) -> None:
        """Stop a task. Idempotent, and harmless if the run has ended.

        Parameters
        ----------
        task
            The folder of the task.
        handle
            Handle of the run, or None if it is unknown.
        force
            If False, create the ``stop`` file, notify the supervisor and return: the supervisor
            ends the commands, packs the output and reports the end. Called once per kill, and again
            by the next server. A run that has not started yet must not run any command, but it may
            vanish instead of reporting its end: the scheduler submits it again then, and the next
            supervisor finds the ``stop`` file.
            If True, return when no process of the task is left. The journal may lack its end.
            Called when no supervisor can be started any more.
        """

    def clear_up(self, task: TaskDir) -> None:
        """Remove what the executor has left in the folder of a finished task, ``stop`` included.

        Idempotent. Called once the task has its final status and the run is ``ENDED``. Journal and
        log of the supervisor may stay.
        """

    def machine_facts(self) -> MachineFacts:
        """Return the processors and memory that a task can have.

        Called for listings of machine groups and quotas. What a particular task had is in its
        journal.
        """

    def top(self, task: TaskDir) -> str:
        """Return the threads of a task like ``top -b -H -n 1``.

        Called for each request of a user. Without processes only the headings are returned.
        """
