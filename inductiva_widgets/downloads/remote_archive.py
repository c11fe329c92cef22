"""Read entries of a remote zip archive without downloading it."""

from __future__ import annotations

import io
import os
import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType

from inductiva_widgets.downloads._decompress import EntryDecoder, check_supported
from inductiva_widgets.downloads._plan import did_you_mean, strip_prefix
from inductiva_widgets.downloads._signed_url import SignedUrl
from inductiva_widgets.downloads.http import HttpGet
from inductiva_widgets.downloads.remote_file import RandomAccess, RemoteFile
from inductiva_widgets.downloads.zip_directory import (
    STORED,
    CentralDirectory,
    ZipEntry,
    read_central_directory,
)
from inductiva_widgets.errors import ArchiveError, InputError

_FIRST_WINDOW = 64 * 1024
_LARGEST_WINDOW = 4 * 1024 * 1024
_DECODED_AT_ONCE = 16 * 1024


class RemoteArchive:
    """A remote zip archive whose entries are read over byte ranges.

    The first access makes one or two requests. Thread-safe.

    Parameters
    ----------
    url
        URL of the archive, signed or not.
    opener
        Makes the requests; by default a ``requests`` session without credentials.
    renew
        Function that returns a new URL of the archive, called when the URL has expired.
    strip_prefix
        Prefix to strip from the names, such as ``artifacts/``. Other entries are left out.

    Examples
    --------
    >>> url = task.get_output_url()
    >>> with inductiva.downloads.RemoteArchive(url, strip_prefix="artifacts/") as archive:
    ...     names = archive.namelist()
    ...     text = archive.open("stdout.txt").read()
    >>> "model.rpt" in names
    True
    """

    def __init__(
        self,
        url: str,
        *,
        opener: HttpGet | None = None,
        renew: Callable[[], str] | None = None,
        strip_prefix: str = "",
    ) -> None:
        self._prefix = strip_prefix
        self._link = SignedUrl(url, opener=opener, renew=renew)
        self._source = RemoteFile(self._link)
        self._lock = threading.Lock()
        self._known: CentralDirectory | None = None
        self._named: dict[str, ZipEntry] = {}

    def __repr__(self) -> str:
        return f"<RemoteArchive {self._link.display_url}>"

    def __enter__(self) -> RemoteArchive:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def members(self) -> tuple[ZipEntry, ...]:
        """All entries, in the order of the central directory."""
        return self._directory().entries

    @property
    def size(self) -> int:
        """Size of the archive in bytes."""
        return self._directory().size

    def namelist(self) -> list[str]:
        """Return the names of all entries without the prefix; folders end in ``/``."""
        return list(self.entries_by_name())

    def entries_by_name(self) -> dict[str, ZipEntry]:
        """Return the entries by name without the prefix; the last of equal names counts."""
        self._directory()
        return self._named

    def open(self, name: str) -> io.BufferedReader:
        """Open an entry as a seekable binary file.

        Bytes are fetched as they are read: one request per window, which grows from 64 KiB to
        4 MiB. Seeking backwards in a compressed entry reads it again from its start.
        ``file.raw.fetched`` is the number of bytes fetched.

        Parameters
        ----------
        name
            Exact name of the entry.

        Returns
        -------
        io.BufferedReader
            Works with ``pandas.read_csv``, ``numpy.load`` and similar functions.

        Raises
        ------
        InputError
            If there is no such entry; the message suggests similar names.
        ArchiveError
            If the entry is encrypted, damaged or of an unsupported compression method.
        """
        entry = self.entries_by_name().get(name)
        if entry is None or entry.is_dir:
            files = [known for known, one in self.entries_by_name().items() if not one.is_dir]
            raise InputError(did_you_mean([name], files))
        check_supported(entry)
        return io.BufferedReader(RemoteEntryFile(self._source, entry), _FIRST_WINDOW)

    def close(self) -> None:
        """Close the connections."""
        self._link.close()

    def _directory(self) -> CentralDirectory:
        with self._lock:
            if self._known is None:
                self._known = read_central_directory(self._source)
                self._named = strip_prefix(self._known.entries, self._prefix)
            return self._known


