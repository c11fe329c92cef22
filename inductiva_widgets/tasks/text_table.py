"""Tasks as a plain-text table, and as columns of the vendor's client."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from inductiva_widgets.formatting import MISSING, format_date, format_hms, format_table
from inductiva_widgets.timing import computation_seconds

if TYPE_CHECKING:
    from inductiva_widgets.tasks.task import Task

COLUMNS = (
    "ID",
    "SIMULATOR",
    "STATUS",
    "SUBMITTED",
    "STARTED",
    "COMPUTATION TIME",
    "RESOURCE TYPE",
)


def to_dict(tasks: Iterable[Task]) -> dict[str, list[Any]]:
    """Return the columns of the listing, times as they are and durations as ``h:mm:ss``.

    Parameters
    ----------
    tasks
        The tasks; those of a listing cost no request.

    Returns
    -------
    dict
        Lists of the same length by the names of the columns, as the service's own client has them.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> inductiva.tasks.to_dict(tasks)["Status"]
    ['success', 'failed', 'success']
    """
    rows = list(tasks)
    infos = [task.info for task in rows]
    times = [computation_seconds(task.info, task._state.server_time) for task in rows]
    return {
        "ID": [info.task_id for info in infos],
        "Simulator": [info.simulator for info in infos],
        "Status": [str(info.status) for info in infos],
        "Submitted": [info.input_submit_time for info in infos],
        "Started": [info.start_time for info in infos],
        "Computation Time": [None if time is None else format_hms(time) for time in times],
        "Resource Type": [info.machine_type for info in infos],
    }


def format_task_table(tasks: Iterable[Task]) -> str:
    """Return the tasks as the command line's table."""
    return format_table(COLUMNS, [_text_row(task) for task in tasks])


def _text_row(task: Task) -> tuple[str, ...]:
    info = task.info
    executer = info.executer
    hosts = (executer.n_mpi_hosts if executer else None) or 1
    machine = info.machine_type
    return (
        info.task_id,
        info.simulator or MISSING,
        str(info.status),
        format_date(info.input_submit_time),
        format_date(info.start_time),
        format_hms(computation_seconds(info, task._state.server_time)),
        MISSING if not machine else f"{machine} x{hosts}" if hosts > 1 else machine,
    )
