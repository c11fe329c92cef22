"""A file on its way to its place: built elsewhere, moved there in one step when it is whole."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from types import TracebackType


class AtomicFile:
    """A file under construction; leaving the context without ``commit`` removes it.

    Parameters
    ----------
    path
        Where it is built; on the disk of its target.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        # Unbuffered: the pieces are large, and an error shows where it happens.
        self._file = path.open("xb", buffering=0)

    def __enter__(self) -> AtomicFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._file.closed:
            self._file.close()
            with contextlib.suppress(OSError):
                self.path.unlink()

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes.

        Parameters
        ----------
        data
            The bytes; all of them are written.
        """
        view = memoryview(data)
        while view:  # an unbuffered file may take less than it was given
            view = view[self._file.write(view) :]

    def restart(self) -> None:
        """Throw away the bytes so far."""
        self._file.seek(0)
        self._file.truncate()

    def commit(self, target: Path) -> None:
        """Flush it to the disk and move it onto its target.

        Parameters
        ----------
        target
            Its place.
        """
        # Without this a power cut may leave a file with its name and length but without content.
        os.fsync(self._file.fileno())
        self._file.close()  # before the move: Windows moves no open file
        atomic_replace(self.path, target)


def atomic_replace(path: Path, target: Path) -> None:
    """Move a whole file onto its target in one step; where that fails, remove it.

    Parameters
    ----------
    path, target
        From where and to where.

    Raises
    ------
    IsADirectoryError
        When a folder stands in its place.
    """
    try:
        if target.is_dir() and not target.is_symlink():
            raise IsADirectoryError(21, "a folder stands in its place", str(target))
        path.replace(target)
    except OSError:
        with contextlib.suppress(OSError):
            path.unlink()
        raise
