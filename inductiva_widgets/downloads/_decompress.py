"""Decompress one zip entry in pieces, and verify it.

The decoder never yields more bytes than the entry declares. Methods: stored, deflate, bzip2, lzma
and zstd.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from inductiva_widgets.downloads.zip_directory import (
    BZIP2,
    DEFLATED,
    LOCAL_HEADER,
    LOCAL_SIGNATURE,
    LZMA,
    ZSTD,
    ZipEntry,
)
from inductiva_widgets.errors import ArchiveError
from inductiva_widgets.formatting import format_bytes

fast_zlib: Any
try:
    # Intel's library inflates twice as fast as zlib. It is optional because it is not available for
    # every platform.
    from isal import isal_zlib as fast_zlib
except ImportError:
    fast_zlib = zlib

if TYPE_CHECKING:
    import lzma

crc32: Callable[..., int] = fast_zlib.crc32
# Exceptions that the codecs raise for damaged data.
DAMAGE: tuple[type[Exception], ...] = (
    fast_zlib.error, zlib.error, OSError, EOFError, ValueError, MemoryError,
)  # fmt: skip

# Maximum window sizes: they limit the memory. 7-Zip's strongest zip preset needs 64 MiB.
_MAX_LZMA_WINDOW = 256 * 1024 * 1024
_MAX_ZSTD_WINDOW_LOG = 28
_LZMA_HEAD = struct.Struct("<2BHBL")


class Codec(Protocol):
    """Common interface of the zip compression methods."""

    @property
    def ended(self) -> bool:
        """Whether the end marker was read; True if the method has none."""

    def decode(self, data: bytes | memoryview, limit: int) -> tuple[bytes, bool]:
        """Return at most ``limit`` bytes, and whether more output may be pending."""


class _Stored:
    ended = True  # the size alone marks the end

    def __init__(self) -> None:
        self._rest = memoryview(b"")

    def decode(self, data: bytes | memoryview, limit: int) -> tuple[bytes, bool]:
        whole = memoryview(data) if data else self._rest
        self._rest = whole[limit:]
        return bytes(whole[:limit]), bool(self._rest)


class _Deflate:
    def __init__(self) -> None:
        self._decoder = fast_zlib.decompressobj(-zlib.MAX_WBITS)

    @property
    def ended(self) -> bool:
        return bool(self._decoder.eof)

    def decode(self, data: bytes | memoryview, limit: int) -> tuple[bytes, bool]:
        if self._decoder.eof:
            return b"", False  # zlib would store any bytes after the end in memory
        out = self._decoder.decompress(data or self._decoder.unconsumed_tail, limit)
        # A full piece means that zlib may hold more output, even if it has taken all input.
        return out, len(out) == limit and not self._decoder.eof


class _Bzip2:
    def __init__(self) -> None:
        import bz2

        self._decoder = bz2.BZ2Decompressor()

    @property
    def ended(self) -> bool:
        return self._decoder.eof

    def decode(self, data: bytes | memoryview, limit: int) -> tuple[bytes, bool]:
        if self._decoder.eof:
            return b"", False
        out = self._decoder.decompress(data, limit)
        return out, not self._decoder.eof and not self._decoder.needs_input


class _Zstd:
    def __init__(self, entry: ZipEntry) -> None:
        zstd = _zstd_library(entry)
        options = {zstd.DecompressionParameter.window_log_max: _MAX_ZSTD_WINDOW_LOG}
        self._entry = entry
        self._error: type[Exception] = zstd.ZstdError
        self._decoder: Any = zstd.ZstdDecompressor(options=options)

    @property
    def ended(self) -> bool:
        return bool(self._decoder.eof)

    def decode(self, data: bytes | memoryview, limit: int) -> tuple[bytes, bool]:
        if self._decoder.eof:
            return b"", False
        try:
            out: bytes = self._decoder.decompress(data, limit)
        except self._error as exc:
            raise _damaged(self._entry, exc) from None
        return out, not self._decoder.eof and not self._decoder.needs_input


class _Lzma:
    """LZMA as stored in zip files: version, length of the properties, properties, raw stream."""

    def __init__(self, entry: ZipEntry) -> None:
        self._entry = entry
        self._left = entry.size
        self._head = b""
        self._decoder: lzma.LZMADecompressor | None = None
        # Without bit 1 there is no end mark, and the size alone marks the end. Output beyond the
        # size is not content.
        self._marked = bool(entry.flags & 0x2)

    @property
    def ended(self) -> bool:
        return not self._marked or (self._decoder is not None and self._decoder.eof)

    def decode(self, data: bytes | memoryview, limit: int) -> tuple[bytes, bool]:
        import lzma

        if self._decoder is None:
            self._head += bytes(data)
            if len(self._head) < _LZMA_HEAD.size:
                return b"", False
            self._decoder = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[self._filter()])
            data = self._head[_LZMA_HEAD.size :]
        if not self._marked:
            limit = min(limit, self._left)
        if self._decoder.eof or not limit:
            return b"", False
        try:
            out = self._decoder.decompress(data, limit)
        except lzma.LZMAError as exc:
            raise _damaged(self._entry, exc) from None
        self._left -= len(out)
        return out, not self._decoder.eof and not self._decoder.needs_input

    def _filter(self) -> dict[str, int]:
        import lzma

        _, _, length, packed, window = _LZMA_HEAD.unpack_from(self._head)
        # A window larger than the content is never used, but would be allocated.
        window = max(4096, min(window, self._entry.size))
        lc, lp, pb = packed % 9, packed // 9 % 5, packed // 45
        # liblzma supports at most four context bits.
        if length != 5 or pb > 4 or lc + lp > 4 or window > _MAX_LZMA_WINDOW:
            raise ArchiveError(
                f"Entry {self._entry.quoted_name} uses LZMA properties that are not supported."
            )
        return {"id": lzma.FILTER_LZMA1, "dict_size": window, "lc": lc, "lp": lp, "pb": pb}


def codec(entry: ZipEntry) -> Codec:
    """Return a new decoder for the compression method of an entry.

    Parameters
    ----------
    entry
        The entry.

    Raises
    ------
    ArchiveError
        If the method needs a library that is not installed.
    """
    if entry.method == DEFLATED:
        return _Deflate()
    if entry.method == BZIP2:
        return _Bzip2()
    if entry.method == LZMA:
        return _Lzma(entry)
    if entry.method in ZSTD:
        return _Zstd(entry)
    return _Stored()


def check_supported(entry: ZipEntry) -> None:
    """Raise an error if an entry cannot be decompressed.

    Parameters
    ----------
    entry
        The entry.

    Raises
    ------
    ArchiveError
        If the entry is encrypted or its method is not supported.
    """
    entry.check_readable()
    if entry.method in ZSTD:
        _zstd_library(entry)


def _zstd_library(entry: ZipEntry) -> Any:
    try:
        from compression import zstd  # Python 3.14
    except ImportError:
        try:
            from backports import zstd
        except ImportError:
            raise ArchiveError(
                f"Entry {entry.quoted_name} is compressed with zstd, which this Python does not "
                "support. Install the extra: pip install 'inductiva-widgets[zstd]'."
            ) from None
    return zstd


# Maximum bytes per piece; limits the memory for highly compressed data.
PIECE = 1024 * 1024


class EntryDecoder:
    """Decompresses one entry, starting at its local header, and checks its size and CRC.

    Parameters
    ----------
    entry
        The entry in the central directory, against which everything is checked.
    sink
        Called with each piece of content; never receives more bytes than declared.

    Attributes
    ----------
    done
        Whether the whole entry was read and passed its checks.
    taken
        Compressed bytes read so far.
    written
        Bytes of content passed to ``sink`` so far.
    """

    def __init__(self, entry: ZipEntry, sink: Callable[[bytes], object]) -> None:
        entry.check_readable()
        self.done = False
        self.taken = 0
        self.written = 0
        self.data_start: int | None = None
        self._entry = entry
        self._sink = sink
        self._head = b""
        self._skip: int | None = None
        self._crc = 0
        self._codec = codec(entry)

    def feed(self, data: bytes | memoryview) -> int:
        """Decompress bytes and return how many of them belonged to the entry.

        Parameters
        ----------
        data
            The next bytes of the archive.

        Raises
        ------
        ArchiveError
            If the data contradict the central directory. The decoder cannot be used afterwards.
        """
        view = memoryview(data)
        consumed = self._take_header(view)
        if self._skip is None:
            return consumed
        passed = min(self._skip, len(view) - consumed)
        self._skip -= passed
        consumed += passed
        if not self._skip and not self.done:
            part = view[consumed : consumed + self._entry.compressed_size - self.taken]
            self.taken += len(part)
            consumed += len(part)
            if part:
                self._decode(part)
            if self.taken == self._entry.compressed_size:
                self._finish()
        return consumed

    def _take_header(self, view: memoryview) -> int:
        """Skip the local header, whose length may differ from the central directory's."""
        if self._skip is not None:
            return 0
        part = view[: LOCAL_HEADER.size - len(self._head)]
        self._head += bytes(part)
        if len(self._head) == LOCAL_HEADER.size:
            fields = LOCAL_HEADER.unpack(self._head)
            self._skip = fields[9] + fields[10]
            self.data_start = self._entry.offset + LOCAL_HEADER.size + self._skip
            if (
                fields[0] != LOCAL_SIGNATURE
                or fields[3] != self._entry.method
                or self.data_start + self._entry.compressed_size > self._entry.end
            ):
                raise self._damaged("its header contradicts the central directory")
        return len(part)

    def _decode(self, data: memoryview) -> None:
        more = True
        rest: bytes | memoryview = data
        while more:
            # Request one byte too many: it reveals excess content without storing it.
            limit = min(PIECE, self._entry.size - self.written + 1)
            try:
                out, more = self._codec.decode(rest, limit)
            except DAMAGE as exc:
                raise _damaged(self._entry, exc) from None
            rest = b""
            if self.written + len(out) > self._entry.size:
                raise self._damaged(f"it has more than the {self._declared} that it declares")
            if out:
                self._crc = crc32(out, self._crc)
                self.written += len(out)
                self._sink(out)

    def _finish(self) -> None:
        at_end = self._codec.ended or not self._entry.compressed_size
        if self.written != self._entry.size or not at_end:
            written = format_bytes(self.written)
            raise self._damaged(f"it has {written} instead of the {self._declared} declared")
        if self._crc != self._entry.crc:
            raise self._damaged("its checksum is wrong")
        self.done = True

    @property
    def _declared(self) -> str:
        return format_bytes(self._entry.size)

    def _damaged(self, reason: str) -> ArchiveError:
        return _damaged(self._entry, reason)


def _damaged(entry: ZipEntry, reason: object) -> ArchiveError:
    return ArchiveError(f"Entry {entry.quoted_name} is damaged: {reason}.")
