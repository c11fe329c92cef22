"""A lock that lets one thread of one process write to a path, while others wait."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import IO

from inductiva_widgets._locks import try_lock
from inductiva_widgets.downloads._progress_tracker import SubProgress
from inductiva_widgets.errors import DownloadCancelled

_POLL_SECONDS = 0.2


class PathLock:
    """A lock file, removed on release. The system releases it if its process dies.

    Parameters
    ----------
    path
        The lock file. Its folder is created.
    share
        Shows that the download waits; cancelling it ends the wait.
    """

    def __init__(self, path: Path, share: SubProgress) -> None:
        self.waited = False
        self._path = path
        self._share = share
        self._file: IO[bytes] | None = None

    def __enter__(self) -> PathLock:
        """Acquire the lock, waiting until it is free.

        Raises
        ------
        DownloadCancelled
            If the download is cancelled first.
        """
        while not self._acquire():
            if not self.waited:
                self.waited = True
                self._share.set_waiting(True)
            self._share.control.sleep(_POLL_SECONDS)
            if self._share.control.cancelled:
                raise DownloadCancelled("the download was cancelled before it began")
        if self.waited:
            self._share.set_waiting(False)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is None:
            return
        if sys.platform == "win32":
            self._file.close()  # Windows removes no open file
        with contextlib.suppress(OSError):
            self._path.unlink()
        self._file.close()

    def _acquire(self) -> bool:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = self._path.open("ab", buffering=0)
        except FileNotFoundError:
            return self._acquire()  # its holder removed the folder between the two steps
        if try_lock(file):
            # The holder before us may have removed the file after we opened it.
            with contextlib.suppress(OSError):
                if self._path.stat().st_ino == os.fstat(file.fileno()).st_ino:
                    self._file = file
                    return True
        file.close()
        return False
