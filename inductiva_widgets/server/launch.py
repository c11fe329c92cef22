"""Start the embedded server in a process of its own, or find the running one.

The only module of the server that the client imports. It does not import the libraries of the
extra ``local``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from inductiva_widgets.errors import LocalServerError
from inductiva_widgets.server.data_dir import DataDir, package_root, resolve_data_dir
from inductiva_widgets.server.demo.options import DemoOptions
from inductiva_widgets.server.requirements import check_requirements
from inductiva_widgets.server.server_info import ServerInfo, running_server
from inductiva_widgets.server.slurm.options import SlurmOptions

__all__ = ["DemoOptions", "ServerInfo", "start_or_attach"]

IDLE_TIMEOUT = 3600.0

_START_TAKES = 20.0
_LOOK_EVERY = 0.02
_LAST_LINES = 10

# Servers outlive this process. Those that have ended are polled at the next start, so that they
# do not stay zombies.
_started: list[subprocess.Popen[bytes]] = []


def start_or_attach(
    data_dir: str | Path | None = None,
    *,
    idle_timeout: float = IDLE_TIMEOUT,
    replay: DemoOptions | None = None,
    slurm: bool = False,
) -> ServerInfo:
    """Return the embedded server of a data folder, and start it if it does not run.

    All processes of a user share one server. It outlives this process, and stops by itself when it
    is idle.

    Parameters
    ----------
    data_dir
        Data folder; the default is ``INDUCTIVA_LOCAL_DIR`` or else ``~/.inductiva/local``, with
        ``-replay`` appended for the demo. On a cluster it is ``INDUCTIVA_SLURM_DIR`` or else
        ``~/.inductiva/slurm``.
    idle_timeout
        Seconds without requests and tasks after which a server that is started here stops.
    replay
        Start or attach to the demo instead, which never runs in a folder of real tasks. Seed and
        speed apply to a demo that is started here, not to a running one.
    slurm
        If True, start or attach to the server that runs tasks on a Slurm cluster. One that is
        started here has the options of the last one.

    Raises
    ------
    LocalServerError
        The server cannot be started, or the folder is of the other kind. The message has the reason
        and a fix.
    """
    check_requirements()
    from filelock import FileLock, Timeout

    data = resolve_data_dir(data_dir, replay=replay is not None, slurm=slurm)
    data.ensure_demo_flag(replay=replay is not None)
    data.ensure_slurm_flag(slurm=slurm)
    if running := running_server(data):
        return running
    try:
        data.prepare()
        # A second process waits for the lock, and then finds the server of the first.
        with FileLock(data.launch_lock, timeout=2 * _START_TAKES):
            return running_server(data) or _start(
                data, idle_timeout, _arguments(data, replay, slurm=slurm)
            )
    except Timeout:
        raise LocalServerError(
            f"Another process has been starting a server in {data.root} for too long. "
            "Try again, or set INDUCTIVA_LOCAL_DIR to another folder."
        ) from None
    except OSError as error:
        raise data.unusable(error) from error


def _arguments(data: DataDir, replay: DemoOptions | None, *, slurm: bool) -> list[str]:
    if replay is not None:
        return ["--replay", "--seed", str(replay.seed), "--speed", str(replay.speed)]
    return SlurmOptions.read(data.slurm_file).arguments() if slurm else []


def _start(data: DataDir, idle_timeout: float, arguments: list[str]) -> ServerInfo:
    _started[:] = [process for process in _started if process.poll() is None]
    # For errors before the server has opened its log.
    with _private(data.server_out) as out:
        process = subprocess.Popen(  # noqa: S603 - our own module
            [
                sys.executable,
                "-m",
                "inductiva_widgets.server",
                "--data-dir",
                str(data.root),
                "--idle-timeout",
                str(idle_timeout),
                *arguments,
            ],
            cwd=package_root(),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    _started.append(process)
    deadline = time.monotonic() + _START_TAKES
    while time.monotonic() < deadline:
        # The process ends if a server was started by hand at the same time: look for that, too.
        ended = process.poll() is not None
        if running := running_server(data):
            return running
        if ended:
            code = process.returncode
            raise _failure(data, f"exited during its start with code {code}", code)
        time.sleep(_LOOK_EVERY)
    process.terminate()
    raise _failure(data, f"did not answer within {_START_TAKES:g} s")


def _private(path: Path) -> IO[bytes]:
    """Create an empty file that only its user may read."""
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _failure(data: DataDir, what: str, exit_code: int | None = None) -> LocalServerError:
    lines = data.server_out.read_text(encoding="utf-8", errors="replace").splitlines()
    if exit_code == 1 and lines and not any(line.startswith("Traceback ") for line in lines):
        # An error of this package, which says what to do.
        return LocalServerError("\n".join(lines[-_LAST_LINES:]))
    said = "\n".join(lines[-_LAST_LINES:]) or "(nothing)"
    return LocalServerError(
        f"The embedded server {what}. Its last output, from {data.server_out}:\n{said}\n"
        f"Correct the cause, or set INDUCTIVA_LOCAL_DIR to another folder, and try again."
    )
