"""Read byte ranges of one version of a remote file."""

from __future__ import annotations

import re
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from inductiva_widgets.downloads._content_encoding import content_encoding
from inductiva_widgets.downloads._signed_url import (
    SignedUrl,
    UnexpectedStatusError,
    content_length,
    header,
)
from inductiva_widgets.downloads.http import CHUNK, StreamingResponse
from inductiva_widgets.errors import APIConnectionError, ArchiveError, DownloadError

_CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)", re.IGNORECASE)
_UNSATISFIED = re.compile(r"bytes \*/(\d{1,19})", re.IGNORECASE)
# Statuses that are rarely about ranges: the file is missing, or the server is busy.
_NOT_ABOUT_RANGES = frozenset({404, 408, 429, 502, 503, 504})
_DENIED = frozenset({401, 403, 410})


class RangesUnsupported(DownloadError):
    """The server does not send the requested byte ranges: read the file in one stream."""


class RangeRefused(RangesUnsupported):
    """The server responded to a range with an error. The bytes received before are right."""

    status = 0
    """The status of the response."""


class FileChanged(ArchiveError):
    """The file has changed since the first request."""


class RandomAccess(Protocol):
    """A file of known size that supports random access."""

    @property
    def size(self) -> int:
        """Number of bytes."""

    def read_end(self, count: int) -> bytes:
        """Return the last ``count`` bytes, or the whole file if it is shorter."""

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from ``start`` to ``stop``, exclusive."""

    def stream(self, start: int, stop: int) -> Generator[bytes, None, None]:
        """Yield the bytes from ``start`` to ``stop`` as they arrive."""


@dataclass(frozen=True)
class FileVersion:
    """Size and validators that identify a version of a remote file."""

    size: int | None
    etag: str | None = None
    modified: str | None = None

    @classmethod
    def from_response(cls, response: StreamingResponse, size: int | None) -> FileVersion:
        """Return the version in the headers of a response.

        Parameters
        ----------
        response
            A response with the file or a range of it.
        size
            Size of the whole file, or None if unknown.
        """
        return cls(size, header(response, "ETag"), header(response, "Last-Modified"))

    @property
    def has_strong_validator(self) -> bool:
        """Whether the validators differ between versions of equal size."""
        return bool((self.etag and not self.etag.startswith("W/")) or self.modified)

    def matches(self, other: FileVersion) -> bool:
        """Return whether both may be the same version; missing fields are ignored.

        ETags are compared weakly, as servers that compress some responses weaken them.

        Parameters
        ----------
        other
            The version in another response.
        """
        if self.size is not None and other.size is not None and self.size != other.size:
            return False
        if self.etag and other.etag:
            return _opaque(self.etag) == _opaque(other.etag)
        return not (self.modified and other.modified) or self.modified == other.modified

    def is_confirmed_by(self, other: FileVersion) -> bool:
        """Return whether another version is this one, by a field that both have.

        Parameters
        ----------
        other
            The version in another response.
        """
        has_common = (self.etag and other.etag) or (self.modified and other.modified)
        return self.size == other.size and bool(has_common) and self.matches(other)


class RemoteFile:
    """A remote file, read in byte ranges. Thread-safe.

    Parameters
    ----------
    link
        URL of the file.
    """

    def __init__(self, link: SignedUrl) -> None:
        self.link = link
        self._version: FileVersion | None = None
        self._lock = threading.Lock()
        self._whole_lock = threading.Lock()
        self._is_sent_whole: bool | None = None

    @property
    def size(self) -> int:
        """Number of bytes. If unknown, makes a request for one byte."""
        size = self.version.size
        if size is None:
            raise RangesUnsupported(
                f"The server does not report the size of {self.link.display_url}."
            )
        return size

    @property
    def version(self) -> FileVersion:
        """Version of the file. If unknown, makes a request for one byte."""
        if self._version is None:
            self.read_end(1)
        return self._version or FileVersion(None)

    def read_end(self, count: int) -> bytes:
        """Return the last bytes. Use it for the first request, as it also gets the size.

        Parameters
        ----------
        count
            Number of bytes, at least 1. A shorter file is returned whole.

        Raises
        ------
        RangesUnsupported
            If the server does not support byte ranges.
        """
        if self._version is None:
            found = self._first_tail(count)
            if found is not None:
                return found
        return self.read(max(0, self.size - count), self.size)

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from ``start`` to ``stop``, exclusive.

        Parameters
        ----------
        start, stop
            Byte positions in the file.
        """
        return b"".join(self.stream(start, stop))

    def stream(self, start: int, stop: int) -> Generator[bytes, None, None]:
        """Yield bytes as they arrive; resume if the connection is lost.

        Parameters
        ----------
        start, stop
            Byte positions in the file. In the first request, which also gets the size, ``stop``
            may exceed it.

        Raises
        ------
        FileChanged
            If the file has changed since the first request.
        DownloadError
            If all tries failed.
        """
        last = stop if self._version is None else self.size
        if not 0 <= start <= stop <= last:
            raise ArchiveError(
                f"The byte range must be within {self.link.display_url}, got {start}-{stop}."
            )
        position, failures = start, 0
        while position < stop:
            before = position
            error: APIConnectionError | None = None
            with self._open(f"{position}-{stop - 1}") as response:
                end = self._check_part(response, position, stop)
                stop = min(stop, self.size)
                try:
                    for piece in self._body(response, end - position):
                        position += len(piece)
                        yield piece
                        if self.link.paused:
                            break  # a pause may last for hours: release the connection
                except APIConnectionError as exc:
                    error = exc
            self.link.raise_if_cancelled()
            if self.link.paused:
                self.link.wait_if_paused()
            elif position < end:
                failures = failures + 1 if position == before else 1
                if failures >= self.link.backoff.attempts:
                    reason = error or f"{self.link.display_url} was sent incompletely."
                    raise DownloadError(f"{reason} Gave up after {failures} tries.") from error
                self.link.pause(failures)

    @contextmanager
    def _open(self, byte_range: str) -> Iterator[StreamingResponse]:
        """Request a range; the response may be a part, the whole file or status 416."""
        try:
            with self.link.open({"Range": f"bytes={byte_range}"}, {200, 203, 206, 416}) as response:
                yield response
        except UnexpectedStatusError as exc:
            if exc.status in _NOT_ABOUT_RANGES and not self._sends_whole_file():
                raise
            error = RangeRefused(str(exc))
            error.status = exc.status
            raise error from exc

    def _sends_whole_file(self) -> bool:
        """Return whether the server sends the file without a range; asks once, without retries."""
        with self._whole_lock:
            if self._is_sent_whole is None:
                try:
                    with self.link.open({}, {200, 203, 206}, attempts=1):
                        self._is_sent_whole = True
                except (UnexpectedStatusError, APIConnectionError):
                    self._is_sent_whole = False
            return self._is_sent_whole

    def _first_tail(self, count: int) -> bytes | None:
        """Request the last bytes without knowing the size; None if only the size was received."""
        try:
            with self._open(f"-{count}") as response:
                return self._read_first_tail(response, count)
        except RangeRefused as exc:
            if exc.status in _DENIED | _NOT_ABOUT_RANGES:
                raise
            # Some servers support ranges, but not suffix ranges: a byte has the size too.
            self.read(0, 1)
            if self.size == 1:  # the length of the part, see below
                raise
            return None

    def _read_first_tail(self, response: StreamingResponse, count: int) -> bytes | None:
        if response.status == 416:
            # The file is empty, or the server does not support suffix ranges.
            self._remember(FileVersion.from_response(response, size_from_416(response)))
            return None
        if response.status != 206:
            length = content_length(response)
            has_ranges = header(response, "Accept-Ranges") == "bytes"
            if has_ranges and length is not None and content_encoding(response) is None:
                # Some servers support ranges, but not suffix ranges.
                self._remember(FileVersion.from_response(response, length))
                return None
            raise self._ranges_unsupported()
        first, last, total = self._content_range(response)
        if total is None or total == count:
            # Some servers state the length of the part as the total.
            raise self._wrong_range()
        self._remember(FileVersion.from_response(response, total))
        if last != total - 1 or first != max(0, total - count):
            return None
        try:
            body = b"".join(self._body(response, total - first))
        except APIConnectionError:
            return None  # the size is known, so the caller can request the range
        return body if len(body) == total - first else None

    def _check_part(self, response: StreamingResponse, start: int, stop: int) -> int:
        """Check that a response has the requested range, and return the end of the range."""
        if response.status == 206:
            first, last, total = self._content_range(response)
            self._remember(FileVersion.from_response(response, total))
            if first != start or last >= stop:
                raise self._wrong_range()
            return last + 1
        if response.status == 416:
            size = size_from_416(response)
            is_first = self._version is None
            self._remember(FileVersion.from_response(response, size))
            if is_first and (size or 0) <= start:
                return start  # the file is empty, or ends before `start`
            raise self._ranges_unsupported()
        self._remember(FileVersion.from_response(response, self._whole_length(response)))
        raise self._ranges_unsupported()

    def _whole_length(self, response: StreamingResponse) -> int | None:
        return content_length(response) if content_encoding(response) is None else None

    def _content_range(self, response: StreamingResponse) -> tuple[int, int, int | None]:
        """Return the range of a part whose headers agree with each other."""
        found = parse_content_range(response)
        kind = (header(response, "Content-Type") or "").lower()
        if found is None or kind.startswith("multipart/byteranges"):
            raise RangesUnsupported(
                f"The server sent a part of {self.link.display_url} without a valid Content-Range."
            )
        first, last, total = found
        length = content_length(response)
        if (
            not first <= last
            or (total is not None and last >= total)
            or length not in {None, last - first + 1}
            or content_encoding(response) is not None
        ):
            raise self._wrong_range()
        return found

    def _body(self, response: StreamingResponse, count: int) -> Iterator[bytes]:
        """Yield the bytes of a part; raise an error if the body is not as long as announced."""
        # Only the end of the body frees the connection for the next request. If its length is not
        # clear, waiting for the end could take until the server closes the connection.
        stated = header(response, "Content-Length")
        has_end = bool(header(response, "Transfer-Encoding") or (stated and stated.isdecimal()))
        for chunk in response.chunks():
            self.link.raise_if_cancelled()
            if len(chunk) > count:
                raise self._wrong_range()
            yield chunk
            count -= len(chunk)
            if not count and not has_end:
                return
        if count and content_length(response) is None:
            raise self._wrong_range()  # it ended in order, so it is not what the headers say

    def _remember(self, version: FileVersion) -> None:
        with self._lock:
            if self._version is None:
                self._version = version
            elif not self._version.matches(version):
                raise self._changed()

    def _changed(self) -> FileChanged:
        return FileChanged(f"The file changed while it was read: {self.link.display_url}.")

    def _ranges_unsupported(self) -> RangesUnsupported:
        return RangesUnsupported(f"The server sends only all of {self.link.display_url}.")

    def _wrong_range(self) -> RangesUnsupported:
        return RangesUnsupported(
            f"The server sent another part of {self.link.display_url} than requested."
        )


