"""Tasks as a plain-text table, and as columns of the vendor's client."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from inductiva_widgets.ansi import escape_control_chars
from inductiva_widgets.columns import COLUMNS, HEADERS, TEXT_COLUMNS, Format
from inductiva_widgets.formatting import (
    MISSING,
    format_bytes,
    format_cost,
    format_date,
    format_hms,
    format_table,
)

if TYPE_CHECKING:
    from inductiva_widgets.tasks.task import Task


def to_dict(list_of_tasks: Iterable[Task]) -> dict[str, list[Any]]:
    """Return the columns of the listing: times as ``datetime``, durations as ``h:mm:ss``.

    Parameters
    ----------
    list_of_tasks
        The tasks; those of a listing cost no request.

    Returns
    -------
    dict
        Lists of the same length, by the titles that the vendor's client uses.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> inductiva.tasks.to_dict(tasks)["Status"]
    ['success', 'failed', 'success']
    """
    rows = [(task.info, task._state.server_time) for task in list_of_tasks]
    return {
        title(name): [_plain(name, COLUMNS[name].value(info, now)) for info, now in rows]
        for name in TEXT_COLUMNS
    }


def format_task_table(tasks: Iterable[Task]) -> str:
    """Return the tasks as the command line's table."""
    titles = [title(name).upper() for name in TEXT_COLUMNS]
    return format_table(titles, [list(text_row(task).values()) for task in tasks])


def title(name: str) -> str:
    """Return the title of a column as the vendor's client writes it."""
    header = HEADERS[name]
    words = (header.full_title or header.title).split()
    return " ".join(word[0].upper() + word[1:] for word in words)


def text_row(task: Task, format_time: Callable[[Any], str] = format_date) -> dict[str, str]:
    """Return the cells of a task by column, without control characters.

    Parameters
    ----------
    task
        The task.
    format_time
        Formats a time.
    """
    info, now = task.info, task._state.server_time
    cells = {
        name: format_value(name, COLUMNS[name].value(info, now), format_time)
        for name in TEXT_COLUMNS
    }
    hosts = (info.executer.n_mpi_hosts if info.executer else None) or 1
    if hosts > 1 and info.machine_type:
        cells["machine_type"] += f" x{hosts}"
    return cells


def format_value(name: str, value: Any, format_time: Callable[[Any], str] = format_date) -> str:
    """Return the value of a column as one line of text, without control characters."""
    if value in (None, ""):
        return MISSING
    form = COLUMNS[name].format
    return escape_control_chars(format_time(value) if form == "time" else _FORMATS[form](value))


def _plain(name: str, value: Any) -> Any:
    return format_hms(value) if COLUMNS[name].kind == "duration" and value is not None else value


_FORMATS: dict[Format, Callable[[Any], str]] = {
    "category": str,
    "text": str,
    "seconds": format_hms,
    "dollars": format_cost,
    "bytes": format_bytes,
    "count": str,
}
