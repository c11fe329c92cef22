"""Lock file that serialises the downloads to a path, across processes."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import IO

from inductiva_widgets._locks import try_lock
from inductiva_widgets.downloads._progress_tracker import SubProgress

_POLL_SECONDS = 0.2


class PathLock:
    """A lock file, removed on release. The system releases the lock if the process dies.

    Parameters
    ----------
    path
        The lock file. Its folder is created if needed.
    progress
        Shows that the download is waiting. Cancelling it ends the wait.
    """

    def __init__(self, path: Path, progress: SubProgress) -> None:
        self.waited = False
        self._path = path
        self._progress = progress
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
                self._progress.set_waiting(True)
            self._progress.cancel_token.sleep(_POLL_SECONDS)
            self._progress.cancel_token.raise_if_cancelled()
        if self.waited:
            self._progress.set_waiting(False)
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
            return self._acquire()  # another process has just removed the folder
        if try_lock(file):
            # The previous holder may have removed the file after it was opened here.
            with contextlib.suppress(OSError):
                if self._path.stat().st_ino == os.fstat(file.fileno()).st_ino:
                    self._file = file
                    return True
        file.close()
        return False
