"""Atomic writes: complete under the final name, or not there at all."""

import os
import shutil
import sys

import pytest

from inductiva_widgets._atomic import AtomicFile, atomic_path, temp_path, write_atomically
from inductiva_widgets._disk import free_space

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX file modes and links")


def test_atomic_file_without_commit_leaves_nothing(tmp_path):
    target = tmp_path / "table.csv"
    target.write_text("old")
    with AtomicFile(temp_path(target)) as file:
        file.write(b"new")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_atomic_file_writes_arrays_of_any_shape_and_empty_ones(tmp_path):
    numpy = pytest.importorskip("numpy")
    parts = [numpy.arange(6).reshape(2, 3), numpy.empty(0), b"", b"end"]
    with AtomicFile(tmp_path / "part") as file:
        for part in parts:
            file.write(memoryview(part))
        file.commit(tmp_path / "whole")
    assert (tmp_path / "whole").read_bytes() == parts[0].tobytes() + b"end"


@posix
def test_atomic_file_does_not_write_through_a_link(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (tmp_path / "part").symlink_to(victim)
    with AtomicFile(tmp_path / "part") as file:
        file.write(b"new")
        file.commit(tmp_path / "whole")
    assert victim.read_text() == "untouched"
    assert (tmp_path / "whole").read_bytes() == b"new"


@posix
def test_write_atomically_is_private_unless_a_mode_is_given(tmp_path):
    old = os.umask(0o022)
    try:
        write_atomically(tmp_path / "private", b"1")
        write_atomically(tmp_path / "shared", b"1", mode=0o666)
    finally:
        os.umask(old)
    modes = [(tmp_path / name).stat().st_mode & 0o777 for name in ("private", "shared")]
    assert modes == [0o600, 0o644]


def test_target_with_the_longest_possible_name_is_written(tmp_path):
    target = tmp_path / ("n" * 255)
    try:
        target.touch()
    except OSError:
        pytest.skip("this file system has shorter names")
    write_atomically(target, b"new")
    with atomic_path(target) as path:
        path.write_bytes(b"newer")
    assert target.read_bytes() == b"newer"


def test_atomic_path_replaces_nothing_if_the_block_fails(tmp_path):
    target = tmp_path / "new folder/file"

    def fail():
        with atomic_path(target) as path:
            path.mkdir()
            (path / "inside").touch()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list(target.parent.iterdir()) == []


def test_free_space_of_a_missing_folder_is_that_of_its_nearest_parent(tmp_path, monkeypatch):
    asked = []
    usage = shutil._ntuple_diskusage(1000, 0, 500)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: asked.append(path) or usage)
    assert free_space(tmp_path / "not/there") == 500
    assert asked == [tmp_path]
    assert free_space(tmp_path, reserve=10**6) == 400
