"""Tables of tasks and of output files, and the state of a download, as text and as HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any

from inductiva_widgets.columns import COLUMNS, DEFAULT_TABLE_COLUMNS, HEADERS, TEXT_COLUMNS
from inductiva_widgets.formatting import (
    format_bytes,
    format_cost,
    format_date,
    format_hms,
)
from inductiva_widgets.models.tasks import TaskInfo
from inductiva_widgets.status import StatusGroup
from inductiva_widgets.tasks.outputs import OutputsInfo
from inductiva_widgets.tasks.task_list import TaskList
from inductiva_widgets.tasks.text_table import format_task_table, format_value
from inductiva_widgets.widgets import contract
from inductiva_widgets.widgets.static_html.markup import (
    MAX_CELL,
    code_after_colon,
    escape_value,
    row,
    section,
    status_badge,
    table,
    truncate_line,
    truncate_text,
)

_NAMES = {
    StatusGroup.RUNNING: "running",
    StatusGroup.PENDING: "waiting",
    StatusGroup.SUCCEEDED: "succeeded",
    StatusGroup.FAILED: "failed",
    StatusGroup.STOPPED: "stopped",
    StatusGroup.UNKNOWN: "in an unknown state",
}
# Groups whose tasks may still change.
_LIVE = {StatusGroup.RUNNING.value, StatusGroup.PENDING.value, StatusGroup.UNKNOWN.value}
# The columns of the text table, in the order of the widget.
_COLUMNS = [name for name in DEFAULT_TABLE_COLUMNS if name in TEXT_COLUMNS]
ROWS_SHOWN, ROWS_OF_MORE = 50, 20

Download = Mapping[str, Any]


def list_text(tasks: TaskList, count: int, gone: Sequence[str] = ()) -> str:
    """Return the first rows of a list as text, with the number of tasks.

    Parameters
    ----------
    tasks
        The first tasks, at least ``ROWS_SHOWN`` if there are so many.
    count
        Number of all tasks.
    gone
        Ids of tasks that the service has removed.
    """
    if not tasks:
        return "No tasks found."
    shown = _rows_shown(count)
    lines = [truncate_line(line) for line in format_task_table(tasks[:shown]).splitlines()]
    return "\n".join([*lines, *_rest(shown, count, "tasks"), *_gone(gone)])


def list_html(
    infos: Sequence[TaskInfo],
    now: datetime,
    count: int,
    aggregates: contract.AggregatesView | None = None,
    gone: Sequence[str] = (),
) -> str:
    """Return the first rows of a list as an HTML table, with the number of tasks.

    Parameters
    ----------
    infos
        The first tasks, at least ``ROWS_SHOWN`` if there are so many.
    now
        The current time of the service.
    count
        Number of all tasks.
    aggregates
        Aggregates of all tasks, if known.
    gone
        Ids of tasks that the service has removed.
    """
    if not infos:
        return "<div>No tasks found.</div>"
    titles = [HEADERS[name].title for name in _COLUMNS]
    shown = _rows_shown(count)
    body = "".join(_list_row(info, now) for info in infos[:shown])
    notes = "".join(f"<div>{line}</div>" for line in _rest(shown, count, "tasks"))
    notes += "".join(f"<div>{escape_value(line)}</div>" for line in _gone(gone))
    if aggregates is not None:
        notes += f'<div style="margin-top:4px">{_summary(count, aggregates, now)}</div>'
    return f"{table(titles, body)}{notes}"


def outputs_html(outputs: OutputsInfo) -> str:
    """Return the first files of a listing as an HTML table, with the number of files."""
    shown = _rows_shown(outputs.n_files)
    cells = (
        (escape_value(file.name), format_bytes(file.size), format_bytes(file.compressed_size))
        for file in outputs.contents[:shown]
    )
    body = "".join(row(line) for line in cells)
    notes = "".join(f"<div>{line}</div>" for line in _rest(shown, outputs.n_files, "files"))
    return (
        f"{table(('Name', 'Size', 'Compressed'), body)}{notes}"
        f'<div style="margin-top:4px">Archive size: {format_bytes(outputs.size)}</div>'
    )


def _gone(gone: Sequence[str]) -> list[str]:
    """Return a note on tasks that are not updated any more."""
    if not gone:
        return []
    names = ", ".join(truncate_line(task_id) for task_id in gone[:3])
    more = f" and {len(gone) - 3} more" if len(gone) > 3 else ""
    return [f"Unknown to the service by now, shown as last known: {names}{more}."]


def _list_row(info: TaskInfo, now: datetime) -> str:
    return row([_cell(name, info, now) for name in _COLUMNS])


def _cell(name: str, info: TaskInfo, now: datetime) -> str:
    if name == "status":
        return status_badge(info)
    text = format_value(name, COLUMNS[name].value(info, now))
    shown = escape_value(text, MAX_CELL)
    return f"<code>{shown}</code>" if COLUMNS[name].kind == "text" else shown


def _summary(count: int, aggregates: contract.AggregatesView, now: datetime) -> str:
    """Return the counts, the computation time and the cost of a list in one line."""
    parts = [f"{count} task{'' if count == 1 else 's'}"]
    parts += [f"{n} {_NAMES[StatusGroup(group)]}" for group, n in aggregates["counts"].items()]
    parts.append(f"computation {format_hms(aggregates['seconds'])}")
    parts += [f"cost {format_cost(aggregates['cost'])}"] if aggregates["cost"] else []
    if not aggregates["counts"].keys().isdisjoint(_LIVE):
        parts.append(f"as of {format_date(now)}")
    return escape(" \N{MIDDLE DOT} ".join(parts))


def _rows_shown(count: int) -> int:
    # Every display stores the static view: all rows of a short list, a few of a long one.
    return count if count <= ROWS_SHOWN else ROWS_OF_MORE


def _rest(shown: int, count: int, noun: str) -> list[str]:
    return [f"The first {shown} of {count} {noun}."] if shown < count else []


def download_text(title: str, download: Download) -> str:
    """Return the state of a download as text."""
    return f"{truncate_line(title)}: {progress(download)}"


def download_html(title: str, download: Download) -> str:
    """Return the state of a download as HTML."""
    body = f"<b>{escape_value(title)}</b><div>{code_after_colon(progress(download))}</div>"
    return section(truncate_line(title), body)


def is_finished(download: Download | None) -> bool:
    """Return whether no download is in progress."""
    return download is None or download["phase"] in ("done", "failed", "cancelled")


def progress(download: Download) -> str:
    """Describe the state of a download; paths come after a colon and a space."""
    done, total, phase = download["bytes_done"], download["bytes_total"], download["phase"]
    amount = format_bytes(done)
    if phase != "done" and total is not None:
        amount += f" of {format_bytes(total)}"
    if phase == "done":
        files = download["files_done"]
        count = f"{files} file{'' if files == 1 else 's'}, " if files else ""
        path = download["path"]
        return f"Downloaded {count}{amount}" + (f", to: {truncate_line(path)}" if path else "")
    if phase == "cancelled":
        return f"Cancelled at {amount}; calling again goes on from there."
    if phase == "failed":
        detail = truncate_text(download["error"]["detail"]) if download["error"] else ""
        return f"Failed at {amount}; calling again goes on from there. {detail}"
    return f"{amount}, {phase}"
