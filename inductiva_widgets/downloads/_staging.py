"""Hidden staging folder in a target folder, with a journal for later runs.

It is inside the target so that a complete file can be moved to its path in one step. It is removed
unless it contains files that a later run can use.
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
_TEMP_FILES = re.compile(r"\d+\.part")
_SPOOL_FILES = re.compile(rf".*{re.escape(_SPOOL)}(\..*)?")
_Stamp = tuple[int, int, int, int]


class StagingDir:
    """The staging folder, locked within the context.

    Parameters
    ----------
    target
        The output folder: an existing, resolved path.
    progress
        Shows that the download is waiting for another process.
    """

    def __init__(self, target: Path, progress: SubProgress) -> None:
        self.path = target / WORK_FOLDER
        if self.path.is_symlink() or (self.path.exists() and not self.path.is_dir()):
            raise UnsafePathError(f"{self.path} must be a folder. Remove it and call again.")
        self._lock = PathLock(self.path / _LOCK, progress)
        self._guard = threading.Lock()
        self._done: dict[str, _Stamp] = {}
        self._journal: IO[str] | None = None
        self._n_temp_files = 0

    def __enter__(self) -> StagingDir:
        self._lock.__enter__()
        self._remove(_TEMP_FILES)  # left by a crash
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
            self.path.rmdir()  # fails if there are files for a later run

    def begin(self, version: FileVersion) -> bool:
        """Read the journal; return False if the archive has changed since.

        Parameters
        ----------
        version
            Current version of the archive. Files of another version are removed.
        """
        head = asdict(version)
        path = self.path / _DONE
        same = True
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
            # A missing field matches any: the version of a whole copy, for example, has no ETag.
            same = FileVersion(**json.loads(lines[0])).matches(version)
            if same:
                for line in lines[1:]:
                    name, *stamp = json.loads(line)
                    crc, size, modified, inode = map(int, stamp)
                    self._done[str(name)] = crc, size, modified, inode
        except (OSError, ValueError, LookupError, TypeError):
            pass  # the journal is missing or truncated: existing files are read to check them
        if self._journal is not None:
            self._journal.close()
        if not same:
            self._done.clear()
            self._remove(_SPOOL_FILES)
        text = "".join(json.dumps([name, *stamp]) + "\n" for name, stamp in self._done.items())
        path.write_text(json.dumps(head) + "\n" + text, encoding="utf-8")
        self._journal = path.open("a", encoding="utf-8")
        return same

    def finish(self, items: Collection[ExtractItem]) -> None:
        """Remove partial files that are no longer needed; keep those of other runs.

        Parameters
        ----------
        items
            The selected items, each complete or damaged.
        """
        if self._journal is not None:
            self._journal.close()
        for item in items:
            for path in (
                self.partial_path(item.entry),
                journal_path(self.partial_path(item.entry)),
            ):
                path.unlink(missing_ok=True)
        has_others = any(path.suffix == _SPOOL for path in self.path.iterdir())
        if not has_others and self._done.keys() <= {item.path for item in items}:
            (self.path / _DONE).unlink(missing_ok=True)

    def is_complete(self, name: str, path: Path, entry: ZipEntry) -> bool:
        """Return whether a file is complete and unchanged, without reading it.

        Parameters
        ----------
        name
            Path relative to the target.
        path
            The existing file.
        entry
            The entry that the file must match.
        """
        return self._done.get(name) == _stamp(path, entry)

    def mark_complete(self, name: str, path: Path, entry: ZipEntry) -> None:
        """Record in the journal that a file is complete.

        Parameters
        ----------
        name, path, entry
            As for ``is_complete``.
        """
        stamp = _stamp(path, entry)
        with self._guard:
            self._done[name] = stamp
            if self._journal is not None:
                self._journal.write(json.dumps([name, *stamp]) + "\n")
                self._journal.flush()

    def temp_path(self) -> Path:
        """Return a new temporary path; the next run removes files left there."""
        with self._guard:
            self._n_temp_files += 1
            return self.path / f"{self._n_temp_files}.part"

    def partial_path(self, entry: ZipEntry) -> Path:
        """Return the path of the compressed bytes of a large entry, kept for later runs."""
        return self.path / f"{entry.offset}-{entry.crc:08x}{_SPOOL}"

    def _remove(self, pattern: re.Pattern[str]) -> None:
        for path in list(self.path.iterdir()):
            if pattern.fullmatch(path.name):
                with contextlib.suppress(OSError):
                    path.unlink()


def _stamp(path: Path, entry: ZipEntry) -> _Stamp:
    found = path.stat()
    return entry.crc, found.st_size, found.st_mtime_ns, found.st_ino
