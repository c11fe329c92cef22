"""Read byte ranges of a remote file, always of the same version."""

from __future__ import annotations

import re
import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from inductiva_widgets.downloads._signed_url import SignedUrl, header
from inductiva_widgets.downloads.http import CHUNK, StreamingResponse
from inductiva_widgets.errors import APIConnectionError, ArchiveError, DownloadError

_CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)", re.IGNORECASE)
_UNSATISFIED = re.compile(r"bytes \*/(\d{1,19})", re.IGNORECASE)


class RangesUnsupported(DownloadError):
    """The server sends whole files only; the answer to a ``Range`` header was not a part."""


class FileChanged(ArchiveError):
    """The file is another one than at the first request."""


class RandomAccess(Protocol):
    """A file of known size whose bytes can be had by position."""

    @property
    def size(self) -> int:
        """Number of bytes."""

    def read_end(self, count: int) -> bytes:
        """Return the last bytes, or all where there are fewer."""

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from ``start`` up to, but without, ``stop``."""

    def stream(self, start: int, stop: int) -> Generator[bytes, None, None]:
        """Yield the same bytes as they arrive."""


@dataclass(frozen=True)
class FileVersion:
    """What tells one version of a remote file from another."""

    size: int | None
    etag: str | None = None
    modified: str | None = None

    @classmethod
    def from_response(cls, response: StreamingResponse, size: int | None) -> FileVersion:
        """Return the identity that an answer states.

        Parameters
        ----------
        response
            Any answer with the file or a part of it.
        size
            Size of the whole file, where known.
        """
        return cls(size, header(response, "ETag"), header(response, "Last-Modified"))

    @property
    def has_strong_validator(self) -> bool:
        """Whether two versions of one size would be told apart."""
        return bool((self.etag and not self.etag.startswith("W/")) or self.modified)

    def matches(self, other: FileVersion) -> bool:
        """Tell whether both can be the same version; what one of them does not state counts not.

        Parameters
        ----------
        other
            The identity in another answer.
        """
        if self.size is not None and other.size is not None and self.size != other.size:
            return False
        if self.etag and other.etag:
            return self.etag == other.etag
        return not (self.modified and other.modified) or self.modified == other.modified


class RemoteFile:
    """A remote file read by ranges. Thread-safe.

    Parameters
    ----------
    link
        The URL with its retries and renewal.
    """

    def __init__(self, link: SignedUrl) -> None:
        self.link = link
        self._identity: FileVersion | None = None
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """Number of bytes; known after the first answer, for which one byte is asked if need be."""
        size = self.version.size
        if size is None:
            raise RangesUnsupported(f"the server does not tell the size of {self.link.display_url}")
        return size

    @property
    def version(self) -> FileVersion:
        """The version that is read; known as the size is."""
        if self._identity is None:
            self.read_end(1)
        return self._identity or FileVersion(None)

    def read_end(self, count: int) -> bytes:
        """Return the last bytes; the first request of all, as it also tells the size.

        Parameters
        ----------
        count
            How many, at least one; a shorter file comes whole.

        Raises
        ------
        RangesUnsupported
            When the server sends whole files only.
        """
        if self._identity is None:
            found = self._first_tail(count)
            if found is not None:
                return found
        return self.read(max(0, self.size - count), self.size)

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from ``start`` up to, but without, ``stop``.

        Parameters
        ----------
        start, stop
            Positions inside the file.
        """
        return b"".join(self.stream(start, stop))

    def stream(self, start: int, stop: int) -> Generator[bytes, None, None]:
        """Yield bytes as they arrive; a connection that is cut is taken up where it ended.

        Parameters
        ----------
        start, stop
            Positions inside the file. In the first request of all, which also tells the size,
            ``stop`` may lie beyond its end.

        Raises
        ------
        FileChanged
            When it changed since the first request.
        DownloadError
            When it could not be had in spite of all tries.
        """
        last = stop if self._identity is None else self.size
        if not 0 <= start <= stop <= last:
            raise ArchiveError(f"bytes {start}-{stop} lie outside of {self.link.display_url}")
        position, failures = start, 0
        while position < stop:
            before = position
            error: APIConnectionError | None = None
            asked = {"Range": f"bytes={position}-{stop - 1}"}
            with self.link.open(asked, {200, 206, 416}) as response:
                end = self._check_part(response, position, stop)
                stop = min(stop, self.size)
                try:
                    for piece in _at_most(response.chunks(), end - position, self.link):
                        position += len(piece)
                        yield piece
                        if self.link.paused:
                            break  # and give the connection back: a pause may last for hours
                except APIConnectionError as exc:
                    error = exc
            self.link.raise_if_cancelled()
            if self.link.paused:
                self.link.wait_if_paused()
            elif position < end:
                failures = failures + 1 if position == before else 1
                if failures >= self.link.backoff.attempts:
                    reason = error or "the answers end too early"
                    raise DownloadError(f"{reason}, {failures} times in a row") from error
                self.link.pause(failures)

    def _first_tail(self, count: int) -> bytes | None:
        """Ask for the last bytes without knowing the size; None where only the size was learned."""
        with self.link.open({"Range": f"bytes=-{count}"}, {200, 206, 416}) as response:
            if response.status == 416:
                # An empty file, or a server that knows no suffix ranges.
                self._remember(FileVersion.from_response(response, size_from_416(response)))
                return None
            if response.status == 200:
                length = header(response, "Content-Length")
                if header(response, "Accept-Ranges") == "bytes" and length and length.isdecimal():
                    # Some stores know ranges but not those counted from the end.
                    self._remember(FileVersion.from_response(response, int(length)))
                    return None
                raise RangesUnsupported(f"the server sends only all of {self.link.display_url}")
            first, last, total = self._content_range(response)
            if total is None or last != total - 1 or first != max(0, total - count):
                raise DownloadError(
                    f"the server sent another part of {self.link.display_url} than asked"
                )
            self._remember(FileVersion.from_response(response, total))
            try:
                body = b"".join(_at_most(response.chunks(), total - first, self.link))
            except APIConnectionError:
                return None  # the size is known, so the usual way goes on from here
        return body if len(body) == total - first else None

    def _check_part(self, response: StreamingResponse, start: int, stop: int) -> int:
        """Check that an answer is the part that was asked; return where it ends."""
        if response.status == 206:
            first, last, total = self._content_range(response)
            self._remember(FileVersion.from_response(response, total))
            if first != start or not start <= last < stop:
                raise DownloadError(
                    f"the server sent another part of {self.link.display_url} than asked"
                )
            return last + 1
        if response.status == 416 and self._identity is None:
            self._remember(FileVersion.from_response(response, size_from_416(response)))
            return start  # an empty file, or one that ends before
        if response.status == 200:
            length = header(response, "Content-Length")
            self._remember(
                FileVersion.from_response(
                    response, int(length) if length and length.isdecimal() else None
                )
            )
            raise RangesUnsupported(f"the server sends only all of {self.link.display_url}")
        raise self._changed()

    def _content_range(self, response: StreamingResponse) -> tuple[int, int, int | None]:
        found = parse_content_range(response)
        if found is None:
            raise DownloadError(
                f"the server sent a part of {self.link.display_url} without saying which"
            )
        return found

    def _remember(self, identity: FileVersion) -> None:
        with self._lock:
            if self._identity is None:
                self._identity = identity
            elif not self._identity.matches(identity):
                raise self._changed()

    def _changed(self) -> FileChanged:
        return FileChanged(f"the file changed while it was read: {self.link.display_url}")


