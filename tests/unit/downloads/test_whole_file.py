import json

import pytest

from inductiva_widgets.downloads import _partial_file, _whole_file, fetch_file, start_file
from inductiva_widgets.errors import (
    APIConnectionError,
    DownloadCancelled,
    DownloadError,
    InputError,
)
from tests.unit.downloads.archives import make_zip, noise, wait_until
from tests.unit.downloads.server import Fault

DATA = noise(400_000)


@pytest.fixture
def target(tmp_path):
    return tmp_path / "new" / "a.bin"


def names(target):
    return sorted(path.name for path in target.parent.iterdir())


def test_file_comes_whole(server, target):
    assert fetch_file(server.put("/a", DATA), target) == target
    assert target.read_bytes() == DATA
    assert names(target) == ["a.bin"]
    assert len(server.log) == 1


def test_empty_file(server, target):
    fetch_file(server.put("/a", b""), target)
    assert target.read_bytes() == b""


def test_chunked_answer_without_a_length(server, target):
    server.chunked = True
    server.ranges = False
    download = start_file(server.put("/a", DATA), target)
    download.result()
    assert target.read_bytes() == DATA
    assert download.progress.bytes_total is None


def test_old_file_is_replaced(server, target):
    target.parent.mkdir()
    target.write_text("old")
    fetch_file(server.put("/a", DATA), target)
    assert target.read_bytes() == DATA


def test_cut_connection_is_taken_up_by_range(server, target):
    server.faults.extend([Fault(cut=100_000), Fault(cut=50_000), Fault(cut=0)])
    fetch_file(server.put("/a", DATA), target)
    assert target.read_bytes() == DATA
    assert server.sent == len(DATA)
    assert [entry.range for entry in server.log] == [
        "bytes=0-8388607",
        "bytes=100000-399999",
        "bytes=150000-399999",
        "bytes=150000-399999",
    ]


def broken(server, target, **values):
    """Break a download off after 100,000 bytes."""
    url = server.put("/a", DATA, **values)
    server.faults.append(Fault(cut=100_000))
    server.always = Fault(status=404, when=lambda entry: len(server.log) > 1)
    with pytest.raises(DownloadError):
        fetch_file(url, target)
    server.always = None
    server.forget()
    return url


def test_later_call_goes_on_where_the_last_one_broke_off(server, target):
    url = broken(server, target)
    assert names(target) == ["a.bin.part", "a.bin.part.json"]
    fetch_file(url, target)
    assert target.read_bytes() == DATA
    assert server.sent == 300_000
    assert names(target) == ["a.bin"]


def test_later_call_begins_anew_when_the_file_changed(server, target):
    url = broken(server, target)
    other = noise(300_000, 9)
    server.put("/a", other, etag='"v2"')
    with pytest.warns(UserWarning, match="downloaded again"):
        fetch_file(url, target)
    assert target.read_bytes() == other


def test_later_call_begins_anew_when_the_server_knows_no_ranges(server, target):
    url = broken(server, target)
    server.ranges = False
    fetch_file(url, target)
    assert target.read_bytes() == DATA


def test_weak_etag_is_no_validator_but_the_date_is(server, target):
    url = broken(server, target, etag='W/"v1"')
    fetch_file(url, target)
    assert target.read_bytes() == DATA
    assert server.log[0].range == "bytes=100000-399999"


def test_without_any_validator_parts_are_not_put_together(server, target):
    url = server.put("/a", DATA, etag='W/"v1"', modified=None)
    server.faults.extend([Fault(cut=100_000), Fault(cut=100_000)])
    fetch_file(url, target)
    assert target.read_bytes() == DATA
    assert [entry.range for entry in server.log[1:]] == [None, None]


def test_part_that_was_whole_already_is_only_moved(server, target):
    url = broken(server, target)
    target.with_name("a.bin.part").write_bytes(DATA)
    with target.with_name("a.bin.part.json").open("a") as journal:
        journal.write("[0, 400000]\n")
    fetch_file(url, target)
    assert target.read_bytes() == DATA
    assert server.sent == 1  # only whether it is the same file still


@pytest.mark.parametrize(
    "sidecar", ["", "nonsense", "[]", json.dumps({"size": "x", "etag": 1, "modified": None})]
)
def test_part_with_a_damaged_sidecar_is_thrown_away(server, target, sidecar):
    url = broken(server, target)
    target.with_name("a.bin.part.json").write_text(sidecar)
    target.with_name("a.bin.part").write_bytes(b"x" * 100)
    fetch_file(url, target)
    assert target.read_bytes() == DATA


def test_part_longer_than_the_file_is_thrown_away(server, target):
    url = broken(server, target)
    target.with_name("a.bin.part").write_bytes(DATA + b"more")
    fetch_file(url, target)
    assert target.read_bytes() == DATA


def test_wrong_part_from_the_server_leads_to_one_stream(server, target):
    url = broken(server, target)
    server.faults.append(Fault(headers={"Content-Range": "bytes 0-9/400000"}))
    fetch_file(url, target)
    assert target.read_bytes() == DATA
    assert [entry.range for entry in server.log] == ["bytes=100000-399999", None]


def test_url_that_expires_without_renewal_keeps_the_part(server, target):
    url = server.put("/a", DATA)
    server.faults.append(Fault(cut=100_000))
    server.always = Fault(status=403, when=lambda entry: len(server.log) > 1)
    with pytest.raises(DownloadError, match="expired"):
        fetch_file(url, target)
    server.always = None
    server.forget()
    fetch_file(url, target)
    assert target.read_bytes() == DATA
    assert server.sent == 300_000


