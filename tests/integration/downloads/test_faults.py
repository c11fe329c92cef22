"""Each thing that goes wrong, by itself: what is said, what stays, and how it is got over."""

from __future__ import annotations

import dataclasses
import io
import itertools
import threading
import time
import warnings
import zipfile

import pytest

from inductiva_widgets.downloads import fetch_archive, start_archive
from inductiva_widgets.errors import (
    APIConnectionError,
    ArchiveError,
    DownloadCancelled,
    DownloadError,
)
from tests.fault_proxy import Fault
from tests.integration.downloads.process_helpers import Watched, unzipped
from tests.unit.downloads.archives import make_zip, noise, text, tree, wait_until

# Some beyond what a server or a client may hold back in buffers, so that faults meet them all.
CONTENT = {
    "a/first.bin": noise(1_200_000, 1),
    "a/text.txt": text(50_000, 2),
    "empty.txt": b"",
    "second.bin": noise(1_300_000, 3),
    "b/c/small.txt": b"small",
    "third.bin": noise(1_400_000, 4),
    "last.bin": noise(150_000, 5),  # the directory is not read along with another member
}
DATA = make_zip(CONTENT, zipfile.ZIP_STORED)
OTHER = make_zip({name: content[::-1] for name, content in CONTENT.items()}, zipfile.ZIP_STORED)


def members(entry) -> bool:
    """Tell requests for members from those for the directory at the end."""
    return entry.range is not None and not entry.range.startswith("bytes=-")


@pytest.fixture
def watched(target, tmp_path):
    return Watched(DATA, target, unzipped(DATA, tmp_path / "expected"))


@pytest.fixture
def url(proxy, upstream):
    return proxy.at(upstream.put("output.zip", DATA))


def changer(proxy, upstream, data):
    """Return a function that puts another file in the place of the one that is being fetched."""
    other = upstream.put("other.zip", data)
    return lambda: proxy.moved.update({"/output.zip": other})


