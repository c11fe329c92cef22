"""Large members, fetched in blocks: here they are large from 100 kB on, and blocks are 50 kB."""

import shutil
import zipfile

import pytest

from inductiva_widgets._disk import free_space
from inductiva_widgets.downloads import _partial_file, extract, fetch_archive, start_archive
from inductiva_widgets.errors import ArchiveError, DownloadCancelled, DownloadError
from tests.unit.downloads.archives import make_zip, noise, text, tree, wait_until
from tests.unit.downloads.server import Fault

CONTENT = {"small.txt": text(3000), "large.bin": noise(600_000), "other.bin": noise(300_000, 2)}
METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


@pytest.fixture(autouse=True)
def small_sizes(monkeypatch):
    monkeypatch.setattr(extract, "LARGE", 100_000)
    monkeypatch.setattr(_partial_file, "CHUNK_SIZE", 50_000)
    monkeypatch.setattr(_partial_file, "_JOURNAL_INTERVAL", 10_000)


@pytest.fixture
def target(tmp_path):
    return tmp_path / "out"


def put(server, **options):
    data = make_zip(CONTENT, **options)
    return server.put("/a.zip", data), data


def is_member(entry):
    return not entry.range.startswith("bytes=-")


def spools(target):
    return sorted((target / ".inductiva-download").glob("*.spool"))


@pytest.mark.parametrize("method", METHODS)
def test_large_members_come_over_several_connections(server, target, method):
    url, data = put(server, method=method)
    download = start_archive(url, target, connections=4)
    download.result(20)
    assert tree(target) == CONTENT
    assert len([entry for entry in server.log if is_member(entry)]) >= 18
    assert server.sent <= len(data) + 70_000
    assert download.progress.bytes_done == download.progress.bytes_total


def test_blocks_of_an_earlier_run_are_not_fetched_again(server, target):
    url, _ = put(server)
    server.always = Fault(hold=25_000, when=lambda e: is_member(e) and "-5" in e.range)
    download = start_archive(url, target, ["large.bin"], connections=2)
    assert server.holding.wait(10)
    wait_until(lambda: download.progress.bytes_done > 400_000)
    download.cancel()
    with pytest.raises(DownloadCancelled):
        download.result(10)
    assert len(spools(target)) == 1
    server.gate.set()
    server.always = None
    server.forget()
    fetch_archive(url, target, ["large.bin"])
    assert tree(target) == {"large.bin": CONTENT["large.bin"]}
    assert server.sent <= 600_000 - 400_000 + 30_000 + 66_000


def test_remains_that_were_spoiled_on_disk_are_fetched_once_more(server, target):
    url, _ = put(server)
    server.always = Fault(status=404, when=lambda e: is_member(e) and server.sent > 400_000)
    with pytest.raises(DownloadError):
        fetch_archive(url, target, ["large.bin"], connections=1)
    (spool,) = spools(target)
    with spool.open("r+b") as file:
        file.seek(60_000)
        file.write(b"spoiled")
    server.always = None
    fetch_archive(url, target, ["large.bin"])
    assert tree(target) == {"large.bin": CONTENT["large.bin"]}


def test_damaged_large_member_is_named_and_the_others_come(server, target):
    data = bytearray(make_zip(CONTENT, method=zipfile.ZIP_STORED))
    data[data.index(CONTENT["large.bin"][:50]) + 300_000] ^= 0xFF
    url = server.put("/a.zip", bytes(data))
    with pytest.raises(
        ArchiveError, match=r"^Entry 'large\.bin' is damaged: its checksum is wrong"
    ):
        fetch_archive(url, target)
    assert tree(target) == {name: CONTENT[name] for name in ("small.txt", "other.bin")}


def test_where_the_disk_has_no_room_for_spools_members_come_without(server, target, monkeypatch):
    url, _ = put(server)
    monkeypatch.setattr(
        shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(0, 0, 1_000_000)
    )
    assert free_space(target) == 1_000_000
    fetch_archive(url, target)
    assert tree(target) == CONTENT
    assert len([entry for entry in server.log if is_member(entry)]) <= 3


def test_member_that_cannot_be_written_ends_the_run_and_names_it(server, target, monkeypatch):
    url, _ = put(server)

    def full(self, block, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_partial_file.PartialFile, "write", full)
    with pytest.raises(
        DownloadError, match=r"Could not write entry '.*\.bin': No space left on device"
    ):
        fetch_archive(url, target)
    monkeypatch.undo()
    fetch_archive(url, target)
    assert tree(target) == CONTENT


def test_pause_in_a_large_member_goes_on_where_it_was(server, target):
    url, _ = put(server)
    server.faults.append(Fault(hold=25_000, when=is_member))
    download = start_archive(url, target, ["large.bin"], connections=1)
    assert server.holding.wait(10)
    download.pause()
    server.gate.set()
    wait_until(lambda: server.log[-1].over)
    assert not download.done
    download.resume()
    download.result(10)
    assert tree(target) == {"large.bin": CONTENT["large.bin"]}
