import socket
import threading
import traceback

import pytest

from inductiva_widgets.downloads._cancellation import CancelToken
from inductiva_widgets.downloads._signed_url import Backoff, SignedUrl
from inductiva_widgets.downloads.http import RequestsHttpGet, check_url, display_url
from inductiva_widgets.downloads.remote_file import LocalFile, RangesUnsupported, RemoteFile
from inductiva_widgets.errors import (
    APIConnectionError,
    APITimeoutError,
    ArchiveError,
    DownloadCancelled,
    DownloadError,
    InputError,
)
from tests.unit.downloads.archives import noise
from tests.unit.downloads.server import Fault

DATA = noise(300_000)


@pytest.fixture
def make(server):
    """Return a maker of sources for a file of the server; links are closed at the end."""
    links = []

    def source(query="", **options):
        server.files.setdefault("/a.bin", None)
        if server.files["/a.bin"] is None:
            server.put("/a.bin", DATA)
        link = SignedUrl(server.url("/a.bin") + query, **options)
        links.append(link)
        return RemoteFile(link)

    yield source
    for link in links:
        link.close()


def test_tail__one_request_gives_bytes_and_size(make, server):
    source = make()
    assert source.read_end(1000) == DATA[-1000:]
    assert source.size == len(DATA)
    assert [entry.range for entry in server.log] == ["bytes=-1000"]
    assert server.log[0].headers["accept-encoding"] == "identity"


def test_tail__of_a_shorter_file_is_all_of_it(make, server):
    server.put("/a.bin", b"short")
    source = make()
    assert source.read_end(1000) == b"short"
    assert source.size == 5


def test_tail__of_an_empty_file(make, server):
    server.put("/a.bin", b"")
    assert make().read_end(1000) == b""


def test_tail__server_that_knows_no_suffix_ranges(make, server):
    server.suffix_ranges = False
    source = make()
    assert source.read_end(1000) == DATA[-1000:]
    assert server.log[-1].range == f"bytes={len(DATA) - 1000}-{len(DATA) - 1}"


@pytest.mark.parametrize(
    ("start", "stop"), [(0, 1), (0, 300_000), (299_999, 300_000), (5, 5), (70_000, 200_001)]
)
def test_read__returns_exactly_the_bytes(make, start, stop):
    assert make().read(start, stop) == DATA[start:stop]


@pytest.mark.parametrize(("start", "stop"), [(0, 300_001), (-1, 5), (6, 5)])
def test_read__outside_of_the_file_is_refused(make, start, stop):
    source = make()
    assert source.size == 300_000
    with pytest.raises(ArchiveError, match="must be within"):
        source.read(start, stop)


def test_stream__goes_on_after_each_cut(make, server):
    source = make()
    source.read_end(1)
    server.faults.extend(Fault(cut=n) for n in (0, 20_000, 0, 50_000))
    assert source.read(1000, 200_000) == DATA[1000:200_000]
    # Nothing is asked twice: each request begins where the last one broke off.
    starts = [int(entry.range.removeprefix("bytes=").split("-")[0]) for entry in server.log[1:]]
    assert starts == sorted(starts)
    assert starts[2] == 21_000


def test_stream__server_that_always_cuts_at_once_gives_up(make, server):
    source = make()
    source.read_end(1)
    server.always = Fault(cut=0)
    with pytest.raises(DownloadError, match="Gave up after 6 tries"):
        source.read(0, 1000)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429, 408])
def test_stream__transient_status_is_tried_again(make, server, status, pauses):
    server.faults.extend([Fault(status=status), Fault(status=status)])
    assert make().read(0, 10) == DATA[:10]
    assert len(pauses) == 2


def test_stream__failing_server_is_given_up(make, server):
    server.always = Fault(status=503)
    with pytest.raises(DownloadError, match=r"failed repeatedly \(503\)"):
        make().read(0, 10)
    assert len(server.log) == Backoff().attempts + 1  # the last one without a range