class LocalFile:
    """A local file with the interface of a remote one.

    Parameters
    ----------
    path
        The file. Each read opens it again, so that threads do not share a position.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size = path.stat().st_size

    def read_end(self, count: int) -> bytes:
        """Return the last ``count`` bytes, or the whole file if it is shorter."""
        return self.read(max(0, self.size - count), self.size)

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from ``start`` to ``stop``, exclusive."""
        return b"".join(self.stream(start, stop))

    def stream(self, start: int, stop: int) -> Generator[bytes, None, None]:
        """Yield the bytes from ``start`` to ``stop`` in pieces."""
        if not 0 <= start <= stop <= self.size:
            raise ArchiveError(
                f"The byte range must be within {self._path.name}, got {start}-{stop}."
            )
        with self._path.open("rb") as file:
            file.seek(start)
            while start < stop:
                chunk = file.read(min(4 * CHUNK, stop - start))
                if not chunk:
                    raise ArchiveError(f"{self._path.name} became shorter while it was read.")
                start += len(chunk)
                yield chunk


def parse_content_range(response: StreamingResponse) -> tuple[int, int, int | None] | None:
    """Parse ``Content-Range`` into first byte, last byte and total size (None for ``*``).

    Parameters
    ----------
    response
        A response with status 206.

    Returns
    -------
    tuple or None
        None if the header is missing or malformed.
    """
    found = _CONTENT_RANGE.fullmatch((header(response, "Content-Range") or "").strip())
    if found is None:
        return None
    first, last, total = found.groups()
    return int(first), int(last), None if total == "*" else int(total)


def size_from_416(response: StreamingResponse) -> int | None:
    """Return the file size in a response with status 416, or None if it has none.

    Parameters
    ----------
    response
        The response.
    """
    found = _UNSATISFIED.fullmatch((header(response, "Content-Range") or "").strip())
    return int(found.group(1)) if found else None


def _opaque(etag: str) -> str:
    """Return an ETag without the mark of a weak one."""
    return etag.removeprefix("W/")
