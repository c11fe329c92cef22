"""Options that filter tasks, for every command that lists them."""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import Any, TypeVar

import click

from inductiva_widgets.cli._task_values import (
    complete_project,
    complete_simulator,
    complete_status,
)

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "-s",
        "--status",
        multiple=True,
        metavar="CODES",
        shell_complete=complete_status,
        help="Only tasks with these statuses, separated by commas: failed,killed.",
    ),
    click.option(
        "-p",
        "--project",
        multiple=True,
        metavar="NAMES",
        shell_complete=complete_project,
        help="Only tasks of these projects. Put quotes around a name that has a comma.",
    ),
    click.option(
        "--simulator",
        multiple=True,
        metavar="NAMES",
        shell_complete=complete_simulator,
        help="Only tasks of these simulators.",
    ),
    click.option(
        "--since",
        metavar="TIME",
        help="Only tasks created then or later: 2026-03-01, 2026-03-01T12:30+01:00, or a duration "
        "before now: 7d, 36h. Times without a zone are local times.",
    ),
    click.option("--until", metavar="TIME", help="Only tasks created before: a time as --since."),
)


def filter_options(command: Command) -> Command:
    """Add the options to a command, as keyword arguments for ``filter_arguments``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def filter_arguments(options: dict[str, Any]) -> dict[str, Any]:
    """Return the values of the options as arguments of ``inductiva_widgets.tasks.get``."""
    return {
        name: _split(given) if isinstance(given, tuple) else given
        for name, given in options.items()
    }


def _split(given: tuple[str, ...]) -> list[str] | None:
    """Return the values of a repeated option; None if it is not used."""
    # An empty text is a value, too: an unset shell variable must not select all tasks.
    rows = [next(csv.reader([text], skipinitialspace=True), []) or [""] for text in given]
    return [value.strip() for row in rows for value in row] if rows else None
