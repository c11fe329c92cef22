"""From the bytes of one archive member to its content, piece by piece, never more than declared."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from inductiva_widgets.downloads.archive import (
    BZIP2,
    DEFLATED,
    LOCAL_HEADER,
    LOCAL_SIGNATURE,
    LZMA,
    Member,
)
from inductiva_widgets.errors import ArchiveError
from inductiva_widgets.formatting import format_bytes

if TYPE_CHECKING:
    import lzma

# The largest piece handed on at once; keeps memory flat for data that inflate a thousandfold.
PIECE = 1024 * 1024
# What lzma may ask for its window; 7-Zip's strongest preset for zip asks 64 MiB.
_LARGEST_WINDOW = 256 * 1024 * 1024
_LZMA_HEAD = struct.Struct("<2BHBL")


class _Codec(Protocol):
    """The common ground of zlib, bz2 and lzma."""

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
        self._decoder = zlib.decompressobj(-zlib.MAX_WBITS)

    @property
    def ended(self) -> bool:
        return self._decoder.eof

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


class _Lzma:
    """LZMA as zip holds it: version, length of the properties, properties, raw stream."""

    def __init__(self, member: Member) -> None:
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
        if length != 5 or packed >= 9 * 5 * 5 or window > _LARGEST_WINDOW:
            raise ArchiveError("its lzma properties are not supported")
        lc, lp, pb = packed % 9, packed // 9 % 5, packed // 45
        return {"id": lzma.FILTER_LZMA1, "dict_size": window, "lc": lc, "lp": lp, "pb": pb}


class MemberDecoder:
    """Takes the bytes from a member's local header on, gives its content to a sink.

    Parameters
    ----------
    member
        The directory's entry, against which everything is checked.
    sink
        Gets the content, piece by piece: never more bytes than the entry declares.

    Attributes
    ----------
    done
        Whether all of the member's bytes were taken and found right.
    taken
        Compressed bytes taken so far.
    written
        Bytes of content given to the sink so far.
    """

    def __init__(self, member: Member, sink: Callable[[bytes], object]) -> None:
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
        self._codec = _codec(member)

    def feed(self, data: bytes | memoryview) -> int:
        """Take bytes and return how many of them belong to the member.

        Parameters
        ----------
        data
            The next bytes of the archive.

        Raises
        ------
        ArchiveError
            When they are not what the directory says. The member is then lost.
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
            except (zlib.error, OSError, EOFError, ValueError, MemoryError) as exc:
                raise self._error(f"its data are damaged ({exc})") from None
            except ArchiveError as exc:
                raise self._error(str(exc)) from None
            rest = b""
            if self.written + len(out) > self._member.size:
                raise self._error(f"it holds more than the {self._declared} that it declares")
            if out:
                self._crc = zlib.crc32(out, self._crc)
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


def _codec(member: Member) -> _Codec:
    if member.method == DEFLATED:
        return _Deflate()
    if member.method == BZIP2:
        return _Bzip2()
    if member.method == LZMA:
        return _Lzma(member)
    return _Stored()
