import functools
import io
import random
import zipfile
import zlib

import numpy
import pytest

from inductiva_widgets.downloads import RangesUnsupported, RemoteArchive
from inductiva_widgets.errors import ArchiveError, InputError
from tests.unit.downloads.archives import make_zip, noise, text

ENTRIES = {
    "artifacts/": b"",
    "artifacts/log.txt": b"".join(b"line %d\n" % n for n in range(20_000)),
    "artifacts/raw.bin": noise(500_000),
    "empty": b"",
}
METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


@functools.cache
def packed(method):
    return make_zip(ENTRIES, method)


@pytest.fixture(params=METHODS)
def archive(request, server):
    with RemoteArchive(server.put("/a.zip", packed(request.param))) as opened:
        yield opened


def test_nothing_is_asked_before_the_first_use(server):
    url = server.put("/a.zip", make_zip(ENTRIES))
    with RemoteArchive(url) as archive:
        assert server.log == []
        assert archive.namelist() == list(ENTRIES)
        assert [member.size for member in archive.members] == [len(c) for c in ENTRIES.values()]
        assert archive.size == len(server.files["/a.zip"].data)
    assert len(server.log) == 1


def test_content_and_lines(archive):
    for name, content in ENTRIES.items():
        if not name.endswith("/"):
            with archive.open(name) as file:
                assert file.read() == content
    assert archive.open("artifacts/log.txt").readline() == b"line 0\n"
    assert sum(1 for _ in archive.open("artifacts/log.txt")) == 20_000


def test_random_access_is_that_of_a_file(archive):
    rng = random.Random(3)
    for name in ("artifacts/log.txt", "artifacts/raw.bin"):
        ours, real = archive.open(name), io.BytesIO(ENTRIES[name])
        assert ours.seekable()
        for _ in range(25):
            whence = rng.randrange(3)
            offset = rng.randrange(100_000) * (-1 if whence == 2 else 1)
            assert ours.seek(offset, whence) == real.seek(offset, whence)
            count = rng.randrange(60_000)
            assert ours.read(count) == real.read(count)
            assert ours.tell() == real.tell()


def test_beginning_of_a_large_member_is_cheap(server):
    url = server.put("/a.zip", make_zip({"big": noise(3_000_000)}, zipfile.ZIP_STORED))
    with RemoteArchive(url) as archive:
        assert archive.open("big").read(100) == noise(3_000_000)[:100]
    assert server.sent <= 192 * 1024


def test_end_of_a_large_stored_member_is_cheap(server):
    content = noise(3_000_000)
    url = server.put("/a.zip", make_zip({"big": content}, zipfile.ZIP_STORED))
    with RemoteArchive(url) as archive, archive.open("big") as file:
        file.seek(-100, io.SEEK_END)
        assert file.read() == content[-100:]
        file.seek(5_000_000)
        assert file.read(5) == b""
        with pytest.raises(ValueError, match="negative"):
            file.seek(-1)
    assert server.sent <= 192 * 1024


def test_zip_inside_a_zip_can_be_read_by_zipfile(server):
    inner = make_zip(ENTRIES)
    url = server.put("/a.zip", make_zip({"inner.zip": inner}, zipfile.ZIP_STORED))
    with RemoteArchive(url) as archive, zipfile.ZipFile(archive.open("inner.zip")) as opened:
        assert opened.read("artifacts/raw.bin") == ENTRIES["artifacts/raw.bin"]


@pytest.mark.parametrize("method", METHODS)
def test_damage_is_noticed_by_reading_to_the_end(server, method):
    data = bytearray(make_zip({"a": text(200_000)}, method))
    data[60_000] ^= 0xFF
    with (
        RemoteArchive(server.put("/a.zip", bytes(data))) as archive,
        pytest.raises(ArchiveError, match=r"^Entry 'a' is damaged: "),
    ):
        archive.open("a").read()


def test_damage_behind_the_last_byte_of_content_is_noticed(server):
    """The content is complete long before the compressed bytes are: 10,000 empty blocks follow."""
    squeezed = zlib.compressobj(wbits=-15)
    raw = squeezed.compress(b"content") + squeezed.flush(zlib.Z_SYNC_FLUSH)
    raw += b"\0\0\0\xff\xff" * 10_000 + b"\1\0\0\xff\xff"
    data = bytearray(make_zip({"a": raw}, zipfile.ZIP_STORED))
    entry = data.index(b"PK\x01\x02")
    data[8], data[entry + 10] = 8, 8
    data[entry + 24 : entry + 28] = (7).to_bytes(4, "little")
    url = server.put("/a.zip", bytes(data))  # its checksum is the one of the raw bytes
    with RemoteArchive(url) as archive, pytest.raises(ArchiveError, match="checksum"):
        archive.open("a").read()


@pytest.mark.parametrize("name", ["nothing", "artifacts/", "artifacts", ""])
def test_unknown_names(archive, name):
    with pytest.raises(InputError, match="The archive has no"):
        archive.open(name)


def test_closed_file_is_closed(archive):
    file = archive.open("empty")
    file.close()
    with pytest.raises(ValueError, match="closed"):
        file.read()


def test_last_of_equal_names_counts(server):
    with pytest.warns(UserWarning, match="Duplicate"):
        data = make_zip([("a", b"1"), ("a", b"2")])
    with RemoteArchive(server.put("/a.zip", data)) as archive:
        assert archive.open("a").read() == b"2"


def test_server_without_ranges(server):
    server.ranges = False
    with (
        RemoteArchive(server.put("/a.zip", make_zip(ENTRIES))) as archive,
        pytest.raises(RangesUnsupported),
    ):
        archive.namelist()


def test_repr_hides_the_signature(server):
    assert "SECRET" not in repr(RemoteArchive("http://host/a.zip?sig=SECRET"))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_numpy_loads_from_it_as_from_a_file(server, method):
    array = numpy.arange(30_000, dtype="f8").reshape(100, 300)
    out = io.BytesIO()
    numpy.savez(out, field=array)
    plain = io.BytesIO()
    numpy.save(plain, array)
    data = make_zip({"a.npy": plain.getvalue(), "b.npz": out.getvalue()}, method)
    with RemoteArchive(server.put("/a.zip", data)) as archive:
        assert (numpy.load(archive.open("a.npy")) == array).all()
        assert (numpy.load(archive.open("b.npz"))["field"] == array).all()


def test_prefix_is_stripped_from_the_names(server):
    url = server.put("/a.zip", make_zip({"artifacts/a.txt": b"1", "other.json": b"2"}))
    with RemoteArchive(url, strip_prefix="artifacts/") as archive:
        assert archive.namelist() == ["a.txt"]
        assert archive.open("a.txt").read() == b"1"
        with pytest.raises(InputError, match=r"'a\.tx' \(did you mean 'a\.txt'\?\)"):
            archive.open("a.tx")


@pytest.mark.parametrize("method", METHODS)
def test_file_tells_the_bytes_that_have_travelled_for_it(server, method):
    with RemoteArchive(server.put("/a.zip", packed(method))) as archive:
        file = archive.open("artifacts/raw.bin")
        assert file.raw.fetched == 0
        before = sum(entry.sent for entry in server.log)
        file.read(10)
        file.seek(300_000)
        file.read(10)
        assert 0 < file.raw.fetched == sum(entry.sent for entry in server.log) - before
