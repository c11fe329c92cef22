"""The working folder of a running task, as the page asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inductiva_widgets.errors import TaskError
from inductiva_widgets.status import Status
from inductiva_widgets.widgets import contract

if TYPE_CHECKING:
    from inductiva_widgets.tasks.task import Task

MOST = 5_000
"""Files that the page is told of."""

# Whether the task computes yet is news of the poller, which asks at least this often, in seconds.
_NEWS = 6.0
_NOT_YET = {
    Status.PENDING_INPUT: "The input files are being uploaded.",
    Status.SUBMITTED: "The task waits in the queue: its files are made when it is computed.",
    Status.STARTED: "The machine prepares the task: its files can be seen when it is computed.",
}


def files_view(task: Task) -> contract.FilesView:
    """Return the files of a running task, those that were written last first, where that is known.

    Costs one request on the embedded server, a question over the task's connection elsewhere, none
    before the task computes.

    Raises
    ------
    InductivaError
        The folder cannot be looked into, the reason given.
    """
    info = task.refresh(max_age=_NEWS)
    if info.status in _NOT_YET:
        return _view(task, [], 0, _NOT_YET[info.status])
    if info.is_terminal:
        return _view(task, [], 0, "The task has ended: its files are among the outputs.")
    try:
        found = task.list_files()
    except TaskError as error:
        # Between the end of the computation and that of the task there is no folder any more.
        return _view(task, [], 0, str(error))
    files: list[contract.WorkingFileView] = [
        {
            "name": file.name,
            "size": file.size,
            "modified": None if file.modified is None else round(file.modified.timestamp() * 1000),
        }
        for file in found[:MOST]
    ]
    return _view(task, files, len(found) - len(files), "" if files else "There is no file yet.")


def _view(
    task: Task, files: list[contract.WorkingFileView], more: int, note: str
) -> contract.FilesView:
    as_of = round(task._state.server_time.timestamp() * 1000)
    return {"files": files, "more": more, "as_of": as_of, "note": note}