def test_part_goes_on_if_the_etag_is_marked_as_weak_since(server, target):
    url = broken(server, target)
    server.put("/a", DATA, etag='W/"v1"', modified=None)
    fetch_file(url, target)
    assert target.read_bytes() == DATA
    assert server.sent == 300_000


def test_refused_request_is_not_called_expired(server, target):
    url = server.put("/a", DATA)
    server.always = Fault(status=400)
    with pytest.raises(DownloadError, match=r"refused the request \(400\)"):
        fetch_file(url, target)


def test_server_that_always_cuts_at_the_same_place_is_given_up(server, target):
    server.ranges = False
    server.always = Fault(cut=1000)
    with pytest.raises(DownloadError, match="was lost"):
        fetch_file(server.put("/a", DATA), target)
    assert len(server.log) < 10


def test_part_is_not_written_through_a_link(server, target, tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("precious")
    target.parent.mkdir()
    target.with_name("a.bin.part").symlink_to(precious)
    fetch_file(server.put("/a", DATA), target)
    assert precious.read_text() == "precious"
    assert target.read_bytes() == DATA


@pytest.mark.parametrize("archive", [True, False])
def test_second_download_to_the_same_file_waits_for_the_first(server, target, archive):
    data = make_zip({"a": DATA})
    url = server.put("/a", data)
    server.faults.append(Fault(hold=100_000))
    first = start_file(url, target)
    assert server.holding.wait(10)
    second = start_file(url, target, archive=archive)
    wait_until(lambda: second.progress.phase == "waiting")
    server.gate.set()
    first.result(10)
    second.result(10)
    assert target.read_bytes() == data
    assert names(target) == ["a.bin"]
    # A zip archive tells by its end that it is there already.
    assert server.sent <= len(data) + 70_000 if archive else server.sent == 2 * len(data)


def test_cancel_ends_the_wait_for_another_download(server, target):
    url = server.put("/a", DATA)
    server.faults.append(Fault(hold=100_000))
    first = start_file(url, target)
    assert server.holding.wait(10)
    second = start_file(url, target)
    wait_until(lambda: second.progress.phase == "waiting")
    second.cancel()
    with pytest.raises(DownloadCancelled):
        second.result(10)
    server.gate.set()
    first.result(10)


def test_large_file_comes_over_several_connections(server, target, monkeypatch):
    monkeypatch.setattr(_partial_file, "CHUNK_SIZE", 50_000)
    monkeypatch.setattr(_whole_file, "CHUNK_SIZE", 50_000)
    fetch_file(server.put("/a", DATA), target, connections=4)
    assert target.read_bytes() == DATA
    assert server.sent == len(DATA)
    assert sorted(int(entry.range[6:].partition("-")[0]) for entry in server.log) == list(
        range(0, 400_000, 50_000)
    )


def test_blocks_that_came_are_not_fetched_again(server, target, monkeypatch):
    monkeypatch.setattr(_partial_file, "CHUNK_SIZE", 50_000)
    monkeypatch.setattr(_whole_file, "CHUNK_SIZE", 50_000)
    url = server.put("/a", DATA)
    refused = {"bytes=200000-249999", None}
    server.always = Fault(status=404, when=lambda entry: entry.range in refused)
    with pytest.raises(DownloadError):
        fetch_file(url, target, connections=2)
    server.always = None
    server.forget()
    fetch_file(url, target)
    assert target.read_bytes() == DATA
    assert server.sent <= len(DATA) - 150_000  # of the four before at least three were whole
    assert names(target) == ["a.bin"]


def test_file_that_changes_meanwhile_is_begun_anew_and_told(server, target, monkeypatch):
    monkeypatch.setattr(_partial_file, "CHUNK_SIZE", 50_000)
    monkeypatch.setattr(_whole_file, "CHUNK_SIZE", 50_000)
    url = server.put("/a", DATA)
    other = noise(400_000, 9)

    def change(entry):
        if entry.range == "bytes=100000-149999" and server.files["/a"].etag == '"v1"':
            server.put("/a", other, etag='"v2"')
        return False

    server.always = Fault(when=change)
    with pytest.warns(UserWarning, match="downloaded again"):
        fetch_file(url, target)
    assert target.read_bytes() == other


def test_pause_gives_connections_back_and_resume_goes_on(server, target):
    data = noise(8_000_000)
    url = server.put("/a", data)
    server.faults.append(Fault(hold=100_000))
    download = start_file(url, target)
    assert server.holding.wait(10)
    download.pause()
    assert download.progress.phase == "paused"
    server.gate.set()
    wait_until(lambda: server.log[0].over)
    assert download.progress.bytes_done < len(data)
    download.resume()
    assert download.result(10).read_bytes() == data


def test_cancel_keeps_the_part(server, target):
    url = server.put("/a", DATA)
    server.faults.append(Fault(hold=200_000))
    download = start_file(url, target)
    wait_until(lambda: download.progress.bytes_done > 100_000)
    download.cancel()
    with pytest.raises(DownloadCancelled):
        download.result(10)
    server.gate.set()
    server.forget()
    fetch_file(url, target)
    assert target.read_bytes() == DATA
    assert server.sent < 300_000


def test_expired_link_is_renewed(server, target):
    url = server.put("/a", DATA)
    server.expired.add("old")
    server.faults.append(Fault(status=400))
    fetch_file(url + "?old", target, renew=lambda: url + "?new")
    assert target.read_bytes() == DATA


def test_folder_as_target_is_an_input_error(server, tmp_path):
    with pytest.raises(InputError, match="got a folder"):
        fetch_file(server.put("/a", DATA), tmp_path)


def test_refused_connection(target):
    with pytest.raises(APIConnectionError, match="refused"):
        fetch_file("http://127.0.0.1:1/a", target)
    assert names(target) == []
