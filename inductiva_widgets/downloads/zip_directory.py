"""Read the central directory of a zip archive over byte ranges.

All that is read here may be hostile. Every position is checked against the size of the archive
before it is used, and every failure is an ``ArchiveError``.
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
ZSTD = frozenset({20, 93})  # 20 was its number for a few months of 2020
METHODS = {
    STORED: "stored", DEFLATED: "deflate", BZIP2: "bzip2", LZMA: "lzma",
    **dict.fromkeys(sorted(ZSTD), "zstd"),
}  # fmt: skip
_OTHER_METHODS = {1: "shrink", 6: "implode", 9: "deflate64", 95: "xz", 98: "ppmd", 99: "AES"}

# The end record, its comment and, in most archives, the whole directory.
PREFETCH = 64 * 1024
# More than a million members; a larger directory is no simulation's output but an attack on memory.
LARGEST_DIRECTORY = 128 * 1024 * 1024

LOCAL_HEADER = struct.Struct("<4s5H3L2H")
LOCAL_SIGNATURE = b"PK\x03\x04"
_CENTRAL = struct.Struct("<4s4B4H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END64_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_EXTRA = struct.Struct("<2H")
_U32 = struct.Struct("<L")
_ZIP64, _UNICODE_PATH = 0x0001, 0x7075
_LONGEST_COMMENT = 0xFFFF
_IN_ZIP64 = 0xFFFFFFFF
_UNIX = 3

_ENCRYPTED, _PATCH, _STRONG, _UTF8, _MASKED = 0x1, 0x20, 0x40, 0x800, 0x2000


class NotAZipFileError(ArchiveError):
    """The file has no end record, so it is no zip archive, or its end is missing."""


# Not frozen, since a frozen one takes five times as long to make. Change none all the same.
@dataclass(slots=True, unsafe_hash=True)
class ZipEntry:
    """One entry of a zip archive.

    Parameters
    ----------
    name
        Name as in the archive, folders ending in ``/``. Not safe as a path.
    size
        Bytes of content.
    compressed_size
        Bytes in the archive.
    method
        Number of the compression method.
    crc
        Checksum of the content.
    offset
        Where its local header stands.
    end
        Where the next member or the directory begins: nothing of this member lies beyond.
    flags
        General purpose bits.
    mode
        Unix file mode, 0 where the archive has none.
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
        """Whether it stands for a folder."""
        # Old archivers on Windows wrote backslashes, in the names of folders, too.
        return self.name.endswith(("/", "\\"))

    @property
    def is_symlink(self) -> bool:
        """Whether it was a symbolic link; its content is then the text of the link."""
        return stat.S_ISLNK(self.mode)

    @property
    def read_limit(self) -> int:
        """Where to stop reading: like ``end``, but never far beyond the longest possible record."""
        longest = LOCAL_HEADER.size + 2 * 0xFFFF + self.compressed_size
        return min(self.end, self.offset + longest)

    def check_readable(self) -> None:
        """Refuse what cannot be decoded.

        Raises
        ------
        ArchiveError
            For encrypted members and unknown methods.
        """
        if self.flags & (_ENCRYPTED | _STRONG | _MASKED):
            raise ArchiveError(f"{self.name} is encrypted, which is not supported")
        if self.flags & _PATCH:
            raise ArchiveError(f"{self.name} is a patch to another file, which is not supported")
        if self.method not in METHODS:
            known = _OTHER_METHODS.get(self.method, "unknown")
            raise ArchiveError(
                f"{self.name} is compressed with method {self.method} ({known}), which is not "
                f"supported; known are {', '.join(dict.fromkeys(METHODS.values()))}"
            )
        if self.method == STORED and self.size != self.compressed_size:
            raise ArchiveError(f"{self.name} is stored but states two different sizes")


@dataclass(frozen=True, slots=True)
class CentralDirectory:
    """The members of an archive, in the order of its directory.

    Parameters
    ----------
    members
        All entries.
    size
        Bytes of the whole archive.
    """

    members: tuple[ZipEntry, ...]
    size: int


