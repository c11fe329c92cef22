"""Compare tasks: the columns in which they differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from inductiva_widgets.tasks.task import Task
from inductiva_widgets.tasks.task_list import TaskList

if TYPE_CHECKING:
    import pandas as pd

# Polite, and enough to hide the way to the service.
_AT_ONCE = 4


def compare(
    tasks: Iterable[Task], *, details: bool = False, always: Iterable[str] = ()
) -> pd.DataFrame:
    """Return what tasks differ in as a DataFrame, one row each, the task id as its index.

    Parameters
    ----------
    tasks
        Two tasks or more.
    details
        Whether to compare the commands too, the number of MPI processes, the exit code and the
        parameters of the submission, which are in the detail of a task only. Costs a request for
        each task that has not ended or whose detail is not known yet; four at a time.
    always
        Names of columns that stay, whether they differ or not.

    Returns
    -------
    pandas.DataFrame
        Of all columns, those of metadata among them, the ones that differ; see
        ``inductiva_widgets.frames._compare``. ``df.attrs["inductiva"]["same"]`` tells what
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
    from inductiva_widgets.frames._compare import compare, comparison_frame

    listed = tasks if isinstance(tasks, TaskList) else TaskList(tasks)
    # One alone is refused below; its details would be asked for in vain.
    if len(listed) > 1:
        _fetch_details(list(listed) if details else listed._without_info())
    now = listed[0]._state.server_time if listed else None
    frame = comparison_frame(
        listed._infos(), details=details, now=now, source=listed._frame_source()
    )
    return compare(frame, always=always)


def _fetch_details(tasks: Sequence[Task]) -> None:
    """Ask for the details of tasks, several at a time; the first error ends it."""
    if not tasks:
        return
    pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="inductiva-details")
    try:
        for answer in [pool.submit(task.get_info) for task in tasks]:
            answer.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