def test_stream__missing_file_is_not_tried_again(make, server):
    source = RemoteFile(SignedUrl(server.url("/other")))
    with pytest.raises(DownloadError, match=r"does not exist \(404\)"):
        source.read(0, 10)
    assert [entry.range is None for entry in server.log] == [False, True]


def test_retry_after_is_honoured(server):
    server.put("/a.bin", DATA)
    server.faults.append(Fault(status=503, headers={"Retry-After": "0.05"}))
    link, control = SignedUrl(server.url("/a.bin")), CancelToken()
    waited = []
    control.sleep = waited.append  # the clock is not ours to turn
    link.bind(control)
    RemoteFile(link).read_end(1)
    link.close()
    assert waited == [0.05]


@pytest.mark.parametrize("status", [400, 401, 403, 410])
def test_expired_link_is_renewed_once(make, server, status):
    urls = []

    def renew():
        urls.append(server.url("/a.bin?token=new"))
        return urls[-1]

    source = make("?token=old", renew=renew)
    source.read_end(1)
    server.faults.append(Fault(status=status, when=lambda entry: "old" in entry.target))
    assert source.read(0, 100) == DATA[:100]
    assert source.read(100, 200) == DATA[100:200]
    assert len(urls) == 1
    assert server.log[-1].target.endswith("new")


def test_expired_link_that_renews_to_an_expired_one_fails(make, server):
    server.expired.add("token")
    calls = []

    def renew():
        calls.append(1)
        return server.url(f"/a.bin?token={len(calls)}")

    with pytest.raises(DownloadError, match=r"expired or access is denied \(403\)"):
        make("?token=0", renew=renew).read_end(1)
    assert len(calls) == 1


def test_expired_link_is_renewed_once_for_parallel_requests(make, server):
    calls = []

    def renew():
        calls.append(1)
        return server.url("/a.bin?token=new")

    source = make("?token=old", renew=renew)
    source.read_end(1)
    server.expired.add("old")
    barrier = threading.Barrier(4)
    results = []

    def read(n):
        barrier.wait()
        results.append(source.read(n * 1000, n * 1000 + 10) == DATA[n * 1000 : n * 1000 + 10])

    threads = [threading.Thread(target=read, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 4
    assert len(calls) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"etag": '"v2"'},
        {"etag": None, "modified": "Fri, 02 Feb 2024 00:00:00 GMT"},
        {"data": DATA + b"x"},
    ],
    ids=["etag", "date", "size"],
)
def test_changed_file_is_noticed(make, server, change):
    source = make()
    source.read_end(1)
    for name, value in change.items():
        setattr(server.files["/a.bin"], name, value)
    with pytest.raises(ArchiveError, match="The file changed"):
        source.read(0, 10)


def test_file_that_shrank_is_noticed(make, server):
    source = make()
    source.read_end(1)
    server.files["/a.bin"].data = DATA[:10]
    with pytest.raises(ArchiveError, match="The file changed"):
        source.read(1000, 2000)


def test_server_that_ignores_ranges_is_told_apart(make, server):
    server.ranges = False
    with pytest.raises(RangesUnsupported):
        make().read_end(10)


def test_server_that_stops_knowing_ranges_is_told_apart(make, server):
    source = make()
    source.read_end(10)
    server.ranges = False
    with pytest.raises(RangesUnsupported):
        source.read(0, 10)


@pytest.mark.parametrize(
    "stated",
    [
        "bytes 1-10/300000",
        "bytes 0-10/300000",
        "bytes 1-9/300000",
        "bytes 9-0/300000",
        "nonsense",
        "",
    ],
)
def test_wrong_part_is_refused(make, server, stated):
    source = make()
    source.read_end(1)
    server.always = Fault(headers={"Content-Range": stated})
    with pytest.raises(DownloadError, match=r"another part|without a valid"):
        source.read(0, 10)


