"""Load and save the history cache, safely across processes.

A file is replaced in one step, so readers always see a complete file. Before that, a writer checks
whether another process has saved a more complete cache, which is kept then.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from inductiva_widgets._atomic import PRIVATE, AtomicFile, temp_path
from inductiva_widgets.history import file_format, invalidation
from inductiva_widgets.history.cache import CachedListing
from inductiva_widgets.history.paths import CachePaths, lock_dir

if TYPE_CHECKING:
    from inductiva_widgets.config import Settings

MAX_TASKS = 1_000_000
MAX_ACCOUNTS = 8
_STALE_SECONDS = 3600.0  # age of temporary files to remove


class HistoryStore:
    """Cached history of one account, as loaded or last saved by this process.

    Parameters
    ----------
    settings
        The service and the account.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loaded_digest = b""
        self._stale_bytes = 0

    def exists(self) -> bool:
        """Return whether tasks of the account are cached."""
        try:
            paths = CachePaths.find(self._settings)
        except OSError:
            return False
        return paths is not None and paths.tasks.exists()

    def load(self) -> CachedListing:
        """Load the cached listing, empty if there is none.

        Raises
        ------
        CorruptCacheError
            If the file is damaged or of another version.
        OSError
            If the file cannot be read.
        """
        paths = CachePaths.find(self._settings)
        if paths is None:
            return CachedListing.empty()
        # Read the changed ids first: one that is added after this is still there next time.
        changed, self._stale_bytes = invalidation.read_stale(paths)
        try:
            content = paths.tasks.read_bytes()
        except FileNotFoundError:
            return CachedListing.empty()
        self._loaded_digest = content[-file_format.DIGEST :]
        # The least recently used files are evicted.
        with contextlib.suppress(OSError):
            os.utime(paths.tasks)
        return file_format.read(content).mark_unsettled(changed)

    def save(self, listing: CachedListing) -> None:
        """Save a listing.

        Parameters
        ----------
        listing
            The listing.

        Raises
        ------
        OSError
            If the file cannot be written. The old file is unchanged then.
        """
        paths = CachePaths.find(self._settings, make=True)
        if paths is None:
            return
        # No sync: a file that lost its content in a power failure is detected by its checksum.
        with AtomicFile(temp_path(paths.tasks), mode=PRIVATE, sync=False) as file:
            file_format.write(file, listing.head(MAX_TASKS))
            # The lock is held for a moment only, as the file is already written.
            with lock_dir(paths.folder):
                is_unchanged = _digest(paths.tasks) == self._loaded_digest
                if is_unchanged or not _is_superseded(listing, paths):
                    file.commit(paths.tasks)
                    self._loaded_digest = _digest(paths.tasks)
                    invalidation.clear_stale(paths, self._stale_bytes)
                    self._stale_bytes = 0
        _evict(paths.folder)

    def clear(self) -> None:
        """Remove the cached tasks of the account."""
        paths = CachePaths.find(self._settings)
        if paths is not None:
            with lock_dir(paths.folder):
                paths.tasks.unlink(missing_ok=True)
                paths.changed.unlink(missing_ok=True)


def _digest(path: Path) -> bytes:
    """Return the checksum at the end of a file, which identifies its content."""
    try:
        with path.open("rb") as file:
            file.seek(-file_format.DIGEST, os.SEEK_END)
            return file.read()
    except OSError:
        return b""


def _is_superseded(listing: CachedListing, paths: CachePaths) -> bool:
    """Return whether another process has saved a more complete cache."""
    try:
        return not listing.supersedes(file_format.read(paths.tasks.read_bytes()))
    except (OSError, file_format.CorruptCacheError):
        return False


def _evict(folder: Path) -> None:
    """Remove the least recently used accounts and stale temporary files."""
    with contextlib.suppress(OSError):
        used = sorted(folder.glob("*.tasks"), key=lambda path: -path.stat().st_mtime)
        for path in used[MAX_ACCOUNTS:]:
            path.unlink(missing_ok=True)
            path.with_suffix(".changed").unlink(missing_ok=True)
        for path in folder.glob("*.part"):
            if time.time() - path.stat().st_mtime > _STALE_SECONDS:
                path.unlink(missing_ok=True)
