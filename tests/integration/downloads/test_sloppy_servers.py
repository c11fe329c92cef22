"""Servers that are sloppy about HTTP: the right bytes arrive, or an error, never wrong bytes."""

from __future__ import annotations

import gzip
import time
import warnings
import zipfile
from dataclasses import replace

import pytest

from inductiva_widgets.downloads import fetch_archive, fetch_file
from inductiva_widgets.errors import DownloadError
from inductiva_widgets.utils import download_from_url
from tests.sloppy_server import KINDS, SloppyServer, clean, status, to_ranges, whole
from tests.unit.downloads.archives import expected_tree, make_zip, noise, text, tree

pytestmark = pytest.mark.extended

# Longer than two chunks of a file and than several spans of an archive.
CONTENT = {
    "a/first.bin": noise(6_000_000, 1),
    "a/text.txt": text(3_000_000, 2),
    "empty.txt": b"",
    "second.bin": noise(7_000_000, 3),
    "b/last.bin": noise(5_000_000, 4),
}
DATA = make_zip(CONTENT, zipfile.ZIP_STORED)


@pytest.fixture(params=KINDS)
def server(request):
    with SloppyServer(DATA, KINDS[request.param]) as running:
        yield running


@pytest.fixture(autouse=True)
def ignored_warnings():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*changed since")
        yield


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    return expected_tree(DATA, tmp_path_factory.mktemp("expected"))


def test_fetch_file_from_sloppy_server_writes_the_right_bytes(server, target):
    fetch_file(server.url, target)
    assert target.read_bytes() == DATA
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def test_fetch_archive_from_sloppy_server_extracts_the_right_files(server, target, expected):
    fetch_archive(server.url, target)
    assert tree(target) == expected


def test_download_from_url_from_sloppy_server_writes_the_right_bytes(server, tmp_path):
    assert download_from_url(server.url, path=tmp_path) == str(tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == DATA


@pytest.mark.parametrize("code", [404, 408, 429, 502, 503, 504])
def test_error_of_every_request_stays_and_costs_one_plain_request(target, pauses, code):
    fetches = {
        "file": lambda url: fetch_file(url, target),
        "archive": lambda url: fetch_archive(url, target),
        "data": lambda url: download_from_url(url, path=target.parent),
    }
    tries = 1 if code == 404 else 6
    for name, fetch in fetches.items():
        with SloppyServer(DATA, status(code)) as server:
            with pytest.raises(DownloadError, match=str(code)):
                fetch(server.url)
            assert [one is None for one in server.ranges] == tries * [False] + [True], name
    assert list(target.parent.iterdir()) == []


def test_pauses_that_a_server_asks_for_are_made_before_the_plain_request(target):
    def busy(request):
        return status(503)(request).having(Retry_After="0.2" if request.number < 2 else None)

    with SloppyServer(DATA, to_ranges(busy)) as server:
        began = time.monotonic()
        fetch_file(server.url, target)
        assert time.monotonic() - began >= 0.4
    assert target.read_bytes() == DATA


def test_clean_server_gets_no_extra_request(target):
    with SloppyServer(DATA, clean) as server:
        fetch_file(server.url, target)
        assert len(server.ranges) == 3  # one a chunk
        server.ranges.clear()
        fetch_archive(server.url, target.with_name("folder"), ["a/text.txt"])
        assert len(server.ranges) == 2  # the directory and the file


@pytest.mark.parametrize(
    "kind",
    [
        lambda request: whole(request).having(Content_Encoding="br"),
        lambda request: whole(request).having(Content_Encoding="gzip, gzip"),
        lambda request: whole(request).having(Content_Encoding="gzip"),
        lambda request: replace(
            whole(request), body=gzip.compress(request.data, 1)[:-100_000], framing="close"
        ).having(Content_Encoding="gzip"),
        lambda request: replace(whole(request), status=206).having(
            Content_Range="bytes 0-9/20", Content_Length="10"
        ),
        lambda request: replace(whole(request), status=206).having(
            Content_Type="multipart/byteranges; boundary=X"
        ),
    ],
    ids=["unknown encoding", "two encodings", "wrong encoding", "cut gzip", "part", "parts"],
)
def test_answers_that_contradict_themselves_are_errors_that_write_nothing(kind, target):
    with SloppyServer(DATA, kind) as server, pytest.raises(DownloadError):
        fetch_file(server.url, target)
    assert list(target.parent.iterdir()) == []


def test_gzip_file_whose_format_is_stated_as_its_encoding_is_kept(target):
    packed = gzip.compress(CONTENT["a/text.txt"])
    kind = KINDS["clean"]
    with SloppyServer(packed, lambda one: kind(one).having(Content_Encoding="x-gzip")) as server:
        fetch_file(server.url.replace("file.bin", "file.tar.gz"), target)
    assert target.read_bytes() == packed
