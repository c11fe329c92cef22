"""``inductiva-widgets serve``: the embedded server in the foreground."""

from __future__ import annotations

import os
from pathlib import Path

import click

from inductiva_widgets.server.demo.options import (
    DEFAULT_SEED,
    DEFAULT_SPEED,
    FASTEST,
    SLOWEST,
    DemoOptions,
)
from inductiva_widgets.server.slurm.options import SlurmOptions

_ENV_KEY = "INDUCTIVA_LOCAL_API_KEY"


@click.command()
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="0 for any free port.")
@click.option("--data-dir", type=click.Path(file_okay=False), help="Folder of the tasks.")
@click.option(
    "--api-key-file",
    type=click.Path(dir_okay=False, allow_dash=True),
    help="File with the key that clients must send, - for the standard input. By default the key "
    f"in {_ENV_KEY}, then a random key.",
)
@click.option("--api-key", help="The key itself, which all users of this machine can see.")
@click.option("--workers", type=click.IntRange(min=1), help="Maximum number of running tasks.")
@click.option(
    "--idle-timeout",
    type=click.FloatRange(min=1),
    help="Quit after this many seconds without a request and without an unfinished task.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--allow-remote", is_flag=True, help="Let --host be reached from other machines.")
@click.option(
    "--replay", is_flag=True, help="Show made-up DEMO tasks instead of running real ones."
)
@click.option(
    "--speed",
    type=click.FloatRange(SLOWEST, FASTEST),
    help=f"Speed of the live tasks of --replay; {DEFAULT_SPEED:g} by default.",
)
@click.option(
    "--seed", type=int, help=f"Random seed of the history of --replay; {DEFAULT_SEED} by default."
)
@click.option(
    "--executor",
    type=click.Choice(["local", "slurm"]),
    default="local",
    show_default=True,
    help="Where tasks run: on this machine, or as jobs of its Slurm cluster.",
)
@click.option("--partition", help="Partition of the jobs, unless a task names another.")
@click.option("--account", help="Account of the jobs.")
@click.option("--qos", help="QOS of the jobs.")
@click.option(
    "--job-options", default="", metavar="TEXT", help='Other options of sbatch: "--mem=4G".'
)
@click.option(
    "--profile",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Shell script that each job sources first; ~/.inductiva/slurm.sh if it exists.",
)
def serve(
    port: int,
    data_dir: str | None,
    api_key_file: str | None,
    api_key: str | None,
    workers: int | None,
    idle_timeout: float | None,
    host: str,
    allow_remote: bool,
    replay: bool,
    speed: float | None,
    seed: int | None,
    executor: str,
    partition: str | None,
    account: str | None,
    qos: str | None,
    job_options: str,
    profile: Path | None,
) -> None:
    """Run the embedded server, which prints "listening on URL" when it is ready.

    Stop it with Ctrl-C or SIGTERM. Running tasks continue, and the next server on the same data
    folder adopts them.

    \b
    Examples:
      inductiva-widgets serve --port 8123 --data-dir ./server --api-key-file my-key.txt
      inductiva-widgets serve --replay --speed 20
      inductiva-widgets serve --executor slurm --partition long --job-options "--mem=8G"
    """
    from inductiva_widgets.server.log_setup import warn_in_terminal
    from inductiva_widgets.server.serve import serve as run_server

    if not replay and (speed is not None or seed is not None):
        raise click.UsageError("--speed and --seed require --replay.")
    options = DemoOptions(
        DEFAULT_SEED if seed is None else seed, DEFAULT_SPEED if speed is None else speed
    )
    jobs = SlurmOptions(partition, account, qos, job_options, profile)
    if executor != "slurm" and jobs != SlurmOptions():
        raise click.UsageError(
            "--partition, --account, --qos, --job-options and --profile require --executor slurm."
        )
    if executor == "slurm" and replay:
        raise click.UsageError("--executor slurm and --replay cannot be used together.")
    if replay:
        click.echo("DEMO data: every task that this server shows is made up.", err=True)
    warn_in_terminal()
    run_server(
        host,
        port,
        data_dir,
        _find_key(api_key_file, api_key),
        idle_timeout,
        capacity=workers,
        allow_remote=allow_remote,
        replay=options if replay else None,
        slurm=jobs if executor == "slurm" else None,
    )


def _find_key(file: str | None, key: str | None) -> str | None:
    """Return the key from the options or the environment, or None for the one of the folder."""
    # Removed, so that programs of tasks do not inherit it.
    configured = os.environ.pop(_ENV_KEY, "")
    if file is not None and key is not None:
        raise click.UsageError("--api-key and --api-key-file cannot be used together.")
    if key is not None:
        click.echo(
            "Warning: the list of processes shows --api-key to all users of this machine. Use "
            f"--api-key-file or {_ENV_KEY}.",
            err=True,
        )
        return key
    if file is None:
        return configured or None
    with click.open_file(file, encoding="utf-8", errors="replace") as lines:
        line: str = lines.readline()
    return line.strip()
