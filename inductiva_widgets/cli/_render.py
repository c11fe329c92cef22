"""Render the table of tasks in a terminal."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

from inductiva_widgets.errors import APIConnectionError, RateLimitError, ServerError
from inductiva_widgets.http.time_limits import single_try

if TYPE_CHECKING:
    from inductiva_widgets.models.tasks import TaskInfo
    from inductiva_widgets.status import Status
    from inductiva_widgets.tasks import TaskList


def warn_about_demo_data(infos: Iterable[TaskInfo]) -> None:
    """Print a warning to the standard error if any task is synthetic."""
    if any(info.is_demo for info in infos):
        click.echo("DEMO data: these tasks are made up, no simulation has run.", err=True)


def render_task_table(tasks: TaskList) -> str:
    """Return the table of tasks, with coloured statuses if the output is a terminal."""
    from inductiva_widgets.tasks.text_table import format_task_table

    if not tasks:
        return "No tasks found."
    text = format_task_table(tasks)
    if not use_colour():
        return text
    head, *lines = text.split("\n")
    coloured = [_coloured(line, task.info.status) for line, task in zip(lines, tasks, strict=True)]
    return "\n".join([click.style(head, bold=True), *coloured])


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


def _coloured(line: str, status: Status) -> str:
    from inductiva_widgets.design_tokens import status_group

    colour = status_group(status.info.group).terminal
    code = str(status)
    return line.replace(f" {code}", f" {click.style(code, fg=colour)}", 1) if colour else line
