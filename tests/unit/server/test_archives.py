"""Archives in and out."""

from __future__ import annotations

import errno
import os
import stat
import zipfile

import pytest

from inductiva_widgets.server.archives import (
    NoRoomError,
    UnsafeArchiveError,
    create_archive,
    extract_archive,
    extracted_size,
    safe_member,
)


def zip_with(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_only_the_top_folder_is_unpacked_without_its_name(tmp_path):
    members = {"sim_dir/": b"", "sim_dir/a/b.txt": b"12", "sim_dir/c/": b"", "input.json": b"{}"}
    archive = zip_with(tmp_path / "in.zip", members)
    told = extract_archive(archive, tmp_path / "work", "sim_dir")
    assert told == (1, 2)
    found = sorted(path.relative_to(tmp_path / "work") for path in (tmp_path / "work").rglob("*"))
    assert [path.as_posix() for path in found] == ["a", "a/b.txt", "c"]


def test_executable_bits_survive(tmp_path):
    entry = zipfile.ZipInfo("sim_dir/run.sh")
    entry.external_attr = 0o750 << 16
    archive = zip_with(tmp_path / "in.zip", {entry: b"#!/bin/sh"})
    extract_archive(archive, tmp_path / "work", "sim_dir")
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
            extract_archive(archive, tmp_path / "work", "sim_dir")
        assert not list((tmp_path / "work").iterdir())


def test_links_are_refused(tmp_path):
    entry = zipfile.ZipInfo("sim_dir/link")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive = zip_with(tmp_path / "in.zip", {entry: b"/etc/passwd"})
    with pytest.raises(UnsafeArchiveError, match="link"):
        extract_archive(archive, tmp_path / "work", "sim_dir")


def test_everything_is_packed_under_artifacts(tmp_path):
    work = tmp_path / "work"
    (work / "vtk" / "empty").mkdir(parents=True)
    (work / "stdout.txt").write_text("hello")
    (work / "vtk" / "ü b.vtk").write_bytes(b"1" * 1000)
    told = create_archive(work, tmp_path / "out" / "output.zip")
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


def test_empty_folder_archive_has_the_marker_entry(tmp_path):
    (tmp_path / "work").mkdir()
    create_archive(tmp_path / "work", tmp_path / "output.zip")
    with zipfile.ZipFile(tmp_path / "output.zip") as archive:
        assert archive.namelist() == ["artifacts/"]


def test_create_archive_skips_and_lists_special_files(tmp_path):
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
    told = create_archive(work, tmp_path / "output.zip")
    assert told.skipped == ["loop", "nowhere", "out", "out-folder", "pipe"]
    with zipfile.ZipFile(tmp_path / "output.zip") as archive:
        assert archive.read("artifacts/inside") == b"x"
        assert told.files == 2


def test_create_archive_is_atomic(tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "file").write_text("x")
    target = tmp_path / "output.zip"
    seen = []

    def look():
        seen.append((target.exists(), target.with_name(".output.zip.part").exists()))

    create_archive(tmp_path / "work", target, look)
    assert set(seen) == {(False, True)}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["output.zip", "work"]


def test_nothing_is_left_of_an_archive_without_room(tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "file").write_text("x")

    def refuse():
        raise NoRoomError

    with pytest.raises(NoRoomError):
        create_archive(tmp_path / "work", tmp_path / "output.zip", refuse)
    assert [path.name for path in tmp_path.iterdir()] == ["work"]


def test_full_disk_is_want_of_room_and_other_trouble_is_not(tmp_path, monkeypatch):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "file").write_text("x")
    for number, kind in ((errno.ENOSPC, NoRoomError), (errno.EIO, OSError)):

        def fail(*_args, number=number, **_more):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(zipfile.ZipFile, "open", fail)
        with pytest.raises(kind):
            create_archive(tmp_path / "work", tmp_path / "output.zip")
        assert [path.name for path in tmp_path.iterdir()] == ["work"]


def test_only_the_named_files_are_packed(tmp_path):
    work = tmp_path / "work"
    (work / "deep").mkdir(parents=True)
    for name in ("stdout.txt", "large", "deep/stdout.txt"):
        (work / name).write_text(name)
    assert create_archive(work, tmp_path / "output.zip", only=("stdout.txt",)).files == 1
    with zipfile.ZipFile(tmp_path / "output.zip") as archive:
        assert archive.namelist() == ["artifacts/", "artifacts/stdout.txt"]


def test_extracted_size_ignores_further_entries(tmp_path):
    members = {"sim_dir/": b"", "sim_dir/a": b"12", "sim_dir/b/c": b"345", "other": b"x" * 99}
    assert extracted_size(zip_with(tmp_path / "in.zip", members), "sim_dir") == 5


def test_more_files_than_the_plain_format_counts(tmp_path, monkeypatch):
    # The real limit is 65,535, which takes too long for a test.
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 100)
    work = tmp_path / "work"
    work.mkdir()
    for number in range(150):
        (work / str(number)).write_bytes(b"")
    assert create_archive(work, tmp_path / "output.zip").files == 150
    monkeypatch.undo()
    with zipfile.ZipFile(tmp_path / "output.zip") as archive:
        assert len(archive.namelist()) == 151
    # The record that holds the long count.
    assert b"PK\x06\x06" in (tmp_path / "output.zip").read_bytes()[-200:]


def test_files_and_offsets_beyond_the_plain_format_s_limit(tmp_path, monkeypatch):
    # The real limit is 2 GiB (and 4 GiB), which takes too long for a test.
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1 << 20)
    work = tmp_path / "work"
    work.mkdir()
    contents = {name: os.urandom(3 << 20) for name in ("a", "b")}
    for name, content in contents.items():
        (work / name).write_bytes(content)
    create_archive(work, tmp_path / "output.zip")
    monkeypatch.undo()
    with zipfile.ZipFile(tmp_path / "output.zip") as archive:
        assert archive.testzip() is None
        assert all(archive.read(f"artifacts/{name}") == contents[name] for name in contents)
        # Extra field 1, the long sizes.
        assert all(archive.getinfo(f"artifacts/{n}").extra[:2] == b"\1\0" for n in contents)


def test_create_archive_growing_file_is_valid(tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    (work / "log").write_bytes(b"1" * 10)

    def grow():
        if (work / "log").stat().st_size < 30:
            with (work / "log").open("ab") as file:
                file.write(b"2" * 10)

    told = create_archive(work, tmp_path / "output.zip", grow)
    with zipfile.ZipFile(tmp_path / "output.zip") as archive:
        assert archive.testzip() is None
        assert archive.read("artifacts/log") == b"1" * 10 + b"2" * 20
    assert told.size == 30


def test_times_before_zip_was_invented_do_no_harm(tmp_path):
    (tmp_path / "work").mkdir()
    old = tmp_path / "work" / "old"
    old.write_text("x")
    os.utime(old, (0, 0))
    assert create_archive(tmp_path / "work", tmp_path / "output.zip").files == 1
