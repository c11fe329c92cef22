"""A partially downloaded file, written in chunks by several threads.

A journal next to it lists the chunks received, so that after a crash only the chunks in progress
are fetched again. The content is not verified here.
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

CHUNK_SIZE = 8 * 1024 * 1024
_JOURNAL_INTERVAL = 1024 * 1024  # bytes of a chunk that may be lost in a crash
_VERSION = 1
_POLL_SECONDS = 0.1


@dataclass
class Chunk:
    """A byte range of the remote file.

    Parameters
    ----------
    index
        Number of the chunk, from 0.
    start, stop
        Byte positions in the remote file.
    position
        End of the received bytes.
    recorded
        End of the bytes recorded in the journal.
    """

    index: int
    start: int
    stop: int
    position: int
    recorded: int


class PartialFile:
    """A byte range of one version of a remote file, partially downloaded.

    Parameters
    ----------
    path
        The file. Received chunks are kept if range and version are unchanged.
    version
        The version.
    start, stop
        The range, as byte positions in the remote file.
    """

    def __init__(self, path: Path, version: FileVersion, start: int, stop: int) -> None:
        self.path = path
        self.start, self.stop = start, stop
        self._journal_path = journal_path(path)
        self._head = {"version": _VERSION, **asdict(version), "start": start, "stop": stop}
        self._chunks = [
            Chunk(number, first, min(first + CHUNK_SIZE, stop), first, first)
            for number, first in enumerate(range(start, stop, CHUNK_SIZE))
        ]
        self._condition = threading.Condition()
        self._closed = False
        if path.is_symlink():
            path.unlink()  # writing through a link could overwrite any file
        has_journal = self._read_journal()
        self._file = path.open("r+b" if has_journal else "w+b", buffering=0)
        self._file.truncate(stop - start)
        self._journal = self._begin_journal()
        self.resumed = self.length > 0

    @property
    def length(self) -> int:
        """Number of bytes received."""
        return sum(chunk.position - chunk.start for chunk in self._chunks)

    def missing_chunks(self) -> list[Chunk]:
        """Return the incomplete chunks, in order."""
        return [chunk for chunk in self._chunks if chunk.position < chunk.stop]

    def write(self, chunk: Chunk, data: bytes | memoryview) -> None:
        """Append to a chunk. Only one thread may write to a chunk at a time.

        Parameters
        ----------
        chunk
            The chunk.
        data
            The next bytes of the chunk.
        """
        view = memoryview(data)
        while view:  # an unbuffered write may be partial
            taken = self._write_at(view, chunk.position - self.start)
            chunk.position += taken
            view = view[taken:]
        with self._condition:
            self._condition.notify_all()
        if chunk.position - chunk.recorded >= _JOURNAL_INTERVAL:
            self.checkpoint(chunk)

    def checkpoint(self, chunk: Chunk) -> None:
        """Record the progress of a chunk in the journal.

        Parameters
        ----------
        chunk
            The chunk, complete or not.
        """
        with self._condition:
            if not self._closed and chunk.position > chunk.recorded:
                chunk.recorded = chunk.position
                self._journal_line([chunk.index, chunk.position - chunk.start])

    def iter_available(self, max_bytes: int) -> Iterator[bytes]:
        """Yield the bytes in order as they arrive.

        Parameters
        ----------
        max_bytes
            Maximum number of bytes per item.

        Yields
        ------
        bytes
            Empty if no bytes arrive for a moment, so that the caller can check whether to stop.
        """
        position = self.start
        # Unbuffered: a buffer could contain zeros that another thread has overwritten since.
        with self.path.open("rb", buffering=0) as file:
            while position < self.stop:
                with self._condition:
                    available = self._available_until(position)
                    if available == position:
                        self._condition.wait(_POLL_SECONDS)
                        available = self._available_until(position)
                data = b""
                if available > position:
                    data = file.read(min(max_bytes, available - position))
                position += len(data)
                yield data

    def sync(self) -> None:
        """Flush the file to the disk."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file and keep it for a later run."""
        with self._condition:
            self._closed = True
        self._file.close()
        self._journal.close()

    def discard(self) -> None:
        """Remove the file and its journal."""
        self.close()
        for path in (self.path, self._journal_path):
            with contextlib.suppress(OSError):
                path.unlink()

    def _available_until(self, position: int) -> int:
        """Return the end of the bytes received without a gap from a position."""
        while position < self.stop:
            chunk = self._chunks[(position - self.start) // CHUNK_SIZE]
            position = max(position, chunk.position)
            if chunk.position < chunk.stop:
                break
        return position

    def _write_at(self, view: memoryview, offset: int) -> int:
        if hasattr(os, "pwrite"):
            return os.pwrite(self._file.fileno(), view, offset)
        with self._condition:  # Windows has no pwrite, so all threads use one file position
            self._file.seek(offset)
            return self._file.write(view)

    def _journal_line(self, entry: object) -> None:
        self._journal.write(json.dumps(entry) + "\n")
        self._journal.flush()

    def _read_journal(self) -> bool:
        """Load the journal of an earlier run; return False if it does not match."""
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
                break  # a crash truncated this line
            if 0 <= index < len(self._chunks) and length >= 0:
                chunk = self._chunks[index]
                chunk.position = chunk.recorded = min(chunk.start + length, chunk.stop)
        return True

    def _begin_journal(self) -> IO[str]:
        """Rewrite the journal without a truncated last line, and open it to append."""
        fresh = self._journal_path.with_name(f"{self._journal_path.name}.new")
        lines = [self._head, *(
            [chunk.index, chunk.position - chunk.start]
            for chunk in self._chunks
            if chunk.position > chunk.start
        )]  # fmt: skip
        with AtomicFile(fresh, sync=False) as file:
            file.write("".join(json.dumps(line) + "\n" for line in lines).encode())
            file.commit(self._journal_path)
        return self._journal_path.open("a", encoding="utf-8")


def journal_path(path: Path) -> Path:
    """Return the path of the journal of a partial file."""
    return path.with_name(f"{path.name}.json")


def stored_version(path: Path) -> FileVersion | None:
    """Return the version of a partial file, or None if it is missing or invalid.

    Parameters
    ----------
    path
        The partial file.
    """
    try:
        with journal_path(path).open(encoding="utf-8") as file:
            head = json.loads(file.readline(4096))
        version = FileVersion(head["size"], head["etag"], head["modified"])
    except (OSError, ValueError, LookupError, TypeError):
        return None
    texts = all(isinstance(text, str | None) for text in (version.etag, version.modified))
    return version if texts and isinstance(version.size, int) and path.is_file() else None
