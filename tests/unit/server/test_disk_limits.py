"""What a task may not exceed."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import pytest

from inductiva_widgets.errors import LocalServerError
from inductiva_widgets.server.disk_limits import (
    DiskGuard,
    DiskLimits,
    LimitError,
    folder_size,
    parse_size,
)
from inductiva_widgets.server.requirements import check_requirements


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("500", 500),
        ("12B", 12),
        ("2kB", 2000),
        (" 1.5 GiB ", 3 << 29),
        ("3m", 3_000_000),
        ("1Ti", 1 << 40),
    ],
)
def test_sizes_are_read_with_and_without_units(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "GiB", "-1", "1PB", "1 000", "ten", "1e9"])
def test_parse_size_invalid_raises(text):
    with pytest.raises(LimitError, match="is no size"):
        parse_size(text)


def test_environment_sets_the_limits():
    assert DiskLimits.from_environment({}) == DiskLimits(1 << 30, None)
    given = {"INDUCTIVA_LOCAL_DISK_FLOOR": "0", "INDUCTIVA_LOCAL_MAX_OUTPUT": "2MB"}
    assert DiskLimits.from_environment(given) == DiskLimits(0, 2_000_000)


def test_limit_that_cannot_be_read_stops_the_server_from_starting(monkeypatch):
    monkeypatch.setenv("INDUCTIVA_LOCAL_MAX_OUTPUT", "lots")
    with pytest.raises(LocalServerError, match="INDUCTIVA_LOCAL_MAX_OUTPUT: 'lots' is no size"):
        check_requirements()


@pytest.fixture
def disk(monkeypatch):
    """Return a stand-in for the disk, whose free space is settable."""
    stand_in = SimpleNamespace(free=10_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: stand_in)
    return stand_in


def test_free_space_below_floor_reason_has_both_sizes(tmp_path, disk):
    guard = DiskGuard(tmp_path / "not" / "made", DiskLimits(disk_floor=5000))
    assert guard.violation() is None
    assert guard.can_archive()
    disk.free = 4000
    text = guard.violation()
    assert "3.91 KiB are free" in text
    assert "4.88 KiB have to stay free (INDUCTIVA_LOCAL_DISK_FLOOR)" in text
    # So that a task that ran into the floor can leave what it has written.
    assert guard.can_archive()
    disk.free = 2000
    assert not guard.can_archive()


def test_too_large_input_is_rejected_before_extraction(tmp_path, disk):
    guard = DiskGuard(tmp_path, DiskLimits(disk_floor=5000))
    assert guard.reason_no_space(5000) is None
    assert "the input needs 4.88 KiB, 9.77 KiB are free" in guard.reason_no_space(5001)


def test_no_floor_is_never_exceeded(tmp_path, disk):
    disk.free = 0
    guard = DiskGuard(tmp_path, DiskLimits(disk_floor=0))
    assert guard.violation() is None
    assert guard.can_archive()


def test_files_are_added_up_now_and_then_and_whenever_asked(tmp_path):
    guard = DiskGuard(tmp_path, DiskLimits(disk_floor=0, max_output=1000))
    assert guard.violation() is None
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(b"x" * 1001)
    assert guard.violation() is None
    text = guard.violation(now=True)
    assert "its files take 1001 B, more than the 1000 B that INDUCTIVA_LOCAL_MAX_OUTPUT" in text


def test_links_are_not_followed_and_a_missing_folder_is_empty(tmp_path):
    (tmp_path / "large").write_bytes(b"x" * 5000)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "large")
    (folder / "loop").symlink_to(folder)
    assert folder_size(folder) < 1000
    assert folder_size(tmp_path / "none") == 0
