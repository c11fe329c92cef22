"""Runs the embedded server in this process, until it is told to stop or nobody needs it.

Also a program: ``python -m inductiva_widgets.local.serve``. The server's libraries are loaded when
it starts, so that a missing one can be told in a sentence.
"""

from __future__ import annotations

import argparse
import logging
import socket
import sys
from pathlib import Path
from typing import TextIO

from inductiva_widgets.errors import InductivaError, LocalServerError
from inductiva_widgets.local.connection import Connection
from inductiva_widgets.local.layout import DataFolder
from inductiva_widgets.local.requirements import check_requirements


def serve(
    host: str = "127.0.0.1",
    port: int = 0,
    data_dir: str | Path | None = None,
    api_key: str | None = None,
    idle_timeout: float | None = None,
    *,
    capacity: int | None = None,
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
        Data folder; the default is ``~/.inductiva/local``, or what ``INDUCTIVA_LOCAL_DIR`` says.
    api_key
        Key that requests have to carry; the default is made once and kept in the data folder.
    idle_timeout
        Stop when there was no request for so many seconds and no task is queued or running.
    capacity
        How many tasks run at a time; the default is half the processors.
    out
        Where to print the line ``listening on URL``; the default is the standard output.

    Raises
    ------
    LocalServerError
        The port or the data folder cannot be used, or another server uses it.
    """
    check_requirements()
    from filelock import FileLock, Timeout

    from inductiva_widgets.local.server import Options, run

    if capacity is not None and capacity < 1:
        raise LocalServerError("The embedded server needs room for at least one task at a time.")
    data = DataFolder(None if data_dir is None else Path(data_dir))
    try:
        data.prepare()
    except OSError as error:
        raise LocalServerError(f"The data folder {data.root} cannot be used: {error}.") from error
    options = Options(host, api_key, idle_timeout, capacity, out or sys.stdout)
    lock = FileLock(data.server_lock)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise _in_use(data) from None
    try:
        with _listen(host, port) as listener:
            run(data, listener, options)
    finally:
        lock.release()


def _in_use(data: DataFolder) -> LocalServerError:
    other = Connection.read(data.server_file)
    where = f" at {other.url} (process {other.pid})" if other else ""
    return LocalServerError(
        f"Another server{where} uses the data folder {data.root}: stop it, or name another folder."
    )


def _listen(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise LocalServerError(f"There is no address {host!r} to listen at: {error}.") from error
    try:
        # A server that was just stopped leaves its port behind for a while.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise LocalServerError(
            f"Port {port} of {host} cannot be used: {error.strerror}."
        ) from error
    return listener


def main(arguments: list[str] | None = None) -> int:
    """Run the server as a program of its own and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m inductiva_widgets.local.serve")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--idle-timeout", type=float)
    parser.add_argument("--capacity", type=int)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
    try:
        serve(
            options.host,
            options.port,
            options.data_dir,
            idle_timeout=options.idle_timeout,
            capacity=options.capacity,
        )
    except InductivaError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