def span_of(name, data=DATA):
    """Return where a member's compressed bytes lie."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        info = archive.getinfo(name)
    start = info.header_offset + 30 + len(name)
    return start, start + info.compress_size


# Links


def test_link_that_expires_in_the_middle_is_renewed_once(proxy, url, watched):
    renewed = []

    def renew():
        renewed.append(threading.get_ident())
        return f"{url}?token=new"

    # Those that are under way are cut, and find the link expired when they come again.
    expire = Fault(when=members, do=lambda: proxy.expired.add("token=old"), cut=100_000)
    proxy.add(expire, Fault(when=members, cut=100_000, times=3))
    fetch_archive(f"{url}?token=old", watched.target, renew=renew)
    watched.check_done()
    assert len(renewed) == 1
    assert any(entry.status == 403 for entry in proxy.log)


def test_link_that_expires_again_and_again_is_renewed_each_time(proxy, url, watched):
    count = 0

    def renew():
        nonlocal count
        count += 1
        return f"{url}?token=<{count}>"

    for number in range(4):
        old = f"token=<{number}>".replace("<", "%3C").replace(">", "%3E")
        proxy.add(Fault(when=members, do=lambda old=old: proxy.expired.add(old), cut=200_000))
    fetch_archive(f"{url}?token=<0>", watched.target, renew=renew, connections=1)
    watched.check_done()
    assert count == 4


def test_expired_link_without_renewal_says_so_and_a_new_one_goes_on(proxy, url, watched):
    proxy.add(Fault(when=lambda entry: proxy.sent > 1_500_000, status=403, times=None))
    proxy.add(Fault(when=members, shorten=300_000, times=None))
    with pytest.raises(DownloadError, match="expired"):
        fetch_archive(f"{url}?token=old", watched.target, connections=1)
    before = watched.whole()
    assert "a/first.bin" in before
    proxy.clear()
    proxy.forget()
    fetch_archive(f"{url}?token=new", watched.target)
    watched.check_done()
    watched.check_log(proxy.log, before)


def test_renewal_that_fails_is_an_error_and_the_rest_can_come_later(proxy, url, watched):
    def renew():
        raise APIConnectionError("no answer from the service")

    proxy.add(Fault(when=members, status=403))
    with pytest.raises((APIConnectionError, DownloadError), match="no answer from the service"):
        fetch_archive(url, watched.target, renew=renew)
    fetch_archive(url, watched.target)
    watched.check_done()


def test_no_message_shows_the_signature(proxy, url, watched):
    for fault in (
        Fault(status=403, times=None),
        Fault(status=500, times=None),
        Fault(drop=True, times=None),
        Fault(when=members, cut=0, times=None),
        Fault(when=members, cut=0, reset=True, times=None),
        Fault(status=206, headers={"Content-Range": "bytes 1-2/3"}, body=b"xx", times=None),
    ):
        proxy.add(fault)
        with pytest.raises((APIConnectionError, DownloadError)) as caught:
            fetch_archive(f"{url}?X-Signature=secret", watched.target)
        proxy.clear()
        error = caught.value
        while error is not None:
            assert "secret" not in str(error)
            error = error.__cause__ or error.__context__


# Another file


def test_archive_that_changes_is_told_and_then_the_new_one_comes(
    proxy, upstream, url, target, tmp_path
):
    """By an error, after which a call begins anew, or by a warning, when it did so by itself."""
    new = Watched(OTHER, target, unzipped(OTHER, tmp_path / "new"))
    proxy.add(
        Fault(when=members, cut=500_000, times=4),
        Fault(when=members, do=changer(proxy, upstream, OTHER)),
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        try:
            fetch_archive(url, target)
        except ArchiveError as exc:
            told = str(exc)
            fetch_archive(url, target)
        else:
            told = " ".join(str(warning.message) for warning in caught)
    assert "changed" in told
    new.check_done()


@pytest.mark.filterwarnings("ignore:The archive has changed")
def test_archive_that_changes_all_the_time_comes_whole_in_one_version(
    proxy, upstream, url, target, tmp_path
):
    trees = [unzipped(data, tmp_path / name) for name, data in (("one", DATA), ("two", OTHER))]
    versions = itertools.cycle([upstream.put("one.zip", DATA), upstream.put("two.zip", OTHER)])
    proxy.add(
        Fault(do=lambda: proxy.moved.update({"/output.zip": next(versions)}), times=None),
    )
    fetch_archive(url, target)
    assert tree(target) in trees


def test_archive_that_changes_between_two_calls_leaves_nothing_of_the_old_one(
    proxy, upstream, url, target, tmp_path
):
    new = Watched(OTHER, target, unzipped(OTHER, tmp_path / "new"))
    for count in (300_000, 900_000, 2_500_000):
        proxy.limit(count)
        with pytest.raises((DownloadError, APIConnectionError)):
            fetch_archive(url, target)
    proxy.clear()
    proxy.forget()
    changer(proxy, upstream, OTHER)()
    fetch_archive(url, target)
    new.check_done()


def test_members_that_a_changed_archive_lacks_stay_and_it_says_nothing_wrong(
    proxy, upstream, url, target
):
    fetch_archive(url, target)
    changer(proxy, upstream, make_zip({"second.bin": b"new"}))()
    fetch_archive(url, target)
    assert (target / "second.bin").read_bytes() == b"new"
    assert (target / "third.bin").read_bytes() == CONTENT["third.bin"]


def test_change_that_no_header_tells_never_yields_a_mixture(proxy, upstream, url, target, tmp_path):
    """Same size, no ETag, no date: the checksum of each member tells."""
    old = Watched(DATA, target, unzipped(DATA, tmp_path / "old"))
    new = Watched(OTHER, target, unzipped(OTHER, tmp_path / "new"))
    assert len(DATA) == len(OTHER)
    mute = {"ETag": None, "Last-Modified": None}
    proxy.add(
        Fault(when=lambda entry: not members(entry), headers=mute),
        Fault(when=members, cut=500_000, headers=mute, times=4),
        Fault(when=members, do=changer(proxy, upstream, OTHER), headers=mute, times=None),
    )
    with pytest.raises(ArchiveError, match=r"checksum|damaged|instead"):
        fetch_archive(url, target)
    old.whole()
    fetch_archive(url, target)
    new.check_done()


def test_truncated_archive_is_refused_and_leaves_nothing(proxy, upstream, target):
    url = proxy.at(upstream.put("short.zip", DATA[: len(DATA) // 2]))
    with pytest.raises(ArchiveError):
        fetch_archive(url, target)
    assert not target.exists() or not any(target.iterdir())


def test_archive_whose_first_half_is_missing_is_refused(proxy, upstream, target):
    url = proxy.at(upstream.put("short.zip", DATA[len(DATA) // 2 :]))
    with pytest.raises(ArchiveError):
        fetch_archive(url, target)
    assert not target.exists() or not any(path.is_file() for path in target.rglob("*"))


def test_page_of_a_login_in_the_place_of_the_archive_is_no_archive(proxy, url, watched):
    page = Fault(
        times=None, status=200, headers={"Content-Type": "text/html"}, body=b"<html>Log in</html>"
    )
    proxy.add(page)
    with pytest.raises(DownloadError):
        fetch_archive(url, watched.target)
    watched.whole()
    proxy.clear()
    fetch_archive(url, watched.target)
    watched.check_done()
    assert not list(watched.target.parent.glob(".*"))


# Ranges


def test_server_without_ranges(proxy, url, watched):
    proxy.add(Fault(ignore_range=True, times=None))
    fetch_archive(url, watched.target)
    watched.check_done()
    assert not list(watched.target.parent.glob(".*"))


def test_server_that_forgets_ranges_in_the_middle(proxy, url, watched):
    proxy.add(
        Fault(when=members, cut=600_000, times=2),
        Fault(when=members, ignore_range=True, times=None),
    )
    fetch_archive(url, watched.target)
    watched.check_done()


def test_server_that_forgets_ranges_once(proxy, url, watched):
    proxy.add(Fault(when=members, ignore_range=True))
    fetch_archive(url, watched.target)
    watched.check_done()


def test_parts_shorter_than_asked_are_put_together(proxy, url, watched):
    proxy.add(Fault(shorten=100_000, times=None))
    fetch_archive(url, watched.target)
    watched.check_done()
    watched.check_log(proxy.log, set())


@pytest.mark.parametrize(
    "stated", ["bytes 0-9/4000000", "bytes 5-4/10", "nonsense", "bytes */5", None]
)
@pytest.mark.filterwarnings("ignore:The archive has changed")
def test_wrong_content_range_leads_to_one_stream(proxy, url, watched, stated):
    proxy.add(Fault(when=members, headers={"Content-Range": stated}, times=None))
    fetch_archive(url, watched.target)
    watched.check_done()
    assert [entry.range for entry in proxy.log].count(None) == 1


# Damage


def test_damaged_member_is_named_and_the_others_stay(proxy, url, watched):
    start, stop = span_of("second.bin")
    proxy.add(Fault(when=members, corrupt=(start + stop) // 2, times=None))
    with pytest.raises(ArchiveError, match=r"second\.bin"):
        fetch_archive(url, watched.target)
    before = watched.whole()
    assert before == set(CONTENT) - {"second.bin"}
    proxy.clear()
    proxy.forget()
    fetch_archive(url, watched.target)
    watched.check_done()
    watched.check_log(proxy.log, before)


def test_repeated_bytes_are_noticed_and_calling_again_helps(proxy, url, watched):
    proxy.add(Fault(when=members, repeat=(200_000, 500), times=None))
    with pytest.raises(ArchiveError, match=r"checksum|damaged|instead|header"):
        fetch_archive(url, watched.target)
    watched.whole()
    proxy.clear()
    fetch_archive(url, watched.target)
    watched.check_done()


def test_damaged_directory_is_an_archive_error(proxy, url, watched):
    at = DATA.rindex(b"PK\x01\x02")
    proxy.add(Fault(corrupt=at, times=None))
    with pytest.raises(ArchiveError):
        fetch_archive(url, watched.target)
    proxy.clear()
    fetch_archive(url, watched.target)
    watched.check_done()


# Refusals and broken connections


@pytest.mark.parametrize("status", [429, 503])
def test_pause_that_the_server_asks_for_is_made(proxy, url, watched, status):
    proxy.add(Fault(status=status, headers={"Retry-After": "1"}))
    began = time.monotonic()
    fetch_archive(url, watched.target)
    assert time.monotonic() - began >= 1
    watched.check_done()


def test_date_to_retry_after_is_no_stumbling_block(proxy, url, watched):
    when = {"Retry-After": "Thu, 01 Feb 2024 17:16:17 GMT"}
    proxy.add(Fault(status=429, headers=when, times=2))
    fetch_archive(url, watched.target)
    watched.check_done()


def test_server_that_keeps_refusing_is_given_up_and_the_rest_can_come_later(proxy, url, watched):
    proxy.add(
        Fault(when=members, cut=700_000, times=2),
        Fault(when=lambda entry: members(entry) or not entry.range, status=503, times=None),
    )
    with pytest.raises(DownloadError, match="503"):
        fetch_archive(url, watched.target)
    assert len(proxy.log) < 40
    proxy.clear()
    fetch_archive(url, watched.target)
    watched.check_done()


def test_every_third_connection_breaks_in_some_way(proxy, url, watched):
    for fault in (
        Fault(drop=True), Fault(cut=(0, 300_000)), Fault(cut=(0, 300_000), reset=True),
        Fault(status=503), Fault(status=500), Fault(delay=0.05, cut=0), Fault(status=408),
    ):  # fmt: skip
        fault.times = 3
        number = len(proxy.faults)
        fault.when = lambda entry, number=number: entry.number % 12 == number + 1
        proxy.add(fault)
    proxy.add(Fault(shorten=150_000, times=None))
    fetch_archive(url, watched.target)
    watched.check_done()
    watched.check_log(proxy.log, set())


def test_slow_connections_share_the_work(proxy, url, watched):
    proxy.rate = 1_500_000
    began = time.monotonic()
    download = start_archive(url, watched.target, connections=4)
    download.result(30)
    took = time.monotonic() - began
    watched.check_done()
    assert proxy.sent <= 1.05 * len(DATA)
    assert took < len(DATA) / proxy.rate, "one connection alone would have done as well"


# Stalls


@pytest.mark.parametrize(
    "fault",
    [
        Fault(when=members, stall=50_000, times=4),
        Fault(when=lambda entry: not members(entry), stall=100),
        Fault(when=members, delay=30, times=4),
        Fault(when=lambda entry: not members(entry), delay=30),
        Fault(when=members, status=429, headers={"Retry-After": "30"}, times=4),
        Fault(status=503, headers={"Retry-After": "30"}),
    ],
    ids=[
        "body of a member", "body of the directory", "headers of a member",
        "headers of the directory", "pause for a member", "pause for the directory",
    ],
)  # fmt: skip
def test_stall_is_ended_by_cancel(proxy, url, watched, fault):
    fault = dataclasses.replace(fault)  # its count of times is used up
    proxy.add(fault)
    used = fault.times
    download = start_archive(url, watched.target)
    wait_until(lambda: proxy.stalled.is_set() or (fault.stall is None and fault.times < used))
    download.cancel()
    with pytest.raises(DownloadCancelled):
        download.result(10)
    proxy.clear()
    fetch_archive(url, watched.target)
    watched.check_done()


def test_stall_of_one_connection_does_not_keep_the_others(proxy, url, watched):
    start, _ = span_of("third.bin")
    proxy.add(
        Fault(
            when=lambda entry: members(entry) and entry.range.startswith(f"bytes={start - 30}"[:9]),
            stall=50_000,
        )
    )
    download = start_archive(url, watched.target)
    assert proxy.stalled.wait(10)
    wait_until(lambda: download.progress.files_done >= 3)
    proxy.release()
    download.result(20)
    watched.check_done()
