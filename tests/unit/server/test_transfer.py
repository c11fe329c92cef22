"""What may come into the storage, and how stored files get into an input archive."""

from __future__ import annotations

import shutil
import zipfile
from types import SimpleNamespace

import pytest

from inductiva_widgets._atomic import atomic_path
from inductiva_widgets.server import transfer
from inductiva_widgets.server.errors import BadRequestError, TooLargeError


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "input.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("sim_dir/", b"")
        target.writestr("sim_dir/own.txt", b"own")
        target.writestr("sim_dir/zeros.bin", bytes(1 << 20))
    return path


@pytest.fixture
def small_disk(monkeypatch):
    """Leave so many bytes free beside the reserve."""

    def leave(free):
        usage = SimpleNamespace(free=transfer._RESERVE + free, total=1 << 40)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)

    return leave


def test_archive_is_measured_unpacked(archive, tmp_path, small_disk):
    small_disk((1 << 20) + 3)
    transfer.check_archive(archive, tmp_path, max_entries=3)
    small_disk(1 << 20)
    assert archive.stat().st_size < 1 << 16
    with pytest.raises(TooLargeError, match="do not fit"):
        transfer.check_archive(archive, tmp_path, max_entries=3)


def test_archive_of_too_many_members_is_refused(archive, tmp_path):
    with pytest.raises(TooLargeError, match="3 members, more than the 2"):
        transfer.check_archive(archive, tmp_path, max_entries=2)


def test_encrypted_archive_is_refused(archive, tmp_path):
    content = bytearray(archive.read_bytes())
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(content)
    with pytest.raises(BadRequestError, match="encrypted"):
        transfer.check_archive(archive, tmp_path, max_entries=3)


def test_file_size_is_limited_on_any_disk(tmp_path, small_disk):
    small_disk(1 << 60)
    transfer.check_growth(tmp_path, transfer.MOST_UPLOAD)
    with pytest.raises(TooLargeError):
        transfer.check_growth(tmp_path, transfer.MOST_UPLOAD + 1)
    with pytest.raises(TooLargeError):
        transfer.check_room(tmp_path, transfer.MOST_UPLOAD + 1)


def test_growing_file_stops_when_the_disk_is_full(tmp_path, small_disk):
    small_disk(-1)
    with pytest.raises(TooLargeError, match="do not fit"):
        transfer.check_growth(tmp_path, 10)


def test_merging_keeps_the_inputs_own_files_and_can_be_repeated(archive, tmp_path):
    folder = tmp_path / "assets"
    (folder / "in").mkdir(parents=True)
    (folder / "own.txt").write_text("stored")
    (folder / "in" / "more.txt").write_text("more")
    (folder / ".part").write_text("on its way")
    for _ in range(2):
        transfer.merge_assets(archive, "sim_dir", [folder, folder / "in" / "more.txt"])
        with zipfile.ZipFile(archive) as merged:
            names = merged.namelist()
            assert sorted(names) == [
                "sim_dir/",
                "sim_dir/in/more.txt",
                "sim_dir/more.txt",
                "sim_dir/own.txt",
                "sim_dir/zeros.bin",
            ]
            assert merged.read("sim_dir/own.txt") == b"own"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_atomic_path_failure_keeps_the_target(tmp_path):
    target = tmp_path / "file"
    target.write_text("old")

    def fail_half_way():
        with atomic_path(target) as path:
            path.write_text("half")
            raise KeyError

    with pytest.raises(KeyError):
        fail_half_way()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]
