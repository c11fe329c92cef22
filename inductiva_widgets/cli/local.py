"""``inductiva-widgets local``: start, inspect, stop and clean up the embedded server."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, TypeVar

import click

from inductiva_widgets.errors import LocalServerError
from inductiva_widgets.formatting import format_bytes, format_timestamp

if TYPE_CHECKING:
    from inductiva_widgets.http.client import Client
    from inductiva_widgets.models.tasks import TaskInfo
    from inductiva_widgets.server.data_dir import DataDir
    from inductiva_widgets.server.server_info import ServerInfo

# Seconds.
_STOP_TIMEOUT = 15.0
_KILL_TIMEOUT = 30.0

_RUNNING = ("started", "computation-started", "computation-ended", "pending-kill")
_QUEUED = ("submitted", "pending-input")

Function = TypeVar("Function", bound=Callable[..., Any])


def _server_options(function: Function) -> Function:
    """Add the options that select the server."""
    for option in (
        click.option("--slurm", is_flag=True, help="The server of the Slurm cluster instead."),
        click.option("--replay", is_flag=True, help="The server of the demo instead."),
        click.option("--data-dir", type=click.Path(file_okay=False), help="Of this data folder."),
    ):
        function = option(function)
    return function


@click.group()
def local() -> None:
    """Start, inspect, stop and clean up the embedded server.

    All programs of a user share one server. It starts when it is needed, and quits after an hour
    without requests and tasks.
    """


@local.command()
@_server_options
def start(data_dir: str | None, replay: bool, slurm: bool) -> None:
    """Start the server in the background, unless it is running, and print its address."""
    from inductiva_widgets.server.launch import DemoOptions, start_or_attach

    server = start_or_attach(data_dir, replay=DemoOptions() if replay else None, slurm=slurm)
    click.echo(f"{server.url}{'  (DEMO data)' if replay else ''}")


@local.command()
@_server_options
@click.option("--json", "as_json", is_flag=True, help="JSON instead of text.")
def status(data_dir: str | None, replay: bool, slurm: bool, as_json: bool) -> None:
    """Show the address and the tasks of the server. The exit code is 1 if it is not running.

    If the server of the demo runs as well, its address is below.
    """
    from inductiva_widgets.server.server_info import running_server

    data = _folder(data_dir, replay=replay, slurm=slurm)
    server = running_server(data)
    facts = _facts(data, server)
    demo_url = _other_demo_url(data_dir, is_named=replay or slurm)
    if as_json:
        click.echo(json.dumps({**facts, "demo_url": demo_url}, indent=2))
    else:
        click.echo("\n".join(_status_lines(facts, demo_url)))
    if server is None:
        sys.exit(1)


def _facts(data: DataDir, server: ServerInfo | None) -> dict[str, Any]:
    from inductiva_widgets.server.maintenance import size_of

    facts: dict[str, Any] = {
        "running": server is not None,
        "url": server.url if server else None,
        "pid": server.pid if server else None,
        "version": server.version if server else None,
        "data_dir": str(data.root),
        "is_demo": data.replay_file.exists(),
        "executor": "slurm" if data.slurm_file.exists() else "local",
        "slurm": _slurm_facts(data) if data.slurm_file.exists() else None,
        "size_bytes": size_of(data.root),
        "tasks_running": None,
        "tasks_queued": None,
    }
    if server is not None:
        client = _client(server)
        facts["tasks_running"] = _count(client, _RUNNING)
        facts["tasks_queued"] = _count(client, _QUEUED)
    return facts


def _slurm_facts(data: DataDir) -> dict[str, Any]:
    """Return the partition of the jobs, and what the cluster reports now."""
    from inductiva_widgets.server.slurm import commands, job_states
    from inductiva_widgets.server.slurm.options import SlurmOptions

    chosen = SlurmOptions.read(data.slurm_file).partition
    facts: dict[str, Any] = {"partition": chosen, "nodes": None, "jobs": None, "error": None}
    try:
        partitions = [
            one
            for one in commands.list_partitions()
            if (one.name == chosen if chosen else one.is_default)
        ]
        jobs = commands.list_jobs().values()
    except OSError as error:
        return {**facts, "error": str(error)}
    states = [job_states.run_state(job).value for job in jobs]
    facts["jobs"] = {name: states.count(name) for name in ("running", "queued")}
    if partitions:
        facts["partition"] = partitions[0].name
        facts["nodes"] = dict(partitions[0].node_states)
    return facts


def _slurm_line(facts: dict[str, Any]) -> str:
    if facts["error"]:
        return f"Slurm, which does not respond: {facts['error']}"
    states = facts["nodes"] or {}
    nodes = ", ".join(f"{count} {state}" for state, count in states.items()) or "unknown"
    jobs = facts["jobs"]
    return (
        f"Slurm, partition {facts['partition'] or '(default)'}, nodes: {nodes}; your jobs: "
        f"{jobs['running']} running, {jobs['queued']} queued"
    )


def _other_demo_url(data_dir: str | None, *, is_named: bool) -> str | None:
    """Return the address of the demo's server, if it runs and no server was named."""
    client = None if is_named or data_dir is not None else running_client(replay=True)
    return None if client is None else client.url


