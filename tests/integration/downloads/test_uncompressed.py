"""One file as it is: killed, cut, cancelled, changed, and called again."""

from __future__ import annotations

import contextlib

import pytest

from inductiva_widgets.downloads import fetch_file, start_file
from inductiva_widgets.errors import APIConnectionError, DownloadCancelled, DownloadError
from tests.fault_proxy import Fault
from tests.integration.downloads.process_helpers import child, ended
from tests.unit.downloads.archives import noise, wait_until

DATA = noise(6_000_000, 1)
OTHER = noise(6_000_000, 2)


@pytest.fixture
def url(proxy, upstream):
    return proxy.at(upstream.put("a.bin", DATA))


@pytest.fixture
def target(tmp_path):
    return tmp_path / "new" / "a.bin"


def check(target, content=DATA):
    assert target.read_bytes() == content
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def cut_off(proxy, url, target, count):
    """Let so many bytes come, then nothing more."""
    proxy.limit(count)
    with pytest.raises((DownloadError, APIConnectionError)):
        fetch_file(url, target)
    assert not target.exists()
    proxy.clear()


def test_killed_at_five_points_and_resumed(proxy, url, target):
    proxy.rate = 6_000_000
    for point in (0.1, 0.3, 0.45, 0.7, 0.9):
        with ended(child(url, target, call="fetch_file")) as process:
            wait_until(lambda point=point: proxy.sent >= point * len(DATA), 30)
            process.kill()
            assert process.wait(10) != 0
        wait_until(proxy.idle)
        assert not target.exists()
    fetch_file(url, target)
    check(target)
    # Beginning anew each time would be 3.4 times; what a killed process had not read yet is lost.
    assert proxy.sent <= 2 * len(DATA)


def test_cut_for_good_many_times_fetches_each_byte_once(proxy, url, target):
    for count in (1, 70_000, 1_000_000, 1_234_567, 2_000_000):
        cut_off(proxy, url, target, count)
    fetch_file(url, target)
    check(target)
    assert proxy.sent == len(DATA)


def test_cuts_and_refusals_are_got_over_in_one_call(proxy, url, target):
    proxy.add(
        Fault(cut=500_000), Fault(drop=True), Fault(status=503), Fault(cut=0),
        Fault(cut=(1, 900_000), reset=True), Fault(status=429, headers={"Retry-After": "0"}),
        Fault(shorten=100_000, cut=50_000),
    )  # fmt: skip
    fetch_file(url, target)
    check(target)


def test_cancelled_while_it_stalls_and_resumed(proxy, url, target):
    proxy.add(Fault(stall=3_000_000))
    download = start_file(url, target)
    assert proxy.stalled.wait(10)
    wait_until(lambda: download.progress.bytes_done > 2_900_000)
    download.cancel()
    with pytest.raises(DownloadCancelled):
        download.result(10)
    fetch_file(url, target)
    check(target)
    assert proxy.sent < 1.02 * len(DATA)


def test_cancelled_while_the_server_does_not_answer(proxy, url, target):
    fault = Fault(delay=30)
    proxy.add(fault)
    download = start_file(url, target)
    wait_until(lambda: fault.times == 0)
    download.cancel()
    with pytest.raises(DownloadCancelled):
        download.result(10)
    fetch_file(url, target)
    check(target)


def test_file_that_changes_between_two_calls_begins_anew(proxy, upstream, url, target):
    cut_off(proxy, url, target, 3_000_000)
    proxy.moved["/a.bin"] = upstream.put("b.bin", OTHER)
    fetch_file(url, target)
    check(target, OTHER)


def test_file_that_changes_in_the_middle_is_never_mixed(proxy, upstream, url, target):
    other = upstream.put("b.bin", OTHER)
    change = Fault(do=lambda: proxy.moved.update({"/a.bin": other}), cut=1_000_000)
    proxy.add(Fault(cut=3_000_000), change)
    fetch_file(url, target)
    check(target, OTHER)


def test_file_that_becomes_shorter_begins_anew(proxy, upstream, url, target):
    cut_off(proxy, url, target, 3_000_000)
    proxy.moved["/a.bin"] = upstream.put("b.bin", OTHER[:1_000_000])
    fetch_file(url, target)
    check(target, OTHER[:1_000_000])


def test_without_ranges_it_begins_anew(proxy, url, target):
    cut_off(proxy, url, target, 3_000_000)
    proxy.add(Fault(ignore_range=True, times=None))
    fetch_file(url, target)
    check(target)


@pytest.mark.parametrize("stated", ["bytes 0-9/6000000", "nonsense", None])
def test_wrong_part_is_not_written(proxy, url, target, stated):
    cut_off(proxy, url, target, 3_000_000)
    proxy.add(Fault(headers={"Content-Range": stated}))
    with contextlib.suppress(DownloadError):  # to begin anew is as good
        fetch_file(url, target)
    assert not target.exists() or target.read_bytes() == DATA
    proxy.clear()
    fetch_file(url, target)
    check(target)


def test_link_that_expires_in_the_middle_is_renewed_and_nothing_fetched_twice(proxy, url, target):
    proxy.add(Fault(do=lambda: proxy.expired.add("token=old"), cut=3_000_000))
    fetch_file(f"{url}?token=old", target, renew=lambda: f"{url}?token=new")
    check(target)
    assert proxy.sent == len(DATA)
