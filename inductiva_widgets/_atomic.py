"""Atomic file writes: a file appears under its name only when it is complete.

Needs only the standard library, as the supervisor of a task imports it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import sys
from collections.abc import Iterator, Sequence
from io import FileIO
from pathlib import Path
from types import TracebackType

PRIVATE = 0o600
"""Mode of a file that only its owner may read."""
_DEFAULT_MODE = 0o666
# Number of files from which one flush of the file system is faster than one per file. It also
# flushes what other programs have written, so it is not worth it for a few files.
_MIN_SYNCFS_FILES = 16


class AtomicFile:
    """A temporary file that ``commit`` moves onto its target.

    Leaving the context without ``commit`` removes it.

    Parameters
    ----------
    path
        The temporary file, on the disk of its target. An old one is removed first.
    mode
        Permissions of the file, before the umask.
    sync
        If True, ``commit`` flushes the content to the disk first.
    """

    def __init__(self, path: Path, *, mode: int = _DEFAULT_MODE, sync: bool = True) -> None:
        self.path = path
        self._sync = sync
        try:
            self._file = _create(path, mode)
        except FileExistsError:
            path.unlink()
            self._file = _create(path, mode)

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
        """Append all bytes.

        Parameters
        ----------
        data
            The bytes to write.
        """
        view = memoryview(data)
        view = view.cast("B") if view.nbytes else view[:0]  # an empty array cannot be cast
        while view:  # an unbuffered write may be partial
            view = view[self._file.write(view) :]

    def restart(self) -> None:
        """Discard the bytes written so far."""
        self._file.seek(0)
        self._file.truncate()

    def close(self) -> None:
        """Close the complete file without moving it; the caller moves or removes it."""
        self._file.close()

    def commit(self, target: Path) -> None:
        """Flush the file to the disk and move it onto its target.

        Parameters
        ----------
        target
            The final path of the file.
        """
        if self._sync:
            # Without this a power cut may leave a file with its name and length but no content.
            os.fsync(self._file.fileno())
        self._file.close()  # before the move: Windows moves no open file
        atomic_replace(self.path, target)


def _create(path: Path, mode: int) -> FileIO:
    # Unbuffered: the pieces are large, and an error is raised by the write that causes it.
    return open(path, "xb", buffering=0, opener=lambda name, flags: os.open(name, flags, mode))


def sync_files(paths: Sequence[Path]) -> None:
    """Flush closed files to the disk, which is faster together than one by one.

    Parameters
    ----------
    paths
        The files, all on one file system.
    """
    if len(paths) >= _MIN_SYNCFS_FILES and _sync_file_system(paths[0]):
        return
    for path in paths:
        with path.open("r+b", buffering=0) as file:  # Windows flushes no read-only file
            os.fsync(file.fileno())


def _sync_file_system(path: Path) -> bool:
    """Flush the file system of a file; return False if that is not supported or failed."""
    if sys.platform != "linux":
        return False
    import ctypes

    syncfs = getattr(ctypes.CDLL(None), "syncfs", None)
    if syncfs is None:
        return False
    with path.open("rb") as file:
        return bool(syncfs(file.fileno()) == 0)


def atomic_replace(path: Path, target: Path) -> None:
    """Move a complete file onto its target in one step, or remove it on failure.

    Parameters
    ----------
    path, target
        The temporary file, and its final path.

    Raises
    ------
    IsADirectoryError
        If the target is a folder.
    """
    try:
        if target.is_dir() and not target.is_symlink():
            raise IsADirectoryError(errno.EISDIR, "A folder has this name", str(target))
        path.replace(target)
    except OSError:
        with contextlib.suppress(OSError):
            path.unlink()
        raise


@contextlib.contextmanager
def atomic_path(target: Path, temp: Path | None = None) -> Iterator[Path]:
    """Yield a temporary path that replaces the target on success.

    Parameters
    ----------
    target
        A file or folder; its parent folder is created.
    temp
        The path to write to, in the same folder; by default ``temp_path(target)``.

    Yields
    ------
    Path
        The temporary path. A file or folder there is removed on failure.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    path = temp_path(target) if temp is None else temp
    try:
        yield path
        path.replace(target)
    finally:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def write_atomically(path: Path, content: bytes, *, mode: int = PRIVATE, sync: bool = True) -> None:
    """Write a file so that readers see either its old or its new content.

    Parameters
    ----------
    path
        The file; it is replaced if it exists.
    content
        The new content of the whole file.
    mode, sync
        As for ``AtomicFile``.
    """
    with AtomicFile(temp_path(path), mode=mode, sync=sync) as file:
        file.write(content)
        file.commit(path)


def remove_temp_files(folder: Path) -> None:
    """Remove temporary files that interrupted writes left in a folder.

    Parameters
    ----------
    folder
        The folder. No process may be writing to it.
    """
    for path in folder.glob(".*.part"):
        path.unlink(missing_ok=True)


def temp_path(target: Path) -> Path:
    """Return a new hidden path in the folder of a file.

    The path does not include the file's name, which may have the maximum length.

    Parameters
    ----------
    target
        The file to replace.
    """
    return target.with_name(f".{secrets.token_hex(12)}.part")
