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
    BLOCK,
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

# How often a file may change under our hands before we give up.
RESTARTS = 2
_COMPARED = 64 * 1024


def download_file(
    link: SignedUrl,
    target: Path,
    share: SubProgress,
    limiter: ConnectionLimiter,
    *,
    archive: bool = False,
) -> Path:
    """Fetch a file beside its target and move it there when it is whole.

    A download that breaks off leaves ``name.part``, from which a later call goes on.

    Parameters
    ----------
    link
        Where it comes from.
    target
        Where it goes; its folder is made.
    share
        Counts.
    limiter
        The limit on connections.
    archive
        Whether it is a zip archive. One that is there already is then told by its directory, which
        holds the checksums of all that is in it, and is not fetched again.
    """
    if target.is_dir():
        raise InputError(f"{target} is a folder; name the file to write")
    link.bind(share.control, limiter.reduce)
    share.set_file_count(1)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with PathLock(target.with_name(f"{target.name}.part.lock"), share):
            if not (archive and _is_there(link, target, share)):
                _fetch(link, target, share, limiter)
    except OSError as exc:
        raise DownloadError(f"{target} cannot be written: {exc.strerror or exc}") from exc
    share.finish_file(target)
    return target


def _is_there(link: SignedUrl, target: Path, share: SubProgress) -> bool:
    if not target.is_file():
        return False
    here, there = LocalFile(target), RemoteFile(link)
    with contextlib.suppress(RangesUnsupported):
        if there.read_end(_COMPARED) == here.read_end(_COMPARED) and there.size == here.size:
            share.reset(here.size, here.size)
            return True
    return False


def _fetch(link: SignedUrl, target: Path, share: SubProgress, limiter: ConnectionLimiter) -> None:
    part = target.with_name(f"{target.name}.part")
    changed = ("the file changed since its download began, which was begun anew",)
    for restarts in range(RESTARTS + 1):
        try:
            if _BlockwiseFetch(link, part, share, limiter).run(target):
                return
            break
        except FileChanged:
            if restarts == RESTARTS:
                raise
            share.outcome = DownloadSummary(messages=changed)
    with AtomicFile(part) as file:
        journal_path(part).unlink(missing_ok=True)
        stream_to_file(link, file, part.parent, share)
        file.commit(target)


class _BlockwiseFetch:
    """One try to fetch a file over ranges, on top of what an earlier run left."""

    def __init__(
        self, link: SignedUrl, part: Path, share: SubProgress, limiter: ConnectionLimiter
    ) -> None:
        self._part = part
        self._share = share
        self._limiter = limiter
        self._source = RemoteFile(link)
        self._pool = WorkerPool(limiter, share.control)
        self._jobs: deque[Job] = deque()

    def run(self, target: Path) -> bool:
        """Fetch and move the file; False where it takes one stream.

        Raises
        ------
        FileChanged
            When it is another one than that whose part is here; the part is removed.
        """
        stored = stored_version(self._part)
        with contextlib.closing(self._first_stream(stored)) as stream:
            try:
                head = next(stream, b"")  # the first answer tells the size and the version
                identity = self._source.version
            except RangesUnsupported:
                return False
            if identity.size is None or not identity.has_strong_validator:
                return False  # parts of two versions could not be told apart
            blocks = PartialFile(self._part, identity, 0, identity.size)
            try:
                if stored is not None and stored != identity:
                    raise FileChanged("the file is another one by now")
                self._fill(blocks, identity.size, chain([head], stream))
            except FileChanged:
                blocks.discard()
                raise
            finally:
                if blocks.missing_chunks() and not blocks.length:
                    blocks.discard()
                blocks.close()
        atomic_replace(self._part, target)
        journal_path(self._part).unlink(missing_ok=True)
        return True

    def _first_stream(self, stored: FileVersion | None) -> Generator[bytes, None, None]:
        """Ask for the first bytes that are missing."""
        if stored is None or stored.size is None:
            return self._source.stream(0, BLOCK)
        blocks = PartialFile(self._part, stored, 0, stored.size)
        blocks.close()
        for block in blocks.missing_chunks():
            return self._source.stream(block.position, block.stop)
        return self._source.stream(0, 1)  # all is here; only the version is to be asked

    def _fill(self, blocks: PartialFile, size: int, first: Iterator[bytes]) -> None:
        missing = blocks.missing_chunks()
        self._share.reset(blocks.length, size)
        check_free_space(self._part.parent, size - blocks.length)
        streams = [first, *(self._source.stream(one.position, one.stop) for one in missing[1:])]
        for block, stream in zip(missing, streams, strict=False):
            self._jobs.append(partial(self._take, blocks, block, stream))
        self._pool.run(self._next, len(missing))
        blocks.sync()

    def _next(self) -> Job | None:
        try:
            return self._jobs.popleft()
        except IndexError:
            return None

    def _take(self, blocks: PartialFile, block: Chunk, stream: Iterator[bytes]) -> None:
        try:
            for chunk in stream:
                blocks.write(block, chunk)
                self._limiter.record_bytes(len(chunk))
                self._share.receive(len(chunk))
                if self._pool.should_stop:
                    return
        finally:
            blocks.checkpoint(block)


def stream_to_file(link: SignedUrl, part: AtomicFile, folder: Path, share: SubProgress) -> None:
    """Fetch a file in one stream; one that breaks off begins anew.

    Parameters
    ----------
    link
        Where it comes from.
    part
        Gets the bytes.
    folder
        Where room is needed.
    share
        Counts.

    Raises
    ------
    DownloadError
        When it did not become whole in spite of all tries.
    """
    failures = furthest = 0
    while True:
        part.restart()
        length = 0
        error: APIConnectionError | None = None
        with link.open({}, {200}) as response:
            stated = header(response, "Content-Length")
            expected = int(stated) if stated and stated.isdecimal() else None
            share.reset(0, expected)
            check_free_space(folder, expected or 0)
            try:
                for chunk in response.chunks():
                    link.raise_if_cancelled()
                    part.write(chunk)
                    length += len(chunk)
                    share.receive(len(chunk))
                    link.wait_if_paused()
            except APIConnectionError as exc:
                error = exc
        link.raise_if_cancelled()
        if error is None and expected in {None, length}:
            return
        # Only bytes never seen before count as progress: a server that always breaks off at the
        # same place would keep us busy for ever.
        failures = 0 if length > furthest else failures + 1
        furthest = max(furthest, length)
        if failures >= link.backoff.attempts:
            so_far = f"{format_bytes(length)} of {format_bytes(expected)}"
            raise DownloadError(
                f"{error or f'{link.display_url} ends too early'}, after {so_far}"
            ) from error
        link.pause(failures or 1)