def _not_running(demo_url: str | None) -> str:
    return "No server is running." if demo_url is None else "No server for simulations is running."


def _status_lines(facts: dict[str, Any], demo_url: str | None) -> list[str]:
    lines = ["DEMO data: all tasks are made up."] if facts["is_demo"] else []
    if facts["running"]:
        lines += [
            f"Address:      {facts['url']}",
            f"Process:      {facts['pid']}",
            f"Version:      {facts['version']}",
        ]
    else:
        lines.append(_not_running(demo_url))
    if facts["slurm"]:
        lines.append(f"Executor:     {_slurm_line(facts['slurm'])}")
    lines.append(f"Data folder:  {facts['data_dir']} ({format_bytes(facts['size_bytes'])})")
    if facts["running"]:
        lines.append(
            f"Tasks:        {facts['tasks_running']} running, {facts['tasks_queued']} queued"
        )
    if demo_url is not None:
        lines.append(f"Demo server:  {demo_url} (local status --replay shows more)")
    return lines


@local.command()
@_server_options
@click.option("--kill-tasks", is_flag=True, help="Kill all tasks that have not ended, first.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def stop(data_dir: str | None, replay: bool, slurm: bool, kill_tasks: bool, yes: bool) -> None:
    """Stop the server. Running tasks continue unless --kill-tasks is given.

    The next server on the same data folder adopts them.
    """
    from inductiva_widgets.server.maintenance import wait_for_end
    from inductiva_widgets.server.server_info import running_server

    data = _folder(data_dir, replay=replay, slurm=slurm)
    server = running_server(data)
    if server is None:
        demo_url = _other_demo_url(data_dir, is_named=replay or slurm)
        click.echo(_not_running(demo_url))
        if demo_url is not None:
            click.echo(f"Demo server:  {demo_url} (local stop --replay stops it)")
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
    if not wait_for_end(data, server, _STOP_TIMEOUT):
        raise LocalServerError(
            f"The server (process {server.pid}) has not ended within {_STOP_TIMEOUT:g} s; "
            f"its log is {data.server_log}."
        )
    click.echo(f"Stopped the server at {server.url}.")


@local.command()
@_server_options
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
    slurm: bool,
    older_than: float | None,
    while_running: bool,
    dry_run: bool,
    yes: bool,
) -> None:
    """Remove the input and output files of ended tasks. The tasks stay in the list.

    This works with and without a running server. Only files in the data folder are removed.

    \b
    Examples:
      inductiva-widgets local clean --older-than 30
      inductiva-widgets local clean --dry-run
    """
    from inductiva_widgets.server.maintenance import tasks_without_server
    from inductiva_widgets.server.server_info import running_server

    data = _folder(data_dir, replay=replay, slurm=slurm)
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
    since = f", the oldest of {format_timestamp(oldest)}" if oldest else ""
    total = format_bytes(sum(one.size for one in found))
    what = f"the files of {len(found)} ended task{'s' if len(found) > 1 else ''} ({total}{since})"
    if dry_run:
        click.echo(f"Would remove {what} in {data.root}.")
        return
    if not yes:
        click.confirm(f"Remove {what} in {data.root} for good?", abort=True)
    click.echo(f"Freed {format_bytes(remove(data, found))}.")


def running_client(*, replay: bool = False, slurm: bool = False) -> Client | None:
    """Return a client of the embedded server, or None if it does not run.

    Parameters
    ----------
    replay
        If True, the server of the demo.
    slurm
        If True, the server of the Slurm cluster.
    """
    from inductiva_widgets.server.server_info import running_server

    server = running_server(_folder(None, replay=replay, slurm=slurm))
    return None if server is None else _client(server)


def _folder(data_dir: str | None, *, replay: bool, slurm: bool) -> DataDir:
    from inductiva_widgets.server.data_dir import resolve_data_dir

    if replay and slurm:
        raise click.UsageError("--replay and --slurm cannot be used together.")
    return resolve_data_dir(data_dir, replay=replay, slurm=slurm)


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
    # The newest first, as listed: otherwise a queued task would start when a running one is killed.
    TaskList(tasks).kill()
    late = [task.id for task in tasks if task.kill(_KILL_TIMEOUT) is False]
    if late:
        raise LocalServerError(
            f"Tasks that have not ended within {_KILL_TIMEOUT:g} s: {', '.join(late)}."
        )
    if tasks:
        click.echo(f"Killed {len(tasks)} task{'s' if len(tasks) > 1 else ''}.")


def _tasks(count: int) -> str:
    return f"{count} task{' is' if count == 1 else 's are'}"
