"""Compare tasks: the columns in which they differ."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from inductiva_widgets.tasks.task import Task
from inductiva_widgets.tasks.task_list import TaskList

if TYPE_CHECKING:
    import pandas as pd


def compare(
    tasks: Iterable[Task], *, details: bool = False, always: Iterable[str] = ()
) -> pd.DataFrame:
    """Return the columns in which tasks differ as a DataFrame, one row a task.

    The index is the task id.

    Parameters
    ----------
    tasks
        Two tasks or more.
    details
        If True, also compare the commands, the number of MPI processes, the exit code and the
        parameters of the submission, which only the detail of a task has. Costs a request for
        each task that has not ended or whose detail is not known yet; four at a time.
    always
        Names of columns that are kept even if they do not differ.

    Returns
    -------
    pandas.DataFrame
        The columns that differ, including those of metadata; see
        ``inductiva_widgets.frames._compare``. ``df.attrs["inductiva"]["same"]`` holds what
        the tasks have in common. Without ``details``, costs no request for tasks from a listing.

    Raises
    ------
    InputError
        There are fewer than two tasks.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> tasks = inductiva.tasks.get(last_n=3)
    >>> df = inductiva.tasks.compare(tasks, details=True)
    >>> df["exit_code"].tolist()
    [0, 1, 0]
    >>> df.attrs["inductiva"]["same"]["simulator"]
    'swmm'
    """
    listed = tasks if isinstance(tasks, TaskList) else TaskList(tasks)
    return listed.compare(details=details, always=always)
