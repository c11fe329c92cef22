"""Archives by every writer at hand: what arrives is what `unzip` and `zipfile` make of them."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import warnings
import zipfile

import pytest

from inductiva_widgets.downloads import RemoteArchive, fetch_archive
from inductiva_widgets.errors import ArchiveError
from tests.unit.downloads.archives import tree
from tests.unit.downloads.server import serving
from tests.zip_writers import Missing, Writer, other_tools, writers

pytestmark = pytest.mark.extended

WRITERS = writers()


@pytest.fixture(scope="module")
def server():
    with serving() as running:
        yield running


def made(writer: Writer, folder) -> bytes:
    folder.mkdir(parents=True)
    try:
        return writer.make(folder)
    except Missing as exc:
        pytest.skip(str(exc))


def by_unzip(data: bytes, folder):
    folder.mkdir()
    if not shutil.which("unzip"):
        return None
    (folder.parent / "for unzip.zip").write_bytes(data)
    done = subprocess.run(
        ["unzip", "-q", "-o", folder.parent / "for unzip.zip", "-d", folder],
        env=os.environ | {"LC_ALL": "C.UTF-8"}, stdin=subprocess.DEVNULL, capture_output=True,
        check=False,
    )  # fmt: skip
    assert done.returncode in {0, 1}, done.stderr  # 1 is no more than a warning
    return tree(folder)


def by_zipfile(data: bytes, folder):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(folder)
    return tree(folder)


def listing(data: bytes):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [
            (i.filename, i.file_size, i.compress_size, i.CRC, i.compress_type, i.header_offset)
            for i in archive.infolist()
        ]


@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.name)
def test_tree_and_listing_are_those_of_other_tools(writer, server, tmp_path):
    data = made(writer, tmp_path / "maker" / "tree")
    url, target = server.put(f"/{writer.name}.zip", data).replace(" ", "%20"), tmp_path / "ours"
    if writer.refused:
        with pytest.raises(ArchiveError, match=rf"^\S.* .*{writer.refused}"):
            fetch_archive(url, target)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for path in target.rglob("*"):  # the files that are readable, if there are any
                if path.is_file():
                    assert path.read_bytes() == archive.read(path.relative_to(target).as_posix())
        return
    with warnings.catch_warnings():
        # Links and backslashes are told of, which is not the point here.
        warnings.simplefilter("ignore", UserWarning)
        fetch_archive(url, target, connections=3)
    ours = tree(target)
    with RemoteArchive(url) as archive:
        seen = [
            (m.name, m.size, m.compressed_size, m.crc, m.method, m.offset) for m in archive.members
        ]
        for member in archive.members:
            if not member.is_dir and len(archive.members) < 100:
                assert len(archive.open(member.name).read()) == member.size
    if writer.tree is not None:
        assert ours == writer.tree
        return
    if not writer.either:
        assert seen == listing(data)
    if writer.either:
        assert ours in (by_zipfile(data, tmp_path / "zipfile"), by_unzip(data, tmp_path / "unzip"))
        return
    assert ours == by_zipfile(data, tmp_path / "zipfile")
    if writer.unzip and shutil.which("unzip"):
        assert ours == by_unzip(data, tmp_path / "unzip")


def test_enough_archives_are_compared():
    """Some writers may be missing; where the usual tools are, fifty must be left."""
    optional = {writer.name for writer in other_tools() if writer.name.split()[0] != "7z"}
    alone = [w for w in WRITERS if w.name.split()[0] not in {"zip", "7z"}]
    compared = [w for w in WRITERS if not w.refused and w.name not in optional]
    assert len([w for w in alone if w.name not in optional and not w.refused]) >= 40
    assert len(compared) >= 50


@pytest.mark.skipif(not shutil.which("unzip"), reason="unzip is not installed")
def test_unzip_reads_the_unicode_path_field_as_we_do(tmp_path):
    (writer,) = (one for one in WRITERS if one.name == "Unicode Path fields")
    assert by_unzip(made(writer, tmp_path / "maker"), tmp_path / "unzip") == writer.tree
    (writer,) = (one for one in WRITERS if one.name == "Unicode Path with the flag")
    assert by_unzip(made(writer, tmp_path / "other"), tmp_path / "unzip too") == writer.tree