class LocalFile:
    """A file on disk in the place of a remote one.

    Parameters
    ----------
    path
        The file. Each read opens it anew, so that threads do not share a position.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size = path.stat().st_size

    def read_end(self, count: int) -> bytes:
        """Return the last bytes, or all where there are fewer."""
        return self.read(max(0, self.size - count), self.size)

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from ``start`` up to, but without, ``stop``."""
        return b"".join(self.stream(start, stop))

    def stream(self, start: int, stop: int) -> Generator[bytes, None, None]:
        """Yield the same bytes piece by piece."""
        if not 0 <= start <= stop <= self.size:
            raise ArchiveError(f"bytes {start}-{stop} lie outside of {self._path.name}")
        with self._path.open("rb") as file:
            file.seek(start)
            while start < stop:
                chunk = file.read(min(4 * CHUNK, stop - start))
                if not chunk:
                    raise ArchiveError(f"{self._path.name} became shorter while it was read")
                start += len(chunk)
                yield chunk


def parse_content_range(response: StreamingResponse) -> tuple[int, int, int | None] | None:
    """Return first byte, last byte and total size (None for ``*``) of a part, where it is stated.

    Parameters
    ----------
    response
        An answer with status 206.
    """
    found = _CONTENT_RANGE.fullmatch((header(response, "Content-Range") or "").strip())
    if found is None:
        return None
    first, last, total = found.groups()
    return int(first), int(last), None if total == "*" else int(total)


def size_from_416(response: StreamingResponse) -> int | None:
    """Return the total size that an answer with status 416 states, if it does.

    Parameters
    ----------
    response
        The answer.
    """
    found = _UNSATISFIED.fullmatch((header(response, "Content-Range") or "").strip())
    return int(found.group(1)) if found else None


def _at_most(chunks: Iterator[bytes], count: int, link: SignedUrl) -> Iterator[bytes]:
    """Pass bytes on, never more than asked: a server may send more than it announced."""
    for chunk in chunks:
        piece = chunk[:count]
        if not piece:
            return
        link.raise_if_cancelled()
        yield piece
        count -= len(piece)
