from pathlib import Path

import pytest

from inductiva_widgets.errors import APIConnectionError, DownloadError, InputError, UnsafePathError
from inductiva_widgets.utils import download_from_url
from tests.unit.downloads.archives import make_zip, noise, tree
from tests.unit.downloads.conftest import pauses, server  # noqa: F401 - fixtures
from tests.unit.downloads.server import Fault

FLAT = {"a.txt": b"1", "sub/b.txt": b"2"}
FLAT_TREE = {"a.txt": b"1", "sub": None, "sub/b.txt": b"2"}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The current folder, empty."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


@pytest.fixture(params=[True, False], ids=["ranges", "no ranges"])
def site(request, server):  # noqa: F811
    server.ranges = request.param
    return server


def test_file_goes_to_the_current_folder_under_its_name_in_the_url(site, folder):
    result = download_from_url(site.put("/x/mesh file.stl", b"mesh") + "?sig=1&a=/b")
    assert result == str(folder / "mesh file.stl")
    assert Path(result).read_bytes() == b"mesh"
    assert list(tree(folder)) == ["mesh file.stl"]


def test_file_goes_to_the_given_folder(site, folder):
    result = download_from_url(site.put("/a.stl", b"mesh"), path="new/deep")
    assert result == str(folder / "new/deep/a.stl")
    assert Path(result).read_bytes() == b"mesh"


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="real name.zip"', "real name.zip"),
        ("attachment; filename=plain.zip", "plain.zip"),
        ("attachment; filename*=UTF-8''%C3%A9t%C3%A9.zip", "été.zip"),
        ('attachment; filename="été.zip"', "été.zip"),
        ('attachment; filename="../../evil"', "evil"),
        ('attachment; filename="/etc/passwd"', "passwd"),
        ('attachment; filename=".."', "download"),
        ("attachment", "url.bin"),
        ("nonsense;;;=", "url.bin"),
    ],
)
def test_name_from_the_server(site, folder, disposition, name):
    url = site.put("/url.bin", b"x", headers={"Content-Disposition": disposition})
    assert download_from_url(url) == str(folder / name)
    assert tree(folder) == {name: b"x"}
    assert [path.name for path in folder.parent.iterdir()] == ["here"]


def test_url_without_a_name(site, folder):
    assert download_from_url(site.put("/", b"x")) == str(folder / "download")


def test_flat_archive_gets_a_folder_of_its_name(site, folder):
    result = download_from_url(site.put("/example.zip", make_zip(FLAT)), unzip=True)
    assert result == str(folder / "example")
    assert tree(Path(result)) == FLAT_TREE
    assert [path.name for path in folder.iterdir()] == ["example"]


def test_archive_with_one_folder_of_its_name_is_not_nested_twice(site, folder):
    data = make_zip({f"reef3d-input-example/{name}": content for name, content in FLAT.items()})
    result = download_from_url(site.put("/reef3d-input-example.zip", data), unzip=True)
    assert result == str(folder / "reef3d-input-example")
    assert tree(Path(result)) == FLAT_TREE
    assert [path.name for path in folder.iterdir()] == ["reef3d-input-example"]


def test_archive_with_one_folder_of_another_name_keeps_it(site, folder):
    data = make_zip({"inner/a.txt": b"1"})
    result = download_from_url(site.put("/example.zip", data), unzip=True)
    assert tree(Path(result)) == {"inner": None, "inner/a.txt": b"1"}


def test_archive_goes_to_the_given_folder(site, folder):
    data = make_zip({f"case/{name}": content for name, content in FLAT.items()})
    url = site.put("/example.zip", data)
    assert download_from_url(url, unzip=True, path=Path("runs/case")) == str(folder / "runs/case")
    assert tree(folder / "runs/case") == FLAT_TREE
    assert download_from_url(url, unzip=True, path="other") == str(folder / "other")
    assert (folder / "other/case/a.txt").read_bytes() == b"1"
    assert sorted(path.name for path in folder.iterdir()) == ["other", "runs"]


def test_archive_whose_url_has_no_suffix(site, folder):
    result = download_from_url(site.put("/example", make_zip(FLAT)), unzip=True)
    assert result == str(folder / "example")
    assert tree(folder / "example") == FLAT_TREE


def test_archive_stays_an_archive_unless_unzip_is_asked(site, folder):
    data = make_zip(FLAT)
    assert Path(download_from_url(site.put("/example.zip", data))).read_bytes() == data


@pytest.mark.parametrize("name", ["/a.tar.gz", "/fake.zip", "/a"])
def test_what_is_no_zip_is_left_as_it_is(site, folder, name):
    with pytest.warns(UserWarning, match=rf"'{name[1:]}' is not a zip archive"):
        result = download_from_url(site.put(name, b"no zip at all"), unzip=True)
    assert result == str(folder / name[1:])
    assert tree(folder) == {name[1:]: b"no zip at all"}


def test_what_is_no_zip_goes_to_the_given_folder(site, folder):
    with pytest.warns(UserWarning, match="not a zip archive"):
        result = download_from_url(site.put("/a.csv", b"no zip"), unzip=True, path="data")
    assert result == str(folder / "data/a.csv")
    assert tree(folder) == {"data": None, "data/a.csv": b"no zip"}


def test_empty_file(site, folder):
    with pytest.warns(UserWarning, match="not a zip archive"):
        result = download_from_url(site.put("/empty.zip", b""), unzip=True)
    assert Path(result).read_bytes() == b""


def test_name_that_leads_out_is_left_out_and_named_in_the_end(site, folder):
    data = make_zip({"../evil.txt": b"1", "good.txt": b"2"})
    with pytest.raises(UnsafePathError, match="evil"):
        download_from_url(site.put("/evil.zip", data), unzip=True)
    assert tree(folder) == {"evil": None, "evil/good.txt": b"2"}
    assert "evil.txt" not in {path.name for path in folder.parent.rglob("*")}


def test_interrupted_file_is_taken_up(server, folder):  # noqa: F811
    data = noise(300_000)
    url = server.put("/a.bin", data)
    server.always = Fault(status=404, when=lambda entry: entry.range.startswith("bytes=100000"))
    server.faults.append(Fault(cut=100_000, when=lambda entry: entry.range == "bytes=0-8388607"))
    with pytest.raises(DownloadError):
        download_from_url(url)
    server.always = None
    server.forget()
    assert Path(download_from_url(url)).read_bytes() == data
    assert server.sent == 200_001  # and the byte that was asked for the name


def test_missing_file_is_said_clearly(site, folder):
    with pytest.raises(
        DownloadError, match=r"does not exist \(404\): 127.0.0.1:\d+/nothing.zip\.$"
    ):
        download_from_url(site.url("/nothing.zip?sig=SECRET"), unzip=True)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("url", ["nonsense", "ftp://host/a", "http://", ""])
def test_malformed_url(url):
    with pytest.raises(InputError, match="must have the form"):
        download_from_url(url)


def test_refused_connection():
    with pytest.raises(APIConnectionError, match="refused"):
        download_from_url("http://127.0.0.1:1/a.zip")
