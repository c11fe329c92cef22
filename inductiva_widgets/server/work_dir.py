"""Safe access to the files in the working folder of a running task."""

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
from inductiva_widgets.server.schemas.tasks import WorkingFileEntry

MOST_FILES = 10_000
"""A listing has the newest ones of so many."""

# A folder of millions is looked at in part rather than for minutes.
_MOST_LOOKED_AT = 200_000


class FileContent(NamedTuple):
    """Bytes of a file, the size of all of it, and when it was last written (epoch seconds)."""

    content: bytes
    size: int
    modified: float


class WorkDir:
    """The working folder of a task, whose simulation may write whatever it likes there.

    Parameters
    ----------
    root
        The folder; it need not be there.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def open(self, name: str) -> BinaryIO:
        """Open a file to read it, without ever waiting for another process.

        Raises
        ------
        AbsentError
            There is no such file.
        RefusedError
            The name leads out of the folder, or to something that is no file.
        """
        refused = BadRequestError(f"This is no file of the task: {name!r}.")
        if not is_file_name(name):
            raise refused
        try:
            place = (self._root / name).resolve()
            if not place.is_relative_to(self._root.resolve()):
                raise refused
            # A pipe that the simulation made would keep us waiting for its writer otherwise.
            descriptor = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
        except (FileNotFoundError, NotADirectoryError):
            raise MissingError(f"There is no file {name!r}.") from None
        except (OSError, RuntimeError) as error:
            # Links in a circle are a RuntimeError up to Python 3.12; sockets cannot be opened.
            if getattr(error, "errno", None) in (errno.EMFILE, errno.ENFILE, errno.EIO):
                raise
            raise refused from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise refused
        return os.fdopen(descriptor, "rb")

    def files(self, max_files: int = MOST_FILES) -> list[WorkingFileEntry]:
        """Return the files, newest first: those that ``open`` gives, links inside included.

        Raises
        ------
        AbsentError
            There is no working folder.
        """
        if not self._root.is_dir():
            raise MissingError("There is no working folder: the task does not run.")
        return heapq.nlargest(max_files, self._files(), key=attrgetter("modified"))

    def _files(self) -> Iterator[WorkingFileEntry]:
        left = _MOST_LOOKED_AT
        waiting: list[str | Path] = [self._root]
        while waiting:
            # The simulation removes files and folders while we look.
            with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    left -= 1
                    if left < 0:
                        return
                    with contextlib.suppress(OSError, RuntimeError):
                        if entry.is_dir(follow_symlinks=False):
                            waiting.append(entry.path)
                        elif entry.is_file() and self._is_inside(entry):
                            yield self._told(entry)

    def _is_inside(self, entry: os.DirEntry[str]) -> bool:
        if not entry.is_symlink():
            return True
        return Path(entry.path).resolve().is_relative_to(self._root.resolve())

    def _told(self, entry: os.DirEntry[str]) -> WorkingFileEntry:
        facts = entry.stat()
        name = os.path.relpath(entry.path, self._root)
        return WorkingFileEntry(
            # A name that is no text on this machine still has to be text on the wire.
            name=os.fsencode(name).decode("utf-8", "replace"),
            size=facts.st_size,
            modified=datetime.fromtimestamp(facts.st_mtime, timezone.utc),
        )


def read_part(file: BinaryIO, after: int | None, max_bytes: int) -> FileContent:
    """Return bytes of an open file.

    Parameters
    ----------
    file
        The file.
    after
        Where to begin; None for the end of the file.
    max_bytes
        At most so many bytes.
    """
    facts = os.fstat(file.fileno())
    size = facts.st_size
    # Places far beyond what a disk can hold are no places.
    file.seek(max(0, size - max_bytes) if after is None else min(after, size))
    return FileContent(file.read(max_bytes), size, facts.st_mtime)


def is_file_name(name: str) -> bool:
    """Return whether a name can be one of a file below a folder on any disk."""
    try:
        parts = [part.encode() for part in PurePosixPath(name).parts]
    except UnicodeEncodeError:
        return False
    return (
        bool(parts)
        and "\0" not in name
        and b".." not in parts
        and not name.startswith("/")
        and all(len(part) < 256 for part in parts)
        and len(name.encode()) < 4000
    )
