"""Extract selected entries of a remote zip archive.

Small entries that are neighbours are read in one range request and decompressed as they arrive. The
compressed bytes of a large entry are fetched in chunks by all threads into a partial file, which
another thread decompresses at the same time; a later run reuses that file. If the server does not
support ranges, the whole archive is fetched first.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence, Sized
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from inductiva_widgets._atomic import AtomicFile
from inductiva_widgets._disk import free_space
from inductiva_widgets.downloads._connection_limit import ConnectionLimiter
from inductiva_widgets.downloads._decompress import PIECE, EntryDecoder, check_supported, crc32
from inductiva_widgets.downloads._partial_file import Chunk, PartialFile
from inductiva_widgets.downloads._plan import (
    ByteSpan,
    ExtractItem,
    coalesce_ranges,
    select_entries,
    strip_prefix,
)
from inductiva_widgets.downloads._progress_tracker import SubProgress
from inductiva_widgets.downloads._safe_paths import assign_paths, is_case_insensitive, make_safe_dir
from inductiva_widgets.downloads._signed_url import SignedUrl
from inductiva_widgets.downloads._staging import StagingDir
from inductiva_widgets.downloads._whole_file import RESTARTS, stream_to_file
from inductiva_widgets.downloads._workers import Job, WorkerPool
from inductiva_widgets.downloads.http import CHUNK
from inductiva_widgets.downloads.limits import Limits, check_free_space
from inductiva_widgets.downloads.progress import DownloadSummary
from inductiva_widgets.downloads.remote_file import (
    FileChanged,
    FileVersion,
    LocalFile,
    RandomAccess,
    RangesUnsupported,
    RemoteFile,
)
from inductiva_widgets.downloads.zip_directory import (
    CentralDirectory,
    ZipEntry,
    read_central_directory,
)
from inductiva_widgets.errors import (
    ArchiveError,
    DownloadCancelled,
    DownloadError,
    InductivaError,
)

# Entries larger than this, compressed, are fetched in chunks.
LARGE = 32 * 1024 * 1024
# Large entries under way at the same time: each takes disk space, and decompresses on one core.
SPOOLS = max(2, min(4, os.cpu_count() or 1))
# Bytes behind the last selected entry that are read all the same: cheaper than a new connection.
_WORTH_READING = 4096
_POLL_SECONDS = 0.2
_JOIN_SECONDS = 2.0

Names = Iterable[str] | str | None


@dataclass(frozen=True)
class ArchiveSelection:
    """Which entries of an archive to extract, and where to.

    Parameters
    ----------
    target
        The folder to fill.
    names
        Entries to extract, as for ``fetch_archive``; None for all.
    strip_prefix
        Function from all entry names to the prefix to strip.
    limits
        How much content to accept.
    """

    target: Path
    names: Names = None
    strip_prefix: Callable[[Iterable[str]], str] = field(default=lambda _: "")
    limits: Limits = field(default_factory=Limits)


class ArchiveExtraction:
    """Extraction of one remote archive: ``prepare``, then ``run``.

    Parameters
    ----------
    link
        The archive.
    selection
        Which entries, and where to.
    share
        Counts the progress, and gets the summary.
    limiter
        Limits the number of connections.
    """

    def __init__(
        self,
        link: SignedUrl,
        selection: ArchiveSelection,
        share: SubProgress,
        limiter: ConnectionLimiter,
    ) -> None:
        self._link = link
        self._selection = selection
        self._share = share
        self._limiter = limiter
        self._source = RemoteFile(link)
        self._plan: _ExtractionPlan | None = None
        link.bind(share.control, limiter.reduce)

    def prepare(self) -> None:
        """Read the central directory and set the totals. Writes nothing.

        Raises
        ------
        InputError
            If no name matches.
        UnsafePathError
            If a selected entry would be written outside the folder.
        ArchiveError
            If it is not an archive, holds too much, or a selected entry cannot be read.
        """
        with contextlib.suppress(RangesUnsupported):
            self._plan = _ExtractionPlan(read_central_directory(self._source), self._selection)
            self._plan.announce(self._share)

    def run(self) -> Path:
        """Extract the entries; complete files are kept.

        Raises
        ------
        DownloadError
            If not all files are complete; those that are stay.
        """
        target = self._selection.target
        made = not target.exists()
        try:
            if not made and not target.is_dir():
                raise DownloadError(f"{target} is a file where a folder is needed")
            target.mkdir(parents=True, exist_ok=True)
            root = target.resolve()
            with StagingDir(root, self._share) as work:
                self._fill_again(root, work)
        except OSError as exc:
            raise DownloadError(f"{target} cannot be written: {exc.strerror or exc}") from exc
        finally:
            if made:
                with contextlib.suppress(OSError):
                    target.rmdir()  # where nothing came, nothing is left
        return target

    def _fill_again(self, root: Path, work: StagingDir, restarts: int = RESTARTS) -> None:
        """Fill the folder; start again if the archive changes during the run."""
        try:
            self._fill(root, work)
        except FileChanged:
            if not restarts:
                raise
            self._source = RemoteFile(self._link)
            self.prepare()
            self._fill_again(root, work, restarts - 1)

    def _fill(self, root: Path, work: StagingDir) -> None:
        if self._plan is not None:
            try:
                self._extract(self._source, self._source.version, self._plan, root, work)
                return
            except RangesUnsupported:
                pass  # a server may change its mind
        with AtomicFile(work.temp_path()) as copy:
            stream_to_file(self._link, copy, root, self._share)
            local = LocalFile(copy.path)
            plan = _ExtractionPlan(read_central_directory(local), self._selection)
            self._share.set_file_count(len(plan.files))
            self._extract(local, FileVersion(local.size), plan, root, work)

    def _extract(
        self,
        source: RandomAccess,
        identity: FileVersion,
        plan: _ExtractionPlan,
        root: Path,
        work: StagingDir,
    ) -> None:
        # A whole copy was counted as it came.
        remote = isinstance(source, RemoteFile)
        same = work.begin(identity)
        for folder in plan.folders:
            make_safe_dir(root, folder)
        missing = [item for item in plan.files if not self._keep(root, item, work, counted=remote)]
        for item in missing:
            if (root / item.path).is_dir():
                raise DownloadError(f"{root / item.path} is a folder where a file is to be written")
        need = sum(item.member.size for item in missing)
        check_free_space(root, need)
        self._share.outcome = plan.summary(kept=len(plan.files) - len(missing), same=same)
        pool = WorkerPool(self._limiter, self._share.control)
        context = ExtractionContext(
            source, root, work, self._share, self._limiter, pool, counted=remote
        )
        jobs = ExtractionQueue(context)
        for item in [item for item in missing if not item.member.size]:
            # Nothing to fetch; but a checksum is stated for no bytes, too.
            if item.member.crc:
                context.record_damaged(ArchiveError(f"{item.member.name}: its checksum is wrong"))
                continue
            with AtomicFile(work.temp_path()) as file:
                context.finish(item, file)
            if remote:
                self._share.count_existing(item.member.compressed_size)
        full = [item for item in missing if item.member.size]
        large = _large(full, free_space(root) - need) if remote else []
        spooled = {item.path for item in large}
        small = (item for item in full if item.path not in spooled)
        threads = jobs.plan(coalesce_ranges(small, self._limiter.most if remote else 1), large)
        try:
            pool.run(jobs.next_job, threads)
        finally:
            jobs.close()
        work.finish(plan.files)
        if context.damaged:
            first, others = context.damaged[0], len(context.damaged) - 1
            more = f" (and {others} more damaged members)" if others else ""
            raise ArchiveError(f"{first}{more}") from first

    def _keep(self, root: Path, item: ExtractItem, work: StagingDir, *, counted: bool) -> bool:
        """Return whether a file already has the right size and checksum."""
        path, member = root / item.path, item.member
        try:
            found = path.lstat()
        except OSError:
            return False
        if not stat.S_ISREG(found.st_mode) or found.st_size != member.size:
            return False
        if not work.is_complete(item.path, path, member):
            if self._checksum(path) != member.crc:
                return False
            work.mark_complete(item.path, path, member)
        if counted:
            self._share.count_existing(member.compressed_size)
        self._share.finish_file(path)
        return True

    def _checksum(self, path: Path) -> int:
        crc = 0
        with path.open("rb", buffering=0) as file:
            while data := file.read(PIECE):
                if self._share.control.cancelled:
                    raise DownloadCancelled("the download was cancelled")
                crc = crc32(data, crc)
        return crc


class _ExtractionPlan:
    """Output path of every selected entry."""

    def __init__(self, directory: CentralDirectory, selection: ArchiveSelection) -> None:
        prefix = selection.strip_prefix(member.name for member in directory.members)
        members = strip_prefix(directory.members, prefix)
        self._choice = select_entries(members, selection.names, prefix)
        self._layout = assign_paths(
            members, fold_case=is_case_insensitive(_existing(selection.target))
        )
        items = [
            ExtractItem(members[name], self._layout.path(name)) for name in self._choice.wanted
        ]
        self.files = [item for item in items if not item.member.is_dir]
        for item in self.files:
            check_supported(item.member)
        selection.limits.check([item.member for item in self.files])
        self.folders = sorted(
            {item.path if item.member.is_dir else item.path.rpartition("/")[0] for item in items}
        )

    def announce(self, share: SubProgress) -> None:
        """Set the totals of the progress."""
        share.set_file_count(len(self.files))
        share.reset(0, sum(item.member.compressed_size for item in self.files))

    def summary(self, *, kept: int, same: bool) -> DownloadSummary:
        """Return the summary of the download."""
        choice, layout = self._choice, self._layout
        renamed = {name: layout.renamed[name] for name in choice.wanted if name in layout.renamed}
        links = [item.path for item in self.files if item.member.is_symlink]
        messages = [choice.hint] if choice.hint else []
        if not same:
            messages.append("the archive changed since the last download, which began anew")
        if renamed:
            name, place = next(iter(renamed.items()))
            messages.append(
                f"stored under another name: {name!r} as {place!r}{_and_n_more(renamed)}"
            )
        if links:
            messages.append(
                "stored as a small text file, not as a symbolic link: "
                f"{links[0]!r}{_and_n_more(links)}"
            )
        return DownloadSummary(renamed, choice.missing, kept, tuple(messages))


def extract_remote_archive(
    link: SignedUrl, selection: ArchiveSelection, share: SubProgress, limiter: ConnectionLimiter
) -> Path:
    """Extract entries over ranges, or from a whole copy if there are no ranges.

    Parameters
    ----------
    link, selection, share, limiter
        As for ``ArchiveExtraction``.
    """
    fetch = ArchiveExtraction(link, selection, share, limiter)
    fetch.prepare()
    return fetch.run()


def _large(items: list[ExtractItem], room: int) -> list[ExtractItem]:
    """Return the entries to fetch in chunks, if the disk has room for both copies."""
    large = [item for item in items if item.member.compressed_size > LARGE]
    largest = sorted((item.member.compressed_size for item in large), reverse=True)[:SPOOLS]
    return large if sum(largest) <= room else []


def _existing(path: Path) -> Path:
    path = path.absolute()
    return next((place for place in (path, *path.parents) if place.exists()), path)


def _and_n_more(things: Sized) -> str:
    return f" and {len(things) - 1} more" if len(things) > 1 else ""


@dataclass(frozen=True)
class ExtractionContext:
    """State shared by all extraction jobs of one archive.

    Parameters
    ----------
    source
        The archive.
    root
        The folder to fill, resolved.
    work
        Its staging folder, locked.
    share
        Counts the progress.
    limiter
        Adapts the number of connections to the rate.
    pool
        Stops the run at the first error.
    counted
        If True, received bytes count as progress.
    damaged
        Errors of damaged entries; the other entries are extracted all the same.
    """

    source: RandomAccess
    root: Path
    work: StagingDir
    share: SubProgress
    limiter: ConnectionLimiter
    pool: WorkerPool
    counted: bool
    damaged: list[ArchiveError] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def receive(self, count: int) -> None:
        """Count received bytes."""
        if self.counted:
            self.limiter.record_bytes(count)
            self.share.receive(count)

    def record_damaged(self, error: ArchiveError) -> None:
        """Record the error of a damaged entry."""
        with self._lock:
            self.damaged.append(error)

    def finish(self, item: ExtractItem, file: AtomicFile) -> None:
        """Move a complete file to its output path."""
        # Checked anew: the folder may have been exchanged since the run began.
        folder = make_safe_dir(self.root, item.path.rpartition("/")[0])
        place = folder / item.path.rpartition("/")[2]
        file.commit(place)
        self.work.mark_complete(item.path, place, item.member)
        self.share.finish_file(place)


class EntryWriter:
    """Decompresses one entry into a temporary file.

    Parameters
    ----------
    context
        Shared state of the run.
    item
        The entry and its output path.
    """

    def __init__(self, context: ExtractionContext, item: ExtractItem) -> None:
        self.item = item
        self._context = context
        self.file = AtomicFile(context.work.temp_path())
        self.decoder = EntryDecoder(item.member, self.file.write)
        self._meter = context.share.open_file(item.path, item.member.size)

    def feed(self, data: memoryview) -> int:
        """Decompress bytes and return how many were used; move the file once complete."""
        used = self.decoder.feed(data)
        self._meter.done = self.decoder.written
        if self.decoder.done:
            self._context.finish(self.item, self.file)
        return used

    def close(self) -> None:
        """Remove the temporary file, unless it was moved."""
        self.file.__exit__(None, None, None)
        self._meter.close()


def with_context(member: ZipEntry | None, exc: Exception) -> Exception:
    """Return the error with the name of the entry and the fix.

    Parameters
    ----------
    member
        The entry being written; None if unknown.
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


