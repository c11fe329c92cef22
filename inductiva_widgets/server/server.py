"""Build the services and run the HTTP server."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import secrets
import signal
import socket
from collections.abc import Callable
from datetime import datetime, timezone
from typing import NamedTuple, Protocol, TextIO

import uvicorn
from starlette.types import ASGIApp

from inductiva_widgets._secret import Secret
from inductiva_widgets._version import __version__
from inductiva_widgets.config import SERVER_NAME
from inductiva_widgets.server.app import build_app
from inductiva_widgets.server.auth import IdleTracker
from inductiva_widgets.server.context import Context
from inductiva_widgets.server.data_dir import DataDir
from inductiva_widgets.server.demo import history
from inductiva_widgets.server.demo.executor import DemoExecutor, DemoSubmitter
from inductiva_widgets.server.demo.options import DEMO_HEADER, DEMO_VALUE, DemoOptions
from inductiva_widgets.server.demo.services import (
    DemoGroupService,
    DemoStorageService,
    DemoTaskService,
)
from inductiva_widgets.server.executor import Executor
from inductiva_widgets.server.http_protocol import TimedProtocol
from inductiva_widgets.server.local_executor import LocalExecutor, default_capacity
from inductiva_widgets.server.machine_groups import GroupService
from inductiva_widgets.server.scheduler import Scheduler
from inductiva_widgets.server.server_info import ServerInfo
from inductiva_widgets.server.signed_urls import UrlSigner
from inductiva_widgets.server.slurm.executor import DEFAULT_CAPACITY, SlurmExecutor
from inductiva_widgets.server.slurm.machine_groups import SlurmGroupService
from inductiva_widgets.server.slurm.options import SlurmOptions
from inductiva_widgets.server.storage_service import StorageService
from inductiva_widgets.server.store.tasks import TaskStore, open_store
from inductiva_widgets.server.task_service import TaskService
from inductiva_widgets.server.webrtc_server import PeerService

_log = logging.getLogger(__name__)

# Seconds to finish responses when the server is stopped.
_LAST_ANSWERS = 3
_IDLE_TICKS = 5


class Options(NamedTuple):
    """Options of ``inductiva_widgets.server.serve.serve``."""

    host: str
    api_key: Secret | None
    idle_timeout: float | None
    capacity: int | None
    out: TextIO
    replay: DemoOptions | None = None
    slurm: SlurmOptions | None = None


def run(data: DataDir, listener: socket.socket, options: Options) -> None:
    """Answer requests until a signal stops the server; the data folder must be locked.

    Parameters
    ----------
    data
        The data folder.
    listener
        Listening socket.
    options
        Further options.

    Raises
    ------
    LocalServerError
        The store is damaged, or was written by a later version.
    """
    store = _open_store(data, options.replay)
    workers, context = _services(data, store, options)
    connection = ServerInfo(
        url=_url_of(listener, options.host),
        api_key=options.api_key or Secret(data.api_key()),
        pid=os.getpid(),
        version=__version__,
        instance=context.instance,
    )
    activity = IdleTracker()
    names = () if _is_address(options.host) else (options.host,)
    app = build_app(context, connection.api_key.reveal(), activity, names)

    def announce() -> None:
        connection.write(data.server_file)
        _log.info("Version %s listens on %s.", __version__, connection.url)
        options.out.write(f"listening on {connection.url}\n")
        options.out.flush()

    def is_done() -> bool:
        limit = options.idle_timeout
        if limit is None or activity.idle_seconds() < limit:
            return False
        done = context.tasks.is_idle() and context.peers.is_idle()
        if done:
            _log.info("Nobody has needed the server for %g s.", limit)
        return done

    for worker in workers:
        worker.start()
    try:
        server = _Server(_web_config(app, is_demo=options.replay is not None), announce, is_done)
        asyncio.run(server.serve(sockets=[listener]))
    finally:
        context.peers.stop()
        for worker in reversed(workers):
            worker.stop()
        store.close()
        if ServerInfo.read(data.server_file) == connection:
            data.server_file.unlink(missing_ok=True)
        _log.info("Stopped.")


def _open_store(data: DataDir, demo: DemoOptions | None) -> TaskStore:
    """Open the store; for the demo, fill it with the history."""
    now = datetime.now(timezone.utc)
    if demo is not None:
        history.prepare(data, demo, now)
    store = open_store(data)
    if demo is not None:
        history.populate(data, store, demo.seed, now)
    return store


class _Worker(Protocol):
    """A background thread of the server."""

    def start(self) -> None:
        """Start the thread."""

    def stop(self) -> None:
        """Stop the thread and wait for its end."""


def _services(data: DataDir, store: TaskStore, options: Options) -> tuple[list[_Worker], Context]:
    """Build the services, or those of the demo if it is requested."""
    signer = UrlSigner(data.link_secret())
    if options.replay is not None:
        executor: Executor = DemoExecutor(data, options.replay)
        scheduler = Scheduler(data, store, executor)
        workers: list[_Worker] = [
            scheduler,
            DemoSubmitter(data, store, options.replay, scheduler.wake),
        ]
        storage: StorageService = DemoStorageService(data.storage, store, signer)
        tasks: TaskService = DemoTaskService(data, store, storage, executor, scheduler.wake)
        groups: GroupService = DemoGroupService(data.root, store, executor, scheduler.wake)
    elif options.slurm is not None:
        cluster = SlurmExecutor(options.slurm, options.capacity or DEFAULT_CAPACITY)
        executor = cluster
        scheduler = Scheduler(data, store, executor)
        workers = [scheduler]
        storage = StorageService(data.storage, store, signer)
        tasks = TaskService(data, store, storage, executor, scheduler.wake)
        groups = SlurmGroupService(data.root, store, cluster, scheduler.wake)
        groups.update_partitions()
    else:
        executor = LocalExecutor(options.capacity or default_capacity())
        scheduler = Scheduler(data, store, executor)
        workers = [scheduler]
        storage = StorageService(data.storage, store, signer)
        tasks = TaskService(data, store, storage, executor, scheduler.wake)
        groups = GroupService(data.root, store, executor, scheduler.wake)
    peers = PeerService(tasks)
    instance = secrets.token_hex(16)
    context = Context(data, executor, store, tasks, groups, storage, signer, peers, instance)
    return workers, context


def _web_config(app: ASGIApp, *, is_demo: bool) -> uvicorn.Config:
    mark = [(DEMO_HEADER, DEMO_VALUE)] if is_demo else []
    return uvicorn.Config(
        app,
        http=TimedProtocol,
        lifespan="off",
        # Only warnings, in the log of the server.
        log_config=None,
        log_level="warning",
        # Signed links are secrets, too.
        access_log=False,
        # Identifies the embedded server, also for a client with only a URL.
        headers=[("Server", SERVER_NAME), *mark],
        server_header=False,
        timeout_graceful_shutdown=_LAST_ANSWERS,
        # A request for 1000 signed URLs has all paths in its first line.
        h11_max_incomplete_event_size=4 << 20,
        # Longer than clients pause between requests, since a request on a closing connection fails.
        timeout_keep_alive=75,
    )


class _Server(uvicorn.Server):
    """uvicorn server that announces its start, and stops when it is idle.

    Parameters
    ----------
    config
        Configuration of uvicorn.
    announce
        Called once requests are accepted.
    is_done
        Called from time to time; returns whether to stop.
    """

    def __init__(
        self, config: uvicorn.Config, announce: Callable[[], None], is_done: Callable[[], bool]
    ) -> None:
        super().__init__(config)
        self._announce = announce
        self._is_done = is_done

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to accept requests."""
        await super().startup(sockets)
        loop = asyncio.get_running_loop()
        # A closed terminal sends SIGHUP.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # uvicorn would raise the signal again after its shutdown and so end the process:
            # https://github.com/Kludex/uvicorn/pull/1600
            loop.add_signal_handler(number, self._stop)
        self._announce()

    async def on_tick(self, counter: int) -> bool:
        """Run the periodic work of every 0.1 s; return whether to stop."""
        if counter % _IDLE_TICKS == 0 and self._is_done():
            self.should_exit = True
        return await super().on_tick(counter)

    def _stop(self) -> None:
        self.should_exit = True


def _url_of(listener: socket.socket, host: str) -> str:
    # A server that listens on all interfaces is reachable at the loopback address.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listener.getsockname()[1]}"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
