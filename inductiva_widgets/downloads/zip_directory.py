"""Read the central directory of a zip archive over byte ranges.

The content is untrusted: every position is checked against the size of the archive before it is
used, and every failure is an ``ArchiveError``.
"""

from __future__ import annotations

import contextlib
import stat
import struct
import zlib
from dataclasses import dataclass
from operator import attrgetter

from inductiva_widgets.downloads.remote_file import RandomAccess
from inductiva_widgets.errors import ArchiveError
from inductiva_widgets.formatting import format_bytes

STORED, DEFLATED, BZIP2, LZMA = 0, 8, 12, 14
ZSTD = frozenset({20, 93})  # method 20 was replaced by 93 in 2020
METHODS = {
    STORED: "stored", DEFLATED: "deflate", BZIP2: "bzip2", LZMA: "lzma",
    **dict.fromkeys(sorted(ZSTD), "zstd"),
}  # fmt: skip
_OTHER_METHODS = {1: "shrink", 6: "implode", 9: "deflate64", 95: "xz", 98: "ppmd", 99: "AES"}

# Covers the end record, its comment and, in most archives, the whole directory.
PREFETCH = 64 * 1024
# Enough for a million entries; a larger directory is likely to be an attack on memory.
MAX_DIRECTORY_BYTES = 128 * 1024 * 1024

