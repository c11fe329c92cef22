"""``inductiva-widgets tasks`` and ``logs``: list, inspect, kill and export tasks."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click
import msgspec

from inductiva_widgets.ansi import escape_control_chars, escape_controls_in_json
from inductiva_widgets.cli._render import refresh_table, render_task_table, warn_about_demo_data
from inductiva_widgets.cli._task_values import TASK_ID, filter_arguments, filter_options
from inductiva_widgets.errors import InvalidRequestError, NotFoundError
from inductiva_widgets.formatting import (
    format_bytes,
    format_cost,
    format_duration,
    format_timestamp,
)

if TYPE_CHECKING:
    from inductiva_widgets.models.tasks import TaskInfo
    from inductiva_widgets.tasks import Task


@click.group()
def tasks() -> None:
    """List, inspect, kill, download and export tasks."""


@tasks.command("list")
@click.option(
    "-n",
    "--last-n",
    type=click.IntRange(min=1),
    help="Maximum number of tasks; by default 5, or all with --since.",
)
@filter_options
@click.option(
    "-i", "--id", "ids", multiple=True, type=TASK_ID, help="These tasks; may be repeated."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON array instead of the table.")
@click.option(
    "-w",
    "--watch",
    type=click.FloatRange(min=0.5),
    is_flag=False,
    flag_value=10.0,
    help="Refresh the table every N seconds (10 by default) until Ctrl-C.",
)
def list_tasks(
    last_n: int | None,
    ids: tuple[str, ...],
    as_json: bool,
    watch: float | None,
    **filters: Any,
) -> None:
    """List the tasks submitted last, newest first, with times in the local zone.

    If the terminal is too narrow for all columns, some are hidden. A pipe or a file gets all.

    \b
    Examples:
      inductiva-widgets tasks list -n 3
      inductiva-widgets tasks list --status failed,killed --since 7d
      inductiva-widgets tasks list --watch 5
    """
    from inductiva_widgets.tasks import TaskList, get

    def find() -> tuple[TaskList, list[str]]:
        if not ids:
            return get(last_n, **filter_arguments(filters)), []
        found, errors = _find_tasks(ids)
        return TaskList(found), errors

    def render() -> str:
        found, errors = find()
        return "\n".join([render_task_table(found), *errors])

    if watch is not None:
        refresh_table(render, watch)
        return
    found, errors = find()
    _echo_errors(errors)
    warn_about_demo_data(found._infos())
    if as_json:
        _echo_json([msgspec.structs.asdict(info) for info in found._infos()])
    elif found:
        # With blank lines, as documented.
        click.echo(f"\n{render_task_table(found)}\n")
    else:
        click.echo("No tasks found.")
    if errors or not found:
        sys.exit(1)


@tasks.command()
@click.argument("task_id", type=TASK_ID)
@click.option("--json", "as_json", is_flag=True, help="JSON instead of text.")
def info(task_id: str, as_json: bool) -> None:
    """Show the status, the timeline, the commands, the data and the cost of a task."""
    from inductiva_widgets.tasks import Task

    detail = Task(task_id).get_info()
    warn_about_demo_data([detail])
    if as_json:
        _echo_json(detail)
    else:
        lines = (escape_control_chars(line, keep="\t") for line in _info_lines(detail))
        click.echo("\n".join(lines))


@tasks.command()
@click.argument("task_ids", nargs=-1, required=True, type=TASK_ID)
@click.option("-w", "--wait", type=click.FloatRange(min=0), help="Seconds to wait for the end.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def kill(task_ids: tuple[str, ...], wait: float | None, yes: bool) -> None:
    """Kill tasks."""
    from inductiva_widgets.tasks.task_list import for_each

    found, errors = _find_tasks(task_ids)
    _echo_errors(errors)
    has_failed = bool(errors)
    active = [task for task in found if not task.info.is_terminal]
    for task in found:
        if task not in active:
            click.echo(escape_control_chars(f"{task.id} has ended already: {task.info.alias}."))
    if not active:
        sys.exit(has_failed)
    names = escape_control_chars(", ".join(task.id for task in active))
    if not yes:
        click.confirm(
            f"Kill {len(active)} task{'s' if len(active) > 1 else ''} ({names})?", abort=True
        )

    def kill_task(task: Task) -> bool | None:
        has_ended = task.kill(wait_timeout=wait)
        results = {None: "kill requested", True: "killed", False: "kill requested, not ended yet"}
        click.echo(escape_control_chars(f"{task.id}: {results[has_ended]}."))
        return has_ended

    has_failed = False in for_each(active, kill_task, "killed") or has_failed
    if has_failed:
        sys.exit(1)


@tasks.command()
@click.argument("task_ids", nargs=-1, required=True, type=TASK_ID)
@click.option("-f", "--filenames", multiple=True, help="Name, glob or folder/; may be repeated.")
@click.option("-d", "--dir", "folder", type=click.Path(file_okay=False), help="Target folder.")
@click.option("--archive", is_flag=True, help="Keep the archive as it is, as output.zip.")
def download(
    task_ids: tuple[str, ...], filenames: tuple[str, ...], folder: str | None, archive: bool
) -> None:
    """Download output files. Repeat the command to resume an interrupted download.

    With several tasks, there is a folder for each task in the target folder.
    """
    from inductiva_widgets.tasks import Task, TaskList

    names = list(filenames) or None
    if len(task_ids) == 1:
        paths = [Task(task_ids[0]).download_outputs(names, folder, not archive)]
    else:
        tasks = TaskList(map(Task, dict.fromkeys(task_ids)))
        paths = tasks.download_outputs(names, folder, not archive)
    for path in paths:
        click.echo(escape_control_chars(str(path)))


@tasks.command()
@click.argument("file", type=click.Path(dir_okay=False, writable=True, allow_dash=True))
@click.option("-n", "--last-n", type=click.IntRange(min=1), help="Maximum number of tasks.")
@filter_options
@click.option("-c", "--columns", help="Names of the columns, separated by commas.")
@click.option(
    "--metadata",
    is_flag=True,
    help="Add a column with the metadata of each task as JSON. For a column per key, use "
    "--columns metadata.<key>.",
)
def export(
    file: str, last_n: int | None, columns: str | None, metadata: bool, **filters: Any
) -> None:
    """Write a table of tasks to FILE, whose extension determines the format; - is CSV on stdout.

    \b
    .csv      times in UTC, durations in seconds; also .csv.gz, .csv.bz2, .csv.xz, .csv.zip
    .parquet  all types kept; needs pyarrow
    .arrow    all types kept; needs pyarrow
    .xlsx     Excel, times in UTC; needs openpyxl

    After an error there is no file, and the memory does not depend on the number of tasks. In
    Python, inductiva.frames.read(FILE) returns the table with the same types.

    \b
    Examples:
      inductiva-widgets tasks export history.csv
      inductiva-widgets tasks export spring.parquet --since 2026-03-01 --status success
      inductiva-widgets tasks export - --since 7d | head
      inductiva-widgets tasks export costs.xlsx --columns project,machine_type,cost_usd
    """
    from inductiva_widgets.cli._export import ExportOptions, export_tasks
    from inductiva_widgets.filters import TaskFilters

    names = None if columns is None else tuple(name.strip() for name in columns.split(","))
    options = ExportOptions(
        TaskFilters.parse(**filter_arguments(filters)), last_n, names, metadata=metadata
    )
    # In a notebook, the standard output has no buffer.
    target = getattr(sys.stdout, "buffer", sys.stdout) if file == "-" else file
    with _echo_warnings(), _show_count() as on_page:
        count = export_tasks(target, options, on_page=on_page)
    if file != "-":
        click.echo(f"{count} task{'' if count == 1 else 's'} written to {file}.")


@tasks.command()
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


@tasks.command("list-files")
@click.argument("task_id", type=TASK_ID)
def list_files(task_id: str) -> None:
    """Show the files in the folder of a running task."""
    from inductiva_widgets.tasks import Task

    click.echo(str(Task(task_id).list_files()))


@tasks.command("last-modified-file")
@click.argument("task_id", type=TASK_ID)
def last_modified_file(task_id: str) -> None:
    """Show the last modified file of a running task, and its time."""
    from inductiva_widgets.tasks import Task

    click.echo(str(Task(task_id).last_modified_file()))


@tasks.command()
@click.argument("task_id", type=TASK_ID)
def top(task_id: str) -> None:
    """Show the output of top on the machine of a running task."""
    from inductiva_widgets.tasks import Task

    click.echo(Task(task_id).top())


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


def _find_tasks(task_ids: Iterable[str]) -> tuple[list[Task], list[str]]:
    """Return the tasks that the service knows, and an error message for each other id."""
    from inductiva_widgets.tasks import Task

    tasks = [Task(task_id) for task_id in dict.fromkeys(task_ids)]
    errors = {task.id: _lookup_error(task) for task in tasks}
    found = [task for task in tasks if not errors[task.id]]
    return found, [
        escape_control_chars(f"{task_id}: {error}") for task_id, error in errors.items() if error
    ]


def _lookup_error(task: Task) -> str:
    """Request a task, and return the error message, or "" if the service knows the task."""
    try:
        task.get_info()
    except (NotFoundError, InvalidRequestError) as error:
        return error.shell_message
    return ""


def _echo_errors(errors: Iterable[str]) -> None:
    for error in errors:
        click.echo(error, err=True)


@contextlib.contextmanager
def _echo_warnings() -> Iterator[None]:
    """Print warnings as one line each, at the end."""
    with warnings.catch_warnings(record=True) as caught:
        try:
            yield
        finally:
            for warning in caught:
                click.echo(f"Warning: {warning.message}", err=True)


@contextlib.contextmanager
def _show_count() -> Iterator[Callable[[list[TaskInfo]], None]]:
    """Show the number of exported tasks in a terminal, and warn about demo data."""
    from rich.console import Console

    count = 0

    def on_page(infos: list[TaskInfo]) -> None:
        nonlocal count
        if not count:
            warn_about_demo_data(infos)
        count += len(infos)
        if line is not None:
            line.update(f"{count:,} tasks")

    console = Console(stderr=True)
    line = console.status("Requesting tasks") if console.is_terminal else None
    with line or contextlib.nullcontext():
        yield on_page


def _echo_json(value: object) -> None:
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    click.echo(escape_controls_in_json(text))


def _info_lines(info: TaskInfo) -> list[str]:
    lines = ["", f"Task {info.task_id}", f"Status: {info.alias} ({info.status})"]
    reasons = [info.error_detail, info.executer.error_detail if info.executer else None]
    reason = next((text for text in reasons if text), None)
    if reason:
        lines += ["Reason:", *(f"\t{line}" for line in reason.splitlines())]
    lines += [f"Simulator: {info.simulator or 'n/a'}", f"Resource: {info.machine_type or 'n/a'}"]
    lines += ["", "Timeline:"]
    for event in info.status_history or ():
        start, end = event.timestamp, event.end_timestamp
        last = "" if info.is_terminal else "(ongoing)"
        took = format_duration((end - start).total_seconds()) if start and end else last
        lines.append(
            f"\t{event.alias or event.status.alias:<25} at {format_timestamp(start):<26} {took}"
        )
        for command in event.executed_commands:
            start, end = command.start_timestamp, command.end_timestamp
            took = format_duration((end - start).total_seconds()) if start and end else last
            lines.append(f"\t\t> {took:<15} {command.attributes['command']}")
    metrics = info.metrics
    until = "n/a" if info.is_terminal else "n/a until the task ends"
    size = metrics.output_size_bytes if metrics else None
    packed = metrics.output_zipped_size_bytes if metrics else None
    count = metrics.output_total_files if metrics else None
    lines += [
        "",
        "Data:",
        f"\tSize of the output archive: {until if packed is None else format_bytes(packed)}",
        f"\tSize of the output files:   {until if size is None else format_bytes(size)}",
        f"\tNumber of output files:     {until if count is None else count}",
        "",
        f"Estimated computation cost: {format_cost(info.estimated_computation_cost)}",
    ]
    return lines
