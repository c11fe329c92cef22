"""Extract selected entries of a remote zip archive.

Neighbouring small entries are read in one range request and decompressed as they arrive. The
compressed bytes of a large entry are fetched in chunks by all threads into a partial file, which
another thread decompresses at the same time; a later run reuses that file. If the server does not
support ranges, the whole archive is fetched first.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence, Sized
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from inductiva_widgets._atomic import AtomicFile, atomic_replace, sync_files
from inductiva_widgets._disk import existing_parent, free_space
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
    NotAZipFileError,
    ZipEntry,
    read_central_directory,
)
from inductiva_widgets.errors import (
    ArchiveError,
    DownloadCancelled,
    DownloadError,
    InductivaError,
    UnsafePathError,
)

# Compressed size above which an entry is fetched in chunks.
LARGE = 32 * 1024 * 1024
# Number of large entries in progress: each needs disk space, and one core to decompress.
SPOOLS = max(2, min(4, os.cpu_count() or 1))
# Bytes after the last selected entry to read anyway, as a new connection takes longer.
_MAX_UNUSED_BYTES = 4096
_POLL_SECONDS = 0.2
_MAX_NAMED_ENTRIES = 3
_EXECUTABLE = 0o111
_JOIN_SECONDS = 2.0
# Complete files are flushed to the disk in batches: one flush per file takes longer than the rest.
# A batch is limited, as a process that is killed loses the files in it.
_MAX_BATCH_FILES = 2048
_MAX_BATCH_BYTES = 64 * 1024
_MAX_BATCH_SECONDS = 1.0

_HINTS = {
    "hint": "Call again to download the rest.",
    "shell_hint": "Repeat the command to download the rest.",
}

Names = Iterable[str] | str | None


@dataclass(frozen=True)
class ArchiveSelection:
    """Which entries of an archive to extract, and where to.

    Parameters
    ----------
    target
        Output folder.
    names
        Entries to extract, as for ``fetch_archive``; None for all.
    strip_prefix
        Function that returns the prefix to strip, given all entry names.
    limits
        Limits on the content.
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
        URL of the archive.
    selection
        Which entries, and where to.
    progress
        Counts the progress, and receives the summary.
    limiter
        Limits the number of connections.
    """

    def __init__(
        self,
        link: SignedUrl,
        selection: ArchiveSelection,
        progress: SubProgress,
        limiter: ConnectionLimiter,
    ) -> None:
        self._link = link
        self._selection = selection
        self._progress = progress
        self._limiter = limiter
        self._source = RemoteFile(link)
        self._plan: _ExtractionPlan | None = None
        link.bind(progress.cancel_token, limiter.reduce)

    def prepare(self) -> None:
        """Read the central directory and set the totals, without writing anything.

        Raises
        ------
        InputError
            If no name matches.
        UnsafePathError
            If all selected entries would be written outside the folder.
        ArchiveError
            If the file is not an archive, exceeds the limits, or all selected entries are refused.
        """
        for _ in range(RESTARTS + 1):
            with contextlib.suppress(FileChanged):
                with contextlib.suppress(RangesUnsupported):
                    self._read_plan()
                return
            self._source = RemoteFile(self._link)

    def _read_plan(self) -> None:
        try:
            directory = read_central_directory(self._source)
        except NotAZipFileError:
            if not self._source.size:
                return  # some servers refuse ranges as if the file was empty
            raise
        self._plan = _ExtractionPlan(directory, self._selection)
        self._plan.announce(self._progress)

    def run(self) -> Path:
        """Extract the entries and return the output folder.

        Raises
        ------
        DownloadError
            If not all files are complete. Those that are complete are kept.
        """
        target = self._selection.target
        is_new = not target.exists()
        is_filled = False
        try:
            if not is_new and not target.is_dir():
                raise DownloadError(f"The target must be a folder, got a file: {target}.")
            target.mkdir(parents=True, exist_ok=True)
            root = target.resolve()
            with StagingDir(root, self._progress) as staging:
                self._fill(root, staging)
            is_filled = True
        except OSError as exc:
            raise DownloadError(f"Could not write to {target}: {exc.strerror or exc}.") from exc
        finally:
            if is_new and not is_filled:
                with contextlib.suppress(OSError):
                    target.rmdir()  # fails unless it is empty
        return target

    def _fill(self, root: Path, staging: StagingDir) -> None:
        """Fill the folder over ranges, or else in one stream.

        If the archive changes during the run, start again. Mirrors may send equal bytes as
        different versions; one stream has one version only.
        """
        for restarts in range(RESTARTS + 1):
            if self._plan is None:
                break
            try:
                self._extract(self._source, self._source.version, self._plan, root, staging)
                return
            except RangesUnsupported:
                break  # some servers support ranges only at times
            except FileChanged:
                if restarts < RESTARTS:
                    self._source, self._plan = RemoteFile(self._link), None
                    self.prepare()
        with stream_to_file(self._link, staging.temp_path(), self._progress) as copy:
            local = LocalFile(copy.path)
            plan = _ExtractionPlan(read_central_directory(local), self._selection)
            self._progress.set_file_count(len(plan.files))
            self._extract(local, FileVersion(local.size), plan, root, staging)

    def _extract(
        self,
        source: RandomAccess,
        version: FileVersion,
        plan: _ExtractionPlan,
        root: Path,
        staging: StagingDir,
    ) -> None:
        # The bytes of a whole copy have been counted as they arrived.
        is_remote = isinstance(source, RemoteFile)
        is_unchanged = staging.begin(version)
        for folder in plan.folders:
            make_safe_dir(root, folder)
        missing = [
            item for item in plan.files if not self._keep(root, item, staging, counted=is_remote)
        ]
        for item in missing:
            if (root / item.path).is_dir():
                raise DownloadError(f"{root / item.path} must be a file, but is a folder.")
        need = sum(item.entry.size for item in missing)
        check_free_space(root, need)
        self._progress.outcome = plan.summary(
            kept=len(plan.files) - len(missing), is_unchanged=is_unchanged
        )
        pool = WorkerPool(self._limiter, self._progress.cancel_token)
        context = ExtractionContext(
            source, root, staging, self._progress, self._limiter, pool, counted=is_remote,
            damaged=list(plan.refused),
        )  # fmt: skip
        jobs = ExtractionQueue(context)
        for item in [item for item in missing if not item.entry.size]:
            # There is nothing to fetch, but the checksum may be wrong.
            if item.entry.crc:
                context.record_damaged(
                    ArchiveError(
                        f"Entry {item.entry.quoted_name} is damaged: its checksum is wrong."
                    )
                )
                continue
            with AtomicFile(staging.temp_path()) as file:
                context.finish(item, file)
            if is_remote:
                self._progress.count_existing(item.entry.compressed_size)
        full = [item for item in missing if item.entry.size]
        large = _large(full, free_space(root) - need) if is_remote else []
        spooled = {item.path for item in large}
        small = (item for item in full if item.path not in spooled)
        threads = jobs.plan(
            coalesce_ranges(small, self._limiter.max_connections if is_remote else 1), large
        )
        try:
            pool.run(jobs.next_job, threads)
        finally:
            jobs.close()
            context.commit()
        staging.finish(plan.files)
        if context.damaged:
            raise combined_error(context.damaged)

    def _keep(self, root: Path, item: ExtractItem, staging: StagingDir, *, counted: bool) -> bool:
        """Return whether an existing file has the right size and checksum."""
        path, entry = root / item.path, item.entry
        try:
            found = path.lstat()
        except OSError:
            return False
        if not stat.S_ISREG(found.st_mode) or found.st_size != entry.size:
            return False
        if not staging.is_complete(item.path, path, entry):
            if self._checksum(path) != entry.crc:
                return False
            staging.mark_complete(item.path, path, entry)
        if counted:
            self._progress.count_existing(entry.compressed_size)
        self._progress.finish_file(path)
        return True

    def _checksum(self, path: Path) -> int:
        crc = 0
        with path.open("rb", buffering=0) as file:
            while data := file.read(PIECE):
                self._progress.cancel_token.raise_if_cancelled()
                crc = crc32(data, crc)
        return crc


class _ExtractionPlan:
    """Output path of every selected entry."""

    def __init__(self, directory: CentralDirectory, selection: ArchiveSelection) -> None:
        prefix = selection.strip_prefix(entry.name for entry in directory.entries)
        entries = strip_prefix(directory.entries, prefix)
        self._selected = select_entries(entries, selection.names, prefix)
        self._path_map = assign_paths(
            entries, fold_case=is_case_insensitive(existing_parent(selection.target))
        )
        self.refused: list[DownloadError] = []
        items = [item for name in self._selected.names if (item := self._item(entries[name], name))]
        self.files = [item for item in items if not item.entry.is_dir]
        if self.refused and not self.files:
            raise combined_error(self.refused)
        selection.limits.check([item.entry for item in self.files])
        self.folders = sorted(
            {item.path if item.entry.is_dir else item.path.rpartition("/")[0] for item in items}
        )

    def _item(self, entry: ZipEntry, name: str) -> ExtractItem | None:
        """Return an entry with its output path, or record why it cannot be extracted."""
        try:
            if not entry.name:
                raise ArchiveError("An entry without a name cannot be extracted.")
            if not entry.is_dir:
                check_supported(entry)
            return ExtractItem(entry, self._path_map.path(name))
        except (ArchiveError, UnsafePathError) as exc:
            self.refused.append(exc)
            return None

    def announce(self, progress: SubProgress) -> None:
        """Set the totals of the progress."""
        progress.set_file_count(len(self.files))
        progress.reset(0, sum(item.entry.compressed_size for item in self.files))

    def summary(self, *, kept: int, is_unchanged: bool) -> DownloadSummary:
        """Return the summary of the download.

        Parameters
        ----------
        kept
            Number of files that were complete already.
        is_unchanged
            If False, the archive has changed since the last run.
        """
        selected, path_map = self._selected, self._path_map
        renamed = {
            name: path_map.renamed[name] for name in selected.names if name in path_map.renamed
        }
        links = [item.path for item in self.files if item.entry.is_symlink]
        messages = [selected.hint] if selected.hint else []
        if not is_unchanged:
            messages.append(
                "The archive has changed since the last download, so it was downloaded again."
            )
        if renamed:
            name, path = next(iter(renamed.items()))
            messages.append(
                f"Stored with a different name: {name!r} as {path!r}{_and_n_more(renamed)}."
            )
        if links:
            messages.append(
                "Stored as a text file instead of a symbolic link: "
                f"{links[0]!r}{_and_n_more(links)}."
            )
        return DownloadSummary(renamed, selected.missing, kept, tuple(messages))


def extract_remote_archive(
    link: SignedUrl, selection: ArchiveSelection, progress: SubProgress, limiter: ConnectionLimiter
) -> Path:
    """Extract entries of a remote archive, over ranges if supported.

    Parameters
    ----------
    link, selection, progress, limiter
        As for ``ArchiveExtraction``.
    """
    fetch = ArchiveExtraction(link, selection, progress, limiter)
    fetch.prepare()
    return fetch.run()


def _large(items: list[ExtractItem], free: int) -> list[ExtractItem]:
    """Return the entries to fetch in chunks, none if the disk cannot hold both copies."""
    large = [item for item in items if item.entry.compressed_size > LARGE]
    largest = sorted((item.entry.compressed_size for item in large), reverse=True)[:SPOOLS]
    return large if sum(largest) <= free else []


def combined_error(errors: Sequence[DownloadError]) -> DownloadError:
    """Return the error of a run that could not extract some entries.

    Parameters
    ----------
    errors
        The error of each of them, at least one.
    """
    first = errors[0]
    named = " ".join(str(error) for error in errors[:_MAX_NAMED_ENTRIES])
    n_more = len(errors) - _MAX_NAMED_ENTRIES
    more = f" {n_more} more entries could not be extracted." if n_more > 0 else ""
    is_unsafe = all(isinstance(error, UnsafePathError) for error in errors)
    error = (UnsafePathError if is_unsafe else ArchiveError)(f"{named}{more}")
    error.__cause__ = first
    return error


def _and_n_more(items: Sized) -> str:
    return f" and {len(items) - 1} more" if len(items) > 1 else ""


@dataclass(slots=True)
class _CommitBatch:
    """Complete temporary files that have not been flushed to the disk yet."""

    files: list[tuple[ExtractItem, Path]] = field(default_factory=list)
    size: int = 0
    began: float = 0.0

    def add(self, item: ExtractItem, path: Path) -> None:
        if not self.files:
            self.began = time.monotonic()
        self.files.append((item, path))
        self.size += item.entry.size

    def take(self) -> list[tuple[ExtractItem, Path]]:
        """Return the files, and begin with none."""
        files, self.files, self.size = self.files, [], 0
        return files

    @property
    def is_full(self) -> bool:
        return (
            len(self.files) >= _MAX_BATCH_FILES
            or self.size >= _MAX_BATCH_BYTES
            or time.monotonic() - self.began >= _MAX_BATCH_SECONDS
        )


@dataclass(frozen=True)
class ExtractionContext:
    """State shared by all extraction jobs of one archive.

    Parameters
    ----------
    source
        The archive.
    root
        Resolved path of the output folder.
    staging
        Staging folder, locked.
    progress
        Counts the progress.
    limiter
        Adapts the number of connections to the rate.
    pool
        Threads of the run.
    counted
        If True, received bytes count as progress.
    damaged
        Errors of entries that cannot be extracted; the other entries are extracted anyway.
    """

    source: RandomAccess
    root: Path
    staging: StagingDir
    progress: SubProgress
    limiter: ConnectionLimiter
    pool: WorkerPool
    counted: bool
    damaged: list[DownloadError] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _batch: _CommitBatch = field(default_factory=_CommitBatch)

    def receive(self, count: int) -> None:
        """Count received bytes."""
        if self.counted:
            self.limiter.record_bytes(count)
            self.progress.receive(count)

    def record_damaged(self, error: ArchiveError) -> None:
        """Record the error of a damaged entry."""
        with self._lock:
            self.damaged.append(error)

    def finish(self, item: ExtractItem, file: AtomicFile) -> None:
        """Close a complete file, and commit the batch if it is full."""
        if item.entry.mode & _EXECUTABLE and not item.entry.is_symlink:
            # Each class of users that may read the file may run it, as with the umask of `cp`.
            allowed = stat.S_IMODE(file.path.stat().st_mode)
            file.path.chmod(allowed | (item.entry.mode & _EXECUTABLE & allowed >> 2))
        file.close()
        with self._lock:
            self._batch.add(item, file.path)
            is_full = self._batch.is_full
        if is_full:
            try:
                self.commit()
            except Exception as exc:  # not of the entry that the caller works on
                self.pool.fail(exc)

    def commit(self) -> None:
        """Flush the batch to the disk, then move its files to their output paths.

        A file that has its name, or a line in the journal, is thus complete after a power cut too.
        """
        with self._lock:
            files = self._batch.take()
        if not files:
            return
        entry = files[0][0].entry
        moved = 0
        try:
            sync_files([path for _, path in files])
            for item, path in files:
                entry = item.entry
                self._move(path, item)
                moved += 1
        except Exception as exc:
            raise with_context(entry, exc) from None
        finally:
            for _, path in files[moved:]:
                path.unlink(missing_ok=True)

    def _move(self, temp: Path, item: ExtractItem) -> None:
        # Checked again, as the folder may have been replaced since the start of the run.
        folder = make_safe_dir(self.root, item.path.rpartition("/")[0])
        path = folder / item.path.rpartition("/")[2]
        atomic_replace(temp, path)
        self.staging.mark_complete(item.path, path, item.entry)
        self.progress.finish_file(path)


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
        self.file = AtomicFile(context.staging.temp_path())
        self.decoder = EntryDecoder(item.entry, self.file.write)
        self._counter = context.progress.open_file(item.path, item.entry.size)

    def feed(self, data: memoryview) -> int:
        """Decompress bytes and return how many were used; move the file when complete."""
        used = self.decoder.feed(data)
        self._counter.done = self.decoder.written
        if self.decoder.done:
            self._context.finish(self.item, self.file)
        return used

    def close(self) -> None:
        """Remove the temporary file unless it has been moved."""
        self.file.__exit__(None, None, None)
        self._counter.close()


def with_context(entry: ZipEntry | None, exc: Exception) -> Exception:
    """Return an error whose message has the name of the entry and the fix.

    Parameters
    ----------
    entry
        The entry in progress; None if unknown.
    exc
        The error.
    """
    if entry is None or isinstance(exc, RangesUnsupported | DownloadCancelled | FileChanged):
        return exc
    if isinstance(exc, OSError):
        error: Exception = DownloadError(
            f"Could not write entry {entry.quoted_name}: {exc.strerror or exc}.", **_HINTS
        )
    elif isinstance(exc, InductivaError):
        kind = type(exc) if isinstance(exc, DownloadError) else DownloadError
        message = str(exc)
        if entry.quoted_name not in message:
            message = f"Could not extract entry {entry.quoted_name}. {message}"
        error = kind(message, **_HINTS)
    else:
        return exc
    error.__cause__ = exc
    return error


class ExtractionQueue:
    """Jobs of one archive for a worker pool.

    Parameters
    ----------
    context
        Shared state of the run.
    """

    def __init__(self, context: ExtractionContext) -> None:
        self._context = context
        self._condition = threading.Condition()
        self._spans: deque[ByteSpan] = deque()
        self._large: deque[ExtractItem] = deque()
        self._chunks: deque[Job] = deque()
        self._spools: set[LargeEntryDownload] = set()

    def plan(self, spans: Sequence[ByteSpan], large: Sequence[ExtractItem]) -> int:
        """Queue the entries, and return the useful number of threads.

        Parameters
        ----------
        spans
            Byte ranges with small entries.
        large
            Entries to fetch in chunks; only from a remote archive.
        """
        self._spans.extend(spans)
        # The largest first, as each is decompressed by a single thread.
        self._large.extend(sorted(large, key=lambda item: -item.entry.compressed_size))
        return self._context.limiter.max_connections if large else len(spans)

    def next_job(self) -> Job | None:
        """Return the next job, or None if there is none left."""
        with self._condition:
            while self._context.pool.accepts_jobs:
                if self._chunks:
                    return self._chunks.popleft()
                if self._large and len(self._spools) < SPOOLS:
                    self._open(self._large.popleft())
                elif self._spans:
                    return RangeExtractor(self._context, self._spans.popleft()).run
                elif self._spools:
                    # An entry in progress may be queued again if its partial file is damaged.
                    self._condition.wait(_POLL_SECONDS)
                else:
                    return None
            return None

    def close(self) -> None:
        """Wait for the decompressing threads; partial files are kept for a later run."""
        for spool in list(self._spools):
            spool.close()

    def _open(self, item: ExtractItem) -> None:
        """Start a large entry, and queue its missing chunks."""
        try:
            spool = LargeEntryDownload(self._context, item, self._on_end)
        except OSError as exc:
            raise with_context(item.entry, exc) from None
        self._spools.add(spool)
        self._chunks.extend(
            partial(spool.fetch, chunk) for chunk in spool.partial_file.missing_chunks()
        )
        spool.start()

    def _on_end(self, spool: LargeEntryDownload, retry: bool) -> None:
        """Remove a large entry, and queue it again if ``retry`` is True."""
        with self._condition:
            self._spools.discard(spool)
            if retry:
                self._large.append(spool.item)
            self._condition.notify_all()


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
        self._pending = deque(span.items)  # neither complete nor known to be damaged
        self._is_damaged = False

    def run(self) -> None:
        """Read the range and write its entries.

        Raises
        ------
        DownloadError
            The message has the name of the entry.
        """
        try:
            self._read()
        except Exception as exc:
            entry = self._pending[0].entry if self._pending else None
            raise with_context(entry, exc) from None

    def _read(self) -> None:
        span, pending = self._span, self._pending
        position = span.start
        current: EntryWriter | None = None
        with contextlib.closing(self._context.source.stream(span.start, span.stop)) as stream:
            try:
                for chunk in stream:
                    view = memoryview(chunk)
                    while view and pending:
                        if self._context.pool.should_stop:
                            return
                        if current is None:
                            # Skip the bytes between entries: data descriptors and other entries.
                            passed = min(pending[0].entry.offset - position, len(view))
                            position, view = position + passed, view[passed:]
                            if not view:
                                break
                            current = EntryWriter(self._context, pending[0])
                        used = self._feed(current, view)
                        if used is None or current.decoder.done:
                            pending.popleft()
                            current.close()
                            current = None
                        position, view = position + (used or 0), view[used or 0 :]
                    # After damage, read on: the length of the part may show that it is wrong.
                    unused = span.stop - position
                    if not pending and not self._is_damaged and unused > _MAX_UNUSED_BYTES:
                        return
            finally:
                if current is not None:
                    current.close()
        for item in pending:
            raise _truncated_entry(item.entry)

    def _feed(self, writing: EntryWriter, view: memoryview) -> int | None:
        """Decompress bytes of an entry; return None if it is damaged."""
        before = writing.decoder.taken
        try:
            return writing.feed(view)
        except ArchiveError as exc:
            self._is_damaged = True
            self._context.record_damaged(exc)
            return None
        finally:
            self._context.receive(writing.decoder.taken - before)


class LargeEntryDownload:
    """Downloads one large entry in chunks, and decompresses it in a thread.

    Parameters
    ----------
    context
        Shared state of the run; its source is remote.
    item
        The entry and its output path.
    on_end
        Function called at the end with this object, and True if the entry must be fetched again.
    """

    def __init__(
        self,
        context: ExtractionContext,
        item: ExtractItem,
        on_end: Callable[[LargeEntryDownload, bool], object],
    ) -> None:
        source = context.source
        if not isinstance(source, RemoteFile):
            raise TypeError(f"`source` must be a RemoteFile, got {type(source).__name__}.")
        entry = item.entry
        self.item = item
        self._context = context
        self._on_end = on_end
        self._path = context.staging.partial_path(entry)
        self.partial_file = PartialFile(self._path, source.version, entry.offset, entry.read_limit)
        self._uncounted = entry.compressed_size
        self._lock = threading.Condition()
        self._fetching = 0
        self._is_ended = self._is_damaged = False
        self._thread = threading.Thread(
            target=self._decompress, name="inductiva-inflate", daemon=True
        )

    def start(self) -> None:
        """Start the thread that decompresses."""
        self._context.progress.count_existing(self._count(self.partial_file.length))
        self._thread.start()

    def fetch(self, chunk: Chunk) -> None:
        """Fetch the missing part of a chunk.

        Raises
        ------
        DownloadError
            The message has the name of the entry.
        """
        with self._lock:
            if self._is_ended:
                return
            self._fetching += 1
        try:
            with contextlib.closing(
                self._context.source.stream(chunk.position, chunk.stop)
            ) as stream:
                for data in stream:
                    self.partial_file.write(chunk, data)
                    self._context.receive(self._count(len(data)))
                    # After damage, read on: the length of the part may show that it is wrong.
                    is_read = not self._is_damaged and self._is_ended
                    if is_read or self._context.pool.should_stop:
                        return
        except Exception as exc:
            raise with_context(self.item.entry, exc) from None
        finally:
            self.partial_file.checkpoint(chunk)
            with self._lock:
                self._fetching -= 1
                self._lock.notify_all()

    def close(self) -> None:
        """Wait for the thread; the partial file is kept for a later run."""
        if self._thread.ident is not None:
            self._thread.join(_JOIN_SECONDS)  # one in a connection attempt ends later

    def _count(self, count: int) -> int:
        """Return the number of bytes that count as progress: no headers and gaps."""
        with self._lock:
            counts = min(count, self._uncounted)
            self._uncounted -= counts
            return counts

    def _decompress(self) -> None:
        retry = complete = False
        try:
            writing = EntryWriter(self._context, self.item)
            try:
                complete = self._decompress_available(writing)
            except ArchiveError as exc:
                # If bytes of an earlier run were damaged on disk, try once without them.
                retry = self.partial_file.resumed
                if not retry:
                    self._is_damaged = True
                    self._context.record_damaged(exc)
                complete = True
            finally:
                writing.close()
        except Exception as exc:  # the pool raises it in the caller's thread
            self._context.pool.fail(with_context(self.item.entry, exc))
        finally:
            with self._lock:
                self._is_ended = True
                while self._fetching:
                    self._lock.wait()
            if complete:
                if retry:
                    self._context.progress.count_existing(
                        self._uncounted - self.item.entry.compressed_size
                    )
                self.partial_file.discard()
            else:
                self.partial_file.close()
            self._on_end(self, retry)

    def _decompress_available(self, writing: EntryWriter) -> bool:
        """Decompress bytes as they arrive; return False if the run stops first."""
        for data in self.partial_file.iter_available(CHUNK):
            if self._context.pool.should_stop:
                return False
            view = memoryview(data)
            while view and not writing.decoder.done:
                view = view[writing.feed(view) :]
            if writing.decoder.done:
                return True
        raise _truncated_entry(self.item.entry)


def _truncated_entry(entry: ZipEntry) -> ArchiveError:
    return ArchiveError(f"Entry {entry.quoted_name} is damaged: its data end too early.")
