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
from inductiva_widgets.downloads._content_encoding import (
    content_encoding,
    decode_content,
    is_gzip_file,
)
from inductiva_widgets.downloads._partial_file import (
    CHUNK_SIZE,
    Chunk,
    PartialFile,
    journal_path,
    stored_version,
)
from inductiva_widgets.downloads._path_lock import PathLock
from inductiva_widgets.downloads._progress_tracker import SubProgress
from inductiva_widgets.downloads._signed_url import SignedUrl, content_length, header
from inductiva_widgets.downloads._workers import Job, WorkerPool
from inductiva_widgets.downloads.http import StreamingResponse
from inductiva_widgets.downloads.limits import check_free_space
from inductiva_widgets.downloads.progress import DownloadSummary
from inductiva_widgets.downloads.remote_file import (
    FileChanged,
    FileVersion,
    LocalFile,
    RangeRefused,
    RangesUnsupported,
    RemoteFile,
    parse_content_range,
)
from inductiva_widgets.errors import APIConnectionError, DownloadError, InputError
from inductiva_widgets.formatting import format_bytes

_WHOLE_STATUSES = frozenset({200, 203, 206})
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
    for _ in range(RESTARTS + 1):
        with contextlib.suppress(FileChanged):
            if _ChunkedDownload(link, part, progress, limiter).run(target):
                return
            break
        progress.outcome = DownloadSummary(messages=changed)
    # Mirrors may send equal bytes as different versions; one stream has one version only.
    with stream_to_file(link, part, progress) as file:
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
        """Fetch and move the file, or return False if it must be read in one stream.

        The partial file is kept if the server refused a range, as it does if the URL has expired.

        Raises
        ------
        FileChanged
            If the file has changed; the partial file is removed.
        """
        try:
            self._assemble()
        except RangesUnsupported:
            return False
        atomic_replace(self._part, target)
        journal_path(self._part).unlink(missing_ok=True)
        return True

    def _assemble(self) -> None:
        """Complete the partial file."""
        stored = stored_version(self._part)
        with contextlib.closing(self._first_stream(stored)) as stream:
            head = next(stream, b"")  # the first response has the size and the version
            version = self._source.version
            if stored is not None and stored.is_confirmed_by(version):
                version = stored
            if not version.has_strong_validator:
                # Chunks of two versions could not be distinguished.
                raise RangesUnsupported("The server reports no version of the file.")
            if self._source.size in {0, CHUNK_SIZE} and stored is None:
                # Some servers state the length of the part as the total, or refuse ranges as if the
                # file was empty.
                raise RangesUnsupported("The size of the file is not certain.")
            partial_file = PartialFile(self._part, version, 0, self._source.size)
            try:
                if stored not in {None, version}:
                    raise FileChanged("The file has changed since the download began.")
                self._fill(partial_file, self._source.size, chain([head], stream))
            except RangeRefused:
                raise
            except (FileChanged, RangesUnsupported):
                partial_file.discard()
                raise
            finally:
                if partial_file.missing_chunks() and not partial_file.length:
                    partial_file.discard()
                partial_file.close()

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


@contextlib.contextmanager
def stream_to_file(link: SignedUrl, path: Path, progress: SubProgress) -> Iterator[AtomicFile]:
    """Download a file in one stream; start again if the connection is lost.

    Parameters
    ----------
    link
        URL of the file.
    path
        The temporary file to write. A partial file there is kept until the server responds.
    progress
        Counts the progress.

    Yields
    ------
    AtomicFile
        The complete file, not committed yet.

    Raises
    ------
    DownloadError
        If all tries failed.
    """
    failures = furthest = 0
    with contextlib.ExitStack() as stack:
        file: AtomicFile | None = None
        while True:
            length = 0
            error: APIConnectionError | None = None
            with link.open({}, _WHOLE_STATUSES) as response:
                expected = _whole_length(response, link)
                check_free_space(path.parent, expected or 0)
                if file is None:
                    journal_path(path).unlink(missing_ok=True)
                    file = stack.enter_context(AtomicFile(path))
                file.restart()
                progress.reset(0, expected)

                def received(chunks: Iterator[bytes]) -> Iterator[bytes]:
                    nonlocal length
                    for chunk in chunks:
                        link.raise_if_cancelled()
                        yield chunk
                        length += len(chunk)
                        progress.receive(len(chunk))
                        link.wait_if_paused()

                try:
                    for piece in _decoded(received(response.chunks()), response, link):
                        file.write(piece)
                except APIConnectionError as exc:
                    error = exc
            link.raise_if_cancelled()
            if error is None and expected in {None, length}:
                break
            # Only bytes after the furthest position count as progress: otherwise a server that
            # always ends the connection at the same position would cause an endless loop.
            failures = 0 if length > furthest else failures + 1
            furthest = max(furthest, length)
            if failures >= link.backoff.attempts:
                reason = error or f"{link.display_url} was sent incompletely."
                raise DownloadError(
                    f"{reason} Received {format_bytes(length)} of {format_bytes(expected)}."
                ) from error
            link.pause(failures or 1)
        yield file


def _whole_length(response: StreamingResponse, link: SignedUrl) -> int | None:
    """Return the length of a whole file's body, None if unknown."""
    length = content_length(response)
    if response.status != 206:
        return length
    # Some servers always send status 206.
    if (header(response, "Content-Type") or "").lower().startswith("multipart/byteranges"):
        raise DownloadError(f"The server sent {link.display_url} in several parts.")
    found = parse_content_range(response)
    if found is None:
        return length
    first, last, total = found
    if first or total not in {None, last + 1} or length not in {None, last + 1}:
        raise DownloadError(f"The server sent only a part of {link.display_url}.")
    return last + 1


def _decoded(
    chunks: Iterator[bytes], response: StreamingResponse, link: SignedUrl
) -> Iterator[bytes]:
    encoding = content_encoding(response)
    if encoding is None or is_gzip_file(response, link.url):
        return chunks
    return decode_content(chunks, encoding, link.display_url)
