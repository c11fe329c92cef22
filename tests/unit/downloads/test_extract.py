import io
import shutil
import threading
import warnings
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inductiva_widgets.downloads import fetch_archive, start_archive
from inductiva_widgets.errors import (
    APIConnectionError,
    ArchiveError,
    DownloadCancelled,
    DownloadError,
    InputError,
    UnsafePathError,
)
from tests.unit.downloads.archives import expected_tree, make_zip, noise, text, tree, wait_until
from tests.unit.downloads.server import Fault

CONTENT = {
    "artifacts/": b"",
    "artifacts/stdout.txt": text(4000),
    "artifacts/stderr.txt": b"",
    "artifacts/vtk/a.vtu": noise(70_000, 1),
    "artifacts/vtk/b.vtu": text(200_000, 2),
    "artifacts/vtk/deep/é.vtu": noise(10_000, 3),
    "artifacts/empty folder/": b"",
    "output.json": b"{}",
}
INSIDE = {
    name.removeprefix("artifacts/"): content
    for name, content in CONTENT.items()
    if name.startswith("artifacts/") and not name.endswith("/")
}


@pytest.fixture
def target(tmp_path):
    return tmp_path / "outputs"


def files(folder):
    """Return the files that a user sees: without what an unfinished run keeps for the next one."""
    return {
        name: data
        for name, data in tree(folder).items()
        if data is not None and not name.startswith(".inductiva-download/")
    }


def put(server, entries=CONTENT, **options):
    data = make_zip(entries, **options)
    return server.put("/output.zip", data), data


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
@pytest.mark.parametrize(
    "options", [{}, {"zip64": True}, {"stream": True}], ids=["plain", "zip64", "descriptors"]
)
@pytest.mark.parametrize("ranges", [True, False])
def test_tree_is_the_one_that_zipfile_makes(server, target, tmp_path, method, options, ranges):
    url, data = put(server, method=method, **options)
    server.ranges = ranges
    assert fetch_archive(url, target) == target
    assert tree(target) == expected_tree(data, tmp_path / "expected")
    assert {path.name for path in tmp_path.iterdir()} == {"outputs", "expected"}


NAMES = (
    st.text("abcXYZ.é ", min_size=1, max_size=6)
    .map(str.strip)
    .filter(lambda part: part.strip(". "))
)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    entries=st.dictionaries(
        PATHS, st.binary(max_size=300) | st.integers(0, 30_000).map(noise), max_size=8
    ),
    method=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
    stream=st.booleans(),
    chosen=st.randoms(use_true_random=False),
)
def test_any_archive_comes_out_as_from_zipfile(
    server, tmp_path_factory, entries, method, stream, chosen
):
    folders = {"/".join(p.split("/")[:n]) for p in entries for n in range(1, p.count("/") + 1)}
    entries = {name: content for name, content in entries.items() if name not in folders}
    url, data = put(server, entries, method=method, stream=stream)
    base = tmp_path_factory.mktemp("any")
    fetch_archive(url, base / "all")
    expected = files(base / "all") if not entries else expected_tree(data, base / "expected")
    assert tree(base / "all") == expected
    if entries:
        some = chosen.sample(sorted(entries), chosen.randint(1, len(entries)))
        fetch_archive(url, base / "some", some)
        assert files(base / "some") == {name: entries[name] for name in some}
    shutil.rmtree(base)


def test_prefix_is_stripped_and_what_is_outside_left(server, target):
    url, _ = put(server)
    fetch_archive(url, target, strip_prefix="artifacts/")
    assert files(target) == INSIDE
    assert (target / "empty folder").is_dir()


def test_two_small_files_of_a_large_archive_cost_three_small_requests(server, target):
    entries = {f"vtk/{n:03}.vtu": noise(20_000, n) for n in range(256)}
    entries = {"first.txt": text(700)} | entries | {"last.txt": text(800)}
    url, data = put(server, entries, method=zipfile.ZIP_STORED)
    fetch_archive(url, target, ["first.txt", "last.txt"])
    assert files(target) == {"first.txt": entries["first.txt"], "last.txt": entries["last.txt"]}
    assert len(server.log) <= 3
    assert server.sent <= 128 * 1024 < len(data) // 20


def test_whole_archive_travels_once(server, target):
    entries = {f"{n:03}.bin": noise(20_000, n) for n in range(200)}
    url, data = put(server, entries, method=zipfile.ZIP_STORED)
    fetch_archive(url, target, connections=3)
    assert server.sent <= len(data) + 64 * 1024
    assert len(server.log) <= 20


