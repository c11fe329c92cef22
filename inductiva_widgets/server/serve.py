"""Run the embedded server in this process.

The libraries of the server are imported in ``serve``, so that a missing one is reported with a
clear message.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from inductiva_widgets._secret import Secret
from inductiva_widgets.errors import LocalServerError
from inductiva_widgets.server.data_dir import DataDir, is_valid_key, resolve_data_dir
from inductiva_widgets.server.demo.options import DemoOptions
from inductiva_widgets.server.log_setup import set_up_log
from inductiva_widgets.server.requirements import check_requirements
from inductiva_widgets.server.server_info import ServerInfo
from inductiva_widgets.server.slurm.commands import require_programs
from inductiva_widgets.server.slurm.options import SlurmOptions

if TYPE_CHECKING:
    from filelock import BaseFileLock

_log = logging.getLogger(__name__)

# A stopping server answers no requests, but still finishes its last downloads.
_LOCK_TAKES = 10.0
_LOCK_EVERY = 0.1


def serve(
    host: str = "127.0.0.1",
    port: int = 0,
    data_dir: str | Path | None = None,
    api_key: str | None = None,
    idle_timeout: float | None = None,
    *,
    capacity: int | None = None,
    allow_remote: bool = False,
    replay: DemoOptions | None = None,
    slurm: SlurmOptions | None = None,
    out: TextIO | None = None,
) -> None:
    """Run the embedded server until it stops.

    Running tasks continue, and the next server resumes them.

    Parameters
    ----------
    host
        Address or name to listen at; by default only this machine can connect.
    port
        Port to listen at; 0 chooses a free one.
    data_dir
        Data folder; the default is ``INDUCTIVA_LOCAL_DIR`` or else ``~/.inductiva/local``, with
        ``-replay`` appended for the demo. On a cluster it is ``INDUCTIVA_SLURM_DIR`` or else
        ``~/.inductiva/slurm``.
    api_key
        API key of the server; the default is generated once and kept in the data folder.
    idle_timeout
        Seconds without requests, and without queued or running tasks, after which to stop.
    capacity
        Maximum number of tasks that run at a time; the default is half the processors, or 1000
        jobs on a cluster.
    allow_remote
        If True, the server may listen where other machines can reach it. The key allows its holder
        to run programs here, and the key and all files travel unencrypted.
    replay
        Options of the demo; None runs real tasks.
    slurm
        Options of the jobs on a Slurm cluster; None runs the tasks on this machine.
    out
        Where to print the line ``listening on URL``; the default is the standard output.

    Raises
    ------
    LocalServerError
        The address, the port, the key or the data folder cannot be used, or another server uses it.
    """
    check_requirements()
    from inductiva_widgets.server.server import Options, run

    if capacity is not None and capacity < 1:
        raise LocalServerError("The embedded server needs room for at least one task at a time.")
    if api_key is not None and not is_valid_key(api_key):
        raise LocalServerError(
            "The API key has to be made of letters, digits, dots, hyphens and underscores: "
            "clients take no other."
        )
    if not 0 <= port <= 65535:
        raise LocalServerError(f"There is no port {port}: ports go from 1 to 65535.")
    address = _resolve(host, port)
    _check_reach(host, address, allow_remote=allow_remote)
    if slurm is not None:
        slurm.check()
        require_programs()
    data = resolve_data_dir(data_dir, replay=replay is not None, slurm=slurm is not None)
    try:
        data.ensure_slurm_flag(slurm=slurm is not None)
        data.ensure_demo_flag(replay=replay is not None)
        data.prepare()
        if slurm is not None:
            slurm.write(data.slurm_file)
    except OSError as error:
        raise data.unusable(error) from error
    key = None if api_key is None else Secret(api_key)
    options = Options(host, key, idle_timeout, capacity, out or sys.stdout, replay, slurm)
    lock = _lock(data)
    try:
        # Check again: another process may have used the folder before the lock was acquired.
        data.ensure_demo_flag(replay=replay is not None)
        with set_up_log(data.server_log), _listen(host, address) as listener:
            run(data, listener, options)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise data.unusable(error) from error
    finally:
        lock.release()


def _lock(data: DataDir) -> BaseFileLock:
    from filelock import FileLock

    lock = FileLock(data.server_lock)
    deadline = time.monotonic() + _LOCK_TAKES
    while not _is_ours(lock):
        other = ServerInfo.read(data.server_file)
        answers = other is not None and other.is_alive()
        if answers or time.monotonic() > deadline:
            raise _in_use(data, other)
    return lock


def _is_ours(lock: BaseFileLock) -> bool:
    from filelock import Timeout

    try:
        lock.acquire(timeout=_LOCK_EVERY)
    except Timeout:
        return False
    return True


def _in_use(data: DataDir, other: ServerInfo | None) -> LocalServerError:
    where = f" at {other.url} (process {other.pid})" if other else ""
    return LocalServerError(
        f"Another server{where} uses the data folder {data.root}: stop it "
        "(inductiva-widgets local stop), or name another folder."
    )


_Address = tuple[socket.AddressFamily, socket.SocketKind, int, tuple[Any, ...]]


def _resolve(host: str, port: int) -> _Address:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise LocalServerError(f"There is no address {host!r} to listen at: {error}.") from error
    family, kind, protocol, _, address = found[0]
    return family, kind, protocol, tuple(address)


def _check_reach(host: str, address: _Address, *, allow_remote: bool) -> None:
    number = str(address[3][0]).partition("%")[0]
    if ipaddress.ip_address(number).is_loopback:
        return
    danger = (
        f"at {host} other machines can reach the server: its key allows running programs "
        "here, and the key and all files travel unencrypted"
    )
    if not allow_remote:
        raise LocalServerError(
            f"Refused, since {danger}. The safe way from another machine is an SSH tunnel to "
            "127.0.0.1; if you want this all the same, add --allow-remote."
        )
    _log.warning("Careful: %s.", danger)


def _listen(host: str, address: _Address) -> socket.socket:
    family, kind, protocol, place = address
    try:
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise LocalServerError(f"There is no address {host!r} to listen at: {error}.") from error
    try:
        # The port of a server that has just stopped stays in TIME_WAIT for a while.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise LocalServerError(
            f"Port {place[1]} of {host} cannot be used: {error.strerror}. "
            "Name another port, or 0 for any that is free."
        ) from error
    return listener
