"""Service URL and API key, read on first use, not at import.

The key is looked up in this order: argument, ``INDUCTIVA_API_KEY``, ``~/.inductiva/api_key``. The
names match those of the vendor's client, so one configuration works for both.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from inductiva_widgets._secret import Secret
from inductiva_widgets.errors import ConfigurationError

DEFAULT_API_URL = "https://api.inductiva.ai"
DEFAULT_CATALOGUE_URL = "https://inductiva-machines-catalogue-api-icaqwyrk3q-ew.a.run.app"
DEFAULT_OUTPUT_DIR = "inductiva_output"
DEFAULT_TURN_SERVER = "webrtc.inductiva.ai:3478"
LOCAL = "local"
"""Target of ``connect`` for the embedded server."""
REPLAY = "replay"
"""Target of ``connect`` for the demo."""
SLURM = "slurm"
"""Target of ``connect`` for the embedded server that runs tasks on a Slurm cluster."""
SERVER_NAME = "inductiva-widgets"
"""Value of the ``Server`` header of the embedded server."""

_KEY_PATTERN = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Settings:
    """Configuration of a client.

    Parameters
    ----------
    api_url
        Address of the service, without a trailing slash.
    api_key
        API key of the account.
    catalogue_url
        Address of the simulator version catalogue; requests there are made without the key.
    is_local
        If True, the service is the embedded server on this machine.
    is_slurm
        If True, the embedded server runs tasks on a Slurm cluster.
    """

    api_url: str
    api_key: Secret
    catalogue_url: str
    is_local: bool = False
    is_slurm: bool = False


def remote_settings(target: str | None = None, api_key: Secret | None = None) -> Settings:
    """Return the settings for the Inductiva cloud or for a server at an address.

    Parameters
    ----------
    target
        Address of a server. By default ``INDUCTIVA_API_URL``, then the Inductiva cloud.
    api_key
        The API key. By default it is looked up.

    Raises
    ------
    ConfigurationError
        If no key is found, or the key or the address is malformed.
    """
    url = _checked_url(target or os.getenv("INDUCTIVA_API_URL") or DEFAULT_API_URL)
    catalogue = os.getenv("INDUCTIVA_MACHINES_CATALOGUE_API_URL")
    if not catalogue:
        # Every server except the cloud serves the catalogue itself.
        catalogue = DEFAULT_CATALOGUE_URL if url == DEFAULT_API_URL else url
    return Settings(url, find_api_key(api_key), _checked_url(catalogue))


def embedded_target(target: str | None = None) -> str | None:
    """Return ``target``, or else ``INDUCTIVA_API_URL``, if it names an embedded server."""
    name = (target or os.getenv("INDUCTIVA_API_URL") or "").strip()
    return name if name in (LOCAL, SLURM, REPLAY) else None


def lookup_api_key(api_key: Secret | None = None) -> Secret | None:
    """Return the key from the argument, the environment or the key file, or None.

    Parameters
    ----------
    api_key
        The API key. By default it is looked up.

    Raises
    ------
    ConfigurationError
        If the key contains invalid characters.
    """
    sources = (
        ("the api_key argument", api_key),
        ("INDUCTIVA_API_KEY", Secret(os.getenv("INDUCTIVA_API_KEY", ""))),
        (str(key_file()), _read_key_file()),
    )
    for source, value in sources:
        if value is None or not value.reveal().strip():
            continue
        key = Secret(value.reveal().strip())
        if not _KEY_PATTERN.fullmatch(key.reveal()):
            raise ConfigurationError(
                f"The API key from {source} must consist of letters, digits, dots, hyphens and "
                "underscores. Copy it again from the Inductiva console."
            )
        return key
    return None


def find_api_key(api_key: Secret | None = None) -> Secret:
    """Return the key from the argument, the environment or the key file.

    Parameters
    ----------
    api_key
        The API key. By default it is looked up.

    Raises
    ------
    ConfigurationError
        If no key is found, or it contains invalid characters.
    """
    key = lookup_api_key(api_key)
    if key is not None:
        return key
    raise ConfigurationError(
        "No API key was found. For the Inductiva cloud, set the environment variable "
        f"INDUCTIVA_API_KEY or write the key to {key_file()}.",
        hint='To run on this machine without an account, call inductiva.connect("local").',
        shell_hint="To run on this machine without an account, set INDUCTIVA_API_URL=local.",
    )


def key_file() -> Path:
    """Return the path of the key file, whether it exists or not."""
    if sys.platform == "win32":
        return Path.home() / "AppData" / "inductiva" / "api_key"
    return Path.home() / ".inductiva" / "api_key"


def output_dir() -> Path:
    """Return the folder for downloads: ``INDUCTIVA_OUTPUT_DIR`` or ``inductiva_output``."""
    return Path(os.getenv("INDUCTIVA_OUTPUT_DIR") or DEFAULT_OUTPUT_DIR)


def get_output_dir() -> str:
    """Return the folder for downloads."""
    return str(output_dir())


def set_output_dir(new_output_dir: str | os.PathLike[str] | None) -> None:
    """Set the folder for downloads, also of processes that are started later.

    Parameters
    ----------
    new_output_dir
        Path of the folder, which need not exist; None for the current folder.
    """
    os.environ["INDUCTIVA_OUTPUT_DIR"] = os.fspath(
        "." if new_output_dir is None else new_output_dir
    )


def turn_server() -> str:
    """Return the WebRTC TURN server: ``INDUCTIVA_TURN_SERVER_URL`` or the vendor's."""
    return os.getenv("INDUCTIVA_TURN_SERVER_URL") or DEFAULT_TURN_SERVER


def cache_dir() -> Path:
    """Return the cache folder: ``INDUCTIVA_CACHE_DIR`` or the user's cache folder."""
    configured = os.getenv("INDUCTIVA_CACHE_DIR")
    if configured:
        return Path(configured).expanduser()
    if sys.platform == "win32":
        given = os.getenv("LOCALAPPDATA")
        base = Path(given) if given else Path.home() / "AppData" / "Local"
        return base / "inductiva-widgets" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "inductiva-widgets"
    given = os.getenv("XDG_CACHE_HOME", "")
    # The XDG specification says to ignore relative paths.
    base = Path(given) if given.startswith("/") else Path.home() / ".cache"
    return base / "inductiva-widgets"


def _read_key_file() -> Secret | None:
    try:
        return Secret(key_file().read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except UnicodeDecodeError:
        reason = "it is not UTF-8 text"
    # Raised outside the except block: an error of the decoder contains the key.
    raise ConfigurationError(f"The key file {key_file()} cannot be read: {reason}.")


def _checked_url(url: str) -> str:
    text = url.strip().rstrip("/")
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        usable = False
    if not usable:
        raise ConfigurationError(
            f'The service address must be a URL such as {DEFAULT_API_URL}, "local" for the '
            f'embedded server, "slurm" for the same on a cluster or "replay" for its demo, got '
            f"{url!r}."
        )
    return text