def test_calling_again_fetches_only_what_is_missing(server, target):
    url, _ = put(server)
    fetch_archive(url, target)
    (target / "artifacts/vtk/b.vtu").write_bytes(b"x" * 200_000)  # right size, wrong content
    (target / "artifacts/stdout.txt").unlink()
    (target / "artifacts/vtk/a.vtu").write_bytes(b"short")
    kept = (target / "artifacts/vtk/deep/é.vtu").stat().st_ino
    server.forget()
    download = start_archive(url, target)
    download.result()
    assert (target / "artifacts/vtk/deep/é.vtu").stat().st_ino == kept
    assert files(target) == {n: c for n, c in CONTENT.items() if not n.endswith("/")}
    assert download.summary.kept == 3
    assert download.progress.bytes_done == download.progress.bytes_total
    server.forget()
    fetch_archive(url, target)
    assert len(server.log) == 1  # the directory alone


def test_cancelled_download_keeps_whole_files_and_goes_on_later(server, target):
    entries = {f"{n}.bin": noise(1_500_000, n) for n in range(4)}
    url, _ = put(server, entries, method=zipfile.ZIP_STORED)
    server.always = Fault(
        hold=800_000, when=lambda e: e.range.startswith("bytes=3")
    )  # the third file
    download = start_archive(url, target, connections=1)
    wait_until(lambda: server.holding.is_set() and download.progress.files_done)
    download.cancel()
    with pytest.raises(DownloadCancelled):
        download.result(10)
    assert download.progress.phase == "cancelled"
    whole = files(target)
    assert 0 < len(whole) < 4
    assert all(entries[name] == content for name, content in whole.items())
    server.gate.set()
    server.always = None
    server.forget()
    fetch_archive(url, target)
    assert files(target) == entries
    missing = sum(len(content) for name, content in entries.items() if name not in whole)
    assert missing <= server.sent <= missing + 70_000


def test_cut_connections_are_taken_up_where_they_broke(server, target):
    url, data = put(server)
    server.faults.append(Fault(cut=50, when=lambda e: e.range.startswith("bytes=-")))
    server.faults.extend(Fault(cut=n) for n in (10_000, 0, 30_000))
    fetch_archive(url, target, connections=1)
    assert files(target) == {n: c for n, c in CONTENT.items() if not n.endswith("/")}
    assert server.sent <= 2.2 * len(data)


def test_failure_names_the_member_and_leaves_no_rubbish(server, target):
    url, _ = put(server)
    server.always = Fault(cut=0, when=lambda e: not e.range.startswith("bytes=-"))
    with pytest.raises(DownloadError, match=r"artifacts/stdout\.txt.*Call again"):
        fetch_archive(url, target)
    assert files(target) == {"artifacts/stderr.txt": b""}


def test_expired_link_is_renewed_in_the_middle(server, target):
    url, _ = put(server)
    renewed = []

    def renew():
        renewed.append(1)
        return f"{url}?token=new"

    server.faults.append(Fault(status=403, when=lambda e: not e.range.startswith("bytes=-")))
    fetch_archive(f"{url}?token=old", target, renew=renew)
    assert len(renewed) == 1
    assert set(files(target)) == {n for n in CONTENT if not n.endswith("/")}


def test_archive_that_is_another_one_in_each_part_comes_in_one_stream(server, target):
    url, _ = put(server)
    server.always = Fault(
        headers={"ETag": '"v2"'}, when=lambda e: e.range and not e.range.startswith("bytes=-")
    )
    fetch_archive(url, target)
    assert set(files(target)) == {n for n in CONTENT if not n.endswith("/")}
    assert [entry.range for entry in server.log].count(None) == 1


