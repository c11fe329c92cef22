import threading

import pytest

from inductiva_widgets.downloads import _partial_file
from inductiva_widgets.downloads._partial_file import PartialFile, journal_path, stored_version
from inductiva_widgets.downloads.remote_file import FileVersion
from tests.unit.downloads.archives import noise

DATA = noise(10_000)
VERSION = FileVersion(20_000, '"v1"', None)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(_partial_file, "CHUNK_SIZE", 1000)
    monkeypatch.setattr(_partial_file, "_JOURNAL_INTERVAL", 300)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.part"


def open_file(path, identity=VERSION):
    return PartialFile(path, identity, 5000, 15_000)


def fill(file, block, count=None):
    start = block.position - 5000
    file.write(block, DATA[start : block.stop - 5000][:count])


def test_blocks_in_any_order_make_the_file(path):
    file = open_file(path)
    for block in reversed(file.missing_chunks()):
        fill(file, block)
        file.checkpoint(block)
    assert file.missing_chunks() == []
    file.close()
    assert path.read_bytes() == DATA


def test_later_run_lacks_only_what_did_not_come(path):
    file = open_file(path)
    first, second, third, *_ = file.missing_chunks()
    fill(file, first)
    fill(file, third, 400)
    fill(file, second, 200)  # a kill comes before the journal knows of it
    again = open_file(path)
    assert again.resumed
    assert again.length == 1400
    assert [(b.index, b.position) for b in again.missing_chunks()[:2]] == [(1, 6000), (2, 7400)]
    for block in again.missing_chunks():
        fill(again, block)
        again.checkpoint(block)
    again.close()
    assert path.read_bytes() == DATA


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b"short"),
        lambda path: journal_path(path).unlink(),
        lambda path: journal_path(path).write_text(""),
        lambda path: journal_path(path).write_text("[]\n[0, 1000]\n"),
        lambda path: journal_path(path).write_bytes(b"\xff\xfe"),
    ],
)
def test_spoiled_remains_are_begun_anew(path, spoil):
    file = open_file(path)
    fill(file, file.missing_chunks()[0])
    file.close()
    spoil(path)
    again = open_file(path)
    assert not again.resumed
    assert len(again.missing_chunks()) == 10
    again.close()


@pytest.mark.parametrize("line", ['[1, "x"]', "[99, 5]", "[-1, 5]", "[2, -7]", "[3", "{}", "[1]"])
def test_line_that_broke_off_costs_only_what_it_said(path, line):
    file = open_file(path)
    fill(file, file.missing_chunks()[0])
    file.close()
    with journal_path(path).open("a") as journal:
        journal.write(line)
    again = open_file(path)
    assert again.length == 1000
    again.close()
    assert open_file(path).length == 1000  # the bad line is gone


def test_another_version_or_stretch_is_begun_anew(path):
    file = open_file(path)
    fill(file, file.missing_chunks()[0])
    file.close()
    for other in (FileVersion(20_000, '"v2"', None), FileVersion(20_001, '"v1"', None)):
        assert not open_file(path, other).resumed


def test_stored_identity_is_that_of_the_remains(path):
    assert stored_version(path) is None
    open_file(path).close()
    assert stored_version(path) == VERSION
    journal_path(path).write_text('{"size": "x", "etag": 1, "modified": null}')
    assert stored_version(path) is None


def test_follower_gets_bytes_in_order_and_never_what_is_not_there(path):
    file = open_file(path)
    got = bytearray()
    thread = threading.Thread(target=lambda: got.extend(b"".join(file.iter_available(300))))
    thread.start()
    blocks = file.missing_chunks()
    for block in [*blocks[1:4], blocks[0], *blocks[4:]]:
        fill(file, block, 500)
        fill(file, block)
    thread.join(10)
    assert bytes(got) == DATA
    file.discard()
    assert not path.exists()
    assert not journal_path(path).exists()
