"""Archives that other tools read, though something about them is odd."""

from __future__ import annotations

import stat
import struct
import sys
import threading
import zipfile

import pytest

from inductiva_widgets.downloads import fetch_archive, fetch_file
from inductiva_widgets.downloads._partial_file import CHUNK_SIZE
from inductiva_widgets.errors import ArchiveError, DownloadError
from tests.sloppy_server import SloppyServer, clean, once_started, status
from tests.unit.downloads.archives import make_zip, noise, tree
from tests.unit.downloads.malicious_zips import Entry, build

_KINDS = [clean, lambda request: clean(type(request)(request.data, request.number))]


@pytest.fixture(params=_KINDS, ids=["ranges", "one stream"])
def fetch(request, target):
    """Return a function that extracts an archive, over ranges and in one stream."""

    def extract(data, names=None):
        with SloppyServer(data, request.param) as server:
            return fetch_archive(server.url, target, names)

    return extract


def test_empty_archive_gives_an_empty_folder(fetch, target):
    assert fetch(make_zip({})) == target
    assert list(target.iterdir()) == []


ODD = {
    "encrypted": Entry("odd", flags=1),
    "unknown method": Entry("odd", method=77),
    "two sizes": Entry("odd", size=3),
    "wrong checksum": Entry("odd", crc=1),
}


@pytest.mark.parametrize("kind", ODD)
def test_one_member_that_cannot_be_extracted_is_named_after_the_others(fetch, target, kind):
    data = build(Entry("first", b"1"), ODD[kind], Entry("last", b"2"))
    with pytest.raises(ArchiveError, match="'odd'"):
        fetch(data)
    assert tree(target) == {"first": b"1", "last": b"2"}


def test_all_members_that_cannot_be_extracted_are_counted(fetch, target):
    odd = [Entry(f"odd{n}", flags=1) for n in range(5)]
    with pytest.raises(ArchiveError, match=r"'odd0'.*'odd1'.*'odd2'.* 2 more entries could"):
        fetch(build(*odd, Entry("last", b"2")))
    assert tree(target) == {"last": b"2"}


def test_archive_without_any_readable_member_is_refused_at_once(fetch, target):
    with pytest.raises(ArchiveError, match="encrypted"):
        fetch(build(Entry("a", flags=1)))
    assert not target.exists() or not list(target.iterdir())


def test_unreadable_member_that_is_not_selected_does_no_harm(fetch, target):
    fetch(build(Entry("a", b"1"), Entry("b", flags=1)), ["a"])
    assert tree(target) == {"a": b"1"}


def test_utf8_names_without_their_flag_come_out_right(fetch, target):
    fetch(build(Entry("größe/日本.txt".encode(), b"1")))
    assert (target / "größe/日本.txt").read_bytes() == b"1"


@pytest.mark.parametrize("length", [1, 7, 65535])
def test_wrong_comment_length_is_passed_over(fetch, target, length):
    data = build(Entry("a", b"1"))
    fetch(data[:-2] + struct.pack("<H", length))
    assert tree(target) == {"a": b"1"}


@pytest.mark.parametrize("count", [100, 70_000, 900_000])
def test_bytes_behind_the_archive_are_passed_over(fetch, target, count):
    fetch(build(Entry("a", b"1")) + bytes(count))
    assert tree(target) == {"a": b"1"}


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such mode")
def test_programs_stay_executable_and_nothing_else_of_the_mode_counts(fetch, target):
    modes = {"run.sh": 0o755, "data": 0o644, "own": 0o700, "special": 0o106755, "none": 0}
    entries = []
    for name, mode in modes.items():
        info = zipfile.ZipInfo(name)
        info.create_system, info.external_attr = 3, (0o100000 | mode) << 16
        entries.append((info, b"content"))
    fetch(make_zip(entries))
    plain = stat.S_IMODE((target / "data").stat().st_mode)
    executable = plain | (plain & 0o444) >> 2
    found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in target.iterdir()}
    assert found == {
        "run.sh": executable, "data": plain, "own": plain | 0o100, "special": executable,
        "none": plain,
    }  # fmt: skip


def test_url_that_expires_keeps_the_chunks_that_are_under_way(target):
    data = noise(8 * CHUNK_SIZE)
    with SloppyServer(data, once_started(status(403), 4)) as server:
        with pytest.raises(DownloadError, match="expired"):
            fetch_file(server.url, target, connections=4)
        assert len(server.ranges) > 4
        server.ranges.clear()
        server.kind = clean
        fetch_file(server.url, target, connections=4)
        assert len(server.ranges) == 4
    assert target.read_bytes() == data


def test_url_that_expires_keeps_the_files_that_are_under_way(target):
    content = {f"{n}.bin": noise(4_000_000, n) for n in range(12)}
    data = make_zip(content, zipfile.ZIP_STORED)
    refused = threading.Event()

    def kind(request):
        if request.number == 2:
            assert refused.wait(60)  # this file is under way when the URL expires
        if request.number < 5:
            return clean(request)
        refused.set()
        return status(403)(request)

    with SloppyServer(data, kind) as server:
        with pytest.raises(DownloadError, match="expired"):
            fetch_archive(server.url, target, connections=4)
        found = {path.name: path.read_bytes() for path in target.glob("*.bin")}
        assert len(found) >= 4
        assert found.items() <= content.items()
        server.kind = clean
        fetch_archive(server.url, target)
    assert tree(target) == content
