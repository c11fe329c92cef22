"""Files in the remote storage: our client against the real server."""

import zipfile

import pytest

from inductiva_widgets import errors, storage


@pytest.fixture
def stored(client, tmp_path):
    """Return a folder whose files are in the storage, in ``mine``."""
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("aaa")
    (folder / "sub" / "b.txt").write_text("bb")
    with zipfile.ZipFile(folder / "c.zip", "w") as archive:
        archive.writestr("in/x.txt", "x")
    storage.upload(folder, "mine")
    yield folder
    storage.remove("mine")


def test_files_are_listed_and_printed(stored, capsys):
    found = storage.listdir("mine", order_by="size", sort_order="asc")
    assert [(file["name"], file["size"]) for file in found][:2] == [("sub/", 2), ("a.txt", 3)]
    assert capsys.readouterr().out.splitlines()[0].split() == ["NAME", "SIZE", "CREATED"]
    assert len(storage.listdir("mine", max_results=1, print_results=False)) == 1
    names = {file["name"] for file in storage.listdir("mine", None, None, recursive=True)}
    assert {"a.txt", "sub/b.txt", "c.zip"} <= names
    assert storage.get_space_used() > 0
    with pytest.raises(errors.InputError, match="max_results"):
        storage.listdir(max_results=0)


def test_files_come_back_under_their_paths(stored, tmp_path):
    down = tmp_path / "down"
    assert storage.download("mine/", down) == down / "mine"
    files = {path.relative_to(down).as_posix() for path in down.rglob("*") if path.is_file()}
    assert files == {"mine/a.txt", "mine/sub/b.txt", "mine/c/in/x.txt"}
    assert (down / "mine/a.txt").read_text() == "aaa"
    kept = storage.download("mine/c.zip", down, decompress=False)
    assert kept.read_bytes() == (stored / "c.zip").read_bytes()
    with pytest.raises(errors.NotFoundError):
        storage.download("mine/nothing.txt", down)
    with pytest.raises(errors.InputError, match="cannot be a path"):
        storage.download("../outside.txt", down)


def test_files_are_copied_and_removed(stored):
    storage.copy("mine/a.txt", "mine/copies/d.txt")
    names = [file["name"] for file in storage.listdir("mine/copies", print_results=False)]
    assert names == ["d.txt"]
    storage.remove("mine/copies/d.txt")
    with pytest.raises(errors.NotFoundError):
        storage.remove("mine/copies/d.txt")
    [link] = storage.get_signed_urls(["mine/a.txt"], "download")
    assert "mine/a.txt" in link
    listing = storage.get_zip_contents("mine/c.zip", recursive=True)
    assert [entry.name for entry in listing.contents][-1] == "in/x.txt"


def test_nothing_to_upload_is_an_error(client, tmp_path):
    with pytest.raises(errors.InputError, match="folder with files"):
        storage.upload(tmp_path, "mine")
