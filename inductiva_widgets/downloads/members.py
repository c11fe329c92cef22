"""Members of an archive on their way from the wire to the disk, as jobs for a crew.

Small ones stand side by side in spans: a thread reads a span and inflates it as it comes. A large
one is fetched in blocks by all threads into a spool, which another thread inflates meanwhile; what
the spool has is not fetched again after a kill.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from inductiva_widgets.downloads.archive import Member
from inductiva_widgets.downloads.blockfile import Block, BlockFile
from inductiva_widgets.downloads.crew import Crew, Job
from inductiva_widgets.downloads.inflate import MemberDecoder
from inductiva_widgets.downloads.lanes import Lanes
from inductiva_widgets.downloads.opener import CHUNK
from inductiva_widgets.downloads.partfile import ScratchFile
from inductiva_widgets.downloads.paths import make_folder
from inductiva_widgets.downloads.plan import Item, Span
from inductiva_widgets.downloads.ranges import (
    FileChanged,
    RangeSource,
    RangesUnsupported,
    Source,
)
from inductiva_widgets.downloads.tally import Share
from inductiva_widgets.downloads.workfolder import WorkFolder
from inductiva_widgets.errors import (
    ArchiveError,
    DownloadCancelled,
    DownloadError,
    InductivaError,
)

# Members larger than this, compressed, are fetched in blocks.
LARGE = 32 * 1024 * 1024
# Spools at the same time: each holds disk space, and inflating is the work of a processor.
SPOOLS = max(2, min(4, os.cpu_count() or 1))
# Bytes behind the last wanted one that are read all the same: cheaper than a new connection.
_WORTH_READING = 4096
_LOOK = 0.2
_PATIENCE = 2.0


class MemberJobs:
    """What a crew has to do for one archive.

    Parameters
    ----------
    source
        The archive.
    crew
        The crew, which is told of errors.
    root
        The folder to fill, resolved.
    work
        Its work folder, held.
    share
        Counts.
    lanes
        Told of the bytes that arrive.
    counted
        Whether bytes count as progress.

    Attributes
    ----------
    damaged
        Errors of members that are damaged; they do not keep the others from coming.
    """

    def __init__(
        self,
        source: Source,
        crew: Crew,
        *,
        root: Path,
        work: WorkFolder,
        share: Share,
        lanes: Lanes,
        counted: bool,
    ) -> None:
        self.source = source
        self.root = root
        self.work = work
        self.share = share
        self.lanes = lanes
        self.crew = crew
        self.counted = counted
        self.damaged: list[ArchiveError] = []
        self._news = threading.Condition()
        self._spans: deque[Span] = deque()
        self._large: deque[Item] = deque()
        self._blocks: deque[Job] = deque()
        self._spools: set[_Spool] = set()

    def plan(self, spans: Sequence[Span], large: Sequence[Item]) -> int:
        """Set what is to be done; return how many threads are of use.

        Parameters
        ----------
        spans
            Ranges with small members.
        large
            Members to be fetched in blocks; only from a remote archive.
        """
        self._spans.extend(spans)
        # The longest first, as inflating one is the work of a single thread.
        self._large.extend(sorted(large, key=lambda item: -item.member.compressed_size))
        return self.lanes.most if large else len(spans)

    def next(self) -> Job | None:
        """Return the next job, None when there is none any more."""
        with self._news:
            while not self.crew.ending:
                if self._blocks:
                    return self._blocks.popleft()
                if self._large and len(self._spools) < SPOOLS:
                    self._open(self._large.popleft())
                elif self._spans:
                    return partial(_SpanReader(self, self._spans.popleft()).run)
                elif self._spools:
                    self._news.wait(_LOOK)  # one that turns out damaged may have to come again
                else:
                    return None
            return None

    def close(self) -> None:
        """Wait for the threads that inflate, and leave the spools to a later run."""
        for spool in list(self._spools):
            spool.close()

    def receive(self, count: int) -> None:
        """Count bytes that have just arrived."""
        if self.counted:
            self.lanes.count(count)
            self.share.receive(count)

    def damage(self, error: ArchiveError) -> None:
        """Take note of a damaged member."""
        with self._news:
            self.damaged.append(error)

    def finish(self, item: Item, file: ScratchFile) -> None:
        """Move a whole file to its place."""
        # Checked anew: the folder may have been exchanged since the run began.
        folder = make_folder(self.root, item.path.rpartition("/")[0])
        place = folder / item.path.rpartition("/")[2]
        file.commit(place)
        self.work.note(item.path, place, item.member)
        self.share.finish_file(place)

    def _open(self, item: Item) -> None:
        """Open a spool for a large member and queue the blocks that it lacks."""
        try:
            spool = _Spool(self, item)
        except OSError as exc:
            raise explained(item.member, exc) from None
        self._spools.add(spool)
        self._blocks.extend(partial(spool.fetch, block) for block in spool.blocks.missing())
        spool.start()

    def ended(self, spool: _Spool, *, again: bool) -> None:
        """Forget a spool; fetch its member once more if need be."""
        with self._news:
            self._spools.discard(spool)
            if again:
                self._large.append(spool.item)
            self._news.notify_all()


class _Writing:
    """One member on its way into a scratch file."""

    def __init__(self, jobs: MemberJobs, item: Item) -> None:
        self.item = item
        self._jobs = jobs
        self.file = ScratchFile(jobs.work.scratch())
        self.decoder = MemberDecoder(item.member, self.file.write)
        self._meter = jobs.share.meter(item.path, item.member.size)

    def feed(self, data: memoryview) -> int:
        """Take bytes, return how many; a member that is whole then goes to its place."""
        used = self.decoder.feed(data)
        self._meter.done = self.decoder.written
        if self.decoder.done:
            self._jobs.finish(self.item, self.file)
        return used

    def close(self) -> None:
        """Remove the file, unless it was moved."""
        self.file.__exit__(None, None, None)
        self._meter.close()


class _SpanReader:
    """Reads a span and writes the members in it."""

    def __init__(self, jobs: MemberJobs, span: Span) -> None:
        self._jobs = jobs
        self._span = span
        self._waiting = deque(span.items)  # those that are neither whole nor known to be damaged

    def run(self) -> None:
        """Do it.

        Raises
        ------
        DownloadError
            The member is named.
        """
        try:
            self._read()
        except Exception as exc:
            member = self._waiting[0].member if self._waiting else None
            raise explained(member, exc) from None

    def _read(self) -> None:
        span, waiting = self._span, self._waiting
        position = span.start
        current: _Writing | None = None
        with contextlib.closing(self._jobs.source.stream(span.start, span.stop)) as stream:
            try:
                for chunk in stream:
                    view = memoryview(chunk)
                    while view and waiting:
                        if self._jobs.crew.ending:
                            return
                        if current is None:
                            # Over what lies between: descriptors, members nobody asked for.
                            passed = min(waiting[0].member.offset - position, len(view))
                            position, view = position + passed, view[passed:]
                            if not view:
                                break
                            current = _Writing(self._jobs, waiting[0])
                        used = self._feed(current, view)
                        if used is None or current.decoder.done:
                            waiting.popleft()
                            current.close()
                            current = None
                        position, view = position + (used or 0), view[used or 0 :]
                    if not waiting and span.stop - position > _WORTH_READING:
                        return
            finally:
                if current is not None:
                    current.close()
        for item in waiting:
            raise ArchiveError(f"{item.member.name}: its data end too early")

    def _feed(self, writing: _Writing, view: memoryview) -> int | None:
        """Hand bytes to a member; None when it turns out to be damaged."""
        before = writing.decoder.taken
        try:
            return writing.feed(view)
        except ArchiveError as exc:
            self._jobs.damage(exc)
            return None
        finally:
            self._jobs.receive(writing.decoder.taken - before)


class _Spool:
    """A large member: its compressed bytes on disk, and the thread that inflates them."""

    def __init__(self, jobs: MemberJobs, item: Item) -> None:
        source = jobs.source
        if not isinstance(source, RangeSource):
            raise TypeError("only a remote archive is fetched in blocks")
        member = item.member
        self.item = item
        self._jobs = jobs
        self._path = jobs.work.spool(member)
        self.blocks = BlockFile(self._path, source.identity, member.offset, member.stop)
        self._uncounted = member.compressed_size
        self._lock = threading.Condition()
        self._fetching = 0
        self._over = False
        self._thread = threading.Thread(target=self._inflate, name="inductiva-inflate", daemon=True)

    def start(self) -> None:
        """Begin to inflate."""
        self._jobs.share.keep(self._count(self.blocks.length))
        self._thread.start()

    def fetch(self, block: Block) -> None:
        """Fetch what is missing of a block.

        Raises
        ------
        DownloadError
            The member is named.
        """
        with self._lock:
            if self._over:
                return
            self._fetching += 1
        try:
            with contextlib.closing(self._jobs.source.stream(block.position, block.stop)) as stream:
                for chunk in stream:
                    self.blocks.write(block, chunk)
                    self._jobs.receive(self._count(len(chunk)))
                    if self._over or self._jobs.crew.ending:
                        return
        except Exception as exc:
            raise explained(self.item.member, exc) from None
        finally:
            self.blocks.leave(block)
            with self._lock:
                self._fetching -= 1
                self._lock.notify_all()

    def close(self) -> None:
        """Wait until nobody works on it, and keep it for a later run."""
        if self._thread.ident is not None:
            self._thread.join(_PATIENCE)  # one that hangs in a connection attempt ends later

    def _count(self, count: int) -> int:
        """Return how many of some bytes count: headers and what is between members do not."""
        with self._lock:
            counts = min(count, self._uncounted)
            self._uncounted -= counts
            return counts

    def _inflate(self) -> None:
        again = whole = False
        try:
            writing = _Writing(self._jobs, self.item)
            try:
                whole = self._follow(writing)
            except ArchiveError as exc:
                # Bytes of an earlier run may have suffered on disk: one more try without them.
                again = self.blocks.resumed
                if not again:
                    self._jobs.damage(exc)
                whole = True
            finally:
                writing.close()
        except Exception as exc:  # raised by the crew, in the caller's thread
            self._jobs.crew.fail(explained(self.item.member, exc))
        finally:
            with self._lock:
                self._over = True
                while self._fetching:
                    self._lock.wait()
            if whole:
                if again:
                    self._jobs.share.keep(self._uncounted - self.item.member.compressed_size)
                self.blocks.discard()
            else:
                self.blocks.close()
            self._jobs.ended(self, again=again)

    def _follow(self, writing: _Writing) -> bool:
        """Inflate what is there, as it comes; False when the run ends before the member does."""
        for data in self.blocks.follow(CHUNK):
            if self._jobs.crew.ending:
                return False
            view = memoryview(data)
            while view and not writing.decoder.done:
                view = view[writing.feed(view) :]
            if writing.decoder.done:
                return True
        raise ArchiveError(f"{self.item.member.name}: its data end too early")


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
