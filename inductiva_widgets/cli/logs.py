"""The command ``logs``, which prints the output of a simulation."""

from __future__ import annotations

import click

from inductiva_widgets.cli.task_files import exit_130_on_interrupt


@click.command()
@click.argument("task_id")
@click.option("--stdout", "wants_stdout", is_flag=True, help="Only stdout.txt.")
@click.option("--stderr", "wants_stderr", is_flag=True, help="Only stderr.txt.")
@click.option("-n", "--lines", default=20, show_default=True, type=click.IntRange(min=0))
@click.option("-f", "--follow", is_flag=True, help="Go on until the task ends.")
def logs(task_id: str, wants_stdout: bool, wants_stderr: bool, lines: int, follow: bool) -> None:
    """Print the last lines of a task's stdout.txt and stderr.txt, while it runs or afterwards.

    \b
    Example:
      inductiva-widgets logs n7pbtxunxqzuca6nwe9v0gn75 --follow
    """
    from inductiva_widgets.tasks import Task

    both = wants_stdout == wants_stderr
    names = [
        name
        for name, wanted in (("stdout.txt", wants_stdout), ("stderr.txt", wants_stderr))
        if wanted or both
    ]
    with exit_130_on_interrupt():
        Task(task_id).tail_files(names, lines, follow)