def test_more_bytes_than_stated_are_not_handed_on():
    class Long:
        status = 206

        def __init__(self, tail):
            span = "99-99" if tail else "0-9"
            self.headers = {"content-range": f"bytes {span}/100"}

        def chunks(self):
            yield b"x" * 50
            yield b"y" * 50

        def close(self):
            pass

        abort = close

    link = SignedUrl(
        "http://host/a", opener=lambda url, headers: Long(headers["Range"] == "bytes=-1")
    )
    source = RemoteFile(link)
    with pytest.raises(RangesUnsupported, match="another part"):
        source.read_end(1)
    with pytest.raises(RangesUnsupported, match="another part"):
        source.read(0, 10)


def test_connection_refused_is_an_api_connection_error(pauses):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/a?sig=SECRET"
        link = SignedUrl(url)
        with pytest.raises(APIConnectionError, match="refused the connection") as caught:
            RemoteFile(link).read_end(1)
    assert len(pauses) == Backoff().first_attempts - 1
    assert "SECRET" not in "".join(traceback.format_exception(caught.value))
    link.close()


def test_silent_server_is_a_timeout(server):
    server.put("/a.bin", DATA)
    server.always = Fault(hold=0)
    opener = RequestsHttpGet(timeouts=(1, 0.05))
    link = SignedUrl(server.url("/a.bin"), opener=opener, backoff=Backoff(attempts=2))
    with link.open({}, {200}) as response, pytest.raises(APITimeoutError):
        list(response.chunks())
    opener.close()


def test_signature_never_shows(make, server):
    """Whatever goes wrong, the query of a signed link stays out of message, cause and repr."""
    secret = "?X-Signature=SECRET"
    failures = []
    for prepare in (
        lambda: setattr(server, "always", Fault(status=403)),
        lambda: setattr(server, "always", Fault(status=503)),
        lambda: setattr(server, "always", Fault(cut=0)),
        lambda: setattr(server, "always", Fault(headers={"Content-Range": "bytes 5-6/7"})),
        lambda: setattr(server, "ranges", False),
    ):
        source = make(secret)
        prepare()
        with pytest.raises(DownloadError) as caught:
            source.read(0, 100)
        failures.append("".join(traceback.format_exception(caught.value)) + repr(source.link))
        server.always = None
    assert len(failures) == 5
    assert all("SECRET" not in failure for failure in failures)
    assert all("127.0.0.1" in failure for failure in failures)


def test_cancel_ends_a_read_that_waits(make, server):
    source, control = make(), CancelToken()
    source.link.bind(control)
    source.read_end(1)
    server.always = Fault(hold=50_000)
    caught = []

    def read():
        try:
            source.read(0, 200_000)
        except DownloadCancelled as exc:
            caught.append(exc)

    thread = threading.Thread(target=read)
    thread.start()
    assert server.holding.wait(10)
    control.cancel()
    thread.join(10)
    assert not thread.is_alive()
    assert caught


def test_credentials_from_netrc_are_not_sent(make, server, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password PASSWORD\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    make().read_end(1)
    assert "authorization" not in server.log[0].headers


@pytest.mark.parametrize(
    "url",
    [
        "",
        "host/file",
        "ftp://host/file",
        "http://",
        "http:///a",
        "http://[::1",
        "http://h st/a",
        "file:///etc/passwd",
        None,
    ],
)
def test_malformed_url_is_an_input_error(url):
    with pytest.raises(InputError, match="must have the form"):
        check_url(url)


def test_display_url_shows_neither_query_nor_password():
    assert display_url("https://me:pw@host:1/a/b.zip?sig=x#y") == "host:1/a/b.zip"


def test_local_source_behaves_alike(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(DATA)
    source = LocalFile(path)
    assert (source.size, source.read_end(7), source.read(3, 9)) == (len(DATA), DATA[-7:], DATA[3:9])
    with pytest.raises(ArchiveError):
        source.read(0, len(DATA) + 1)
    path.write_bytes(DATA[:10])
    with pytest.raises(ArchiveError, match="shorter"):
        source.read(0, 100)


def test_pauses_grow_and_stay_bounded(pauses):
    for failures in range(1, 20):
        Backoff().pause(failures)
    assert all(
        0.5 * low <= pause <= low for low, pause in zip((0.5, 1, 2, 4), pauses, strict=False)
    )
    assert max(pauses) <= 30
