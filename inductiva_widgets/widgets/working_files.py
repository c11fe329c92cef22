"""View model of the files of a running task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inductiva_widgets.errors import TaskError
from inductiva_widgets.status import Status
from inductiva_widgets.widgets import contract

if TYPE_CHECKING:
    from inductiva_widgets.tasks.task import Task

MAX_FILES = 5_000
"""Maximum number of files in the view."""

# Maximum age of the info in seconds. The poller updates it more often.
_MAX_AGE = 6.0
_NOT_STARTED = {
    Status.PENDING_INPUT: "The input files are being uploaded.",
    Status.SUBMITTED: "The task waits in the queue: its files are made when it is computed.",
    Status.STARTED: "The machine prepares the task: its files can be seen when it is computed.",
}


def files_view(task: Task) -> contract.FilesView:
    """Return the files of a running task, the last modified first if the times are known.

    Raises
    ------
    InductivaError
        The folder cannot be read.

    Notes
    -----
    Requests: 1 on the embedded server while the task computes. Elsewhere, the files are listed over
    the connection to the machine.
    """
    info = task.refresh(max_age=_MAX_AGE)
    if info.status in _NOT_STARTED:
        return _view(task, [], 0, _NOT_STARTED[info.status])
    if info.is_terminal:
        return _view(task, [], 0, "The task has ended: its files are among the outputs.")
    try:
        found = task.list_files()
    except TaskError as error:
        # The folder is removed between the end of the computation and the end of the task.
        return _view(task, [], 0, str(error))
    files: list[contract.WorkingFileView] = [
        {
            "name": file.name,
            "size": file.size,
            "modified": None if file.modified is None else round(file.modified.timestamp() * 1000),
        }
        for file in found[:MAX_FILES]
    ]
    return _view(task, files, len(found) - len(files), "" if files else "There is no file yet.")


def _view(
    task: Task, files: list[contract.WorkingFileView], more: int, note: str
) -> contract.FilesView:
    as_of = round(task._state.server_time.timestamp() * 1000)
    return {"files": files, "more": more, "as_of": as_of, "note": note}
