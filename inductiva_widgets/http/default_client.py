"""Create clients, and the default client."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from inductiva_widgets import config
from inductiva_widgets.errors import ConfigurationError

if TYPE_CHECKING:
    from inductiva_widgets.config import Settings
    from inductiva_widgets.http.client import Client

REPLAY = "replay"
"""What the demo is called where a service is named."""

_lock = threading.Lock()
_default: Client | None = None


def connect(target: str | None = None, *, api_key: str | None = None) -> Client:
    """Choose the service that tasks, simulators and listings speak to from now on.

    Objects that exist already keep the client they came from.

    Parameters
    ----------
    target
        None for ``INDUCTIVA_API_URL`` or else the real service, ``"local"`` for the embedded
        server of this machine, ``"replay"`` for the demo (a server of its own, whose tasks are all
        made up), or the address of a server. ``INDUCTIVA_API_URL`` may be one of the two words,
        too.
    api_key
        The key; None for ``INDUCTIVA_API_KEY``, then ``~/.inductiva/api_key``. The embedded server
        has its own and needs none here.

    Returns
    -------
    Client
        The client, now the default one. Costs no request; ``"local"`` and ``"replay"`` start the
        server where none is running.

    Raises
    ------
    ConfigurationError
        No key was found, or the key or the address is malformed.
    LocalServerError
        The embedded server cannot be started.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> client = inductiva.connect("local")
    >>> client
    <Client of http://127.0.0.1:... (embedded server)>
    >>> inductiva.tasks.get(last_n=1)
    TaskList(1 task)
    """
    global _default  # noqa: PLW0603 - the default client is the one piece of state of the package
    if api_key is not None and not isinstance(api_key, str):
        raise ConfigurationError("api_key must be text.")
    if _is_demo_target(target) or config.is_local_target(target):
        client = _local_client(replay=_is_demo_target(target))
    else:
        client = _remote_client(target, api_key)
    with _lock:
        _default = client
    return client


def default_client() -> Client:
    """Return the client of the last ``connect``, or one from the environment.

    Raises
    ------
    ConfigurationError, LocalServerError
        As ``connect`` does.
    """
    with _lock:
        client = _default
    return connect() if client is None else client


def _remote_client(target: str | None, api_key: str | None) -> Client:
    from inductiva_widgets.http.client import Client
    from inductiva_widgets.http.transport import Transport

    return Client(Transport(config.remote_settings(target, api_key)))


def _is_demo_target(target: str | None) -> bool:
    return (target or os.environ.get("INDUCTIVA_API_URL") or "").strip() == REPLAY


def _local_client(*, replay: bool) -> Client:
    from inductiva_widgets.config import Settings
    from inductiva_widgets.http.client import Client
    from inductiva_widgets.http.transport import Transport
    from inductiva_widgets.server.demo.options import DemoOptions
    from inductiva_widgets.server.launch import start_or_attach

    shown = DemoOptions() if replay else None

    def settings() -> Settings:
        server = start_or_attach(replay=shown)
        return Settings(server.url, server.api_key, server.url, is_local=True)

    return Client(Transport(settings(), revive=settings))
