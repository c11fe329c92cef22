"""Where the members of an archive become files: what the jobs of one run share."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

from inductiva_widgets.downloads._atomic import ScratchFile
from inductiva_widgets.downloads._connection_limit import Lanes
from inductiva_widgets.downloads._decompress import MemberDecoder
from inductiva_widgets.downloads._plan import Item
from inductiva_widgets.downloads._progress_tracker import Share
from inductiva_widgets.downloads._safe_paths import make_folder
from inductiva_widgets.downloads._staging import WorkFolder
from inductiva_widgets.downloads._workers import Crew
from inductiva_widgets.downloads.remote_file import FileChanged, RangesUnsupported, Source
from inductiva_widgets.downloads.zip_directory import Member
from inductiva_widgets.errors import (
    ArchiveError,
    DownloadCancelled,
    DownloadError,
    InductivaError,
)


@dataclass(frozen=True)
class Site:
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

    source: Source
    root: Path
    work: WorkFolder
    share: Share
    lanes: Lanes
    crew: Crew
    counted: bool
    damaged: list[ArchiveError] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def receive(self, count: int) -> None:
        """Count bytes that have just arrived."""
        if self.counted:
            self.lanes.count(count)
            self.share.receive(count)

    def damage(self, error: ArchiveError) -> None:
        """Take note of a damaged member."""
        with self._lock:
            self.damaged.append(error)

    def finish(self, item: Item, file: ScratchFile) -> None:
        """Move a whole file to its place."""
        # Checked anew: the folder may have been exchanged since the run began.
        folder = make_folder(self.root, item.path.rpartition("/")[0])
        place = folder / item.path.rpartition("/")[2]
        file.commit(place)
        self.work.note(item.path, place, item.member)
        self.share.finish_file(place)


class Writing:
    """One member on its way into a scratch file.

    Parameters
    ----------
    site
        Where it becomes a file.
    item
        The member and its place.
    """

    def __init__(self, site: Site, item: Item) -> None:
        self.item = item
        self._site = site
        self.file = ScratchFile(site.work.scratch())
        self.decoder = MemberDecoder(item.member, self.file.write)
        self._meter = site.share.meter(item.path, item.member.size)

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


def explained(member: Member | None, exc: Exception) -> Exception:
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
