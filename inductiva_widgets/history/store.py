"""Load and save the history cache, safely across processes.

Readers see complete files, as a file is replaced in one step. A writer checks first whether another
process has saved a more complete cache, and keeps the better one.
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

MOST_TASKS = 1_000_000
MOST_ACCOUNTS = 8
_LEFT_BEHIND = 3600.0  # seconds after which a temporary file is stale


class HistoryStore:
    """Cached history of one account, as this process loaded it.

    Parameters
    ----------
    settings
        The service and the account.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._found = b""
        self._noted = 0

    def load(self) -> CachedListing:
        """Return the cached listing, empty if there is none.

        Raises
        ------
        CorruptCacheError
            The file is damaged or of another version.
        OSError
            It cannot be read.
        """
        place = CachePaths.find(self._settings)
        if place is None:
            return CachedListing.empty()
        # Notes first: one that comes between the two is then still there next time.
        changed, self._noted = invalidation.read_stale(place)
        try:
            content = place.tasks.read_bytes()
        except FileNotFoundError:
            return CachedListing.empty()
        self._found = content[-file_format.DIGEST :]
        # The time of the last use, by which the oldest file goes.
        with contextlib.suppress(OSError):
            os.utime(place.tasks)
        return file_format.read(content).mark_unsettled(changed)

    def save(self, kept: CachedListing) -> None:
        """Save a listing.

        Raises
        ------
        OSError
            It cannot be written; the old file is unchanged.
        """
        place = CachePaths.find(self._settings, make=True)
        if place is None:
            return
        # A checksum detects a file that lost its content in a power cut: no sync.
        with AtomicFile(temp_path(place.tasks), mode=PRIVATE, sync=False) as file:
            file_format.write(file, kept.head(MOST_TASKS))
            # The slow part is done: the lock is held for a moment only.
            with lock_dir(place.folder):
                if _digest(place.tasks) == self._found or not _is_superseded(kept, place):
                    file.commit(place.tasks)
                    invalidation.clear_stale(place, self._noted)
        _evict(place.folder)

    def clear(self) -> None:
        """Remove the cached tasks of the account."""
        place = CachePaths.find(self._settings)
        if place is not None:
            with lock_dir(place.folder):
                place.tasks.unlink(missing_ok=True)
                place.changed.unlink(missing_ok=True)


def _digest(path: Path) -> bytes:
    """Return the checksum at the end of a file, which identifies its content."""
    try:
        with path.open("rb") as file:
            file.seek(-file_format.DIGEST, os.SEEK_END)
            return file.read()
    except OSError:
        return b""


def _is_superseded(kept: CachedListing, place: CachePaths) -> bool:
    """Return whether another process has saved a more complete cache."""
    try:
        return not kept.supersedes(file_format.read(place.tasks.read_bytes()))
    except (OSError, file_format.CorruptCacheError):
        return False


def _evict(folder: Path) -> None:
    """Remove the least recently used accounts and stale temporary files."""
    with contextlib.suppress(OSError):
        used = sorted(folder.glob("*.tasks"), key=lambda path: -path.stat().st_mtime)
        for path in used[MOST_ACCOUNTS:]:
            path.unlink(missing_ok=True)
            path.with_suffix(".changed").unlink(missing_ok=True)
        for path in folder.glob("*.part"):
            if time.time() - path.stat().st_mtime > _LEFT_BEHIND:
                path.unlink(missing_ok=True)
