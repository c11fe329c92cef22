"""``inductiva-widgets logs``: print the output of a simulation."""

from __future__ import annotations

import click

from inductiva_widgets.cli._task_values import TASK_ID


@click.command()
@click.argument("task_id", type=TASK_ID)
@click.option("--stdout", "only_stdout", is_flag=True, help="Only stdout.txt.")
@click.option("--stderr", "only_stderr", is_flag=True, help="Only stderr.txt.")
@click.option("-n", "--lines", default=20, show_default=True, type=click.IntRange(min=0))
@click.option("-f", "--follow", is_flag=True, help="Continue until the task ends.")
def logs(task_id: str, only_stdout: bool, only_stderr: bool, lines: int, follow: bool) -> None:
    """Print the last lines of stdout.txt and stderr.txt of a running or ended task.

    A terminal gets their colours, and shows other control sequences instead of obeying them. A
    pipe or a file gets the text as it is.

    \b
    Example:
      inductiva-widgets logs n7pbtxunxqzuca6nwe9v0gn75 --follow
    """
    from inductiva_widgets.tasks import Task

    if only_stdout == only_stderr:
        names = ["stdout.txt", "stderr.txt"]
    else:
        names = ["stdout.txt"] if only_stdout else ["stderr.txt"]
    Task(task_id).tail_files(names, lines, follow)
