"""Runs the embedded server in this process, until it is told to stop or nobody needs it.

Also a program: ``python -m inductiva_widgets.server``. The server's libraries are loaded when
it starts, so that a missing one can be told in a sentence.
"""

from __future__ import annotations

import argparse
import ipaddress
import logging
import re
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from inductiva_widgets.errors import InductivaError, LocalServerError
from inductiva_widgets.server.data_dir import DataDir, default_root, replay_root
from inductiva_widgets.server.demo.options import DEFAULT_SEED, DEFAULT_SPEED, DemoOptions
from inductiva_widgets.server.log_setup import set_up_log, warn_in_terminal
from inductiva_widgets.server.requirements import check_requirements
from inductiva_widgets.server.server_info import ServerInfo

if TYPE_CHECKING:
    from filelock import BaseFileLock

_log = logging.getLogger(__name__)

# A server that is ending answers no more, but has its last downloads to finish.
_LOCK_TAKES = 10.0
_LOCK_EVERY = 0.1
# What clients take for a key.
_KEY_PATTERN = re.compile(r"[A-Za-z0-9._-]+")


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
    out: TextIO | None = None,
) -> None:
    """Run the embedded server; returns when it has stopped.

    Tasks on the machine go on when the server stops, and the next one takes them up again.

    Parameters
    ----------
    host
        Address or name to listen at; the default is reached from this machine only.
    port
        Port to listen at, 0 for one that is free.
    data_dir
        Data folder; the default is ``~/.inductiva/local``, or what ``INDUCTIVA_LOCAL_DIR`` says,
        and for the demo the folder beside it whose name has ``-replay`` at its end.
    api_key
        Key that requests have to carry; the default is made once and kept in the data folder.
    idle_timeout
        Stop when there was no request for so many seconds and no task is queued or running.
    capacity
        How many tasks run at a time; the default is half the processors.
    allow_remote
        Whether to listen where other machines can reach the server. Whoever has the key can run
        programs here, and the key and all files travel unencrypted.
    replay
        Show the demo instead of running tasks.
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
    if api_key is not None and not _KEY_PATTERN.fullmatch(api_key):
        raise LocalServerError(
            "The API key has to be made of letters, digits, dots, hyphens and underscores: "
            "clients take no other."
        )
    if not 0 <= port <= 65535:
        raise LocalServerError(f"There is no port {port}: ports go from 1 to 65535.")
    address = _resolve(host, port)
    _check_reach(host, address, allow_remote=allow_remote)
    data = data_folder(data_dir, replay=replay is not None)
    try:
        data.ensure_demo_flag(replay=replay is not None)
        data.prepare()
    except OSError as error:
        raise LocalServerError(f"The data folder {data.root} cannot be used: {error}.") from error
    options = Options(host, api_key, idle_timeout, capacity, out or sys.stdout, replay)
    lock = _lock(data)
    try:
        # Again, since it may have become something else before the lock was ours.
        data.ensure_demo_flag(replay=replay is not None)
        with set_up_log(data.server_log), _listen(host, address) as listener:
            run(data, listener, options)
    finally:
        lock.release()


def data_folder(data_dir: str | Path | None, *, replay: bool = False) -> DataDir:
    """Return the data folder of a server, of the demo's if that is wanted."""
    if data_dir is not None:
        return DataDir(Path(data_dir))
    return DataDir(replay_root() if replay else default_root())


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
        f"at {host} other machines can reach the server: whoever has its key can run programs "
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
        # A server that was just stopped leaves its port behind for a while.
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
        )
    except InductivaError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
