"""The command ``local``, which manages the embedded server of this user."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from inductiva_widgets.errors import LocalServerError
from inductiva_widgets.formatting import format_bytes, format_date

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client
    from inductiva_widgets.models.tasks import TaskInfo
    from inductiva_widgets.server.data_dir import DataDir
    from inductiva_widgets.server.server_info import ServerInfo

_ENDING_TAKES = 15.0
_KILLING_TAKES = 30.0

_RUNNING = ("started", "computation-started", "computation-ended", "pending-kill")
_QUEUED = ("submitted", "pending-input")

Function = TypeVar("Function", bound=Callable[..., Any])


def _which_server(function: Function) -> Function:
    """Add the options that say which server is meant."""
    for option in (
        click.option("--replay", is_flag=True, help="The server of the demo instead."),
        click.option("--data-dir", type=click.Path(file_okay=False), help="Of this data folder."),
    ):
        function = option(function)
    return function


@click.group()
def local() -> None:
    """Start the embedded server, look at it, stop it, clear up after it.

    All programs of a user share one server, which starts when it is needed and quits when nobody
    has needed it for an hour.
    """


@local.command()
@_which_server
def start(data_dir: str | None, replay: bool) -> None:
    """Start the server in the background, unless it is running; prints its address."""
    from inductiva_widgets.server.demo.options import DemoOptions
    from inductiva_widgets.server.launch import start_or_attach

    server = start_or_attach(data_dir, replay=DemoOptions() if replay else None)
    click.echo(f"{server.url}{'  (DEMO data)' if replay else ''}")


@local.command()
@_which_server
@click.option("--json", "as_json", is_flag=True, help="JSON instead of text.")
def status(data_dir: str | None, replay: bool, as_json: bool) -> None:
    """Tell where the server is and what it does; exit code 1 when none runs."""
    from inductiva_widgets.server.maintenance import running_server, size_of

    data = _folder(data_dir, replay)
    server = running_server(data)
    facts: dict[str, Any] = {
        "running": server is not None,
        "url": server.url if server else None,
        "pid": server.pid if server else None,
        "version": server.version if server else None,
        "data_dir": str(data.root),
        "is_demo": data.replay_file.exists(),
        "size_bytes": size_of(data.root),
        "tasks_running": None,
        "tasks_queued": None,
    }
    if server is not None:
        client = _client(server)
        facts["tasks_running"] = _count(client, _RUNNING)
        facts["tasks_queued"] = _count(client, _QUEUED)
    if as_json:
        click.echo(json.dumps(facts, indent=2))
    else:
        click.echo("\n".join(_status_lines(facts)))
    if server is None:
        sys.exit(1)


def _status_lines(facts: dict[str, Any]) -> list[str]:
    lines = ["DEMO data: all tasks are made up."] if facts["is_demo"] else []
    if facts["running"]:
        lines += [
            f"Address:      {facts['url']}",
            f"Process:      {facts['pid']}",
            f"Version:      {facts['version']}",
        ]
    else:
        lines.append("No server is running.")
    lines.append(f"Data folder:  {facts['data_dir']} ({format_bytes(facts['size_bytes'])})")
    if facts["running"]:
        lines.append(
            f"Tasks:        {facts['tasks_running']} running, {facts['tasks_queued']} queued"
        )
    return lines


@local.command()
@_which_server
@click.option("--kill-tasks", is_flag=True, help="Kill all tasks that have not ended, first.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def stop(data_dir: str | None, replay: bool, kill_tasks: bool, yes: bool) -> None:
    """Stop the server; tasks that are running go on unless they are to be killed.

    The next server takes tasks that went on up again.
    """
    from inductiva_widgets.server.maintenance import running_server, wait_for_end

    data = _folder(data_dir, replay)
    server = running_server(data)
    if server is None:
        click.echo("No server is running.")
        return
    client = _client(server)
    alive = [] if data.replay_file.exists() else _live_tasks(client)
    if alive and not yes:
        many = _tasks(len(alive))
        what = "will be killed" if kill_tasks else "will go on, or wait for the next server"
        click.confirm(f"{many} not over yet: {what}. Stop the server?", abort=True)
    if kill_tasks:
        _kill(client, alive)
    os.kill(server.pid, signal.SIGTERM)
    if not wait_for_end(data, server, _ENDING_TAKES):
        raise LocalServerError(
            f"The server (process {server.pid}) has not ended within {_ENDING_TAKES:g} s; "
            f"its log is {data.server_log}."
        )
    click.echo(f"Stopped the server at {server.url}.")


@local.command()
@_which_server
@click.option(
    "--older-than",
    type=click.FloatRange(min=0),
    metavar="DAYS",
    help="Only tasks that ended so many days ago or earlier.",
)
@click.option("--while-running", is_flag=True, help="Also while tasks are running.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def clean(
    data_dir: str | None,
    replay: bool,
    older_than: float | None,
    while_running: bool,
    dry_run: bool,
    yes: bool,
) -> None:
    """Remove the input and output files of tasks that have ended; the tasks stay listed.

    Works with and without a running server, and touches nothing outside the data folder.

    \b
    Examples:
      inductiva-widgets local clean --older-than 30
      inductiva-widgets local clean --dry-run
    """
    from inductiva_widgets.server.maintenance import running_server, tasks_without_server

    data = _folder(data_dir, replay)
    server = running_server(data)
    before = None
    if older_than is not None:
        before = datetime.now(timezone.utc) - timedelta(days=older_than)

    def sweep(infos: list[TaskInfo]) -> None:
        _remove_files(data, infos, before, while_running=while_running, dry_run=dry_run, yes=yes)

    if server is not None:
        sweep(_all_tasks(_client(server)))
    else:
        with tasks_without_server(data) as infos:
            sweep(list(infos))


def _remove_files(
    data: DataDir,
    infos: list[TaskInfo],
    before: datetime | None,
    *,
    while_running: bool,
    dry_run: bool,
    yes: bool,
) -> None:
    from inductiva_widgets.server.maintenance import finished_task_files, remove

    busy = sum(info.status.value in _RUNNING for info in infos)
    if busy and not (while_running or dry_run or data.replay_file.exists()):
        raise LocalServerError(
            f"{_tasks(busy)} running: wait for the end, or add --while-running. "
            "The files of tasks that have not ended are never removed."
        )
    found = finished_task_files(data, infos, before)
    if not found:
        click.echo(f"There is nothing to remove in {data.root}.")
        return
    oldest = min((one.ended for one in found if one.ended), default=None)
    since = f", the oldest of {format_date(oldest)}" if oldest else ""
    total = format_bytes(sum(one.size for one in found))
    what = f"the files of {len(found)} ended task{'s' if len(found) > 1 else ''} ({total}{since})"
    if dry_run:
        click.echo(f"Would remove {what} in {data.root}.")
        return
    if not yes:
        click.confirm(f"Remove {what} in {data.root} for good?", abort=True)
    click.echo(f"Freed {format_bytes(remove(data, found))}.")


def _folder(data_dir: str | None, replay: bool) -> DataDir:
    from inductiva_widgets.server.data_dir import DataDir, default_root, replay_root

    root = replay_root() if replay else default_root()
    return DataDir(root if data_dir is None else Path(data_dir))


def _client(server: ServerInfo) -> Client:
    from inductiva_widgets.config import Settings
    from inductiva_widgets.http.client import Client
    from inductiva_widgets.http.transport import Transport

    return Client(Transport(Settings(server.url, server.api_key, server.url, is_local=True)))


def _count(client: Client, statuses: tuple[str, ...]) -> int:
    from inductiva_widgets.models.tasks import TaskPage

    total = 0
    for code in statuses:
        query = {"page": 1, "per_page": 1, "status": code}
        page: TaskPage = client.transport.call("GET", "/tasks", answer=TaskPage, params=query)
        total += page.total_size or 0
    return total


def _all_tasks(client: Client) -> list[TaskInfo]:
    from inductiva_widgets.tasks import get_all

    return list(get_all(client=client)._infos())


def _live_tasks(client: Client) -> list[TaskInfo]:
    return [info for info in _all_tasks(client) if not info.is_terminal]


def _kill(client: Client, alive: list[TaskInfo]) -> None:
    from inductiva_widgets.tasks import Task, TaskList

    tasks = [Task(info.task_id, client=client) for info in alive]
    # The listing has the youngest first: a queued task must not take the place of one just killed.
    TaskList(tasks).kill()
    late = [task.id for task in tasks if task.kill(_KILLING_TAKES) is False]
    if late:
        raise LocalServerError(f"Not ended within {_KILLING_TAKES:g} s: {', '.join(late)}.")
    if tasks:
        click.echo(f"Killed {len(tasks)} task{'s' if len(tasks) > 1 else ''}.")


def _tasks(count: int) -> str:
    return f"{count} task{' is' if count == 1 else 's are'}"
