"""Processes that are killed while they download, and processes that download the same."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import zipfile

import pytest

from inductiva_widgets.downloads import fetch_archive, start_archive
from inductiva_widgets.errors import DownloadCancelled, DownloadError
from tests.fault_proxy import Fault
from tests.integration.downloads.process_helpers import Watched, child, ended, finish, unzipped
from tests.unit.downloads.archives import make_zip, noise, text, tree, wait_until

MIB = 1024 * 1024
CONTENT = {
    **{f"small/{n:02}.txt": text(3000, n) for n in range(30)},
    "empty.txt": b"",
    **{f"medium/{n}.bin": noise(150_000 + 9000 * n, n) for n in range(10)},
    "large.bin": noise(2 * MIB, 99),
}
KILLS = 6
RATE = 1_500_000


@pytest.fixture(scope="module")
def data():
    return make_zip(CONTENT)


def watch(data, target, tmp_path):
    return Watched(data, target, unzipped(data, tmp_path / "expected"))


def running_to(proxy, process, count):
    """Wait until so many bytes were sent to a child."""
    wait_until(lambda: proxy.sent >= count or process.poll() is not None, 30)
    assert process.poll() is None, process.communicate()


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.extended) for seed in range(1, 4))]
)
def test_killed_at_any_point_and_called_again(proxy, upstream, data, target, tmp_path, seed):
    """Six kills one after the other, at other points for each seed: 24 in all."""
    url = proxy.at(upstream.put("output.zip", data))
    watched = watch(data, target, tmp_path)
    proxy.random.seed(seed)
    for number in range(KILLS):
        before = watched.whole()
        left = watched.missing(before)
        proxy.forget()
        proxy.rate = RATE
        with ended(child(url, target)) as process:
            point = proxy.random.uniform(0.02, 0.9) * (left if number < 3 else left / 2)
            running_to(proxy, process, int(point))
            process.kill()
            assert process.wait(10) != 0
        wait_until(proxy.idle)
        watched.check_log(proxy.log, before)
        assert before <= watched.whole()
    before = watched.whole()
    proxy.forget()
    proxy.rate = None
    fetch_archive(url, target)
    watched.check_done()
    watched.check_log(proxy.log, before)
    assert list(target.parent.glob(".*")) == []


@pytest.mark.extended
def test_killed_between_the_batches_of_many_small_files(proxy, upstream, target, tmp_path):
    data = make_zip({f"{n % 7}/{n:04}.txt": text(1 + n % 90, n) for n in range(1200)})
    url = proxy.at(upstream.put("output.zip", data))
    watched = watch(data, target, tmp_path)
    found = []
    for point in (0.2, 0.4, 0.7):
        proxy.forget()
        proxy.rate = 100_000
        before = proxy.sent
        with ended(child(url, target)) as process:
            left = watched.missing(watched.whole()) + 100 * (1200 - len(watched.whole()))
            running_to(proxy, process, before + int(point * left))
            process.kill()
            assert process.wait(10) != 0
        wait_until(proxy.idle)
        found.append(len(watched.whole()))
    assert found == sorted(found)
    proxy.rate = None
    fetch_archive(url, target)
    watched.check_done()


def test_batch_that_cannot_be_flushed_leaves_no_file(upstream, target, monkeypatch):
    entries = {f"{n}.txt": text(100, n) for n in range(10)}
    url = upstream.url + upstream.put("output.zip", make_zip(entries))

    def fail(_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(DownloadError, match=r"Could not write entry '0\.txt'"):
            fetch_archive(url, target)
    assert not target.exists() or [path for path in target.rglob("*") if path.is_file()] == []
    fetch_archive(url, target)
    assert tree(target) == entries


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ended_by_a_signal_and_called_again(proxy, upstream, data, target, tmp_path, number):
    url = proxy.at(upstream.put("output.zip", data))
    watched = watch(data, target, tmp_path)
    proxy.limit(len(data) // 2, "stall")
    with ended(child(url, target)) as process:
        wait_until(proxy.exhausted.is_set, 30)
        os.kill(process.pid, number)
        assert process.wait(20) != 0
    before = watched.whole()
    proxy.clear()
    proxy.forget()
    fetch_archive(url, target)
    watched.check_done()
    watched.check_log(proxy.log, before)


def test_large_member_goes_on_from_what_killed_runs_fetched(proxy, upstream, target):
    content = noise(40 * MIB, 7)
    url = proxy.at(upstream.put("large.zip", make_zip({"large.bin": content}, zipfile.ZIP_STORED)))
    proxy.rate = 30 * MIB
    for count in (16 * MIB, 16 * MIB):
        before = proxy.sent
        with ended(child(url, target)) as process:
            running_to(proxy, process, before + count)
            process.kill()
            process.wait(10)
        wait_until(proxy.idle)
    fetch_archive(url, target)
    assert tree(target) == {"large.bin": content}
    wait_until(proxy.idle)
    assert proxy.sent <= 1.5 * len(content)


def test_large_compressed_member_goes_on_where_it_was_cancelled(proxy, upstream, target):
    entries = {"before.txt": b"1", "large.bin": noise(40 * MIB, 8), "after.txt": b"2"}
    data = make_zip(entries, zipfile.ZIP_DEFLATED)
    url = proxy.at(upstream.put("large.zip", data))
    for _ in range(2):
        proxy.limit(2 * len(data) // 5, "stall")
        download = start_archive(url, target)
        wait_until(proxy.exhausted.is_set, 30)
        download.cancel()
        with pytest.raises(DownloadCancelled):
            download.result(10)
        proxy.clear()
    fetch_archive(url, target)
    assert tree(target) == entries
    assert proxy.sent <= 1.5 * len(data)


# Several at a time


def test_two_processes_at_the_same_time_fetch_the_archive_once(
    proxy, upstream, data, target, tmp_path
):
    url = proxy.at(upstream.put("output.zip", data))
    watched = watch(data, target, tmp_path)
    proxy.rate = RATE
    with ended(child(url, target)) as first, ended(child(url, target)) as second:
        finish(first)
        finish(second)
    watched.check_done()
    assert list(target.parent.glob(".*")) == []
    assert proxy.sent <= 1.1 * len(data) + 2 * 70_000


def test_two_downloads_of_one_process_fetch_the_archive_once(
    proxy, upstream, data, target, tmp_path
):
    url = proxy.at(upstream.put("output.zip", data))
    watched = watch(data, target, tmp_path)
    proxy.rate = RATE
    downloads = [start_archive(url, target), start_archive(url, target)]
    for download in downloads:
        assert download.result(30) == target
    watched.check_done()
    assert proxy.sent <= 1.1 * len(data) + 2 * 70_000


def test_second_process_takes_over_when_the_first_is_killed(
    proxy, upstream, data, target, tmp_path
):
    url = proxy.at(upstream.put("output.zip", data))
    watched = watch(data, target, tmp_path)
    proxy.limit(len(data) // 2, "stall")
    with ended(child(url, target)) as first:
        wait_until(proxy.exhausted.is_set, 30)
        with ended(child(url, target)) as second:
            assert second.stdout.readline() == "ready\n"
            first.kill()
            first.wait(10)
            before = watched.whole()
            proxy.clear()
            finish(second)
    watched.check_done()
    assert before
    assert list(target.parent.glob(".*")) == []


def test_second_download_that_waits_for_the_first_can_be_cancelled(
    proxy, upstream, data, target, tmp_path
):
    url = proxy.at(upstream.put("output.zip", data))
    watched = watch(data, target, tmp_path)
    proxy.limit(len(data) // 2, "stall")
    first = start_archive(url, target)
    wait_until(proxy.exhausted.is_set, 30)
    second = start_archive(url, target)
    second.cancel()
    with pytest.raises(DownloadCancelled):
        second.result(10)
    proxy.clear()
    assert first.result(30) == target
    watched.check_done()


def test_different_parts_of_an_archive_come_into_one_folder_at_the_same_time(
    proxy, upstream, data, target
):
    url = proxy.at(upstream.put("output.zip", data))
    proxy.rate = RATE
    names = "import sys; sys.argv[3:] = [sys.argv[3:]]"
    with (
        ended(child(url, target, "small/", before=names)) as first,
        ended(child(url, target, "medium/", before=names)) as second,
    ):
        finish(first)
        finish(second)
    there = {name: content for name, content in tree(target).items() if content is not None}
    assert there == {n: c for n, c in CONTENT.items() if n.startswith(("small/", "medium/"))}


def test_many_processes_that_are_killed_and_started_leave_one_whole_folder(
    proxy, upstream, data, target, tmp_path
):
    url = proxy.at(upstream.put("output.zip", data))
    watched = watch(data, target, tmp_path)
    proxy.rate = RATE
    killed: list[subprocess.Popen[str]] = []
    for count in (300_000, 900_000):
        pair = [child(url, target), child(url, target)]
        with ended(pair[0]), ended(pair[1]):
            before = proxy.sent
            wait_until(lambda before=before, count=count: proxy.sent >= before + count, 30)
            for process in pair:
                process.kill()
                process.wait(10)
            killed += pair
        watched.whole()
    proxy.rate = None
    proxy.add(Fault(cut=100_000, times=2))
    fetch_archive(url, target)
    watched.check_done()
    assert len(killed) == 4
    assert list(target.parent.glob(".*")) == []
