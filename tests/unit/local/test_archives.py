"""Archives in and out."""

from __future__ import annotations

import os
import stat
import zipfile

import pytest

from inductiva_widgets.local.archives import UnsafeArchiveError, pack, safe_member, unpack


def zip_with(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_only_the_top_folder_is_unpacked_without_its_name(tmp_path):
    members = {"sim_dir/": b"", "sim_dir/a/b.txt": b"12", "sim_dir/c/": b"", "input.json": b"{}"}
    archive = zip_with(tmp_path / "in.zip", members)
    told = unpack(archive, tmp_path / "work", "sim_dir")
    assert told == (1, 2)
    found = sorted(path.relative_to(tmp_path / "work") for path in (tmp_path / "work").rglob("*"))
    assert [path.as_posix() for path in found] == ["a", "a/b.txt", "c"]


def test_executable_bits_survive(tmp_path):
    entry = zipfile.ZipInfo("sim_dir/run.sh")
    entry.external_attr = 0o750 << 16
    archive = zip_with(tmp_path / "in.zip", {entry: b"#!/bin/sh"})
    unpack(archive, tmp_path / "work", "sim_dir")
    assert (tmp_path / "work" / "run.sh").stat().st_mode & 0o777 == 0o750


@pytest.mark.parametrize(
    "name", ["../x", "sim_dir/../../x", "/x", "sim_dir\\..\\x", "C:\\x", "sim_dir/..", ""]
)
def test_name_that_leads_out_is_refused_before_anything_is_written(tmp_path, name):
    with pytest.raises(UnsafeArchiveError):
        safe_member(name)
    if name:
        archive = zip_with(tmp_path / "in.zip", {"sim_dir/good.txt": b"x", name: b"x"})
        with pytest.raises(UnsafeArchiveError):
            unpack(archive, tmp_path / "work", "sim_dir")
        assert not list((tmp_path / "work").iterdir())


def test_links_are_refused(tmp_path):
    entry = zipfile.ZipInfo("sim_dir/link")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive = zip_with(tmp_path / "in.zip", {entry: b"/etc/passwd"})
    with pytest.raises(UnsafeArchiveError, match="link"):
        unpack(archive, tmp_path / "work", "sim_dir")


def test_everything_is_packed_under_artifacts(tmp_path):
    work = tmp_path / "work"
    (work / "vtk" / "empty").mkdir(parents=True)
    (work / "stdout.txt").write_text("hello")
    (work / "vtk" / "ü b.vtk").write_bytes(b"1" * 1000)
    told = pack(work, tmp_path / "out" / "output.zip")
    with zipfile.ZipFile(tmp_path / "out" / "output.zip") as archive:
        assert archive.testzip() is None
        assert archive.namelist()[0] == "artifacts/"
        assert sorted(archive.namelist()[1:]) == [
            "artifacts/stdout.txt",
            "artifacts/vtk/empty/",
            "artifacts/vtk/ü b.vtk",
        ]
    size = (tmp_path / "out" / "output.zip").stat().st_size
    assert told == (2, 1005, size, [])


def test_empty_folder_gives_the_one_entry_that_clients_look_for(tmp_path):
    (tmp_path / "work").mkdir()
    pack(tmp_path / "work", tmp_path / "output.zip")
    with zipfile.ZipFile(tmp_path / "output.zip") as archive:
        assert archive.namelist() == ["artifacts/"]


def test_what_is_no_output_is_skipped_and_named(tmp_path):
    work = tmp_path / "work"
    (work / "folder").mkdir(parents=True)
    (work / "file").write_text("x")
    os.mkfifo(work / "pipe")
    (tmp_path / "secret").write_text("outside")
    (work / "out").symlink_to(tmp_path / "secret")
    (work / "out-folder").symlink_to(tmp_path)
    (work / "loop").symlink_to(work)
    (work / "nowhere").symlink_to(work / "none")
    (work / "inside").symlink_to(work / "file")
    told = pack(work, tmp_path / "output.zip")
    assert told.skipped == ["loop", "nowhere", "out", "out-folder", "pipe"]
    with zipfile.ZipFile(tmp_path / "output.zip") as archive:
        assert archive.read("artifacts/inside") == b"x"
        assert told.files == 2


def test_archive_appears_when_it_is_whole(tmp_path, monkeypatch):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "file").write_text("x")
    target = tmp_path / "output.zip"

    def full(*_args, **_kwargs):
        assert not target.exists()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "write", full)
    with pytest.raises(OSError, match="No space left"):
        pack(tmp_path / "work", target)
    assert [path.name for path in tmp_path.iterdir()] == ["work"]


def test_times_before_zip_was_invented_do_no_harm(tmp_path):
    (tmp_path / "work").mkdir()
    old = tmp_path / "work" / "old"
    old.write_text("x")
    os.utime(old, (0, 0))
    assert pack(tmp_path / "work", tmp_path / "output.zip").files == 1
