"""Where the members of an archive become files: what the jobs of one run share."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

from inductiva_widgets.downloads._atomic import AtomicFile
from inductiva_widgets.downloads._connection_limit import ConnectionLimiter
from inductiva_widgets.downloads._decompress import EntryDecoder
from inductiva_widgets.downloads._plan import ExtractItem
from inductiva_widgets.downloads._progress_tracker import SubProgress
from inductiva_widgets.downloads._safe_paths import make_safe_dir
from inductiva_widgets.downloads._staging import StagingDir
from inductiva_widgets.downloads._workers import WorkerPool
from inductiva_widgets.downloads.remote_file import FileChanged, RandomAccess, RangesUnsupported
from inductiva_widgets.downloads.zip_directory import ZipEntry
from inductiva_widgets.errors import (
    ArchiveError,
    DownloadCancelled,
    DownloadError,
    InductivaError,
)


@dataclass(frozen=True)
class ExtractionContext:
    """One archive, the folder that it fills, and who is to be told.

    Parameters
    ----------
    source
        The archive.
    root
        The folder to fill, resolved.
    work
        Its work folder, held.
    share
        Counts.
    lanes
        Told of the bytes that arrive.
    crew
        Told of errors that end the run.
    counted
        Whether bytes count as progress.
    damaged
        Errors of members that are damaged; they do not keep the others from coming.
    """

    source: RandomAccess
    root: Path
    work: StagingDir
    share: SubProgress
    lanes: ConnectionLimiter
    crew: WorkerPool
    counted: bool
    damaged: list[ArchiveError] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def receive(self, count: int) -> None:
        """Count bytes that have just arrived."""
        if self.counted:
            self.lanes.record_bytes(count)
            self.share.receive(count)

    def record_damaged(self, error: ArchiveError) -> None:
        """Take note of a damaged member."""
        with self._lock:
            self.damaged.append(error)

    def finish(self, item: ExtractItem, file: AtomicFile) -> None:
        """Move a whole file to its place."""
        # Checked anew: the folder may have been exchanged since the run began.
        folder = make_safe_dir(self.root, item.path.rpartition("/")[0])
        place = folder / item.path.rpartition("/")[2]
        file.commit(place)
        self.work.mark_complete(item.path, place, item.member)
        self.share.finish_file(place)


class EntryWriter:
    """One member on its way into a scratch file.

    Parameters
    ----------
    site
        Where it becomes a file.
    item
        The member and its place.
    """

    def __init__(self, site: ExtractionContext, item: ExtractItem) -> None:
        self.item = item
        self._site = site
        self.file = AtomicFile(site.work.temp_path())
        self.decoder = EntryDecoder(item.member, self.file.write)
        self._meter = site.share.open_file(item.path, item.member.size)

    def feed(self, data: memoryview) -> int:
        """Take bytes, return how many; a member that is whole then goes to its place."""
        used = self.decoder.feed(data)
        self._meter.done = self.decoder.written
        if self.decoder.done:
            self._site.finish(self.item, self.file)
        return used

    def close(self) -> None:
        """Remove the file, unless it was moved."""
        self.file.__exit__(None, None, None)
        self._meter.close()


def with_context(member: ZipEntry | None, exc: Exception) -> Exception:
    """Name the member in an error, and say what can be done.

    Parameters
    ----------
    member
        What was being written; None where that is not known.
    exc
        The error.
    """
    if member is None or isinstance(exc, RangesUnsupported | DownloadCancelled | FileChanged):
        return exc
    if isinstance(exc, OSError):
        error: Exception = DownloadError(
            f"{member.name} cannot be written: {exc.strerror or exc}; calling again goes on "
            "with the rest"
        )
    elif isinstance(exc, InductivaError):
        kind = type(exc) if isinstance(exc, DownloadError) else DownloadError
        text = str(exc) if member.name in str(exc) else f"{member.name}: {exc}"
        error = kind(f"{text}; calling again goes on with the rest")
    else:
        return exc
    error.__cause__ = exc
    return error
