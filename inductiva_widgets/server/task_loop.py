"""Interface of the background thread that advances tasks.

The services depend on it alone, so that they serve real tasks (``scheduler.Scheduler``) and the
tasks of the demo (``demo.executor.DemoServer``).
"""

from __future__ import annotations

from typing import Protocol


class TaskLoop(Protocol):
    """A thread that runs queued tasks and carries out requests to kill them."""

    def start(self) -> None:
        """Resume the unfinished tasks of an earlier server and start the thread."""

    def stop(self) -> None:
        """Stop the thread and wait for its end."""

    def wake(self) -> None:
        """Check at once for tasks to start or to kill."""