def _corrupt(entries, name, **options):
    data = bytearray(make_zip(entries, **options))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        info = archive.getinfo(name)
    data[info.header_offset + 30 + len(name) + info.compress_size // 2] ^= 0xFF
    return bytes(data)


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_damaged_member_is_named_and_the_others_come(server, target, method, ranges):
    entries = {f"{n}.txt": text(5000, n) for n in range(5)}
    url = server.put("/output.zip", _corrupt(entries, "2.txt", method=method))
    server.ranges = ranges
    with pytest.raises(ArchiveError, match=r"^Entry '2\.txt' is damaged"):
        fetch_archive(url, target)
    assert files(target) == {name: c for name, c in entries.items() if name != "2.txt"}
    assert [path.name for path in target.parent.iterdir()] == ["outputs"]


def test_old_file_survives_a_damaged_new_one(server, target):
    url = server.put("/output.zip", _corrupt({"a.txt": text(5000)}, "a.txt"))
    target.mkdir()
    (target / "a.txt").write_text("old")
    with pytest.raises(ArchiveError):
        fetch_archive(url, target)
    assert files(target) == {"a.txt": b"old"}


@pytest.mark.parametrize("ranges", [True, False])
def test_truncated_archive_is_refused(server, target, ranges):
    url = server.put("/output.zip", make_zip(CONTENT)[:-1000])
    server.ranges = ranges
    with pytest.raises(ArchiveError, match="not a zip archive, or its end is missing"):
        fetch_archive(url, target)
    assert not target.exists()


def test_archive_without_its_beginning_is_refused(server, target):
    url = server.put("/output.zip", make_zip(CONTENT)[1000:])
    with pytest.raises(ArchiveError):
        fetch_archive(url, target)


@pytest.mark.parametrize("ranges", [True, False])
def test_zip_bomb_never_writes_more_than_it_declares(server, target, ranges, monkeypatch):
    data = bytearray(make_zip({"bomb": bytes(5_000_000)}))
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = (1000).to_bytes(4, "little")
    url = server.put("/output.zip", bytes(data))
    server.ranges = ranges
    written = []
    from inductiva_widgets._atomic import AtomicFile

    original = AtomicFile.write
    monkeypatch.setattr(
        AtomicFile,
        "write",
        lambda self, data: (written.append((self, len(data))), original(self, data)),
    )
    with pytest.raises(ArchiveError, match="more than"):
        fetch_archive(url, target)
    inflated = [size for _, size in written][not ranges :]  # the first is the copy of the archive
    assert sum(inflated) <= 1000
    assert files(target) == {}


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil", "C:/evil", "..\\evil"])
@pytest.mark.parametrize("ranges", [True, False])
def test_name_that_leads_out_is_left_out_and_named_in_the_end(server, target, name, ranges):
    url, _ = put(server, {"good": b"1", name: b"2"})
    server.ranges = ranges
    with pytest.raises(UnsafePathError, match="evil"):
        fetch_archive(url, target, [name])
    assert list(target.parent.rglob("*")) == []
    with pytest.raises(UnsafePathError, match="evil"):
        fetch_archive(url, target)
    assert files(target.parent) == {"outputs/good": b"1"}
    fetch_archive(url, target, ["good"])
    assert files(target.parent) == {"outputs/good": b"1"}


def test_link_in_the_target_that_leads_out_is_not_followed(server, target, tmp_path):
    url, _ = put(server)
    outside = tmp_path / "outside"
    outside.mkdir()
    (target / "artifacts").mkdir(parents=True)
    (target / "artifacts/vtk").symlink_to(outside)
    with pytest.raises(UnsafePathError, match="is a link to outside"):
        fetch_archive(url, target)
    assert list(outside.iterdir()) == []


def test_link_in_the_place_of_a_file_is_replaced_and_not_written_through(server, target, tmp_path):
    url, _ = put(server, {"a.txt": b"new"})
    precious = tmp_path / "precious"
    precious.write_bytes(b"new")  # even when its content is the right one already
    target.mkdir()
    (target / "a.txt").symlink_to(precious)
    fetch_archive(url, target)
    assert not (target / "a.txt").is_symlink()
    assert precious.read_bytes() == b"new"


def test_symbolic_link_in_the_archive_becomes_a_text_file_and_is_told(server, target):
    link = zipfile.ZipInfo("link")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    url, _ = put(server, [(link, b"/etc"), ("link2/passwd", b"x")])
    with pytest.warns(UserWarning, match="instead of a symbolic link: 'link'"):
        fetch_archive(url, target)
    assert (target / "link").read_bytes() == b"/etc"
    assert not (target / "link").is_symlink()


def test_renamed_members_are_told(server, target):
    url, _ = put(server, {"t=0:1.dat": b"1", "plain": b"2"})
    download = start_archive(url, target)
    with pytest.warns(UserWarning, match=r"'t=0:1.dat' as 't=0_1.dat'") as caught:
        download.result()
    assert caught[0].filename == __file__
    assert download.summary.renamed == {"t=0:1.dat": "t=0_1.dat"}
    assert set(files(target)) == {"t=0_1.dat", "plain"}


def test_missing_names_are_warned_of_and_the_others_come(server, target):
    url, _ = put(server)
    with pytest.warns(UserWarning, match=r"'stdoot\.txt' \(did you mean 'stdout\.txt'") as caught:
        fetch_archive(url, target, ["stdoot.txt", "vtk/"], strip_prefix="artifacts/")
    assert caught[0].filename == __file__
    assert set(files(target)) == {"vtk/a.vtu", "vtk/b.vtu", "vtk/deep/é.vtu"}


def test_no_matching_name_is_an_error_before_anything_is_fetched(server, target):
    url, _ = put(server)
    with pytest.raises(InputError, match="The archive has no"):
        fetch_archive(url, target, ["nothing.txt"])
    assert len(server.log) == 1
    assert not target.exists()


def test_no_warning_when_there_is_nothing_to_tell(server, target):
    url, _ = put(server)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fetch_archive(url, target)


@pytest.mark.parametrize("ranges", [True, False])
def test_disk_space_is_checked_first(server, target, monkeypatch, ranges):
    url, _ = put(server)
    server.ranges = ranges
    free = 250_000 if ranges else 1000
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**6, 0, free))
    with pytest.raises(DownloadError, match=r"need.* but .* has only .* free"):
        fetch_archive(url, target)
    assert not target.exists() or files(target) == {}
    assert all(not entry.range or entry.range.startswith("bytes=-") for entry in server.log)