class ExtractionQueue:
    """Jobs of one archive for a pool of threads.

    Parameters
    ----------
    context
        Shared state of the run.
    """

    def __init__(self, context: ExtractionContext) -> None:
        self._context = context
        self._news = threading.Condition()
        self._spans: deque[ByteSpan] = deque()
        self._large: deque[ExtractItem] = deque()
        self._blocks: deque[Job] = deque()
        self._spools: set[LargeEntryDownload] = set()

    def plan(self, spans: Sequence[ByteSpan], large: Sequence[ExtractItem]) -> int:
        """Queue the entries and return the useful number of threads.

        Parameters
        ----------
        spans
            Ranges with small entries.
        large
            Entries to fetch in chunks; only from a remote archive.
        """
        self._spans.extend(spans)
        # The longest first, as inflating one is the work of a single thread.
        self._large.extend(sorted(large, key=lambda item: -item.member.compressed_size))
        return self._context.limiter.most if large else len(spans)

    def next_job(self) -> Job | None:
        """Return the next job, or None if there is none left."""
        with self._news:
            while not self._context.pool.should_stop:
                if self._blocks:
                    return self._blocks.popleft()
                if self._large and len(self._spools) < SPOOLS:
                    self._open(self._large.popleft())
                elif self._spans:
                    return RangeExtractor(self._context, self._spans.popleft()).run
                elif self._spools:
                    self._news.wait(
                        _POLL_SECONDS
                    )  # one that turns out damaged may have to come again
                else:
                    return None
            return None

    def close(self) -> None:
        """Wait for the decompressing threads, and keep partial files for a later run."""
        for spool in list(self._spools):
            spool.close()

    def _open(self, item: ExtractItem) -> None:
        """Start a large entry and queue its missing chunks."""
        try:
            spool = LargeEntryDownload(self._context, item, self._ended)
        except OSError as exc:
            raise with_context(item.member, exc) from None
        self._spools.add(spool)
        self._blocks.extend(partial(spool.fetch, block) for block in spool.blocks.missing_chunks())
        spool.start()

    def _ended(self, spool: LargeEntryDownload, again: bool) -> None:
        """Remove a large entry; queue it again if ``again`` is True."""
        with self._news:
            self._spools.discard(spool)
            if again:
                self._large.append(spool.item)
            self._news.notify_all()


