"""Render the table of tasks in a terminal."""

from __future__ import annotations

import functools
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import click

from inductiva_widgets.errors import APIConnectionError, RateLimitError, ServerError
from inductiva_widgets.formatting import format_table, format_timestamp
from inductiva_widgets.http.time_limits import single_try

if TYPE_CHECKING:
    from inductiva_widgets.models.tasks import TaskInfo
    from inductiva_widgets.status import Status
    from inductiva_widgets.tasks import TaskList

_MAX_GAP, _MIN_GAP = 7, 2
_HIDDEN_FIRST = ("started", "machine_type", "computation_time", "simulator", "submitted")


def warn_about_demo_data(infos: Iterable[TaskInfo]) -> None:
    """Print a warning to the standard error if any task is synthetic."""
    if any(info.is_demo for info in infos):
        click.echo("DEMO data: these tasks are made up, no simulation has run.", err=True)


def render_task_table(tasks: TaskList) -> str:
    """Return the table of tasks, with times in the local zone.

    In a terminal, statuses are coloured and the table is not wider than the terminal: columns are
    closer, then hidden. Otherwise, all columns are there.
    """
    from inductiva_widgets.tasks.text_table import text_row, title

    if not tasks:
        return "No tasks found."
    format_time = functools.partial(format_timestamp, timespec="minutes")
    rows = [text_row(task, format_time) for task in tasks]
    titles = {name: title(name).upper() for name in rows[0]}
    if not sys.stdout.isatty():
        return format_table(list(titles.values()), [list(row.values()) for row in rows])
    statuses = [task.info.status for task in tasks]
    return _fit_table(titles, rows, statuses, shutil.get_terminal_size().columns)


def use_colour() -> bool:
    """Return whether the output is a terminal and colours are not disabled.

    See no-color.org; the official client reads ``INDUCTIVA_DISABLE_ANSI`` for the same purpose.
    """
    is_disabled = os.environ.get("NO_COLOR") or os.environ.get("INDUCTIVA_DISABLE_ANSI")
    return sys.stdout.isatty() and not is_disabled


def refresh_table(get_text: Callable[[], str], period: float) -> None:
    """Show a table and refresh it periodically until an interrupt.

    Parameters
    ----------
    get_text
        Returns the text; an unreachable service is reported below the last table.
    period
        Seconds between refreshes.
    """
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    shown = ""
    with Live(console=Console(), auto_refresh=False, vertical_overflow="crop") as live:
        while True:
            note = ""
            try:
                with single_try():
                    shown = get_text()
            except (APIConnectionError, RateLimitError, ServerError) as error:
                note = f"\n\n{error} Still trying."
            stamp = time.strftime("%H:%M:%S")
            text = Text.from_ansi(
                f"{shown}{note}\n\nEvery {period:g} s, last at {stamp}; Ctrl-C ends."
            )
            text.no_wrap = True
            live.update(text, refresh=True)
            try:
                time.sleep(period)
            except KeyboardInterrupt:
                return


def _fit_table(
    titles: dict[str, str], rows: list[dict[str, str]], statuses: list[Status], width: int
) -> str:
    """Return a table that is at most ``width`` cells wide."""
    from rich.cells import cell_len

    sizes = {
        name: max(cell_len(text) for text in (titles[name], *(row[name] for row in rows)))
        for name in titles
    }
    for names, gap in _layouts(list(titles)):
        if sum(sizes[name] + gap for name in names) - gap <= width:
            break

    def line(cells: dict[str, str]) -> str:
        padded = (cells[name] + " " * (sizes[name] - cell_len(cells[name])) for name in names)
        return _crop((" " * gap).join(padded).rstrip(), width)

    lines = [line(titles), *map(line, rows)]
    if use_colour():
        start = sum(sizes[name] + gap for name in names[: names.index("status")])
        lines = [
            click.style(lines[0], bold=True),
            *map(functools.partial(_colour_status, start=start), lines[1:], statuses),
        ]
    hidden = ", ".join(titles[name] for name in titles if name not in names)
    if hidden:
        lines.append(_crop(f"Hidden, as the terminal is too narrow: {hidden}.", width))
    return "\n".join(lines)


def _layouts(names: list[str]) -> Iterator[tuple[list[str], int]]:
    """Yield columns and the gap between them, from wide to narrow."""
    yield names, _MAX_GAP
    yield names, _MIN_GAP
    for hidden in _HIDDEN_FIRST:
        names = [name for name in names if name != hidden]
        yield names, _MIN_GAP


def _crop(line: str, width: int) -> str:
    from rich.cells import cell_len, set_cell_size

    return line if cell_len(line) <= width else set_cell_size(line, width - 1) + "…"


def _colour_status(line: str, status: Status, *, start: int) -> str:
    from inductiva_widgets.design_tokens import status_group

    colour = status_group(status.info.group).terminal
    code = str(status)
    if not colour or not line.startswith(code, start):
        return line
    return f"{line[:start]}{click.style(code, fg=colour)}{line[start + len(code) :]}"
