"""``inductiva-widgets tasks``: list, info, kill, download, and the files of a running one."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from inductiva_widgets.cli._render import refresh_table, render_task_table, warn_about_demo_data
from inductiva_widgets.cli.task_files import last_modified_file, list_files, tail, top
from inductiva_widgets.errors import InvalidRequestError, NotFoundError
from inductiva_widgets.formatting import format_bytes, format_cost, format_date, format_duration

if TYPE_CHECKING:
    from inductiva_widgets.models.tasks import TaskInfo
    from inductiva_widgets.tasks import Task


@click.group()
def tasks() -> None:
    """List tasks, look at one and at its files, kill it, download its outputs."""


for command in (tail, list_files, last_modified_file, top):
    tasks.add_command(command)


@tasks.command("list")
@click.option("-n", "--last-n", default=5, show_default=True, type=click.IntRange(min=1))
@click.option("-s", "--status", help="Only tasks in this status, such as success.")
@click.option("-p", "--project", help="Only tasks of this project.")
@click.option("-i", "--id", "ids", multiple=True, help="These tasks; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array instead of the table.")
@click.option(
    "-w",
    "--watch",
    type=click.FloatRange(min=0.5),
    is_flag=False,
    flag_value=10.0,
    help="Show the table anew every so many seconds (10 by default), until Ctrl-C.",
)
def list_tasks(
    last_n: int,
    status: str | None,
    project: str | None,
    ids: tuple[str, ...],
    as_json: bool,
    watch: float | None,
) -> None:
    """List the tasks submitted last, newest first.

    \b
    Examples:
      inductiva-widgets tasks list -n 3
      inductiva-widgets tasks list --status failed --json
      inductiva-widgets tasks list --watch 5
    """
    from inductiva_widgets.tasks import TaskList, get

    def look() -> tuple[TaskList, list[str]]:
        if not ids:
            return get(last_n, status=status, project=project), []
        found, unknown = _split(ids)
        return TaskList(found), unknown

    def text() -> str:
        found, unknown = look()
        return "\n".join([render_task_table(found), *unknown])

    if watch is not None:
        refresh_table(text, watch)
        return
    found, unknown = look()
    _complain(unknown)
    warn_about_demo_data(found._infos())
    if as_json:
        _echo_json([msgspec.structs.asdict(info) for info in found._infos()])
    elif found:
        # The blank lines around the table are the documented form of this listing.
        click.echo(f"\n{render_task_table(found)}\n")
    else:
        click.echo("No tasks found.")
    if unknown or not found:
        sys.exit(1)


@tasks.command()
@click.argument("task_id")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of text.")
def info(task_id: str, as_json: bool) -> None:
    """Show one task: status, timeline, commands, data, cost."""
    from inductiva_widgets.tasks import Task

    detail = Task(task_id).get_info()
    warn_about_demo_data([detail])
    if as_json:
        _echo_json(detail)
    else:
        click.echo("\n".join(_info_lines(detail)))


@tasks.command()
@click.argument("task_ids", nargs=-1, required=True)
@click.option("-w", "--wait", type=click.FloatRange(min=0), help="Seconds to wait for the end.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def kill(task_ids: tuple[str, ...], wait: float | None, yes: bool) -> None:
    """Kill tasks."""
    from inductiva_widgets.tasks.task_list import for_each

    found, unknown = _split(task_ids)
    _complain(unknown)
    has_failed = bool(unknown)
    alive = [task for task in found if not task.info.is_terminal]
    for task in found:
        if task not in alive:
            click.echo(f"{task.id} has ended already: {task.info.alias}.")
    if not alive:
        sys.exit(has_failed)
    names = ", ".join(task.id for task in alive)
    if not yes:
        click.confirm(
            f"Kill {len(alive)} task{'s' if len(alive) > 1 else ''} ({names})?", abort=True
        )

    def kill_one(task: Task) -> bool | None:
        ended = task.kill(wait_timeout=wait)
        said = {None: "kill requested", True: "killed", False: "kill requested, not ended yet"}
        click.echo(f"{task.id}: {said[ended]}.")
        return ended

    has_failed = False in for_each(alive, kill_one, "killed") or has_failed
    if has_failed:
        sys.exit(1)


@tasks.command()
@click.argument("task_ids", nargs=-1, required=True)
@click.option("-f", "--filenames", multiple=True, help="Name, glob or folder/; may be repeated.")
@click.option("-d", "--dir", "folder", type=click.Path(file_okay=False), help="Target folder.")
@click.option("--archive", is_flag=True, help="Keep the archive as it is, as output.zip.")
def download(
    task_ids: tuple[str, ...], filenames: tuple[str, ...], folder: str | None, archive: bool
) -> None:
    """Download output files; again after an interruption, to finish the job.

    Of several tasks each gets a folder of its own in the target folder.
    """
    from inductiva_widgets.tasks import Task, TaskList

    names = list(filenames) or None
    if len(task_ids) == 1:
        click.echo(Task(task_ids[0]).download_outputs(names, folder, not archive))
        return
    tasks = TaskList(map(Task, dict.fromkeys(task_ids)))
    for path in tasks.download_outputs(names, folder, not archive):
        click.echo(path)


@tasks.command()
@click.argument("file", type=click.Path(dir_okay=False, writable=True))
@click.option("-n", "--last-n", type=click.IntRange(min=1), help="Only so many; all by default.")
@click.option("-s", "--status", help="Only tasks in this status.")
@click.option("-p", "--project", help="Only tasks of this project.")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]),
    metavar="DATE",
    help="Only tasks made then or later, in UTC: 2026-03-01 or 2026-03-01T12:30.",
)
@click.option("-c", "--columns", help="Names of the columns with commas; the usual by default.")
@click.option(
    "--metadata",
    is_flag=True,
    help="Add the column metadata: all of a task's metadata as JSON, since the keys are not known "
    "before the last task has come. A column of a key alone: --columns metadata.<key>.",
)
def export(file: str, columns: str | None, **chosen: Any) -> None:
    """Write the tasks to FILE, a table whose format its ending tells.

    \b
    .csv      times in UTC, durations in seconds
    .parquet  all types kept; needs pyarrow
    .arrow    all types kept; needs pyarrow
    .xlsx     Excel, times in UTC; needs openpyxl

    The file is whole or not there, and memory stays flat however many tasks there are. In Python,
    inductiva.frames.read(FILE) gives the table back with the same types.

    \b
    Examples:
      inductiva-widgets tasks export history.csv
      inductiva-widgets tasks export spring.parquet --since 2026-03-01 --status success
      inductiva-widgets tasks export costs.xlsx --columns project,machine_type,cost_usd
    """
    from inductiva_widgets.cli._export import ExportOptions, export_tasks

    names = None if columns is None else tuple(name.strip() for name in columns.split(","))
    with _counting() as told:
        count = export_tasks(Path(file), ExportOptions(columns=names, **chosen), on_page=told)
    click.echo(f"{count} task{'' if count == 1 else 's'} written to {file}.")


def _split(task_ids: Iterable[str]) -> tuple[list[Task], list[str]]:
    """Return the tasks that the service knows, and a line about each of the others."""
    from inductiva_widgets.tasks import Task

    tasks = [Task(task_id) for task_id in dict.fromkeys(task_ids)]
    reasons = {task.id: _reason(task) for task in tasks}
    found = [task for task in tasks if not reasons[task.id]]
    return found, [f"{task_id}: {reason}" for task_id, reason in reasons.items() if reason]


def _reason(task: Task) -> str:
    """Return why a task cannot be looked at, "" if it can."""
    try:
        task.get_info()
    except (NotFoundError, InvalidRequestError) as error:
        return str(error)
    return ""


def _complain(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line, err=True)


@contextlib.contextmanager
def _counting() -> Iterator[Callable[[list[TaskInfo]], None]]:
    """Show how many tasks have come, where somebody looks; and whether they are made up."""
    from rich.console import Console

    count = 0

    def told(infos: list[TaskInfo]) -> None:
        nonlocal count
        if not count:
            warn_about_demo_data(infos)
        count += len(infos)
        if line is not None:
            line.update(f"{count:,} tasks")

    console = Console(stderr=True)
    line = console.status("Asking for tasks") if console.is_terminal else None
    with line or contextlib.nullcontext():
        yield told


def _echo_json(value: object) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def _info_lines(info: TaskInfo) -> list[str]:
    lines = [f"\nTask {info.task_id}", f"Status: {info.alias} ({info.status})"]
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
            f"\t{event.alias or event.status.alias:<25} at {format_date(start):<20} {took}"
        )
        for operation in event.operations or ():
            command = operation.attributes.get("command")
            if command:
                begin, done = operation.start_timestamp, operation.end_timestamp
                span = format_duration((done - begin).total_seconds()) if begin and done else last
                lines.append(f"\t\t> {span:<15} {command}")
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
