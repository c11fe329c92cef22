"""What the endpoints work with."""

from __future__ import annotations

from typing import NamedTuple

from starlette.requests import Request

from inductiva_widgets.server.data_dir import DataFolder
from inductiva_widgets.server.machine_groups import GroupService
from inductiva_widgets.server.signed_urls import LinkSigner
from inductiva_widgets.server.storage_service import StorageService
from inductiva_widgets.server.store.tasks import Store
from inductiva_widgets.server.task_service import TaskService
from inductiva_widgets.server.webrtc_server import Peers


class Context(NamedTuple):
    """The services of one server; ``instance`` is a new text each time it starts."""

    data: DataFolder
    store: Store
    tasks: TaskService
    groups: GroupService
    storage: StorageService
    signer: LinkSigner
    peers: Peers
    instance: str


def context_of(request: Request) -> Context:
    """Return the services behind the application that a request came to."""
    context: Context = request.app.state.context
    return context
