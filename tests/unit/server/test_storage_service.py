"""Paths of the storage."""

from __future__ import annotations

import pytest

from inductiva_widgets.server.errors import BadRequestError, MissingError
from inductiva_widgets.server.signed_urls import UrlSigner
from inductiva_widgets.server.storage_service import StorageService


@pytest.fixture
def storage(tmp_path, store):
    root = tmp_path / "storage"
    root.mkdir()
    return StorageService(root, store, UrlSigner(b"secret"))


@pytest.mark.parametrize("path", ["a/b.zip", "/a/b.zip", "//a//b.zip", "a/./b.zip"])
def test_path_has_one_plain_form(storage, tmp_path, path):
    assert storage.resolve_path(path) == ("a/b.zip", tmp_path / "storage" / "a" / "b.zip")


@pytest.mark.parametrize(
    "path",
    ["", "/", ".", "..", "../x", "a/../../x", "a/..", ".hidden", "a/.hidden", "a\\b", "a\0b"],
)
def test_path_that_leads_out_or_nowhere_is_refused(storage, path):
    with pytest.raises(BadRequestError):
        storage.resolve_path(path)


def test_link_on_the_disk_does_not_lead_out(storage, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_text("x")
    (tmp_path / "storage" / "way").symlink_to(tmp_path / "outside")
    with pytest.raises(BadRequestError):
        storage.file("way/file")


def test_damaged_archive_raises(storage, tmp_path):
    (tmp_path / "storage" / "output.zip").write_bytes(b"not a zip")
    with pytest.raises(BadRequestError, match="cannot be read as an archive"):
        storage.zip_contents("output.zip", "artifacts/", recursive=True)
    with pytest.raises(MissingError):
        storage.zip_contents("other.zip", "artifacts/", recursive=True)