class RangeExtractor:
    """Extracts the entries in one byte range.

    Parameters
    ----------
    context
        Shared state of the run.
    span
        The range and its entries.
    """

    def __init__(self, context: ExtractionContext, span: ByteSpan) -> None:
        self._context = context
        self._span = span
        self._waiting = deque(span.items)  # those that are neither whole nor known to be damaged

    def run(self) -> None:
        """Read the range and write its entries.

        Raises
        ------
        DownloadError
            Its message names the entry.
        """
        try:
            self._read()
        except Exception as exc:
            member = self._waiting[0].member if self._waiting else None
            raise with_context(member, exc) from None

    def _read(self) -> None:
        span, waiting = self._span, self._waiting
        position = span.start
        current: EntryWriter | None = None
        with contextlib.closing(self._context.source.stream(span.start, span.stop)) as stream:
            try:
                for chunk in stream:
                    view = memoryview(chunk)
                    while view and waiting:
                        if self._context.pool.should_stop:
                            return
                        if current is None:
                            # Over what lies between: descriptors, members nobody asked for.
                            passed = min(waiting[0].member.offset - position, len(view))
                            position, view = position + passed, view[passed:]
                            if not view:
                                break
                            current = EntryWriter(self._context, waiting[0])
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

    def _feed(self, writing: EntryWriter, view: memoryview) -> int | None:
        """Decompress bytes of an entry; return None if it is damaged."""
        before = writing.decoder.taken
        try:
            return writing.feed(view)
        except ArchiveError as exc:
            self._context.record_damaged(exc)
            return None
        finally:
            self._context.receive(writing.decoder.taken - before)