def read_central_directory(source: RandomAccess) -> CentralDirectory:
    """Read the directory of a zip archive, in one or two requests.

    Parameters
    ----------
    source
        The archive.

    Raises
    ------
    NotAnArchive
        When there is no end record.
    ArchiveError
        When the directory is damaged, hostile or of an unsupported kind.
    """
    end = _EndOfCentralDirectory(source)
    start, stop = end.locate()
    members = _parse(end.cut(start, stop), end.shift)
    end.check_count(len(members))
    _check_overlaps(members, start)
    return CentralDirectory(tuple(members), source.size)


class _EndOfCentralDirectory:
    """The last part of the archive, growing towards the front as needed."""

    def __init__(self, source: RandomAccess) -> None:
        self.shift = 0  # bytes put in front of the archive, as self-extracting ones have
        self._count = 0
        self._source = source
        self._bytes = source.read_end(PREFETCH)
        self._start = source.size - len(self._bytes)

    def cut(self, start: int, stop: int) -> bytes:
        """Return bytes by their position in the archive."""
        if start < self._start:
            self._bytes = self._source.read(start, self._start) + self._bytes
            self._start = start
        return self._bytes[start - self._start : stop - self._start]

    def locate(self) -> tuple[int, int]:
        """Return where the directory begins and ends."""
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
            raise ArchiveError("archives in several volumes are not supported")
        self.shift = stop - size - offset
        if self.shift < 0 or size > stop or size < count * _CENTRAL.size:
            raise ArchiveError("the archive is damaged: its directory does not fit into it")
        if size > LARGEST_DIRECTORY:
            raise ArchiveError(f"the archive's directory is too large: {format_bytes(size)}")
        self._count = count
        return stop - size, stop

    def check_count(self, found: int) -> None:
        """Refuse a directory that holds more or fewer entries than the end record states."""
        # Old writers let the 16 bits run over.
        if (found - self._count) % 0x10000:
            raise ArchiveError(
                f"the archive is damaged: it states {self._count} members but lists {found}"
            )

    def _find(self) -> int:
        size = self._source.size
        for reach in (len(self._bytes), _END.size + _LONGEST_COMMENT):
            begin = max(0, size - reach)
            text = self.cut(begin, size)
            loose = None
            found = text.rfind(b"PK\x05\x06")
            while found >= 0:
                if found + _END.size <= len(text):
                    comment = _END.unpack_from(text, found)[-1]
                    end = found + _END.size + comment
                    if end == len(text):
                        return begin + found
                    if end < len(text) and loose is None:
                        loose = begin + found  # something was put behind the archive
                found = text.rfind(b"PK\x05\x06", 0, found)
            if loose is not None:
                return loose
        raise NotAZipFileError("not a zip archive, or its end is missing")

    def _find_zip64(self, end: int) -> tuple[int, int, int, int, int, int] | None:
        """Return position, disks, count, size and offset from the zip64 records, where present."""
        locator = end - _END64_LOCATOR.size
        if locator < 0:
            return None
        signature, _, stated, _ = _END64_LOCATOR.unpack(self.cut(locator, end))
        if signature != b"PK\x06\x07":
            return None
        # The stated place is wrong when something was put in front; then it stands right before.
        for position in (stated, locator - _END64.size):
            # The record stands near the end, so a far one is hostile: do not fetch all up to there.
            if not max(0, locator - 2 * PREFETCH) <= position <= locator - _END64.size:
                continue
            fields = _END64.unpack(self.cut(position, position + _END64.size))
            if fields[0] == b"PK\x06\x06":
                disk, first_disk, _, count, size, offset = fields[4:]
                return position, disk, first_disk, count, size, offset
        raise ArchiveError("the archive is damaged: its zip64 record is missing")


