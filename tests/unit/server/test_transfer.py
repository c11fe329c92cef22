"""What may come into the storage, and how stored files get into an input archive."""

from __future__ import annotations

import io
import os
import shutil
import zipfile
from types import SimpleNamespace

import pytest

from inductiva_widgets._atomic import atomic_path
from inductiva_widgets.server import archives, transfer
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


@pytest.fixture
def storage(tmp_path):
    """Return a maker of stored files, which gives them as assets."""

    def make(name, content=b"stored"):
        path = tmp_path / "storage" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return transfer.Asset(name, path)

    return make


def stored_zip(**members):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in members.items():
            target.writestr(name, content)
    return packed.getvalue()


def merge(archive, *assets, max_entries=100):
    """Return the files that the assets have added, and what they hold."""
    with zipfile.ZipFile(archive) as before:
        own = before.namelist()
    transfer.merge_assets(archive, "sim_dir", assets, max_entries)
    with zipfile.ZipFile(archive) as merged:
        assert merged.testzip() is None
        return {
            name.removeprefix("sim_dir/"): merged.read(name)
            for name in merged.namelist()
            if name not in own
        }


def test_merging_keeps_the_inputs_own_files_and_can_be_repeated(archive, storage, tmp_path):
    storage("assets/own.txt")
    storage("assets/in/more.txt", b"more")
    storage("assets/.part", b"on its way")
    folder = transfer.Asset("assets", tmp_path / "storage" / "assets")
    assert merge(archive, folder, storage("assets/in/more.txt", b"more")) == {
        "in/more.txt": b"more"
    }
    assert merge(archive, folder) == {}
    with zipfile.ZipFile(archive) as merged:
        assert merged.read("sim_dir/own.txt") == b"own"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


# The names that the vendor's machines give: a file keeps its path in the storage without the first
# folder, and output archives keep all of it. Source: `WebApiFileManager.download_input_resources`
# and `ApiClient.get_download_urls` in https://github.com/inductiva/task-runner.
@pytest.mark.parametrize(
    ("stored", "arrives"),
    [
        ("data/a.txt", "a.txt"),
        ("data/deep/er/a.txt", "deep/er/a.txt"),
        ("data/set.zip", "set.zip"),
        ("2s9n/input.zip", "input.zip"),
        ("2s9n/output.zip", "2s9n/out.txt"),
        ("prefix/2s9n/output.zip", "prefix/2s9n/out.txt"),
        ("2s9n/old-output.zip", "2s9n/out.txt"),
    ],
)
def test_stored_file_arrives_where_the_vendors_machines_put_it(archive, storage, stored, arrives):
    content = stored_zip(**{"artifacts/": "", "artifacts/out.txt": "out", "output.json": "{}"})
    assert list(merge(archive, storage(stored, content))) == [arrives]


def test_later_asset_replaces_files_of_earlier_ones(archive, storage):
    found = merge(archive, storage("first/a.txt", b"1"), storage("second/a.txt", b"2"))
    assert found == {"a.txt": b"2"}


def test_unpacked_outputs_keep_their_folders_and_permissions(archive, storage, tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as target:
        program = zipfile.ZipInfo("artifacts/bin/run.sh")
        program.external_attr = 0o100755 << 16
        target.writestr(program, "#!/bin/sh")
        target.writestr("artifacts/empty/", b"")
    found = merge(archive, storage("t1/output.zip", packed.getvalue()))
    assert set(found) == {"t1/bin/run.sh", "t1/empty/"}
    archives.extract_archive(archive, tmp_path / "work", "sim_dir")
    assert os.access(tmp_path / "work" / "t1" / "bin" / "run.sh", os.X_OK)


@pytest.mark.parametrize(
    "content", [b"no zip", stored_zip(**{"other/a.txt": "a"})], ids=["no zip", "no artifacts"]
)
def test_file_called_output_zip_that_is_none_arrives_as_it_is(archive, storage, content):
    assert merge(archive, storage("data/output.zip", content)) == {"output.zip": content}


@pytest.mark.parametrize("name", ["artifacts/../../evil", "/artifacts/evil", "artifacts/a\\..\\b"])
def test_output_archive_with_an_unsafe_name_is_refused(archive, storage, name):
    before = archive.read_bytes()
    with pytest.raises(BadRequestError, match=r"t1/output\.zip"):
        merge(archive, storage("t1/output.zip", stored_zip(**{name: "x"})))
    assert archive.read_bytes() == before


def test_damaged_output_archive_is_refused_and_the_input_kept(archive, storage):
    before = archive.read_bytes()
    content = bytearray(stored_zip(**{"artifacts/a": os.urandom(1000)}))
    content[200] ^= 0xFF
    with pytest.raises(BadRequestError, match=r"t1/output\.zip"):
        merge(archive, storage("t1/output.zip", bytes(content)))
    assert archive.read_bytes() == before


def test_assets_that_do_not_fit_are_refused(archive, storage, small_disk):
    before = archive.read_bytes()
    bomb = storage("t1/output.zip", stored_zip(**{"artifacts/a": bytes(100_000)}))
    with pytest.raises(TooLargeError, match="members"):
        merge(archive, bomb, max_entries=2)
    small_disk(50_000)
    with pytest.raises(TooLargeError, match="do not fit"):
        merge(archive, bomb)
    assert archive.read_bytes() == before


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