class LargeEntryDownload:
    """Fetches one large entry in chunks and decompresses it in a thread.

    Parameters
    ----------
    context
        Shared state of the run; its source is remote.
    item
        The entry and its output path.
    ended
        Called with this object and True if the entry must be fetched again.
    """

    def __init__(
        self,
        context: ExtractionContext,
        item: ExtractItem,
        ended: Callable[[LargeEntryDownload, bool], object],
    ) -> None:
        source = context.source
        if not isinstance(source, RemoteFile):
            raise TypeError("only a remote archive is fetched in blocks")
        member = item.member
        self.item = item
        self._context = context
        self._ended = ended
        self._path = context.work.partial_path(member)
        self.blocks = PartialFile(self._path, source.version, member.offset, member.read_limit)
        self._uncounted = member.compressed_size
        self._lock = threading.Condition()
        self._fetching = 0
        self._over = False
        self._thread = threading.Thread(target=self._inflate, name="inductiva-inflate", daemon=True)

    def start(self) -> None:
        """Start to decompress."""
        self._context.share.count_existing(self._count(self.blocks.length))
        self._thread.start()

    def fetch(self, block: Chunk) -> None:
        """Fetch the missing part of a chunk.

        Raises
        ------
        DownloadError
            Its message names the entry.
        """
        with self._lock:
            if self._over:
                return
            self._fetching += 1
        try:
            with contextlib.closing(
                self._context.source.stream(block.position, block.stop)
            ) as stream:
                for chunk in stream:
                    self.blocks.write(block, chunk)
                    self._context.receive(self._count(len(chunk)))
                    if self._over or self._context.pool.should_stop:
                        return
        except Exception as exc:
            raise with_context(self.item.member, exc) from None
        finally:
            self.blocks.checkpoint(block)
            with self._lock:
                self._fetching -= 1
                self._lock.notify_all()

    def close(self) -> None:
        """Wait for the thread, and keep the partial file for a later run."""
        if self._thread.ident is not None:
            self._thread.join(_JOIN_SECONDS)  # one that hangs in a connection attempt ends later

    def _count(self, count: int) -> int:
        """Return the bytes that count as progress: not headers, nor gaps between entries."""
        with self._lock:
            counts = min(count, self._uncounted)
            self._uncounted -= counts
            return counts

    def _inflate(self) -> None:
        again = whole = False
        try:
            writing = EntryWriter(self._context, self.item)
            try:
                whole = self._follow(writing)
            except ArchiveError as exc:
                # Bytes of an earlier run may have suffered on disk: one more try without them.
                again = self.blocks.resumed
                if not again:
                    self._context.record_damaged(exc)
                whole = True
            finally:
                writing.close()
        except Exception as exc:  # raised by the pool, in the caller's thread
            self._context.pool.fail(with_context(self.item.member, exc))
        finally:
            with self._lock:
                self._over = True
                while self._fetching:
                    self._lock.wait()
            if whole:
                if again:
                    self._context.share.count_existing(
                        self._uncounted - self.item.member.compressed_size
                    )
                self.blocks.discard()
            else:
                self.blocks.close()
            self._ended(self, again)

    def _follow(self, writing: EntryWriter) -> bool:
        """Decompress bytes as they arrive; return False if the run stops first."""
        for data in self.blocks.iter_available(CHUNK):
            if self._context.pool.should_stop:
                return False
            view = memoryview(data)
            while view and not writing.decoder.done:
                view = view[writing.feed(view) :]
            if writing.decoder.done:
                return True
        raise ArchiveError(f"{self.item.member.name}: its data end too early")
