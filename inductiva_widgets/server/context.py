"""Services shared by all routes."""

from __future__ import annotations

from typing import NamedTuple

from starlette.requests import Request

from inductiva_widgets.server.data_dir import DataDir
from inductiva_widgets.server.executor import Executor
from inductiva_widgets.server.machine_groups import GroupService
from inductiva_widgets.server.signed_urls import UrlSigner
from inductiva_widgets.server.storage_service import StorageService
from inductiva_widgets.server.store.tasks import TaskStore
from inductiva_widgets.server.task_service import TaskService
from inductiva_widgets.server.webrtc_server import PeerService


class Context(NamedTuple):
    """Services of a server; ``instance`` is a unique id of its run."""

    data: DataDir
    executor: Executor
    store: TaskStore
    tasks: TaskService
    groups: GroupService
    storage: StorageService
    signer: UrlSigner
    peers: PeerService
    instance: str


def context_of(request: Request) -> Context:
    """Return the services of a request's application."""
    context: Context = request.app.state.context
    return context