def test_full_disk_in_the_middle_is_a_download_error(server, target, monkeypatch):
    from inductiva_widgets._atomic import AtomicFile

    url, _ = put(server)

    def write(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(AtomicFile, "write", write)
    with pytest.raises(DownloadError, match=r"Could not write entry 'artifacts/.*: No space left"):
        fetch_archive(url, target)
    assert set(files(target)) <= {"artifacts/stderr.txt"}


def test_file_where_the_folder_should_be(server, target):
    url, _ = put(server)
    target.write_text("a file")
    with pytest.raises(DownloadError, match="must be a folder, got a file"):
        fetch_archive(url, target)
    assert target.read_text() == "a file"


def test_folder_where_a_file_should_be(server, target):
    url, _ = put(server, {"a": b"1"})
    (target / "a").mkdir(parents=True)
    with pytest.raises(DownloadError, match="is a folder"):
        fetch_archive(url, target)
    assert tree(target) == {"a": None}


def test_what_killed_runs_left_is_removed(server, target):
    url, _ = put(server, {"d/a": b"1"})
    (target / ".inductiva-download").mkdir(parents=True)
    (target / ".inductiva-download/3.part").write_text("rubbish")
    (target / ".inductiva-download/lock").touch()
    (target / "mine.part").write_text("precious")
    fetch_archive(url, target)
    assert set(tree(target)) == {"d", "d/a", "mine.part"}


def test_single_stream_begins_anew_after_a_cut_and_is_given_up_in_the_end(server, target):
    url, _ = put(server)
    server.ranges = False
    server.faults.extend([Fault(cut=0), Fault(cut=50_000), Fault(cut=60_000)])
    fetch_archive(url, target)
    assert set(files(target)) == {n for n in CONTENT if not n.endswith("/")}
    server.always = Fault(cut=50_000)
    shutil.rmtree(target)
    with pytest.raises(DownloadError, match="was lost"):
        fetch_archive(url, target)
    assert list(target.parent.iterdir()) == []


def test_progress_of_the_single_stream_is_told(server, target):
    url, data = put(server)
    server.ranges = False
    download = start_archive(url, target)
    download.result()
    state = download.progress
    assert (state.bytes_done, state.bytes_total) == (len(data), len(data))
    assert state.files_done == state.files_total == 6


def test_unknown_host_is_an_api_connection_error(target):
    with pytest.raises(APIConnectionError):
        fetch_archive("http://127.0.0.1:1/output.zip", target)


@pytest.mark.parametrize("options", [{"url": "nonsense"}, {"connections": 0}])
def test_wrong_arguments(server, target, options):
    url, _ = put(server)
    with pytest.raises(InputError):
        fetch_archive(**({"url": url, "target": target} | options))


def test_connections_work_at_the_same_time(server, target):
    """Four requests are held until all four have come; one after the other they never would."""
    entries = {f"{n}.bin": noise(1_100_000, n) for n in range(8)}
    url, _ = put(server, entries, method=zipfile.ZIP_STORED)
    barrier = threading.Barrier(4, action=lambda: setattr(server, "always", None))

    def together(entry):
        if not entry.range.startswith("bytes=-"):
            barrier.wait(10)
        return False

    server.always = Fault(when=together)
    # `when` runs under the server's guard, so wait outside of it.
    server.guard = threading.Semaphore(8)
    fetch_archive(url, target, connections=4)
    assert files(target) == entries
    assert not barrier.broken
