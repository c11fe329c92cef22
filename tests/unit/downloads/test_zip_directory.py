import io
import random
import struct
import time
import zipfile
import zlib
from unittest import mock

import pytest

from inductiva_widgets.downloads import zip_directory
from inductiva_widgets.downloads._safe_paths import assign_paths
from inductiva_widgets.downloads.zip_directory import NotAZipFileError, read_central_directory
from inductiva_widgets.errors import ArchiveError
from tests.unit.downloads.archives import make_zip, noise, text
from tests.unit.downloads.malicious_zips import Entry, build


class Memory:
    """A source over bytes that counts its reads."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)
        self.reads: list[tuple[int, int]] = []

    def read_end(self, count):
        start = max(0, self.size - count)
        return self.read(start, self.size)

    def read(self, start, stop):
        assert 0 <= start <= stop <= self.size
        self.reads.append((start, stop))
        return self.data[start:stop]

    def stream(self, start, stop):
        yield self.read(start, stop)


def seen_by_zipfile(data):
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        return [
            (i.filename, i.file_size, i.compress_size, i.compress_type, i.CRC, i.header_offset)
            for i in opened.infolist()
        ]


def seen_by_us(data):
    return [
        (m.name, m.size, m.compressed_size, m.method, m.crc, m.offset)
        for m in read_central_directory(Memory(data)).entries
    ]


END, ENTRY = b"PK\x05\x06", b"PK\x01\x02"
PLAIN = {"a/": b"", "a/x.txt": text(5000), "é": b"", "b.bin": noise(300)}


@pytest.mark.parametrize(
    "data",
    [
        make_zip(PLAIN),
        make_zip(PLAIN, stream=True),
        make_zip(PLAIN, zip64=True),
        make_zip(PLAIN, comment=b"x" * 65535),
        b"#!/bin/sh\nexit\n" + make_zip(PLAIN),
        make_zip({}),
        make_zip({f"{n:05}": b"" for n in range(3000)}),
    ],
    ids=["plain", "descriptors", "zip64", "longest comment", "in front", "empty", "many"],
)
def test_directory_is_what_zipfile_sees(data):
    assert seen_by_us(data) == seen_by_zipfile(data)


def test_comment_that_looks_like_an_end_record_is_no_end_record():
    data = make_zip(PLAIN, comment=b"a comment with PK\x05\x06 in it and twenty bytes more")
    assert seen_by_us(data) == seen_by_zipfile(make_zip(PLAIN))


def test_bytes_behind_the_archive_are_passed_over():
    assert seen_by_us(make_zip(PLAIN) + b"\n") == seen_by_zipfile(make_zip(PLAIN))


@pytest.mark.parametrize("front", [b"", b"something in front"])
def test_zip64_end_records_are_read(monkeypatch, front):
    """Many members make the standard library write the zip64 records; here three are many."""
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 2)
    data = make_zip(PLAIN)
    end = data.index(END)
    assert data[end - 20 : end - 16] == b"PK\x06\x07"
    # Only the zip64 record tells the truth, as in archives of 4 GiB and more.
    data = front + data[: end + 8] + b"\xff" * 12 + data[end + 20 :]
    members = read_central_directory(Memory(data)).entries
    assert [(m.name, m.crc) for m in members] == [(n, zlib.crc32(c)) for n, c in PLAIN.items()]
    assert all(data[m.offset : m.offset + 4] == b"PK\x03\x04" for m in members)


def test_zip64_sizes_and_offset_are_read():
    """Offsets beyond 4 GiB stand in the extra field; here they are put there by hand."""
    data = bytearray(make_zip({"first": b"1", "x": b"hello"}, zipfile.ZIP_STORED))
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        offset = opened.getinfo("x").header_offset
    at = data.rindex(b"PK\x01\x02")
    extra = struct.pack("<2H3Q", 1, 24, 5, 5, offset)
    data[at + 20 : at + 28] = b"\xff" * 8
    data[at + 30 : at + 32] = struct.pack("<H", len(extra))
    data[at + 42 : at + 46] = b"\xff" * 4
    data[at + 47 : at + 47] = extra
    end = data.rindex(b"PK\x05\x06")
    size = struct.unpack_from("<L", data, end + 12)[0] + len(extra)
    struct.pack_into("<L", data, end + 12, size)
    member = read_central_directory(Memory(bytes(data))).entries[1]
    assert (member.size, member.compressed_size, member.offset) == (5, 5, offset)
    assert seen_by_us(bytes(data)) == seen_by_zipfile(bytes(data))


def test_small_directory_costs_one_request():
    source = Memory(
        make_zip({f"{n:03}.bin": noise(2000, n) for n in range(200)}, zipfile.ZIP_STORED)
    )
    read_central_directory(source)
    assert len(source.reads) == 1


def test_large_directory_costs_two_requests():
    source = Memory(make_zip({f"{n:05}.bin": b"" for n in range(3000)}))
    read_central_directory(source)
    assert len(source.reads) == 2
    fetched = sum(stop - start for start, stop in source.reads)
    first_entry = source.data.index(ENTRY)
    assert fetched == source.size - first_entry  # the directory and the end, nothing twice


def test_names_without_utf8_flag_are_cp437():
    data = make_zip({"xy.txt": b"1"}).replace(b"xy.txt", b"\x81\x84.txt")
    assert read_central_directory(Memory(data)).entries[0].name == "üä.txt"


@pytest.mark.parametrize("data", [b"", b"PK", b"hello" * 100, make_zip(PLAIN)[:-23], bytes(70_000)])
def test_what_is_no_archive_is_told_apart(data):
    with pytest.raises(NotAZipFileError):
        read_central_directory(Memory(data))


def _patched(offset_from, where, fmt, value):
    data = bytearray(make_zip({"a.txt": text(1000), "b.txt": b"22"}))
    struct.pack_into(fmt, data, data.index(offset_from) + where, value)
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [
        _patched(END, 16, "<L", 0xFFFFFFF0),
        _patched(END, 12, "<L", 0xFFFFFFF0),
        _patched(END, 12, "<L", 1),
        _patched(END, 4, "<H", 3),
        _patched(END, 10, "<H", 60_000),
        _patched(ENTRY, 0, "<L", 0),
        _patched(ENTRY, 28, "<H", 60_000),
        _patched(ENTRY, 30, "<H", 65_535),
        _patched(ENTRY, 32, "<H", 65_535),
        _patched(ENTRY, 42, "<L", 0xFFFFFFF0),
        _patched(ENTRY, 42, "<L", 100),
        _patched(ENTRY, 20, "<L", 0xFFFFFFF0),
        _patched(ENTRY, 20, "<L", 0xFFFFFFFF),
    ],
    ids=["offset", "size", "small size", "volumes", "count", "signature", "name length",
         "extra length", "comment length", "member beyond", "member overlaps", "data beyond",
         "no zip64 field"],
)  # fmt: skip
def test_hostile_directory_is_an_archive_error(data):
    with pytest.raises(ArchiveError):
        read_central_directory(Memory(data))


def test_members_that_share_their_data_are_refused():
    """The core of a zip bomb without recursion: many entries, one kernel."""
    data = bytearray(make_zip({"a": bytes(5000), "b": bytes(5000)}))
    struct.pack_into("<L", data, data.rindex(ENTRY) + 42, 0)
    with pytest.raises(ArchiveError, match="overlaps"):
        read_central_directory(Memory(bytes(data)))


def test_directory_that_would_fill_memory_is_refused():
    data = make_zip({f"{n:05}": b"" for n in range(2000)})
    with (
        mock.patch.object(zip_directory, "MAX_DIRECTORY_BYTES", 50_000),
        pytest.raises(ArchiveError, match="must have at most"),
    ):
        read_central_directory(Memory(data))


def test_random_damage_is_never_anything_but_an_archive_error():
    rng = random.Random(7)
    good = make_zip({"a/x": text(200), "b": b"", "c": noise(50)}, zip64=True)
    refused = 0
    for _ in range(3000):
        data = bytearray(good)
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(len(data) // 2, len(data))] = rng.choice(
                [0, 1, 0xFF, rng.randrange(256)]
            )
        try:
            read_central_directory(Memory(bytes(data)))
        except ArchiveError:
            refused += 1
    assert refused > 500


@pytest.mark.parametrize(
    ("where", "value", "words"),
    [(8, 0x1, "encrypted"), (8, 0x20, "patch"), (8, 0x2000, "encrypted"), (10, 9, "deflate64"),
     (10, 95, "xz"), (10, 1234, "1234"), (10, 0, "two sizes differ")],
)  # fmt: skip
def test_unreadable_members_are_listed_but_named_when_read(where, value, words):
    member = read_central_directory(Memory(_patched(ENTRY, where, "<H", value))).entries[0]
    with pytest.raises(ArchiveError, match=rf"a\.txt.*{words}"):
        member.check_readable()


def test_symbolic_links_and_folders_are_recognised():
    link = zipfile.ZipInfo("link")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    members = read_central_directory(
        Memory(make_zip([(link, b"/etc/passwd"), ("d/", b""), ("f", b"")]))
    ).entries
    assert [m.is_symlink for m in members] == [True, False, False]
    assert [m.is_dir for m in members] == [False, True, False]


def _renamed(raw, better, *, crc=None, version=1, flags=0):
    """Return the name that is read where an Info-ZIP Unicode Path field stands."""
    crc = zlib.crc32(raw) if crc is None else crc
    field = struct.pack("<2HBL", 0x7075, 5 + len(better), version, crc) + better
    data = build(Entry(raw, extra=struct.pack("<2H1s", 0x5455, 1, b"\0") + field, flags=flags))
    return read_central_directory(Memory(data)).entries[0].name


def test_unicode_path_field_is_taken_while_it_is_up_to_date():
    assert _renamed(b"gr?n.txt", "grün.txt".encode()) == "grün.txt"
    assert _renamed(b"\x81", "日本".encode()) == "日本"
    # Each of these is to be passed over, says the format.
    assert _renamed(b"a", b"b", crc=1) == "a"
    assert _renamed(b"a", b"b", version=2) == "a"
    assert _renamed(b"a", b"") == "a"
    assert _renamed(b"a", b"\xff") == "a"
    # With the flag the name itself is right, whatever the field says.
    assert _renamed(b"a", b"b", flags=0x800) == "a"


@pytest.mark.parametrize("name", ["é", "größe.txt", "日本/報告.csv"])
def test_names_in_utf8_without_flag_or_field_are_utf8(name):
    data = build(Entry(name.encode()))
    assert read_central_directory(Memory(data)).entries[0].name == name


def test_malformed_names_with_the_flag_stay_different():
    data = build(Entry(b"\xff\xfe", flags=0x800), Entry(b"\xff\xfd", flags=0x800))
    assert len({entry.name for entry in read_central_directory(Memory(data)).entries}) == 2


def test_offset_that_points_to_zip64_records_which_are_missing():
    """As `zip -fz - -` writes it."""
    data = bytearray(make_zip(PLAIN))
    struct.pack_into("<L", data, data.rindex(END) + 16, 0xFFFFFFFF)
    assert seen_by_us(bytes(data)) == seen_by_zipfile(make_zip(PLAIN))


def test_folders_of_old_windows_archives_are_recognised():
    members = read_central_directory(Memory(build("a\\", "a\\b", "c/"))).entries
    assert [member.is_dir for member in members] == [True, False, True]


@pytest.mark.extended
def test_a_hundred_thousand_members_are_read_in_no_time():
    """A guard against the quadratic, not a benchmark, which would say less than a second."""
    # Without zip64 records the count of 16 bits runs over, as old writers have it.
    data = build(*[Entry(f"artifacts/{n // 1000}/{n}.vtu", b"") for n in range(100_000)])
    began = time.process_time()
    members = read_central_directory(Memory(data)).entries
    layout = assign_paths([member.name for member in members], fold_case=True)
    assert time.process_time() - began < 10
    assert len(layout.paths) == len(members) == 100_000
