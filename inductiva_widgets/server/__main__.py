"""Command line of the embedded server: ``python -m inductiva_widgets.server``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from inductiva_widgets.errors import InductivaError
from inductiva_widgets.server.demo.options import DEFAULT_SEED, DEFAULT_SPEED, DemoOptions
from inductiva_widgets.server.log_setup import warn_in_terminal
from inductiva_widgets.server.serve import serve
from inductiva_widgets.server.slurm.options import SlurmOptions


def main(arguments: list[str] | None = None) -> int:
    """Run the server as a program of its own and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m inductiva_widgets.server")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--idle-timeout", type=float)
    parser.add_argument("--workers", "--capacity", dest="capacity", type=int)
    parser.add_argument("--allow-remote", action="store_true")
    parser.add_argument("--replay", action="store_true")
    parser.add_argument("--speed", type=float, default=DEFAULT_SPEED)
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--executor", choices=("local", "slurm"), default="local")
    for name in SlurmOptions._fields:
        kind = Path if name == "profile" else str
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind)
    options = parser.parse_args(arguments)
    warn_in_terminal()
    try:
        serve(
            options.host,
            options.port,
            options.data_dir,
            idle_timeout=options.idle_timeout,
            capacity=options.capacity,
            allow_remote=options.allow_remote,
            replay=DemoOptions(options.seed, options.speed) if options.replay else None,
            slurm=_slurm_options(options) if options.executor == "slurm" else None,
        )
    except InductivaError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _slurm_options(options: argparse.Namespace) -> SlurmOptions:
    given = {name: getattr(options, name) for name in SlurmOptions._fields}
    return SlurmOptions(**{name: value for name, value in given.items() if value is not None})


if __name__ == "__main__":
    sys.exit(main())
