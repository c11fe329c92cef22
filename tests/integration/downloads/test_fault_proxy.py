"""The proxy itself: what the other tests of this folder rely on."""

from __future__ import annotations

import subprocess
import sys

import pytest
import requests

from inductiva_widgets import connect, simulators
from tests.fault_proxy import Fault
from tests.integration.conftest import KEY
from tests.integration.downloads.process_helpers import ROOT, ended
from tests.unit.downloads.archives import noise, wait_until

pytestmark = pytest.mark.extended

DATA = noise(300_000)


def get(url, **options):
    return requests.get(url, timeout=10, **options)


def test_answers_are_those_of_the_server(proxy, upstream):
    url = proxy.at(upstream.put("a.bin", DATA))
    whole = get(url)
    assert (whole.status_code, whole.content) == (200, DATA)
    assert whole.headers["Accept-Ranges"] == "bytes"
    part = get(url, headers={"Range": "bytes=1000-1999"})
    assert (part.status_code, part.content) == (206, DATA[1000:2000])
    assert part.headers["ETag"] == whole.headers["ETag"]
    head = requests.head(url, timeout=10)
    assert head.headers["Content-Length"] == str(len(DATA))
    assert get(proxy.at("/nothing")).status_code == 404
    assert [(entry.range, entry.status) for entry in proxy.log[:2]] == [
        (None, 200),
        ("bytes=1000-1999", 206),
    ]
    wait_until(proxy.idle)
    assert proxy.log[1].start == 1000
    assert proxy.log[1].stop == 2000
    assert proxy.log[2].sent == 0


def test_faults_do_what_they_say(proxy, upstream):
    url = proxy.at(upstream.put("b.bin", DATA))
    proxy.add(
        Fault(cut=1000),
        Fault(drop=True),
        Fault(status=429, headers={"Retry-After": "7"}),
        Fault(ignore_range=True),
        Fault(corrupt=50_000),
        Fault(repeat=(20_000, 100)),
        Fault(headers={"Content-Range": "bytes 0-1/2", "ETag": None}),
        Fault(cut=(10, 20), reset=True),
    )
    for _ in range(2):
        with pytest.raises(requests.RequestException):
            get(url)
    assert get(url).headers["Retry-After"] == "7"
    part = {"Range": "bytes=10000-59999"}
    unranged = get(url, headers=part)
    assert (unranged.status_code, unranged.content) == (200, DATA)
    assert "Accept-Ranges" not in unranged.headers
    corrupt = bytearray(DATA[10_000:60_000])
    corrupt[40_000] ^= 0xFF
    assert get(url, headers=part).content == corrupt
    repeated = get(url).content
    assert repeated == DATA[:20_000] + DATA[19_900:-100]
    wrong = get(url, headers=part)
    assert wrong.headers["Content-Range"] == "bytes 0-1/2"
    assert "ETag" not in wrong.headers
    with pytest.raises(requests.RequestException):
        get(url)
    wait_until(proxy.idle)
    assert [entry.sent for entry in proxy.log[:3]] == [1000, 0, 0]
    assert 10 <= proxy.log[-1].sent <= 20
    assert get(url).content == DATA


def test_limit_stall_and_expiry(proxy, upstream):
    url = proxy.at(upstream.put("c.bin", DATA))
    proxy.limit(120_000)
    with pytest.raises(requests.RequestException):
        get(url)
    with pytest.raises(requests.RequestException):
        get(url)
    assert proxy.sent == 120_000
    assert proxy.exhausted.is_set()
    proxy.limit(None)
    proxy.add(Fault(stall=5000))
    with get(url, stream=True) as response:
        assert len(response.raw.read(5000)) == 5000
        assert proxy.stalled.wait(10)
        proxy.release()
        assert response.raw.read() == DATA[5000:]
    proxy.expired.add("token=old")
    assert get(url + "?token=old").status_code == 403
    assert get(url + "?token=new").content == DATA
    proxy.moved["/c.bin"] = upstream.put("d.bin", b"another")
    assert get(url).content == b"another"


def test_rate_is_kept_and_changeable(proxy, upstream):
    url = proxy.at(upstream.put("e.bin", DATA))
    proxy.rate = 100_000
    with get(url, stream=True) as response:
        response.raw.read(10_000)
        assert proxy.sent < 150_000
        proxy.rate = None
        assert len(response.raw.read()) == len(DATA) - 10_000


def test_command_prints_its_address(upstream):
    path = upstream.put("f.bin", DATA)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fault_proxy", upstream.url, "--rate", "10000000"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    with ended(process):
        url = process.stdout.readline().removeprefix("listening on ").strip()
        assert get(url + path).content == DATA


def test_embedded_server_works_through_it(proxy, server_url, short_storm, monkeypatch, tmp_path):
    monkeypatch.setattr("inductiva_widgets.http.default_client._default", None)
    monkeypatch.chdir(tmp_path)
    proxy.upstream = server_url
    connect(proxy.url, api_key=KEY)
    task = simulators.SWMM().run(short_storm)
    assert task.wait(0.1, silent_mode=True, download_std_on_completion=False) == "success"
    (upload,) = [entry for entry in proxy.log if entry.method == "PUT"]
    assert upload.headers["transfer-encoding"] == "chunked"
    proxy.forget()
    proxy.add(Fault(when=lambda entry: entry.range is not None, cut=500))
    folder = task.download_outputs()
    assert "EPA SWMM" in (folder / "stdout.txt").read_text()
    assert any(entry.end == "cut" for entry in proxy.log)
