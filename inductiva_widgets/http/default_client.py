"""The default client, and ``connect`` to set it."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

from inductiva_widgets import config
from inductiva_widgets._secret import Secret
from inductiva_widgets.errors import ConfigurationError

if TYPE_CHECKING:
    from inductiva_widgets.config import Settings
    from inductiva_widgets.http.client import Client

_lock = threading.Lock()
_default: Client | None = None


def connect(target: str | None = None, *, api_key: str | Secret | None = None) -> Client:
    """Set the service that tasks, simulators and listings use by default.

    Existing objects keep their client.

    Parameters
    ----------
    target
        ``"local"`` for the embedded server of this machine, ``"slurm"`` for the same with tasks as
        jobs of a Slurm cluster, ``"replay"`` for the demo (a separate server with synthetic tasks),
        or the address of a server. By default ``INDUCTIVA_API_URL``,
        which may have the same values, then the Inductiva cloud.
    api_key
        The API key. By default ``INDUCTIVA_API_KEY``, then ``~/.inductiva/api_key``. The embedded
        server needs none.

    Returns
    -------
    Client
        The new default client. ``"local"``, ``"slurm"`` and ``"replay"`` start the server unless it
        is running.

    Raises
    ------
    ConfigurationError
        If no key is found, or the key or the address is malformed.
    LocalServerError
        If the embedded server cannot be started.

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
    # A traceback may show the arguments: keep only the secret.
    key, kind, api_key = _as_secret(api_key), type(api_key).__name__, None
    if key is None and kind != "NoneType":
        raise ConfigurationError(f"`api_key` must be a string, got {kind}.")
    if name := config.embedded_target(target):
        client = _local_client(replay=name == config.REPLAY, slurm=name == config.SLURM)
    else:
        client = _remote_client(target, key)
    with _lock:
        _default = client
    return client


def default_client() -> Client:
    """Return the client of the last ``connect``, or connect with the defaults.

    Raises
    ------
    ConfigurationError, LocalServerError
        As for ``connect``.
    """
    with _lock:
        client = _default
    return connect() if client is None else client


def set_api_key(api_key: str, login_message: bool = False) -> None:
    """Set the API key that tasks, simulators and listings use by default.

    Existing objects keep their key.

    Parameters
    ----------
    api_key
        The API key. The embedded server needs none, and ignores it.
    login_message
        If True, print the address of the service.

    Raises
    ------
    ConfigurationError
        If the key is malformed.
    """
    # A traceback may show the arguments: keep only the secret.
    key, api_key = _as_secret(api_key), ""
    if key is None:
        raise ConfigurationError("`api_key` must be a string.")
    with _lock:
        client = _default
    if client is None or not client.is_local:
        client = connect(None if client is None else client.url, api_key=key)
    if login_message:
        sys.stdout.write(f"The API key is used for {client.url}.\n")


def get_api_key() -> str | None:
    """Return the API key that is used by default, or None if there is none.

    Raises
    ------
    ConfigurationError
        If the key is malformed.
    """
    with _lock:
        client = _default
    if client is not None:
        return client.settings.api_key.reveal()
    key = config.lookup_api_key()
    return None if key is None else key.reveal()


def _as_secret(api_key: object) -> Secret | None:
    if isinstance(api_key, Secret):
        return api_key
    return Secret(api_key) if isinstance(api_key, str) else None


def _remote_client(target: str | None, api_key: Secret | None) -> Client:
    from inductiva_widgets.http.client import Client
    from inductiva_widgets.http.transport import Transport

    return Client(Transport(config.remote_settings(target, api_key)))


def _local_client(*, replay: bool, slurm: bool) -> Client:
    from inductiva_widgets.config import Settings
    from inductiva_widgets.http.client import Client
    from inductiva_widgets.http.transport import Transport
    from inductiva_widgets.server.launch import DemoOptions, start_or_attach

    shown = DemoOptions() if replay else None

    def settings() -> Settings:
        server = start_or_attach(replay=shown, slurm=slurm)
        return Settings(server.url, server.api_key, server.url, is_local=True, is_slurm=slurm)

    return Client(Transport(settings(), revive=settings))