LOCAL_HEADER = struct.Struct("<4s5H3L2H")
LOCAL_SIGNATURE = b"PK\x03\x04"
_CENTRAL = struct.Struct("<4s4B4H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END64_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_EXTRA = struct.Struct("<2H")
_U32 = struct.Struct("<L")
_ZIP64, _UNICODE_PATH = 0x0001, 0x7075
_MAX_COMMENT_BYTES = 0xFFFF
# Bytes after the end record to search for it, more than any comment.
_MAX_APPENDED_BYTES = 1024 * 1024
_MAX_TRUNCATED = 4
_IN_ZIP64 = 0xFFFFFFFF
_UNIX = 3

_ENCRYPTED, _PATCH, _STRONG, _UTF8, _MASKED = 0x1, 0x20, 0x40, 0x800, 0x2000


class NotAZipFileError(ArchiveError):
    """The file is not a zip archive, or its end is missing."""


# Not frozen, as creating frozen instances takes five times as long. Do not modify them.
@dataclass(slots=True, unsafe_hash=True)
class ZipEntry:
    """One entry of a zip archive.

    Parameters
    ----------
    name
        Name as in the archive, with a trailing ``/`` for folders. Not a safe path.
    size
        Bytes of content.
    compressed_size
        Bytes in the archive.
    method
        Number of the compression method.
    crc
        CRC-32 of the content.
    offset
        Position of the local header.
    end
        Start of the next entry or of the directory.
    flags
        General purpose bits.
    mode
        Unix file mode, 0 if the archive has none.
    """

    name: str
    size: int
    compressed_size: int
    method: int
    crc: int
    offset: int
    end: int
    flags: int
    mode: int

    @property
    def is_dir(self) -> bool:
        """Whether the entry is a folder."""
        # Old Windows archivers used backslashes.
        return self.name.endswith(("/", "\\"))

    @property
    def is_symlink(self) -> bool:
        """Whether the entry is a symbolic link, whose content is the link target."""
        return stat.S_ISLNK(self.mode)

    @property
    def read_limit(self) -> int:
        """End of the bytes to read: ``end``, or less if the gap to it is large."""
        longest = LOCAL_HEADER.size + 2 * 0xFFFF + self.compressed_size
        return min(self.end, self.offset + longest)

    def check_readable(self) -> None:
        """Raise an error if the entry cannot be decompressed.

        Raises
        ------
        ArchiveError
            If the entry is encrypted or its compression method is not supported.
        """
        if self.flags & (_ENCRYPTED | _STRONG | _MASKED):
            raise ArchiveError(f"Entry {self.quoted_name} is encrypted, which is not supported.")
        if self.flags & _PATCH:
            raise ArchiveError(
                f"Entry {self.quoted_name} is a patch to another file, which is not supported."
            )
        if self.method not in METHODS:
            name = _OTHER_METHODS.get(self.method, "unknown")
            supported = ", ".join(dict.fromkeys(METHODS.values()))
            raise ArchiveError(
                f"Entry {self.quoted_name} is compressed with method {self.method} ({name}), "
                f"expected one of: {supported}."
            )
        if self.method == STORED and self.size != self.compressed_size:
            raise ArchiveError(
                f"Entry {self.quoted_name} is damaged: it is stored, but its two sizes differ."
            )

    @property
    def quoted_name(self) -> str:
        """Quoted name for messages, at most 120 characters."""
        return f"{self.name!r:.120}"


@dataclass(frozen=True, slots=True)
class CentralDirectory:
    """The entries of an archive, in the order of its central directory.

    Parameters
    ----------
    entries
        All entries.
    size
        Bytes of the whole archive.
    """

    entries: tuple[ZipEntry, ...]
    size: int


def read_central_directory(source: RandomAccess) -> CentralDirectory:
    """Read the central directory of a zip archive.

    Parameters
    ----------
    source
        The archive.

    Raises
    ------
    NotAZipFileError
        If there is no end record.
    ArchiveError
        If the directory is damaged, malicious or of an unsupported kind.

    Notes
    -----
    Requests: 1, or 2 if the directory is larger than 64 KiB.
    """
    end = _EndOfCentralDirectory(source)
    start, stop = end.locate()
    entries = _parse(end.cut(start, stop), end.shift)
    end.check_count(len(entries))
    _check_overlaps(entries, start)
    return CentralDirectory(tuple(entries), source.size)


class _EndOfCentralDirectory:
    """The last part of the archive, extended to the front as needed."""

    def __init__(self, source: RandomAccess) -> None:
        self.shift = 0  # bytes before the archive, as in self-extracting archives
        self._count = 0
        self._source = source
        self._bytes = source.read_end(PREFETCH)
        self._start = source.size - len(self._bytes)

    def cut(self, start: int, stop: int) -> bytes:
        """Return a byte range of the archive."""
        if start < self._start:
            self._bytes = self._source.read(start, self._start) + self._bytes
            self._start = start
        return self._bytes[start - self._start : stop - self._start]

    def locate(self) -> tuple[int, int]:
        """Return the start and the end of the central directory."""
        position = self._find()
        disk, first_disk, _, count, size, offset, _ = _END.unpack(
            self.cut(position, position + _END.size)
        )[1:]
        stop = position
        zip64 = self._find_zip64(position)
        if zip64 is not None:
            stop, disk, first_disk, count, size, offset = zip64
        elif offset == _IN_ZIP64:
            offset = stop - size  # `zip -fz` to a pipe writes the hint but not the zip64 record
        if disk or first_disk:
            raise ArchiveError("The archive has several volumes, which is not supported.")
        self.shift = stop - size - offset
        if self.shift < 0 or size > stop or size < count * _CENTRAL.size:
            raise ArchiveError(
                "The archive is damaged: its central directory does not fit into the file."
            )
        if size > MAX_DIRECTORY_BYTES:
            raise ArchiveError(
                "The central directory of the archive must have at most "
                f"{format_bytes(MAX_DIRECTORY_BYTES)}, got {format_bytes(size)}."
            )
        self._count = count
        return stop - size, stop

    def check_count(self, found: int) -> None:
        """Raise an error if the number of entries differs from the end record's."""
        # Old writers let the 16-bit count overflow.
        if (found - self._count) % 0x10000:
            raise ArchiveError(
                f"The archive is damaged: it declares {self._count} entries but has {found}."
            )

    def _find(self) -> int:
        size = self._source.size
        truncated: list[int] = []
        for reach in (
            len(self._bytes),
            _END.size + _MAX_COMMENT_BYTES,
            _END.size + _MAX_APPENDED_BYTES,
        ):
            begin = max(0, size - reach)
            text = self.cut(begin, size)
            loose = None
            truncated.clear()
            found = text.rfind(b"PK\x05\x06")
            while found >= 0:
                if found + _END.size <= len(text):
                    comment = _END.unpack_from(text, found)[-1]
                    end = found + _END.size + comment
                    if end == len(text):
                        return begin + found
                    if end < len(text) and loose is None:
                        loose = begin + found  # there are bytes after the archive
                    if end > len(text):
                        truncated.append(begin + found)
                found = text.rfind(b"PK\x05\x06", 0, found)
            if loose is not None:
                return loose
        # Some tools write a wrong comment length. Only the last records can be the right one.
        for position in truncated[:_MAX_TRUNCATED]:
            if self._follows_directory(position):
                return position
        raise NotAZipFileError("The file is not a zip archive, or its end is missing.")

    def _follows_directory(self, position: int) -> bool:
        """Return whether the central directory is directly before an end record."""
        _, _, _, _, count, size, _, _ = _END.unpack(self.cut(position, position + _END.size))
        start = position - size
        if not count or start < 0 or size > MAX_DIRECTORY_BYTES:
            return False
        return self._source.read(start, start + 4) == b"PK\x01\x02"

    def _find_zip64(self, end: int) -> tuple[int, int, int, int, int, int] | None:
        """Return position, disks, count, size and offset from the zip64 records, if any."""
        locator = end - _END64_LOCATOR.size
        if locator < 0:
            return None
        signature, _, stated, _ = _END64_LOCATOR.unpack(self.cut(locator, end))
        if signature != b"PK\x06\x07":
            return None
        # If there are bytes before the archive, the declared position is wrong, and the record is
        # directly before the locator.
        for position in (stated, locator - _END64.size):
            # A record far from the end is malicious: it would make us fetch everything after it.
            if not max(0, locator - 2 * PREFETCH) <= position <= locator - _END64.size:
                continue
            fields = _END64.unpack(self.cut(position, position + _END64.size))
            if fields[0] == b"PK\x06\x06":
                disk, first_disk, _, count, size, offset = fields[4:]
                return position, disk, first_disk, count, size, offset
        raise ArchiveError("The archive is damaged: its zip64 record is missing.")


def _parse(data: bytes, shift: int) -> list[ZipEntry]:
    """Parse the entries, except for ``end``. Optimised for a million entries."""
    entries: list[ZipEntry] = []
    unpack, header, total = _CENTRAL.unpack_from, _CENTRAL.size, len(data)
    position = 0
    while position < total:
        if not data.startswith(b"PK\x01\x02", position) or position + header > total:
            if data.startswith(b"PK\x05\x05", position):
                break  # a digital signature may follow the entries
            raise ArchiveError("The archive is damaged: its central directory is invalid.")
        (
            _, _, system, _, _, flags, method, _, _, crc, compressed, size, name_length,
            extra_length, comment_length, _, _, external, offset,
        ) = unpack(data, position)  # fmt: skip
        name_stop = position + header + name_length
        raw = data[position + header : name_stop]
        extra = data[name_stop : name_stop + extra_length] if extra_length else b""
        position = name_stop + extra_length + comment_length
        if position > total:
            raise ArchiveError("The archive is damaged: an entry of its directory is truncated.")
        name = raw.decode("ascii") if raw.isascii() and not extra else _decode(raw, flags, extra)
        if _IN_ZIP64 in (size, compressed, offset):
            size, compressed, offset = _zip64_values(extra, size, compressed, offset)
        mode = external >> 16 if system == _UNIX else 0
        entries.append(
            ZipEntry(name, size, compressed, method, crc, offset + shift, 0, flags, mode)
        )
    return entries


def _decode(name: bytes, flags: int, extra: bytes) -> str:
    """Decode the name of an entry.

    Without the UTF-8 flag the encoding is cp437, unless there is a Unicode Path field of Info-ZIP.
    Some writers store UTF-8 without flag or field. Few names in cp437 are valid UTF-8 by chance, as
    they would have to combine accented letters with box-drawing characters. A malformed name with
    the flag is decoded as cp437 too, which keeps different names different.
    """
    if flags & _UTF8:
        with contextlib.suppress(UnicodeDecodeError):
            return name.decode("utf-8")
    if b"up" in extra:
        field = _extra_field(extra, _UNICODE_PATH)
        # Version, CRC of the other name, name. The CRC is wrong if a tool without support for the
        # field has renamed the entry.
        if len(field) > 5 and field[0] == 1 and _U32.unpack_from(field, 1)[0] == zlib.crc32(name):
            with contextlib.suppress(UnicodeDecodeError):
                return field[5:].decode("utf-8")
    with contextlib.suppress(UnicodeDecodeError):
        return name.decode("utf-8")
    return name.decode("cp437")


def _extra_field(extra: bytes, field_id: int) -> bytes:
    """Return the content of the first extra field with an id, empty if there is none."""
    position = 0
    while position + 4 <= len(extra):
        kind, length = _EXTRA.unpack_from(extra, position)
        position += 4
        if kind == field_id:
            return extra[position : position + length]
        position += length
    return b""


def _zip64_values(extra: bytes, size: int, compressed: int, offset: int) -> tuple[int, int, int]:
    """Replace the values that exceed 32 bits by those of the zip64 field."""
    # Without the field, 0xFFFFFFFF is either the real value or damage that later checks find.
    field = _extra_field(extra, _ZIP64)
    values = iter(struct.unpack(f"<{len(field) // 8}Q", field[: len(field) // 8 * 8]))
    size = next(values, size) if size == _IN_ZIP64 else size
    compressed = next(values, compressed) if compressed == _IN_ZIP64 else compressed
    offset = next(values, offset) if offset == _IN_ZIP64 else offset
    return size, compressed, offset


def _check_overlaps(entries: list[ZipEntry], directory: int) -> None:
    """Set the end of each entry, and refuse overlapping entries, as in a zip bomb."""
    limit = directory
    for entry in sorted(entries, key=attrgetter("offset"), reverse=True):
        if entry.offset + LOCAL_HEADER.size + entry.compressed_size > limit:
            raise ArchiveError(
                f"The archive is damaged: entry {entry.quoted_name} overlaps another entry or the "
                "end of the file."
            )
        entry.end = limit
        limit = entry.offset