class RemoteEntryFile(io.RawIOBase):
    """Raw file object of one entry of an archive.

    Parameters
    ----------
    source
        The archive.
    entry
        The entry. Stored entries support random access, others are read from their start.

    Attributes
    ----------
    fetched
        Number of bytes fetched so far.
    """

    def __init__(self, source: RandomAccess, entry: ZipEntry) -> None:
        super().__init__()
        self.fetched = 0
        self._source = source
        self._entry = entry
        self._position = 0
        self._restart()
        self._data_start: int | None = None

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Set and return the position; the next read fetches the bytes.

        Parameters
        ----------
        offset
            Position relative to ``whence``.
        whence
            ``os.SEEK_SET``, ``os.SEEK_CUR`` or ``os.SEEK_END``.
        """
        self._check_open()
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._entry.size}
        if whence not in base:
            raise ValueError(f"`whence` must be 0, 1 or 2, got {whence}.")
        if base[whence] + offset < 0:
            raise ValueError(f"The position must not be negative, got {base[whence] + offset}.")
        self._position = base[whence] + offset
        return self._position

    def readinto(self, buffer: memoryview | bytearray) -> int:  # type: ignore[override]
        """Fill a buffer and return the number of bytes read; 0 at the end."""
        self._check_open()
        view = memoryview(buffer).cast("B")
        view = view[: max(0, self._entry.size - self._position)]
        if not view:
            self._check_rest()
            return 0
        is_sequential = self._decoded_to <= self._position <= self._decoded_end
        direct = self._entry.method == STORED and not is_sequential
        count = self._read_stored(view) if direct else self._read_decoded(view)
        self._position += count
        return count

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file.")

    def _restart(self) -> None:
        self._pieces: deque[bytes] = deque()
        self._decoded_to = 0  # position of the first of the pieces
        self._raw = memoryview(b"")
        self._next = self._entry.offset
        self._window = _FIRST_WINDOW
        self._decoder = EntryDecoder(self._entry, self._pieces.append)

    def _read_stored(self, view: memoryview) -> int:
        """Read at any position; a part of an entry has no checksum to verify."""
        if self._data_start is None:
            probe = EntryDecoder(self._entry, lambda _: None)
            at = self._entry.offset
            while probe.data_start is None:
                data = self._read_range(at, min(at + 512, self._entry.read_limit))
                if not data:
                    raise self._truncated()
                at += probe.feed(data)
            self._data_start = probe.data_start
        start = self._data_start + self._position
        data = self._read_range(start, start + len(view))
        view[: len(data)] = data
        return len(data)

    def _read_decoded(self, view: memoryview) -> int:
        """Continue from the decoder's position, or restart it if the target is behind."""
        if self._position < self._decoded_to:
            self._restart()
        while True:
            while self._pieces:
                piece = self._pieces[0]
                skip = self._position - self._decoded_to
                if skip < len(piece):
                    count = min(len(view), len(piece) - skip)
                    view[:count] = piece[skip : skip + count]
                    if skip + count == len(piece):
                        self._decoded_to += len(self._pieces.popleft())
                    return count
                self._decoded_to += len(self._pieces.popleft())
            if self._decoder.done:
                raise self._truncated()
            self._decode_more()

    def _check_rest(self) -> None:
        """Verify the checksum at the end of a file that was read sequentially."""
        size = self._entry.size
        while self._decoded_end == size == self._position and not self._decoder.done:
            self._decode_more()

    @property
    def _decoded_end(self) -> int:
        return self._decoded_to + sum(map(len, self._pieces))

    def _decode_more(self) -> None:
        if not self._raw:
            self._fetch()
        # Few bytes at a time, as their content may be a thousand times larger.
        part, self._raw = self._raw[:_DECODED_AT_ONCE], self._raw[_DECODED_AT_ONCE:]
        try:
            self._decoder.feed(part)
        except ArchiveError:
            self._pieces.clear()
            raise

    def _fetch(self) -> None:
        """Fetch the next window, twice as large as the previous one."""
        stop = min(self._entry.read_limit, self._next + self._window)
        if stop == self._next:
            raise self._truncated()
        self._raw = memoryview(self._read_range(self._next, stop))
        self._next = stop
        self._window = min(_LARGEST_WINDOW, 2 * self._window)

    def _read_range(self, start: int, stop: int) -> bytes:
        data = self._source.read(start, stop)
        self.fetched += len(data)
        return data

    def _truncated(self) -> ArchiveError:
        return ArchiveError(f"Entry {self._entry.quoted_name} is damaged: its data end too early.")
