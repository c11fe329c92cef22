"""Files and processes of a running task, for its WebRTC peer."""

from __future__ import annotations

import io
import os
from typing import BinaryIO

from inductiva_widgets.server.errors import MissingError
from inductiva_widgets.server.schemas.tasks import WorkingFileEntry
from inductiva_widgets.server.task_service import TaskService
from inductiva_widgets.status import Status

# Maximum number of bytes read from a file in the archive.
_MAX_ARCHIVED = 16 << 20


class RunningTask:
    """Files and processes of a running task, which may end at any time.

    Parameters
    ----------
    tasks
        Service of all tasks.
    task_id
        Id of the task.
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
        """Return whether the commands run, which is when clients look for a peer."""
        return self._status().is_computing

    def is_over(self) -> bool:
        """Return whether the files are final; a task that is being killed still writes."""
        return not self._status().may_be_computing

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading, from the archive if the working folder has been packed.

        Raises
        ------
        MissingError
            There is no such file.
        BadRequestError
            The file must not be read.
        """
        try:
            return self._work.open(name)
        except MissingError:
            if not self.is_over():
                raise
            return io.BytesIO(self._tasks.read_file(self._id, name, None, _MAX_ARCHIVED).content)

    def reopen(self, name: str, file: BinaryIO) -> BinaryIO | None:
        """Open the new file of this name if it was replaced, or return None."""
        try:
            present = self._work.open(name)
        except MissingError:
            # Removed, and not replaced yet.
            return None
        if os.path.sameopenfile(present.fileno(), file.fileno()):
            present.close()
            return None
        return present

    def files(self) -> list[WorkingFileEntry]:
        """Return the files, newest first."""
        return self._work.files()

    def top(self) -> str:
        """Return the threads of the task in the format of ``top``."""
        return self._tasks.top(self._id)

    def _status(self) -> Status:
        return self._tasks.status(self._id).status
