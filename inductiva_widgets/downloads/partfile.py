"""Bytes on disk that are not whole yet: written beside their target, moved onto it when they are.

Two kinds. A `ScratchFile` belongs to one run: it vanishes when the run fails. A `PartFile` outlives
the run and the kernel, with a sidecar that says which version of a file it is the beginning of.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import sys
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from inductiva_widgets.downloads.ranges import Identity
from inductiva_widgets.errors import DownloadError

_SCRATCH = re.compile(r"\.[0-9a-f]{12}\.inductiva\.part")


class _Growing:
    """What both kinds share: bytes are appended, or thrown away to begin anew."""

    _file: IO[bytes]

    def __init__(self) -> None:
        self.length = 0
        self.identity: Identity | None = None

    def write(self, data: bytes) -> None:
        """Append bytes.

        Parameters
        ----------
        data
            The bytes; all of them are written.
        """
        view = memoryview(data)
        while view:  # an unbuffered file may take less than it was given
            taken = self._file.write(view)
            self.length += taken
            view = view[taken:]

    def restart(self, identity: Identity | None) -> None:
        """Throw away the bytes so far and remember what the next ones belong to.

        Parameters
        ----------
        identity
            The version that is about to come; None when it cannot be told from others, so that a
            broken download begins anew.
        """
        self._file.seek(0)
        self._file.truncate()
        self.length = 0
        self.identity = identity


class ScratchFile(_Growing):
    """A file under construction; leaving the context without `commit` removes it.

    Parameters
    ----------
    target
        Where it goes when it is whole.
    """

    def __init__(self, target: Path) -> None:
        super().__init__()
        self.path = target.with_name(f".{secrets.token_hex(6)}.inductiva.part")
        self._target = target
        # Unbuffered: the pieces are large, and an error shows where it happens.
        self._file = self.path.open("xb", buffering=0)
        _lock(self._file)

    def __enter__(self) -> ScratchFile:
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

    def commit(self) -> None:
        """Move it onto its target."""
        if self._target.is_dir() and not self._target.is_symlink():
            raise DownloadError(f"{self._target} is a folder where a file is to be written")
        self._file.close()  # before the move: Windows moves no open file
        try:
            self.path.replace(self._target)
        except OSError:
            with contextlib.suppress(OSError):
                self.path.unlink()
            raise


def sweep(folder: Path) -> None:
    """Remove what earlier runs left when they were killed; files in use are left alone.

    Parameters
    ----------
    folder
        Where to look; not below it.
    """
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if not _SCRATCH.fullmatch(entry.name) or not entry.is_file(follow_symlinks=False):
                continue
            with contextlib.suppress(OSError):
                path = Path(entry.path)
                with path.open("ab") as file:
                    free = _lock(file)
                if free:
                    path.unlink()


class PartFile(_Growing):
    """The beginning of a file, kept from run to run: ``name.part`` and ``name.part.json``.

    Parameters
    ----------
    target
        Where it goes when it is whole.

    Raises
    ------
    DownloadError
        When another process is writing it.
    """

    def __init__(self, target: Path) -> None:
        super().__init__()
        self.path = target.with_name(f"{target.name}.part")
        self._sidecar = target.with_name(f"{target.name}.part.json")
        self._target = target
        if self.path.is_symlink():
            self.path.unlink()  # never write through a link that somebody else put there
        self._file = self._open()
        self.identity = self._read_identity()
        self.length = self._file.seek(0, os.SEEK_END)
        if self.identity is None and self.length:
            self.restart(None)

    def __enter__(self) -> PartFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file.closed:
            return
        useless = self.identity is None or not self.length
        self._file.close()
        if useless:
            self._discard()

    def restart(self, identity: Identity | None) -> None:
        """Throw away the bytes so far; remember, also for later runs, what the next belong to."""
        super().restart(identity)
        if identity is None:
            self._sidecar.unlink(missing_ok=True)
        else:
            self._sidecar.write_text(json.dumps(asdict(identity)), encoding="utf-8")

    def commit(self) -> None:
        """Move it onto its target and remove the sidecar."""
        if self._target.is_dir():
            raise DownloadError(f"{self._target} is a folder where a file is to be written")
        self._file.close()
        self.path.replace(self._target)
        self._discard()

    def _open(self) -> IO[bytes]:
        while True:
            file = self.path.open("ab", buffering=0)
            if not _lock(file):
                file.close()
                raise DownloadError(f"{self._target} is being downloaded by another process")
            # Another process may have moved the file onto its target between the two steps; writing
            # on would then spoil a whole file.
            with contextlib.suppress(OSError):
                if self.path.stat().st_ino == os.fstat(file.fileno()).st_ino:
                    return file
            file.close()

    def _discard(self) -> None:
        for path in (self.path, self._sidecar):
            with contextlib.suppress(OSError):
                path.unlink()

    def _read_identity(self) -> Identity | None:
        try:
            stored: dict[str, Any] = json.loads(self._sidecar.read_text(encoding="utf-8"))
            identity = Identity(stored["size"], stored["etag"], stored["modified"])
        except (OSError, ValueError, LookupError, TypeError):
            return None
        texts = (identity.etag, identity.modified)
        known = all(text is None or isinstance(text, str) for text in texts)
        return identity if known and isinstance(identity.size, int | None) else None


def _lock(file: IO[bytes]) -> bool:
    """Take the file for this process until it is closed; False when another one has it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            # Windows locks byte ranges against everyone, so take one that no download reaches.
            file.seek(2**62)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            file.seek(0, os.SEEK_END)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True  # some network file systems have no locks
    return True
