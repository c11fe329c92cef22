"""A partially downloaded file, written in chunks by several threads over several runs.

A journal next to it has a line for each chunk received, so that after a kill only the chunks in
progress are fetched again. The reader of the file checks its content.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from inductiva_widgets._atomic import AtomicFile
from inductiva_widgets.downloads.remote_file import FileVersion

BLOCK = 8 * 1024 * 1024
_NOTED = 1024 * 1024  # bytes of each block that a kill may cost
_VERSION = 1
_SLICE = 0.1  # seconds to wait for new bytes


@dataclass
class Chunk:
    """A byte range of the remote file.

    Parameters
    ----------
    index
        Its number.
    start, stop
        Positions in the remote file.
    position
        End of the bytes received.
    noted
        End of the bytes recorded in the journal.
    """

    index: int
    start: int
    stop: int
    position: int
    noted: int


class PartialFile:
    """A byte range of one version of a remote file, partially downloaded.

    Parameters
    ----------
    path
        The file. Chunks of an earlier run are kept if range and version are the same.
    identity
        The version.
    start, stop
        The range, as positions in the remote file.
    """

    def __init__(self, path: Path, identity: FileVersion, start: int, stop: int) -> None:
        self.path = path
        self.start, self.stop = start, stop
        self._journal_path = journal_path(path)
        self._head = {"version": _VERSION, **asdict(identity), "start": start, "stop": stop}
        self._blocks = [
            Chunk(number, first, min(first + BLOCK, stop), first, first)
            for number, first in enumerate(range(start, stop, BLOCK))
        ]
        self._news = threading.Condition()
        self._closed = False
        if path.is_symlink():
            path.unlink()  # never write through a link created by someone else
        known = self._read_journal()
        self._file = path.open("r+b" if known else "w+b", buffering=0)
        self._file.truncate(stop - start)
        self._journal = self._begin_journal()
        self.resumed = self.length > 0

    @property
    def length(self) -> int:
        """Number of bytes received."""
        return sum(block.position - block.start for block in self._blocks)

    def missing_chunks(self) -> list[Chunk]:
        """Return the incomplete chunks, in order."""
        return [block for block in self._blocks if block.position < block.stop]

    def write(self, block: Chunk, data: bytes | memoryview) -> None:
        """Append to a chunk; one thread at a time.

        Parameters
        ----------
        block
            The chunk.
        data
            Its next bytes.
        """
        view = memoryview(data)
        while view:  # an unbuffered file may take less than it was given
            taken = self._write_at(view, block.position - self.start)
            block.position += taken
            view = view[taken:]
        with self._news:
            self._news.notify_all()
        if block.position - block.noted >= _NOTED:
            self.checkpoint(block)

    def checkpoint(self, block: Chunk) -> None:
        """Record the progress of a chunk in the journal.

        Parameters
        ----------
        block
            The chunk, complete or not.
        """
        with self._news:
            if not self._closed and block.position > block.noted:
                block.noted = block.position
                self._journal_line([block.index, block.position - block.start])

    def iter_available(self, chunk: int) -> Iterator[bytes]:
        """Yield the bytes in order as they arrive.

        Parameters
        ----------
        chunk
            Maximum number of bytes per item.

        Yields
        ------
        bytes
            Empty after a moment without new bytes, so that the caller can check for a stop.
        """
        position = self.start
        # Unbuffered: reading ahead would take what is not written yet for zeros.
        with self.path.open("rb", buffering=0) as file:
            while position < self.stop:
                with self._news:
                    there = self._reach(position)
                    if there == position:
                        self._news.wait(_SLICE)
                        there = self._reach(position)
                data = file.read(min(chunk, there - position)) if there > position else b""
                position += len(data)
                yield data

    def sync(self) -> None:
        """Flush the file to the disk."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close it for a later run."""
        with self._news:
            self._closed = True
        self._file.close()
        self._journal.close()

    def discard(self) -> None:
        """Remove it with its journal."""
        self.close()
        for path in (self.path, self._journal_path):
            with contextlib.suppress(OSError):
                path.unlink()

    def _reach(self, position: int) -> int:
        """Return the end of the bytes received without a gap."""
        while position < self.stop:
            block = self._blocks[(position - self.start) // BLOCK]
            position = max(position, block.position)
            if block.position < block.stop:
                break
        return position

    def _write_at(self, view: memoryview, offset: int) -> int:
        if hasattr(os, "pwrite"):
            return os.pwrite(self._file.fileno(), view, offset)
        with self._news:  # Windows has no pwrite: one position for all threads
            self._file.seek(offset)
            return self._file.write(view)

    def _journal_line(self, entry: object) -> None:
        self._journal.write(json.dumps(entry) + "\n")
        self._journal.flush()

    def _read_journal(self) -> bool:
        """Load the journal of an earlier run, if range and version are the same."""
        try:
            lines = self._journal_path.read_text(encoding="utf-8").splitlines()
            if json.loads(lines[0]) != self._head:
                return False
            if self.path.stat().st_size != self.stop - self.start:
                return False
        except (ValueError, LookupError, OSError):
            return False
        for line in lines[1:]:
            try:
                index, length = map(int, json.loads(line))
            except (ValueError, TypeError):
                break  # a kill in the middle of a line
            if 0 <= index < len(self._blocks) and length >= 0:
                block = self._blocks[index]
                block.position = block.noted = min(block.start + length, block.stop)
        return True

    def _begin_journal(self) -> IO[str]:
        """Rewrite the journal without a truncated last line, and open it to append."""
        fresh = self._journal_path.with_name(f"{self._journal_path.name}.new")
        lines = [self._head, *(
            [block.index, block.position - block.start]
            for block in self._blocks
            if block.position > block.start
        )]  # fmt: skip
        with AtomicFile(fresh, sync=False) as file:
            file.write("".join(json.dumps(line) + "\n" for line in lines).encode())
            file.commit(self._journal_path)
        return self._journal_path.open("a", encoding="utf-8")


def journal_path(path: Path) -> Path:
    """Return the path of the journal of a partial file."""
    return path.with_name(f"{path.name}.json")


def stored_version(path: Path) -> FileVersion | None:
    """Return the version of a partial file, or None if there is none.

    Parameters
    ----------
    path
        The partial file.
    """
    try:
        with journal_path(path).open(encoding="utf-8") as file:
            head = json.loads(file.readline(4096))
        identity = FileVersion(head["size"], head["etag"], head["modified"])
    except (OSError, ValueError, LookupError, TypeError):
        return None
    texts = all(isinstance(text, str | None) for text in (identity.etag, identity.modified))
    return identity if texts and isinstance(identity.size, int) and path.is_file() else None
