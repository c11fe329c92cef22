"""``inductiva-widgets tasks tail | list-files | last-modified-file | top``: files of a task."""

from __future__ import annotations

import click

from inductiva_widgets.cli._task_values import TASK_ID


@click.command()
@click.argument("task_id", type=TASK_ID)
@click.argument("files", nargs=-1, required=True)
@click.option("-n", "--lines", default=10, show_default=True, type=click.IntRange(min=0))
@click.option("-f", "--follow", is_flag=True, help="Continue until the task ends.")
def tail(task_id: str, files: tuple[str, ...], lines: int, follow: bool) -> None:
    """Print the last lines of files of a running or ended task.

    A terminal gets their colours, and shows other control sequences instead of obeying them. A
    pipe or a file gets the text as it is.

    \b
    Example:
      inductiva-widgets tasks tail n7pbtxunxqzuca6nwe9v0gn75 stdout.txt log.interFoam -f
    """
    from inductiva_widgets.tasks import Task

    Task(task_id).tail_files(files, lines, follow)


@click.command("list-files")
@click.argument("task_id", type=TASK_ID)
def list_files(task_id: str) -> None:
    """Show the files in the folder of a running task."""
    from inductiva_widgets.tasks import Task

    click.echo(str(Task(task_id).list_files()))


@click.command("last-modified-file")
@click.argument("task_id", type=TASK_ID)
def last_modified_file(task_id: str) -> None:
    """Show the last modified file of a running task, and its time."""
    from inductiva_widgets.tasks import Task

    click.echo(str(Task(task_id).last_modified_file()))


@click.command()
@click.argument("task_id", type=TASK_ID)
def top(task_id: str) -> None:
    """Show the output of top on the machine of a running task."""
    from inductiva_widgets.tasks import Task

    click.echo(Task(task_id).top())
