import io
import lzma
import struct
import zipfile
import zlib
from dataclasses import replace

import pytest

from inductiva_widgets.downloads import _decompress
from inductiva_widgets.downloads._decompress import EntryDecoder
from inductiva_widgets.downloads.zip_directory import read_central_directory
from inductiva_widgets.errors import ArchiveError
from tests.unit.downloads.archives import make_zip, noise, text
from tests.unit.downloads.test_zip_directory import Memory

METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


def one(data):
    return read_central_directory(Memory(data)).entries[0]


def decode(data, member=None, step=1000):
    """Feed an archive's bytes piece by piece; return the content and the bytes taken."""
    member = member or one(data)
    parts = []
    decoder = EntryDecoder(member, parts.append)
    position = member.offset
    while position < member.read_limit and not decoder.done:
        used = decoder.feed(data[position : min(position + step, member.read_limit)])
        assert used
        position += used
    assert decoder.done
    return b"".join(parts), position


@pytest.mark.parametrize("step", [1, 7, 1000, 10**9])
@pytest.mark.parametrize("stream", [False, True], ids=["sizes first", "descriptor"])
@pytest.mark.parametrize("method", METHODS)
def test_content_comes_out_whatever_the_pieces(method, stream, step):
    content = text(20_000) + noise(500) + bytes(3000)
    data = make_zip({"a.txt": content, "b": b"next"}, method, stream=stream)
    got, position = decode(data, step=step)
    assert got == content
    member = one(data)
    assert position == member.offset + 35 + member.compressed_size  # header, name, data


@pytest.mark.parametrize("method", METHODS)
def test_pieces_stay_small_however_well_it_was_compressed(method, monkeypatch):
    monkeypatch.setattr(_decompress, "PIECE", 10_000)
    content = bytes(3_000_000)
    data = make_zip({"zeros": content}, method)
    sizes = []
    decoder = EntryDecoder(one(data), lambda piece: sizes.append(len(piece)))
    decoder.feed(data)
    assert decoder.done
    assert sum(sizes) == len(content)
    assert max(sizes) <= 10_000


@pytest.mark.parametrize("method", METHODS[1:])
@pytest.mark.parametrize("declared", [0, 1, 4999, 2_999_999])
def test_more_content_than_declared_is_refused_and_never_handed_on(method, declared):
    data = make_zip({"bomb": bytes(3_000_000)}, method)
    member = replace(one(data), size=declared)
    parts = []
    with pytest.raises(ArchiveError, match=r"bomb.*more than"):
        EntryDecoder(member, parts.append).feed(data)
    assert len(b"".join(parts)) <= declared


@pytest.mark.parametrize("method", METHODS[1:])
def test_less_content_than_declared_is_refused(method):
    data = make_zip({"short": text(5000)}, method)
    with pytest.raises(ArchiveError, match=r"short.*instead of"):
        EntryDecoder(replace(one(data), size=5001), lambda _: None).feed(data)


@pytest.mark.parametrize("method", METHODS)
def test_wrong_checksum_is_refused(method):
    data = make_zip({"a": text(5000)}, method)
    member = one(data)
    with pytest.raises(ArchiveError, match="checksum"):
        EntryDecoder(replace(member, crc=member.crc ^ 1), lambda _: None).feed(data)


@pytest.mark.parametrize("method", METHODS)
def test_flipped_bits_are_noticed(method):
    good = make_zip({"a": text(3000)}, method)
    member = one(good)
    properties = 9 if method == zipfile.ZIP_LZMA else 0  # version and window, no part of the data
    for place in range(31 + properties, 31 + member.compressed_size, 97):
        data = bytearray(good)
        data[place] ^= 0x10
        with pytest.raises(ArchiveError, match=r"^Entry 'a' is damaged: "):
            EntryDecoder(member, lambda _: None).feed(bytes(data))


def test_data_that_end_before_their_end_mark_are_refused():
    content = text(5000)
    squeezed = zlib.compressobj(wbits=-15)
    raw = squeezed.compress(content) + squeezed.flush(zlib.Z_SYNC_FLUSH)  # all content, no end mark
    data = make_zip({"a": raw}, zipfile.ZIP_STORED)
    member = replace(one(data), method=8, size=len(content), crc=zlib.crc32(content))
    data = data[:8] + b"\x08" + data[9:]
    with pytest.raises(ArchiveError, match="instead of"):
        EntryDecoder(member, lambda _: None).feed(data)


def test_lzma_without_end_mark():
    content = text(50_000)
    properties = {"id": lzma.FILTER_LZMA1, "dict_size": 1 << 16, "lc": 3, "lp": 0, "pb": 2}
    alone = lzma.compress(content, lzma.FORMAT_ALONE, filters=[properties])
    # The alone format is: properties, window, size, raw stream with an end mark.
    raw = struct.pack("<2BH", 9, 4, 5) + alone[:5] + alone[13:-6]
    data = make_zip({"a": raw}, zipfile.ZIP_STORED)
    data = data[:8] + b"\x0e" + data[9:]
    member = replace(one(data), method=14, size=len(content), crc=zlib.crc32(content), flags=0)
    got, _ = decode(data, member, step=4096)
    assert got == content


def test_lzma_window_does_not_take_the_memory_it_declares():
    data = bytearray(make_zip({"a": text(5000)}, zipfile.ZIP_LZMA))
    struct.pack_into("<L", data, 31 + 5, 0xFFFFFFFF)
    assert decode(bytes(data))[0] == text(5000)
    member = replace(one(bytes(data)), size=1 << 40)
    with pytest.raises(ArchiveError, match="LZMA properties"):
        EntryDecoder(member, lambda _: None).feed(bytes(data))


def test_local_header_may_differ_in_name_and_extra():
    data = bytearray(make_zip({"a.txt": text(100)}))
    data[26:30] = struct.pack("<2H", 7, 13)
    data[30:35] = b"another" + bytes(13)
    shift = 15
    end = data.index(b"PK\x05\x06")
    offset = struct.unpack_from("<L", data, end + 16)[0]
    struct.pack_into("<L", data, end + 16, offset + shift)
    assert decode(bytes(data))[0] == text(100)


@pytest.mark.parametrize(
    ("where", "value"), [(0, b"PX"), (8, b"\x00\x00"), (26, b"\xff\xff"), (28, b"\xff\xff")]
)
def test_local_header_that_disagrees_is_refused(where, value):
    data = bytearray(make_zip({"a.txt": text(100)}))
    data[where : where + 2] = value
    with pytest.raises(ArchiveError, match="header contradicts"):
        EntryDecoder(one(bytes(data)), lambda _: None).feed(bytes(data))


def test_empty_members():
    for method in METHODS:
        data = make_zip({"a": b""}, method)
        assert decode(data)[0] == zipfile.ZipFile(io.BytesIO(data)).read("a") == b""
