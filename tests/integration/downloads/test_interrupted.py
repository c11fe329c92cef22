"""Any archive, interrupted anywhere in any way, and called again until it is whole."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import zipfile

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from inductiva_widgets.downloads import fetch_archive, start_archive
from inductiva_widgets.downloads.http import RequestsHttpGet
from inductiva_widgets.errors import APIConnectionError, DownloadCancelled, DownloadError
from tests.fault_proxy import Fault, FaultProxy
from tests.integration.downloads.process_helpers import Watched, unzipped
from tests.unit.downloads.archives import TIME, make_zip, noise, tree, wait_until

METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2]
INTERRUPTIONS_OF_EACH_KIND = 70
TAIL = 64 * 1024


def text(size: int) -> bytes:
    """Return bytes that deflate to about a half, made faster than those of the unit tests."""
    return noise(size // 2, size).hex().encode()


_parts = (
    st.text("abcXYZ.é ", min_size=1, max_size=6)
    .map(str.strip)
    .filter(lambda part: part.strip(". ") and part != "large.bin")
)
_names = st.lists(_parts, min_size=1, max_size=3).map("/".join)
_contents = st.one_of(
    st.just(b""),
    st.binary(max_size=200),
    st.integers(0, 30_000).map(noise),
    st.integers(20_000, 120_000).map(noise),
    st.integers(20_000, 120_000).map(text),
)
_plagues = st.lists(
    st.sampled_from(["none", "none", "cut", "cut early", "reset", "drop", "503", "shorten"]),
    max_size=2,
)


@st.composite
def archives(draw):
    files = draw(st.dictionaries(_names, _contents, max_size=8))
    folders = {"/".join(p.split("/")[:n]) for p in files for n in range(1, p.count("/") + 1)}
    # Names that differ only in case are one file on some disks.
    files = {name.lower(): (name, content) for name, content in files.items()}
    entries = [
        (name, content)
        for name, content in files.values()
        if name.lower() not in {folder.lower() for folder in folders}
    ]
    entries.insert(
        draw(st.integers(0, len(entries))),
        (draw(st.sampled_from(["", "deep/er/"])) + "large.bin",
         draw(st.sampled_from([noise, text]))(draw(st.integers(200_000, 600_000)))),
    )  # fmt: skip
    if draw(st.booleans()):
        entries.append(("empty folder/", b""))
    entries = [(zipfile.ZipInfo(name, TIME), content) for name, content in entries]
    return make_zip(entries, draw(st.sampled_from(METHODS)), stream=draw(st.booleans()))


def plague(kind: str) -> Fault | None:
    """Return a fault that a download has to get over by itself."""
    return {
        "none": None,
        "cut": Fault(cut=(1, 50_000)),
        "cut early": Fault(cut=0),
        "reset": Fault(cut=(1, 50_000), reset=True),
        "drop": Fault(drop=True),
        "503": Fault(status=503),
        "shorten": Fault(shorten=10_000),
    }[kind]


class FailingOpener(RequestsHttpGet):
    """Raises what nobody expects after so many bytes of bodies."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.left = count
        self.raised = False

    def __call__(self, url, headers):
        response = super().__call__(url, headers)
        original = response.chunks

        def chunks():
            for chunk in original():
                self.left -= len(chunk)
                if self.left < 0:
                    self.raised = True
                    raise RuntimeError("out of the blue")
                yield chunk

        response.chunks = chunks
        return response


def run_and_cut(proxy, url, target, count):
    """Download until so many bytes came, then nothing more; tell whether it was interrupted."""
    proxy.limit(count)
    try:
        fetch_archive(url, target)
    except (DownloadError, APIConnectionError):
        return True
    return False


def run_and_cancel(proxy, url, target, count):
    proxy.limit(count, "stall")
    download = start_archive(url, target)
    wait_until(lambda: download.done or proxy.exhausted.is_set())
    download.cancel()
    try:
        download.result(10)
    except DownloadCancelled:
        return True
    return False


def run_and_fail(proxy, url, target, count):
    opener = FailingOpener(count)
    with contextlib.closing(opener):
        try:
            fetch_archive(url, target, opener=opener)
        except RuntimeError:
            return True
    return False


@pytest.mark.parametrize("interrupt", [run_and_cut, run_and_cancel, run_and_fail])
def test_interrupted_download_becomes_whole_and_fetches_nothing_whole_again(
    upstream, tmp_path, interrupt
):
    """At least 210 interruptions in all; the name of each run is its number."""
    interruptions = 0
    numbers = itertools.count()

    @settings(
        derandomize=True,
        database=None,
        # A few more than it takes: what is drawn hangs on the numbers in the code, too.
        max_examples=18,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        data=archives(),
        points=st.lists(st.floats(0.02, 0.9), min_size=4, max_size=6),
        plagues=_plagues,
        seed=st.integers(0, 1000),
    )
    def check(data, points, plagues, seed):
        nonlocal interruptions
        folder = tmp_path / str(next(numbers))
        watched = Watched(data, folder / "new" / "outputs", unzipped(data, folder / "expected"))
        with FaultProxy(upstream.url, seed=seed) as proxy:
            url = proxy.at(upstream.put("output.zip", data))
            for point in points:
                before = watched.whole()
                proxy.forget()
                proxy.add(*filter(None, map(plague, plagues)))
                count = int(point * (watched.missing(before) + min(TAIL, len(data))))
                broke_off = interrupt(proxy, url, watched.target, count)
                proxy.clear()
                watched.check_log(proxy.log, before)
                assert before <= watched.whole()
                if not broke_off:
                    break
                interruptions += 1
            before = watched.whole()
            proxy.forget()
            fetch_archive(url, watched.target)
            watched.check_done()
            watched.check_log(proxy.log, before)
            assert list((folder / "new").iterdir()) == [watched.target]
            proxy.forget()
            fetch_archive(url, watched.target)
            assert all(watched.is_of_directory(entry) for entry in proxy.log)
        shutil.rmtree(folder)

    check()
    print(f"{interruptions} downloads were interrupted")
    assert interruptions >= INTERRUPTIONS_OF_EACH_KIND


@pytest.mark.parametrize("interrupt", [run_and_cut, run_and_cancel, run_and_fail])
def test_nothing_by_a_final_name_is_half_written_without_ranges(
    upstream, proxy, tmp_path, target, interrupt
):
    data = make_zip({f"{n}.bin": noise(100_000, n) for n in range(4)} | {"empty": b""})
    watched = Watched(data, target, unzipped(data, tmp_path / "expected"))
    url = proxy.at(upstream.put("output.zip", data))
    for count in (50_000, 200_000, 350_000):
        proxy.add(Fault(ignore_range=True, times=None))
        assert interrupt(proxy, url, target, count)
        watched.whole()
        proxy.clear()
    proxy.add(Fault(ignore_range=True, times=None))
    fetch_archive(url, target)
    watched.check_done()
    assert {path.name for path in tmp_path.iterdir()} == {"expected", target.name}
    assert tree(target) == watched.expected
