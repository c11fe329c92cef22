import pytest

from inductiva_widgets.downloads import ArchiveRequest, ArchiveSelection, start_all
from inductiva_widgets.errors import DownloadCancelled, DownloadError, TaskError
from tests.unit.downloads.archives import make_zip, noise, tree, wait_until
from tests.unit.downloads.server import Fault


def source(server, folder, name, **values):
    return ArchiveRequest(
        name, lambda: server.url(f"/{name}.zip"), ArchiveSelection(folder / name, **values)
    )


def put(server, name, size=50_000):
    content = {f"{n}.bin": noise(size, n) for n in range(3)}
    server.put(f"/{name}.zip", make_zip(content))
    return content


def test_several_archives_come_with_one_sum_of_the_progress(server, tmp_path):
    contents = {name: put(server, name) for name in "abcdefg"}
    download = start_all([source(server, tmp_path, name) for name in contents], tmp_path)
    assert download.result(20) == [tmp_path / name for name in contents]
    for name, content in contents.items():
        assert tree(tmp_path / name) == content
    progress = download.progress
    assert (progress.files_done, progress.files_total) == (21, 21)
    assert progress.bytes_done == progress.bytes_total > 21 * 50_000
    assert sorted(download) == sorted(
        tmp_path / name / file for name, content in contents.items() for file in content
    )


def test_many_small_archives_share_few_connections(server, tmp_path):
    names = [f"a{number}" for number in range(40)]
    for name in names:
        put(server, name, 100)
    start_all([source(server, tmp_path, name) for name in names]).result(20)
    assert len(server.log) >= 40
    assert server.connections <= 20


def test_those_that_fail_are_counted_and_named_and_the_others_come(server, tmp_path):
    content = put(server, "a")

    def no_output():
        raise TaskError("Task c has no output.")

    sources = [
        source(server, tmp_path, "a"),
        source(server, tmp_path, "gone"),
        ArchiveRequest("c", no_output, ArchiveSelection(tmp_path / "c")),
    ]
    download = start_all(sources, tmp_path)
    with pytest.raises(DownloadError, match=r"^2 of 3 downloads failed") as caught:
        download.result(20)
    assert "gone: The file does not exist (404)" in str(caught.value)
    assert "c: Task c has no output." in str(caught.value)
    assert tree(tmp_path / "a") == content
    assert not (tmp_path / "c").exists()
    assert download.progress.files_done == download.progress.files_total == 3


def test_what_is_no_error_of_ours_is_not_hidden(tmp_path):
    def bug():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        start_all([ArchiveRequest("a", bug, ArchiveSelection(tmp_path / "a"))]).result(20)


def test_archives_are_kept_as_they_are(server, tmp_path):
    put(server, "a")
    made = source(server, tmp_path, "a")
    made = ArchiveRequest("a", made.link, made.selection, tmp_path / "a" / "output.zip")
    assert start_all([made]).result(20) == [tmp_path / "a" / "output.zip"]
    server.forget()
    start_all([made]).result(20)
    assert server.sent <= 64 * 1024  # it is there already, as its directory tells


def test_cancel_ends_all_of_them_and_calling_again_goes_on(server, tmp_path):
    contents = {name: put(server, name, 200_000) for name in "abc"}
    server.always = Fault(hold=300_000, when=lambda entry: "bytes=-" not in entry.range)
    sources = [source(server, tmp_path, name) for name in contents]
    download = start_all(sources, tmp_path)
    # A file can be whole a moment before the bytes of the next one arrive.
    wait_until(lambda: download.progress.files_done >= 3 and download.progress.active)
    assert {file.name.partition("/")[0] for file in download.progress.active} <= set("abc")
    download.cancel()
    with pytest.raises(DownloadCancelled):
        download.result(10)
    server.gate.set()
    server.always = None
    server.forget()
    start_all(sources, tmp_path).result(20)
    assert {name: tree(tmp_path / name) for name in contents} == contents
    assert server.sent <= 3 * 64 * 1024 + 6 * 200_000 + 10_000


def test_nothing_to_do_is_done_at_once(tmp_path):
    assert start_all([], tmp_path).result(60) == []
