"""Starts the embedded server where none runs, and finds the one that does.

Importing this needs nothing but the standard library; the server's libraries are the extra
``local``.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from inductiva_widgets.errors import LocalServerError
from inductiva_widgets.local.connection import Connection
from inductiva_widgets.local.layout import DataFolder, package_root
from inductiva_widgets.local.requirements import check_requirements

__all__ = ["Connection", "start_or_attach"]

IDLE_TIMEOUT = 3600.0

_START_TAKES = 20.0
_LOOK_EVERY = 0.02
_LAST_LINES = 10

# Servers are to outlive us. Those that ended before us are taken note of at the next start, so that
# they do not stay behind as dead processes.
_started: list[subprocess.Popen[bytes]] = []


def start_or_attach(
    data_dir: str | Path | None = None, *, idle_timeout: float = IDLE_TIMEOUT
) -> Connection:
    """Return the embedded server of a data folder, started if need be.

    All processes of a user share one server. It goes on when this process ends, and stops by itself
    when nobody needs it.

    Parameters
    ----------
    data_dir
        Data folder; the default is ``~/.inductiva/local``, or what ``INDUCTIVA_LOCAL_DIR`` says.
    idle_timeout
        For how many seconds without requests and tasks a server that is started here stays.

    Raises
    ------
    LocalServerError
        The server cannot be started; the text says why and what to do.
    """
    check_requirements()
    from filelock import FileLock, Timeout

    data = DataFolder(None if data_dir is None else Path(data_dir))
    if running := _running(data):
        return running
    try:
        data.prepare()
        # Whoever comes second finds the server of whoever came first.
        with FileLock(data.launch_lock, timeout=2 * _START_TAKES):
            return _running(data) or _start(data, idle_timeout)
    except Timeout:
        raise LocalServerError(
            f"Another process has been starting a server in {data.root} for too long. "
            "Try again, or set INDUCTIVA_LOCAL_DIR to another folder."
        ) from None
    except OSError as error:
        raise LocalServerError(f"The data folder {data.root} cannot be used: {error}.") from error


def _running(data: DataFolder) -> Connection | None:
    connection = Connection.read(data.server_file)
    return connection if connection is not None and connection.is_alive() else None


def _start(data: DataFolder, idle_timeout: float) -> Connection:
    _started[:] = [process for process in _started if process.poll() is None]
    with data.server_log.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own module
            [
                sys.executable,
                "-m",
                "inductiva_widgets.local.serve",
                "--data-dir",
                str(data.root),
                "--idle-timeout",
                str(idle_timeout),
            ],
            cwd=package_root(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    _started.append(process)
    deadline = time.monotonic() + _START_TAKES
    while time.monotonic() < deadline:
        # One that ends at once may have been refused because somebody started a server by hand.
        ended = process.poll() is not None
        if running := _running(data):
            return running
        if ended:
            raise _failure(data, f"ended at once with exit code {process.returncode}")
        time.sleep(_LOOK_EVERY)
    process.terminate()
    raise _failure(data, f"did not answer within {_START_TAKES:g} s")


def _failure(data: DataFolder, what: str) -> LocalServerError:
    lines = data.server_log.read_text(encoding="utf-8", errors="replace").splitlines()
    said = "\n".join(lines[-_LAST_LINES:]) or "(nothing)"
    return LocalServerError(
        f"The embedded server {what}. The end of its log, {data.server_log}:\n{said}\n"
        f"Correct what it says, or set INDUCTIVA_LOCAL_DIR to another folder, and try again."
    )
