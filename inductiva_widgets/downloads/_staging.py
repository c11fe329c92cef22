"""Hidden staging folder in a target folder, with a journal for later runs.

It is inside the target, so that a complete file can be moved to its path in one step. It is removed
unless a later run can use something in it.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO

from inductiva_widgets.downloads._partial_file import journal_path
from inductiva_widgets.downloads._path_lock import PathLock
from inductiva_widgets.downloads._plan import ExtractItem
from inductiva_widgets.downloads._progress_tracker import SubProgress
from inductiva_widgets.downloads._safe_paths import WORK_FOLDER
from inductiva_widgets.downloads.remote_file import FileVersion
from inductiva_widgets.downloads.zip_directory import ZipEntry
from inductiva_widgets.errors import UnsafePathError

_LOCK, _DONE, _SPOOL = "lock", "done.jsonl", ".spool"
_SCRATCH = re.compile(r"\d+\.part")
_SPOOLS = re.compile(rf".*{re.escape(_SPOOL)}(\..*)?")
_Stamp = tuple[int, int, int, int]


class StagingDir:
    """The staging folder, locked against other processes within the context.

    Parameters
    ----------
    target
        The folder to fill; exists, resolved.
    share
        Shows that the download waits for another process.
    """

    def __init__(self, target: Path, share: SubProgress) -> None:
        self.path = target / WORK_FOLDER
        if self.path.is_symlink() or (self.path.exists() and not self.path.is_dir()):
            raise UnsafePathError(f"{self.path} must be a folder of its own")
        self._lock = PathLock(self.path / _LOCK, share)
        self._guard = threading.Lock()
        self._done: dict[str, _Stamp] = {}
        self._journal: IO[str] | None = None
        self._scratches = 0

    def __enter__(self) -> StagingDir:
        self._lock.__enter__()
        self._remove(_SCRATCH)  # what a killed run left
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._journal is not None:
            self._journal.close()
            if not self._done:
                (self.path / _DONE).unlink(missing_ok=True)
        self._lock.__exit__(kind, exc, trace)
        with contextlib.suppress(OSError):
            self.path.rmdir()  # unless something for later is in it

    def begin(self, identity: FileVersion) -> bool:
        """Read the journal; return False if it is of another version of the archive.

        Parameters
        ----------
        identity
            The current version. Files of another version are removed.
        """
        head = asdict(identity)
        path = self.path / _DONE
        same = True
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
            # What one of them does not state, as a whole copy has no ETag, speaks for neither.
            same = FileVersion(**json.loads(lines[0])).matches(identity)
            if same:
                for line in lines[1:]:
                    name, *stamp = json.loads(line)
                    crc, size, modified, inode = map(int, stamp)
                    self._done[str(name)] = crc, size, modified, inode
        except (OSError, ValueError, LookupError, TypeError):
            pass  # none there, or a kill in the middle of a line: files are checked by reading
        if self._journal is not None:
            self._journal.close()
        if not same:
            self._done.clear()
            self._remove(_SPOOLS)
        text = "".join(json.dumps([name, *stamp]) + "\n" for name, stamp in self._done.items())
        path.write_text(json.dumps(head) + "\n" + text, encoding="utf-8")
        self._journal = path.open("a", encoding="utf-8")
        return same

    def finish(self, items: Collection[ExtractItem]) -> None:
        """Remove what a complete run no longer needs; keep entries of other runs.

        Parameters
        ----------
        items
            The selected items: each is complete now, or cannot be extracted.
        """
        if self._journal is not None:
            self._journal.close()
        for item in items:
            for path in (
                self.partial_path(item.member),
                journal_path(self.partial_path(item.member)),
            ):
                path.unlink(missing_ok=True)
        others = any(entry.suffix == _SPOOL for entry in self.path.iterdir())
        if not others and self._done.keys() <= {item.path for item in items}:
            (self.path / _DONE).unlink(missing_ok=True)

    def is_complete(self, name: str, path: Path, member: ZipEntry) -> bool:
        """Return whether a file is unchanged since its download, without reading it.

        Parameters
        ----------
        name
            Its path below the target.
        path
            The file; exists.
        member
            The entry that it must agree with.
        """
        return self._done.get(name) == _stamp(path, member)

    def mark_complete(self, name: str, path: Path, member: ZipEntry) -> None:
        """Record in the journal that a file is complete.

        Parameters
        ----------
        name, path, member
            As for ``is_complete``.
        """
        stamp = _stamp(path, member)
        with self._guard:
            self._done[name] = stamp
            if self._journal is not None:
                self._journal.write(json.dumps([name, *stamp]) + "\n")
                self._journal.flush()

    def temp_path(self) -> Path:
        """Return a new temporary path; the next run removes a file left there."""
        with self._guard:
            self._scratches += 1
            return self.path / f"{self._scratches}.part"

    def partial_path(self, member: ZipEntry) -> Path:
        """Return the path of the compressed bytes of a large entry, kept for later runs."""
        return self.path / f"{member.offset}-{member.crc:08x}{_SPOOL}"

    def _remove(self, pattern: re.Pattern[str]) -> None:
        for entry in list(self.path.iterdir()):
            if pattern.fullmatch(entry.name):
                with contextlib.suppress(OSError):
                    entry.unlink()


def _stamp(path: Path, member: ZipEntry) -> _Stamp:
    found = path.stat()
    return member.crc, found.st_size, found.st_mtime_ns, found.st_ino
