"""The compression methods of zip, each behind the same few words, and the fastest checksum."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from inductiva_widgets.downloads.zip_directory import BZIP2, DEFLATED, LZMA, ZSTD, ZipEntry
from inductiva_widgets.errors import ArchiveError

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
    """The common ground of zlib, bz2, lzma and zstd."""

    @property
    def ended(self) -> bool:
        """Whether the end mark was seen, where the method has one."""

    def decode(self, data: bytes | memoryview, limit: int) -> tuple[bytes, bool]:
        """Return at most ``limit`` bytes of output, and whether there may be more without input."""


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
    """Return a fresh decoder for the data of a member.

    Parameters
    ----------
    member
        The directory's entry.

    Raises
    ------
    ArchiveError
        When the method needs a library that is not there.
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
    """Refuse a member that cannot be decoded, be it that a library is not there.

    Parameters
    ----------
    member
        The directory's entry.

    Raises
    ------
    ArchiveError
        It names the member and says what to do.
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