def _parse(data: bytes, shift: int) -> list[ZipEntry]:
    """Read the entries; ``end`` is still open. Written for speed: there may be a million."""
    members: list[ZipEntry] = []
    unpack, header, total = _CENTRAL.unpack_from, _CENTRAL.size, len(data)
    position = 0
    while position < total:
        if not data.startswith(b"PK\x01\x02", position) or position + header > total:
            if data.startswith(b"PK\x05\x05", position):
                break  # a digital signature may follow the entries
            raise ArchiveError("the archive's directory is damaged")
        (
            _, _, system, _, _, flags, method, _, _, crc, compressed, size, name_length,
            extra_length, comment_length, _, _, external, offset,
        ) = unpack(data, position)  # fmt: skip
        name_stop = position + header + name_length
        raw = data[position + header : name_stop]
        extra = data[name_stop : name_stop + extra_length] if extra_length else b""
        position = name_stop + extra_length + comment_length
        if position > total:
            raise ArchiveError("the archive's directory is damaged: an entry is cut off")
        name = raw.decode("ascii") if raw.isascii() and not extra else _decode(raw, flags, extra)
        if _IN_ZIP64 in (size, compressed, offset):
            size, compressed, offset = _zip64_values(extra, size, compressed, offset)
        mode = external >> 16 if system == _UNIX else 0
        members.append(
            ZipEntry(name, size, compressed, method, crc, offset + shift, 0, flags, mode)
        )
    return members


def _decode(name: bytes, flags: int, extra: bytes) -> str:
    """Return a name as text.

    Without the UTF-8 flag the format says cp437, unless Info-ZIP's Unicode Path field says better.
    Some writers put UTF-8 there without flag or field. Tools differ about those: ``unzip`` takes
    the bytes as they are, ``zipfile`` cp437, and so do we, as a guess could be wrong, and a member
    would change its name with the guess.
    """
    if flags & _UTF8:
        try:
            return name.decode("utf-8")
        except UnicodeDecodeError:
            raise ArchiveError(f"the archive holds a malformed name: {name!r:.80}") from None
    if b"up" in extra:
        field = _extra_field(extra, _UNICODE_PATH)
        # Version, checksum of the other name, name. A tool that renames the member without knowing
        # the field leaves a checksum that is wrong by then.
        if len(field) > 5 and field[0] == 1 and _U32.unpack_from(field, 1)[0] == zlib.crc32(name):
            with contextlib.suppress(UnicodeDecodeError):
                return field[5:].decode("utf-8")
    return name.decode("cp437")


def _extra_field(extra: bytes, wanted: int) -> bytes:
    """Return the content of the first extra field of a kind, empty where there is none."""
    position = 0
    while position + 4 <= len(extra):
        kind, length = _EXTRA.unpack_from(extra, position)
        position += 4
        if kind == wanted:
            return extra[position : position + length]
        position += length
    return b""


def _zip64_values(extra: bytes, size: int, compressed: int, offset: int) -> tuple[int, int, int]:
    """Replace the values that did not fit into 32 bits by those in the zip64 field."""
    # Four bytes of ones without the field: an odd but real size, or damage that the bounds show.
    field = _extra_field(extra, _ZIP64)
    values = iter(struct.unpack(f"<{len(field) // 8}Q", field[: len(field) // 8 * 8]))
    size = next(values, size) if size == _IN_ZIP64 else size
    compressed = next(values, compressed) if compressed == _IN_ZIP64 else compressed
    offset = next(values, offset) if offset == _IN_ZIP64 else offset
    return size, compressed, offset


def _check_overlaps(members: list[ZipEntry], directory: int) -> None:
    """Give each member its end, and refuse members that overlap: one way to build a zip bomb."""
    limit = directory
    for member in sorted(members, key=attrgetter("offset"), reverse=True):
        if member.offset + LOCAL_HEADER.size + member.compressed_size > limit:
            raise ArchiveError(
                f"the archive is damaged: {member.name!r:.80} lies outside or overlaps"
            )
        member.end = limit
        limit = member.offset
