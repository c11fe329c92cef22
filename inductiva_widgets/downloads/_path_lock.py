"""A lock between processes, and between threads: one of them fills a place, the others wait."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import IO

from inductiva_widgets._filelock import try_lock
from inductiva_widgets.downloads._progress_tracker import SubProgress
from inductiva_widgets.errors import DownloadCancelled

_LOOK = 0.2  # seconds between two looks whether the other one is ready


class PathLock:
    """A file that one holder has at a time; gone when nobody has it, freed when a holder dies.

    Parameters
    ----------
    path
        The lock file. Its folder is made.
    share
        Told of a wait; its control ends it.
    """

    def __init__(self, path: Path, share: SubProgress) -> None:
        self.waited = False
        self._path = path
        self._share = share
        self._file: IO[bytes] | None = None

    def __enter__(self) -> PathLock:
        """Take the lock, as soon as it is free.

        Raises
        ------
        DownloadCancelled
            When a cancel came first.
        """
        while not self._acquire():
            if not self.waited:
                self.waited = True
                self._share.set_waiting(True)
            self._share.control.sleep(_LOOK)
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
