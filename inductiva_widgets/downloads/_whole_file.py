"""Download a whole file: in chunks over parallel ranges, or in one stream."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Generator, Iterator
from functools import partial
from itertools import chain
from pathlib import Path

from inductiva_widgets._atomic import AtomicFile, atomic_replace
from inductiva_widgets.downloads._connection_limit import ConnectionLimiter
from inductiva_widgets.downloads._partial_file import (
    CHUNK_SIZE,
    Chunk,
    PartialFile,
    journal_path,
    stored_version,
)
from inductiva_widgets.downloads._path_lock import PathLock
from inductiva_widgets.downloads._progress_tracker import SubProgress
from inductiva_widgets.downloads._signed_url import SignedUrl, header
from inductiva_widgets.downloads._workers import Job, WorkerPool
from inductiva_widgets.downloads.limits import check_free_space
from inductiva_widgets.downloads.progress import DownloadSummary
from inductiva_widgets.downloads.remote_file import (
    FileChanged,
    FileVersion,
    LocalFile,
    RangesUnsupported,
    RemoteFile,
)
from inductiva_widgets.errors import APIConnectionError, DownloadError, InputError
from inductiva_widgets.formatting import format_bytes

# Number of restarts if the remote file changes during the download.
RESTARTS = 2
_COMPARED_BYTES = 64 * 1024


def download_file(
    link: SignedUrl,
    target: Path,
    progress: SubProgress,
    limiter: ConnectionLimiter,
    *,
    archive: bool = False,
) -> Path:
    """Download a file next to its target and move it there when complete.

    An interrupted download leaves ``name.part``, from which a later call resumes.

    Parameters
    ----------
    link
        URL of the file.
    target
        Output path. Its folder is created if needed.
    progress
        Counts the progress.
    limiter
        Limits the number of connections.
    archive
        If True, the file is a zip archive. If it exists and has the same size and the same last
        bytes, with the checksums of all entries, it is not fetched again.
    """
    if target.is_dir():
        raise InputError(f"The target must be a file, got a folder: {target}.")
    link.bind(progress.cancel_token, limiter.reduce)
    progress.set_file_count(1)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with PathLock(target.with_name(f"{target.name}.part.lock"), progress):
            if not (archive and _is_complete(link, target, progress)):
                _fetch(link, target, progress, limiter)
    except OSError as exc:
        raise DownloadError(f"Could not write {target}: {exc.strerror or exc}.") from exc
    progress.finish_file(target)
    return target


def _is_complete(link: SignedUrl, target: Path, progress: SubProgress) -> bool:
    if not target.is_file():
        return False
    local, remote = LocalFile(target), RemoteFile(link)
    with contextlib.suppress(RangesUnsupported):
        same_end = remote.read_end(_COMPARED_BYTES) == local.read_end(_COMPARED_BYTES)
        if same_end and remote.size == local.size:
            progress.reset(local.size, local.size)
            return True
    return False


def _fetch(
    link: SignedUrl, target: Path, progress: SubProgress, limiter: ConnectionLimiter
) -> None:
    part = target.with_name(f"{target.name}.part")
    changed = ("The file has changed since the download began, so it was downloaded again.",)
    for restarts in range(RESTARTS + 1):
        try:
            if _ChunkedDownload(link, part, progress, limiter).run(target):
                return
            break
        except FileChanged:
            if restarts == RESTARTS:
                raise
            progress.outcome = DownloadSummary(messages=changed)
    with AtomicFile(part) as file:
        journal_path(part).unlink(missing_ok=True)
        stream_to_file(link, file, part.parent, progress)
        file.commit(target)


class _ChunkedDownload:
    """One attempt to download a file over ranges, based on an earlier partial file."""

    def __init__(
        self, link: SignedUrl, part: Path, progress: SubProgress, limiter: ConnectionLimiter
    ) -> None:
        self._part = part
        self._progress = progress
        self._limiter = limiter
        self._source = RemoteFile(link)
        self._pool = WorkerPool(limiter, progress.cancel_token)
        self._jobs: deque[Job] = deque()

    def run(self, target: Path) -> bool:
        """Fetch and move the file, or return False if ranges are not supported.

        Raises
        ------
        FileChanged
            If the file has changed; the partial file is removed.
        """
        stored = stored_version(self._part)
        with contextlib.closing(self._first_stream(stored)) as stream:
            try:
                head = next(stream, b"")  # the first response has the size and the version
                version = self._source.version
            except RangesUnsupported:
                return False
            if version.size is None or not version.has_strong_validator:
                return False  # chunks of two versions could not be distinguished
            partial_file = PartialFile(self._part, version, 0, version.size)
            try:
                if stored is not None and stored != version:
                    raise FileChanged("The file has changed since the download began.")
                self._fill(partial_file, version.size, chain([head], stream))
            except FileChanged:
                partial_file.discard()
                raise
            finally:
                if partial_file.missing_chunks() and not partial_file.length:
                    partial_file.discard()
                partial_file.close()
        atomic_replace(self._part, target)
        journal_path(self._part).unlink(missing_ok=True)
        return True

    def _first_stream(self, stored: FileVersion | None) -> Generator[bytes, None, None]:
        """Request the first missing bytes."""
        if stored is None or stored.size is None:
            return self._source.stream(0, CHUNK_SIZE)
        partial_file = PartialFile(self._part, stored, 0, stored.size)
        partial_file.close()
        for chunk in partial_file.missing_chunks():
            return self._source.stream(chunk.position, chunk.stop)
        return self._source.stream(0, 1)  # complete: only the version must be checked

    def _fill(self, partial_file: PartialFile, size: int, first: Iterator[bytes]) -> None:
        missing = partial_file.missing_chunks()
        self._progress.reset(partial_file.length, size)
        check_free_space(self._part.parent, size - partial_file.length)
        streams = [first, *(self._source.stream(one.position, one.stop) for one in missing[1:])]
        for chunk, stream in zip(missing, streams, strict=False):
            self._jobs.append(partial(self._take, partial_file, chunk, stream))
        self._pool.run(self._next, len(missing))
        partial_file.sync()

    def _next(self) -> Job | None:
        try:
            return self._jobs.popleft()
        except IndexError:
            return None

    def _take(self, partial_file: PartialFile, chunk: Chunk, stream: Iterator[bytes]) -> None:
        try:
            for data in stream:
                partial_file.write(chunk, data)
                self._limiter.record_bytes(len(data))
                self._progress.receive(len(data))
                if self._pool.should_stop:
                    return
        finally:
            partial_file.checkpoint(chunk)


def stream_to_file(link: SignedUrl, part: AtomicFile, folder: Path, progress: SubProgress) -> None:
    """Download a file in one stream; start again if the connection is lost.

    Parameters
    ----------
    link
        URL of the file.
    part
        Receives the bytes.
    folder
        Folder whose free space is checked.
    progress
        Counts the progress.

    Raises
    ------
    DownloadError
        If all tries failed.
    """
    failures = furthest = 0
    while True:
        part.restart()
        length = 0
        error: APIConnectionError | None = None
        with link.open({}, {200}) as response:
            stated = header(response, "Content-Length")
            expected = int(stated) if stated and stated.isdecimal() else None
            progress.reset(0, expected)
            check_free_space(folder, expected or 0)
            try:
                for chunk in response.chunks():
                    link.raise_if_cancelled()
                    part.write(chunk)
                    length += len(chunk)
                    progress.receive(len(chunk))
                    link.wait_if_paused()
            except APIConnectionError as exc:
                error = exc
        link.raise_if_cancelled()
        if error is None and expected in {None, length}:
            return
        # Only bytes after the furthest position count as progress: otherwise a server that always
        # ends the connection at the same position would cause an endless loop.
        failures = 0 if length > furthest else failures + 1
        furthest = max(furthest, length)
        if failures >= link.backoff.attempts:
            reason = error or f"{link.display_url} was sent incompletely."
            raise DownloadError(
                f"{reason} Received {format_bytes(length)} of {format_bytes(expected)}."
            ) from error
        link.pause(failures or 1)
