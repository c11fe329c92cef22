"""Files and processes of a running task, for its WebRTC peer."""

from __future__ import annotations

import io
import os
from typing import BinaryIO

from inductiva_widgets.server.errors import MissingError
from inductiva_widgets.server.schemas.tasks import WorkingFileEntry
from inductiva_widgets.server.task_service import TaskService
from inductiva_widgets.status import Status

# Maximum number of bytes that are read of a file in the archive.
_MOST_ARCHIVED = 16 << 20


class RunningTask:
    """A task that was running when its peer was asked for; it may end at any moment.

    Parameters
    ----------
    tasks
        All tasks.
    task_id
        The one.
    """

    def __init__(self, tasks: TaskService, task_id: str) -> None:
        self._tasks = tasks
        self._id = task_id
        self._work = tasks.work_dir(task_id)

    @property
    def id(self) -> str:
        """The id of the task."""
        return self._id

    def is_computing(self) -> bool:
        """Return whether its commands run, which is when clients look for a peer."""
        return self._status().is_computing

    def is_over(self) -> bool:
        """Return whether its files do not change any more; a task that is being killed writes."""
        return not self._status().may_be_computing

    def open(self, name: str) -> BinaryIO:
        """Open a file to read it, of the archive where the working folder has been packed.

        Raises
        ------
        RefusedError
            There is no such file, or it must not be read.
        """
        try:
            return self._work.open(name)
        except MissingError:
            if not self.is_over():
                raise
            return io.BytesIO(self._tasks.read_file(self._id, name, None, _MOST_ARCHIVED).content)

    def reopen(self, name: str, file: BinaryIO) -> BinaryIO | None:
        """Open a file again if another one has come under its name; return None otherwise."""
        try:
            present = self._work.open(name)
        except MissingError:
            # Moved away, and its successor is not there yet.
            return None
        if os.path.sameopenfile(present.fileno(), file.fileno()):
            present.close()
            return None
        return present

    def files(self) -> list[WorkingFileEntry]:
        """Return its files, newest first."""
        return self._work.files()

    def top(self) -> str:
        """Return its threads, as ``top`` shows them."""
        return self._tasks.top(self._id)

    def _status(self) -> Status:
        return self._tasks.status(self._id).status
