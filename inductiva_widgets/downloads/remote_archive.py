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
    """The members of a zip archive behind a URL, read by ranges as they are needed.

    Nothing is asked before the first use, which costs one or two requests. Thread-safe.

    Parameters
    ----------
    url
        Address of the archive; a signed link will do.
    opener
        Makes the requests; a key-less ``requests`` session by default.
    renew
        Returns a new URL for the same archive, asked when the present one has expired.
    strip_prefix
        What to cut off the names, such as ``artifacts/``. Members outside of it are left out.

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
        """All entries, in the order of the archive's directory."""
        return self._directory().members

    @property
    def size(self) -> int:
        """Bytes of the whole archive."""
        return self._directory().size

    def namelist(self) -> list[str]:
        """Return the names of all entries without the prefix, folders ending in ``/``."""
        return list(self.entries_by_name())

    def entries_by_name(self) -> dict[str, ZipEntry]:
        """Return the entries by their names without the prefix; of equal names the last counts."""
        self._directory()
        return self._named

    def open(self, name: str) -> io.BufferedReader:
        """Return a seekable binary file over one member.

        Bytes come as they are read, a request for each window of 64 KiB at first and more later.
        Going back in a compressed member reads it anew from its start.
        ``file.raw.fetched`` tells how many bytes have travelled for it.

        Parameters
        ----------
        name
            Name of the member, exactly.

        Returns
        -------
        io.BufferedReader
            Good for ``pandas.read_csv``, ``numpy.load`` and the like.

        Raises
        ------
        InputError
            When there is no such member; names that look alike are told.
        ArchiveError
            When it is encrypted or compressed by an unknown method; while reading: damaged.
        """
        member = self.entries_by_name().get(name)
        if member is None or member.is_dir:
            files = [known for known, one in self.entries_by_name().items() if not one.is_dir]
            raise InputError(did_you_mean([name], files))
        check_supported(member)
        return io.BufferedReader(RemoteEntryFile(self._source, member), _FIRST_WINDOW)

    def close(self) -> None:
        """Close the connections."""
        self._link.close()

    def _directory(self) -> CentralDirectory:
        with self._lock:
            if self._known is None:
                self._known = read_central_directory(self._source)
                self._named = strip_prefix(self._known.members, self._prefix)
            return self._known


class RemoteEntryFile(io.RawIOBase):
    """One member of an archive as a file.

    Parameters
    ----------
    source
        The archive.
    member
        The entry. Stored ones are read at any place at once, others from their start on.

    Attributes
    ----------
    fetched
        Bytes that have travelled for it so far.
    """

    def __init__(self, source: RandomAccess, member: ZipEntry) -> None:
        super().__init__()
        self.fetched = 0
        self._source = source
        self._member = member
        self._position = 0
        self._restart()
        self._data_start: int | None = None

    def readable(self) -> bool:
        """Whether it can be read."""
        return True

    def seekable(self) -> bool:
        """Whether it has positions."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a position; nothing is fetched before the next read.

        Parameters
        ----------
        offset
            Where, counted from what ``whence`` says.
        whence
            ``os.SEEK_SET``, ``os.SEEK_CUR`` or ``os.SEEK_END``.
        """
        self._check_open()
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._member.size}
        if whence not in base:
            raise ValueError(f"invalid whence: {whence}")
        if base[whence] + offset < 0:
            raise ValueError("negative seek position")
        self._position = base[whence] + offset
        return self._position

    def readinto(self, buffer: memoryview | bytearray) -> int:  # type: ignore[override]
        """Fill a buffer and return how many bytes it got; 0 at the end."""
        self._check_open()
        view = memoryview(buffer).cast("B")
        view = view[: max(0, self._member.size - self._position)]
        if not view:
            self._check_rest()
            return 0
        straight = self._decoded_to <= self._position <= self._decoded_end
        direct = self._member.method == STORED and not straight
        count = self._read_stored(view) if direct else self._read_decoded(view)
        self._position += count
        return count

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file")

    def _restart(self) -> None:
        self._pieces: deque[bytes] = deque()
        self._decoded_to = 0  # where the first of the pieces begins
        self._raw = memoryview(b"")
        self._next = self._member.offset
        self._window = _FIRST_WINDOW
        self._decoder = EntryDecoder(self._member, self._pieces.append)

    def _read_stored(self, view: memoryview) -> int:
        """Read at any place; no checksum can be had for a part."""
        if self._data_start is None:
            probe = EntryDecoder(self._member, lambda _: None)
            at = self._member.offset
            while probe.data_start is None:
                data = self._read_range(at, min(at + 512, self._member.read_limit))
                if not data:
                    raise ArchiveError(f"{self._member.name}: its header is missing")
                at += probe.feed(data)
            self._data_start = probe.data_start
        start = self._data_start + self._position
        data = self._read_range(start, start + len(view))
        view[: len(data)] = data
        return len(data)

    def _read_decoded(self, view: memoryview) -> int:
        """Read on from where the decoder stands, from the start where that lies behind."""
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
                raise ArchiveError(f"{self._member.name}: its data end too early")
            self._decode_more()

    def _check_rest(self) -> None:
        """At the end of a file read straight through, have its checksum told by its last bytes."""
        size = self._member.size
        while self._decoded_end == size == self._position and not self._decoder.done:
            self._decode_more()

    @property
    def _decoded_end(self) -> int:
        return self._decoded_to + sum(map(len, self._pieces))

    def _decode_more(self) -> None:
        if not self._raw:
            self._fetch()
        # Few bytes at a time, as they may inflate a thousandfold.
        part, self._raw = self._raw[:_DECODED_AT_ONCE], self._raw[_DECODED_AT_ONCE:]
        try:
            self._decoder.feed(part)
        except ArchiveError:
            self._pieces.clear()
            raise

    def _fetch(self) -> None:
        """Get the next window: small at first, larger for those who read on."""
        stop = min(self._member.read_limit, self._next + self._window)
        if stop == self._next:
            raise ArchiveError(f"{self._member.name}: its data end too early")
        self._raw = memoryview(self._read_range(self._next, stop))
        self._next = stop
        self._window = min(_LARGEST_WINDOW, 2 * self._window)

    def _read_range(self, start: int, stop: int) -> bytes:
        data = self._source.read(start, stop)
        self.fetched += len(data)
        return data
