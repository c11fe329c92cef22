"""Safe access to files in the working folder of a running task."""

from __future__ import annotations

import contextlib
import errno
import heapq
import os
import stat
from collections.abc import Iterator
from datetime import datetime, timezone
from operator import attrgetter
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from inductiva_widgets.server.errors import BadRequestError, MissingError
from inductiva_widgets.server.file_names import from_text, to_text
from inductiva_widgets.server.schemas.tasks import WorkingFileEntry

MAX_FILES = 10_000
"""Maximum number of files in a listing."""

# Entries beyond these are not listed, since scanning millions would take minutes.
_MAX_SCANNED = 200_000


class FileContent(NamedTuple):
    """Bytes of a file, its size, and its modification time in epoch seconds."""

    content: bytes
    size: int
    modified: float


class WorkDir:
    """Working folder of a task, to which the simulation may write anything.

    Parameters
    ----------
    root
        The folder, which may not exist.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading, without blocking.

        Parameters
        ----------
        name
            Name in the listing of ``files``.

        Raises
        ------
        MissingError
            There is no such file.
        BadRequestError
            The name leads out of the folder, or is not a regular file.
        """
        refused = BadRequestError(f"{name!r} is not a file of the task.")
        if not is_file_name(name):
            raise refused
        if self._root.is_symlink():
            # The simulation has replaced its folder.
            raise refused
        try:
            path = (self._root / from_text(name)).resolve()
            if not path.is_relative_to(self._root.resolve()):
                raise refused
            # Opening a named pipe would block until there is a writer.
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
        except (FileNotFoundError, NotADirectoryError):
            raise MissingError(f"There is no file {name!r}.") from None
        except (OSError, RuntimeError) as error:
            # Circular links raise RuntimeError up to Python 3.12, sockets raise OSError.
            if getattr(error, "errno", None) in (errno.EMFILE, errno.ENFILE, errno.EIO):
                raise
            raise refused from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise refused
        return os.fdopen(descriptor, "rb")

    def files(self, max_files: int = MAX_FILES) -> list[WorkingFileEntry]:
        """List the files that ``open`` accepts, newest first.

        Raises
        ------
        MissingError
            There is no working folder.
        """
        if self._root.is_symlink() or not self._root.is_dir():
            raise MissingError("There is no working folder: the task is not running.")
        return heapq.nlargest(max_files, self._files(), key=attrgetter("modified"))

    def _files(self) -> Iterator[WorkingFileEntry]:
        left = _MAX_SCANNED
        waiting: list[str | Path] = [self._root]
        while waiting:
            # The simulation may remove files and folders during the scan.
            with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    left -= 1
                    if left < 0:
                        return
                    with contextlib.suppress(OSError, RuntimeError):
                        if entry.is_dir(follow_symlinks=False):
                            waiting.append(entry.path)
                        elif entry.is_file() and self._is_inside(entry):
                            yield self._describe(entry)

    def _is_inside(self, entry: os.DirEntry[str]) -> bool:
        if not entry.is_symlink():
            return True
        return Path(entry.path).resolve().is_relative_to(self._root.resolve())

    def _describe(self, entry: os.DirEntry[str]) -> WorkingFileEntry:
        facts = entry.stat()
        return WorkingFileEntry(
            # A file name may not be valid UTF-8, JSON has to be.
            name=to_text(os.path.relpath(entry.path, self._root)),
            size=facts.st_size,
            modified=datetime.fromtimestamp(facts.st_mtime, timezone.utc),
        )


def read_part(file: BinaryIO, after: int | None, max_bytes: int) -> FileContent:
    """Read a part of an open file.

    Parameters
    ----------
    file
        The file.
    after
        Offset of the first byte; None for the end of the file.
    max_bytes
        Maximum number of bytes.
    """
    facts = os.fstat(file.fileno())
    size = facts.st_size
    # An offset beyond the end may be too large for seek.
    file.seek(max(0, size - max_bytes) if after is None else min(after, size))
    return FileContent(file.read(max_bytes), size, facts.st_mtime)


def is_file_name(name: str) -> bool:
    """Return whether a name is a valid relative path on any file system."""
    try:
        decoded = from_text(name)
    except UnicodeEncodeError:
        return False
    parts = PurePosixPath(decoded).parts
    return (
        bool(parts)
        and "\0" not in decoded
        and ".." not in parts
        and not decoded.startswith("/")
        and all(len(os.fsencode(part)) < 256 for part in parts)
        and len(os.fsencode(decoded)) < 4000
    )
