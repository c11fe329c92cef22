"""Decompress one zip entry piece by piece, and check it.

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
    # Intel's library inflates twice as fast as zlib and checks several times as fast. It has no
    # build for every machine, hence no hard requirement.
    from isal import isal_zlib as fast_zlib
except ImportError:
    fast_zlib = zlib

if TYPE_CHECKING:
    import lzma

crc32: Callable[..., int] = fast_zlib.crc32
# What the codecs raise about damaged data.
DAMAGE: tuple[type[Exception], ...] = (
    fast_zlib.error, zlib.error, OSError, EOFError, ValueError, MemoryError,
)  # fmt: skip

# What lzma may ask for its window; 7-Zip's strongest preset for zip asks 64 MiB.
_LARGEST_WINDOW = 256 * 1024 * 1024
_ZSTD_WINDOW_LOG = 28  # the same for zstd
_LZMA_HEAD = struct.Struct("<2BHBL")


class Codec(Protocol):
    """Common interface of the zip compression methods."""

    @property
    def ended(self) -> bool:
        """Whether the end marker was read; True if the method has none."""

    def decode(self, data: bytes | memoryview, limit: int) -> tuple[bytes, bool]:
        """Return at most ``limit`` bytes, and whether more output may be pending."""


class _Stored:
    ended = True  # has no end mark: the size alone tells

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
            return b"", False  # zlib would collect what follows the end in memory
        out = self._decoder.decompress(data or self._decoder.unconsumed_tail, limit)
        # Output may wait inside zlib even when all input is taken: a full piece means "ask again".
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
    def __init__(self, member: ZipEntry) -> None:
        zstd = _zstd_library(member)
        options = {zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
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
            raise ArchiveError(f"its data are damaged ({exc})") from None
        return out, not self._decoder.eof and not self._decoder.needs_input


class _Lzma:
    """LZMA as zip holds it: version, length of the properties, properties, raw stream."""

    def __init__(self, member: ZipEntry) -> None:
        self._size = member.size
        self._left = member.size
        self._head = b""
        self._decoder: lzma.LZMADecompressor | None = None
        # Without bit 1 there is no end mark: the size alone tells, and what the decoder makes of
        # the last few bytes beyond it is no content.
        self._marked = bool(member.flags & 0x2)

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
            raise ArchiveError(f"its data are damaged ({exc})") from None
        self._left -= len(out)
        return out, not self._decoder.eof and not self._decoder.needs_input

    def _filter(self) -> dict[str, int]:
        import lzma

        _, _, length, packed, window = _LZMA_HEAD.unpack_from(self._head)
        # A window beyond the content's size is never used, but would be allocated.
        window = max(4096, min(window, self._size))
        lc, lp, pb = packed % 9, packed // 9 % 5, packed // 45
        # The library takes no more than four bits of context.
        if length != 5 or pb > 4 or lc + lp > 4 or window > _LARGEST_WINDOW:
            raise ArchiveError("its lzma properties are not supported")
        return {"id": lzma.FILTER_LZMA1, "dict_size": window, "lc": lc, "lp": lp, "pb": pb}


def codec(member: ZipEntry) -> Codec:
    """Return a new decoder for the method of an entry.

    Parameters
    ----------
    member
        The directory's entry.

    Raises
    ------
    ArchiveError
        If the method needs a library that is not installed.
    """
    if member.method == DEFLATED:
        return _Deflate()
    if member.method == BZIP2:
        return _Bzip2()
    if member.method == LZMA:
        return _Lzma(member)
    if member.method in ZSTD:
        return _Zstd(member)
    return _Stored()


def check_supported(member: ZipEntry) -> None:
    """Raise if an entry cannot be decompressed, for example without its library.

    Parameters
    ----------
    member
        The directory's entry.

    Raises
    ------
    ArchiveError
        Its message names the entry and the fix.
    """
    member.check_readable()
    if member.method in ZSTD:
        _zstd_library(member)


def _zstd_library(member: ZipEntry) -> Any:
    try:
        from compression import zstd  # Python 3.14
    except ImportError:
        try:
            from backports import zstd
        except ImportError:
            raise ArchiveError(
                f"{member.name} is compressed with zstd, which this Python cannot read alone: "
                "pip install 'inductiva-widgets[zstd]'"
            ) from None
    return zstd


# The largest piece handed on at once; keeps memory flat for data that inflate a thousandfold.
PIECE = 1024 * 1024


class EntryDecoder:
    """Decompresses one entry, from its local header on, and checks its size and CRC.

    Parameters
    ----------
    member
        The directory's entry, against which everything is checked.
    sink
        Called with each piece of content: never more bytes than the entry declares.

    Attributes
    ----------
    done
        Whether all bytes of the entry were read and its checks passed.
    taken
        Compressed bytes read so far.
    written
        Bytes of content passed to ``sink`` so far.
    """

    def __init__(self, member: ZipEntry, sink: Callable[[bytes], object]) -> None:
        member.check_readable()
        self.done = False
        self.taken = 0
        self.written = 0
        self.data_start: int | None = None
        self._member = member
        self._sink = sink
        self._head = b""
        self._skip: int | None = None
        self._crc = 0
        self._codec = codec(member)

    def feed(self, data: bytes | memoryview) -> int:
        """Decompress bytes and return how many of them belong to the entry.

        Parameters
        ----------
        data
            The next bytes of the archive.

        Raises
        ------
        ArchiveError
            If they contradict the central directory. The entry cannot be used then.
        """
        view = memoryview(data)
        consumed = self._take_header(view)
        if self._skip is None:
            return consumed
        passed = min(self._skip, len(view) - consumed)
        self._skip -= passed
        consumed += passed
        if not self._skip and not self.done:
            part = view[consumed : consumed + self._member.compressed_size - self.taken]
            self.taken += len(part)
            consumed += len(part)
            if part:
                self._decode(part)
            if self.taken == self._member.compressed_size:
                self._finish()
        return consumed

    def _take_header(self, view: memoryview) -> int:
        """Read the local header: only its lengths count, which may differ from the directory's."""
        if self._skip is not None:
            return 0
        part = view[: LOCAL_HEADER.size - len(self._head)]
        self._head += bytes(part)
        if len(self._head) == LOCAL_HEADER.size:
            fields = LOCAL_HEADER.unpack(self._head)
            self._skip = fields[9] + fields[10]
            self.data_start = self._member.offset + LOCAL_HEADER.size + self._skip
            if (
                fields[0] != LOCAL_SIGNATURE
                or fields[3] != self._member.method
                or self.data_start + self._member.compressed_size > self._member.end
            ):
                raise self._error("its header does not agree with the archive's directory")
        return len(part)

    def _decode(self, data: memoryview) -> None:
        more = True
        rest: bytes | memoryview = data
        while more:
            # One byte more than may come, so that too much content shows without being kept.
            limit = min(PIECE, self._member.size - self.written + 1)
            try:
                out, more = self._codec.decode(rest, limit)
            except DAMAGE as exc:
                raise self._error(f"its data are damaged ({exc})") from None
            except ArchiveError as exc:
                raise self._error(str(exc)) from None
            rest = b""
            if self.written + len(out) > self._member.size:
                raise self._error(f"it holds more than the {self._declared} that it declares")
            if out:
                self._crc = crc32(out, self._crc)
                self.written += len(out)
                self._sink(out)

    def _finish(self) -> None:
        whole = self._codec.ended or not self._member.compressed_size
        if self.written != self._member.size or not whole:
            raise self._error(
                f"it holds {format_bytes(self.written)} instead of the {self._declared} declared"
            )
        if self._crc != self._member.crc:
            raise self._error("its checksum is wrong, the archive is damaged")
        self.done = True

    @property
    def _declared(self) -> str:
        return format_bytes(self._member.size)

    def _error(self, reason: str) -> ArchiveError:
        return ArchiveError(f"{self._member.name}: {reason}")
