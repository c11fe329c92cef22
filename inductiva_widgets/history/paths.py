"""Paths of the history cache: one file for each account.

::

    <cache folder>/history/     private (0700); all files 0600
        salt                    random, for this folder only
        lock                    locked while a file is changed
        <name>.tasks            cached tasks of an account
        <name>.changed          ids of tasks changed by this client since

A name is a salted hash of the service and the API key. No file contains the key.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from inductiva_widgets import config
from inductiva_widgets._atomic import PRIVATE, write_atomically
from inductiva_widgets._locks import try_lock

if TYPE_CHECKING:
    from inductiva_widgets.config import Settings

_SALT = 32
_POLL_SECONDS = 0.01


class CachePaths:
    """The files of one account.

    Parameters
    ----------
    folder
        Cache folder.
    name
        Common name of the account's files.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.tasks = folder / f"{name}.tasks"
        self.changed = folder / f"{name}.changed"

    @classmethod
    def find(cls, settings: Settings, *, make: bool = False) -> CachePaths | None:
        """Return the paths of an account.

        Parameters
        ----------
        settings
            The service and the key.
        make
            If True, create the folder.

        Returns
        -------
        CachePaths or None
            None if no history was ever cached.

        Raises
        ------
        OSError
            If the folder cannot be created or read, or belongs to another user.
        """
        folder = config.cache_dir() / "history"
        if make:
            _prepare(folder)
        salt = _read_salt(folder)
        if salt is None:
            if not make:
                return None
            salt = _make_salt(folder)
        # The embedded server has a new port at each start, and one key per data folder.
        service = config.LOCAL if settings.is_local else settings.api_url
        account = hashlib.blake2b(f"{service}\n".encode(), key=salt, digest_size=16)
        account.update(settings.api_key.reveal().encode())
        return cls(folder, account.hexdigest())


@contextlib.contextmanager
def lock_dir(folder: Path, patience: float = 2.0) -> Iterator[bool]:
    """Lock a cache folder within the context.

    Parameters
    ----------
    folder
        Cache folder.
    patience
        Maximum seconds to wait for another process.

    Yields
    ------
    bool
        False if another process still holds the lock; the block runs anyway.
    """
    deadline = time.monotonic() + patience
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, PRIVATE)
    with os.fdopen(descriptor, "rb+") as file:
        while not (is_locked := try_lock(file)) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        yield is_locked


def _prepare(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    if not hasattr(os, "getuid"):
        return
    found = folder.stat()
    if found.st_uid != os.getuid():
        raise PermissionError(f"The folder {folder} belongs to another user.")
    if found.st_mode & 0o077:
        folder.chmod(0o700)


def _read_salt(folder: Path) -> bytes | None:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        salt = (folder / "salt").read_bytes()
        return salt if len(salt) == _SALT else None
    return None


def _make_salt(folder: Path) -> bytes:
    with lock_dir(folder):
        # Another process may have written the salt before this one acquired the lock.
        salt = _read_salt(folder)
        if salt is None:
            salt = secrets.token_bytes(_SALT)
            write_atomically(folder / "salt", salt)
    return salt
