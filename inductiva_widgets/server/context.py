"""What the endpoints work with."""

from __future__ import annotations

from typing import NamedTuple

from starlette.requests import Request

from inductiva_widgets.local.groups import GroupService
from inductiva_widgets.local.layout import DataFolder
from inductiva_widgets.local.peers import Peers
from inductiva_widgets.local.service import TaskService
from inductiva_widgets.local.signing import LinkSigner
from inductiva_widgets.local.storage import StorageService
from inductiva_widgets.local.store import Store


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
