import shutil

import pytest

from inductiva_widgets.downloads import Limits, fetch_archive, limits
from inductiva_widgets.downloads.limits import check_free_space
from inductiva_widgets.downloads.zip_directory import ZipEntry
from inductiva_widgets.errors import ArchiveError, DownloadError
from tests.unit.downloads.archives import make_zip

GIB = 1024**3


def member(size, packed):
    return ZipEntry("a", size, packed, 8, 0, 0, packed, 0, 0)


def test_harmless_and_usual_archives_pass():
    Limits().check([member(GIB, 1000)])  # small, however well it was compressed
    Limits().check([member(500 * GIB, 5 * GIB)])
    Limits().check([])


def test_archive_made_to_fill_a_disk_is_refused_with_the_way_out():
    bomb = [member(2 * GIB, 2 * GIB // 1000)]
    with pytest.raises(ArchiveError, match=r"2\.1\d MiB to 2\.00 GiB.*max_ratio=None"):
        Limits().check([member(2 * GIB, 2_300_000)])
    Limits(max_ratio=None).check(bomb)
    Limits(max_ratio=1001).check(bomb)


def test_bound_on_the_content_counts_only_what_is_chosen(tmp_path, server, monkeypatch):
    url = server.put("/a.zip", make_zip({"small": b"x" * 100, "large": b"x" * 5000}))
    with pytest.raises(ArchiveError, match=r"at most 1\.00 KiB, got 4\.98 KiB"):
        fetch_archive(url, tmp_path / "out", limits=Limits(max_bytes=1024))
    assert not (tmp_path / "out").exists()
    fetch_archive(url, tmp_path / "out", ["small"], limits=Limits(max_bytes=1024))
    monkeypatch.setattr(limits, "_HARMLESS", 0)
    with pytest.raises(ArchiveError, match="zip bomb"):
        fetch_archive(url, tmp_path / "other", ["large"], limits=Limits(max_ratio=2))


def test_check_space(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(100, 0, 50))
    check_free_space(tmp_path, 50)
    with pytest.raises(DownloadError, match=r"needs 51 B, but .* has only 50 B free"):
        check_free_space(tmp_path, 51)
