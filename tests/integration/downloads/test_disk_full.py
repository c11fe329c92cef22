"""A disk that is full, before or during a download, and has room later."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from inductiva_widgets.downloads import fetch_archive, fetch_file
from inductiva_widgets.errors import DownloadError
from tests.integration.downloads.process_helpers import (
    ROOT,
    Watched,
    child,
    ended,
    finish,
    unzipped,
)
from tests.unit.downloads.archives import make_zip, noise, tree

resource = pytest.importorskip("resource", reason="limits of a process are those of POSIX")

CONTENT = {
    "first.bin": noise(200_000, 1),
    "empty.txt": b"",
    "second.bin": noise(900_000, 2),
    "d/third.bin": noise(800_000, 3),
    "small.txt": b"small",
}
DATA = make_zip(CONTENT)

# Runs in a mount namespace of its own: the disk is gone with the process.
_ON_A_SMALL_DISK = """\
import json, os, pathlib, shutil, subprocess, sys
from inductiva_widgets.downloads import fetch_archive, fetch_file
from inductiva_widgets.errors import DownloadError

call, url, disk = sys.argv[1:]
disk = pathlib.Path(disk)
call = {"fetch_archive": fetch_archive, "fetch_file": fetch_file}[call]
target = disk / "outputs"

def files():
    return {
        str(path.relative_to(disk)): path.stat().st_size
        for path in disk.rglob("*") if path.is_file()
    }

def attempt():
    try:
        call(url, target)
    except Exception as exc:
        return {"error": type(exc).__name__, "text": str(exc), "files": files()}
    return {"error": "", "text": "", "files": files()}

steps = {"refused": attempt()}
real, told = shutil.disk_usage, shutil._ntuple_diskusage(10**12, 0, 10**12)
shutil.disk_usage = lambda path: told
steps["full"] = attempt()
shutil.disk_usage = real
subprocess.run(["mount", "-o", "remount,size=32m", str(disk)], check=True)
steps["again"] = attempt()
shutil.copytree(disk, disk.parent / "copy")
print(json.dumps(steps))
"""


def run_on_a_small_disk(call, url, folder):
    """Try in three steps on a disk of 1 MiB that grows; return them, and leave a copy."""
    if sys.platform != "linux" or shutil.which("unshare") is None:
        pytest.skip("a disk of its own takes Linux with unshare")
    disk = folder / "disk"
    disk.mkdir()
    mount = 'mount -t tmpfs -o size=1m none "$1"'
    probe = ["unshare", "-m", "sh", "-ec", mount, "sh", str(disk)]
    if subprocess.run(probe, check=False, capture_output=True).returncode:
        pytest.skip("mounting a disk is not permitted here")
    command = ["unshare", "-m", "sh", "-ec", mount + '; shift; exec "$@"', "sh", str(disk)]
    command += [sys.executable, "-c", _ON_A_SMALL_DISK, call, url, str(disk)]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_disk_that_becomes_full_and_then_has_room(proxy, upstream, tmp_path):
    url = proxy.at(upstream.put("output.zip", DATA))
    steps = run_on_a_small_disk("fetch_archive", url, tmp_path)
    assert steps["refused"]["error"] == "DownloadError"
    assert "free" in steps["refused"]["text"]
    assert steps["refused"]["files"] == {}
    assert steps["full"]["error"] == "DownloadError"
    assert "No space left on device" in steps["full"]["text"]
    sizes = {f"outputs/{name}": len(content) for name, content in CONTENT.items()}
    for name, size in steps["full"]["files"].items():
        if "/." not in name:
            assert sizes[name] == size, f"{name} is not whole"
    assert steps["again"] == {"error": "", "text": "", "files": sizes}
    assert tree(tmp_path / "copy/outputs") == unzipped(DATA, tmp_path / "expected")


def test_disk_that_becomes_full_under_a_single_file(proxy, upstream, tmp_path):
    content = noise(1_500_000, 9)
    url = proxy.at(upstream.put("a.bin", content))
    steps = run_on_a_small_disk("fetch_file", url, tmp_path)
    assert steps["refused"]["error"] == "DownloadError"
    assert "free" in steps["refused"]["text"]
    assert steps["full"]["error"] == "DownloadError"
    assert "No space left on device" in steps["full"]["text"]
    assert "outputs" not in steps["full"]["files"]
    assert steps["again"] == {"error": "", "text": "", "files": {"outputs": len(content)}}
    assert (tmp_path / "copy/outputs").read_bytes() == content


def limited(url, target, size, call="fetch_archive"):
    """Run a child that may write no file longer than so many bytes; return its last error line."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    with ended(child(url, target, call=call, preexec_fn=limit)) as process:
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 1, errors
    return errors.rstrip().rpartition("\n")[2]


def test_file_that_may_not_grow_is_a_download_error_and_calling_again_goes_on(
    proxy, upstream, target, tmp_path
):
    watched = Watched(DATA, target, unzipped(DATA, tmp_path / "expected"))
    url = proxy.at(upstream.put("output.zip", DATA))
    error = limited(url, target, 500_000)
    assert error.startswith("inductiva_widgets.errors.DownloadError: ")
    assert "Could not write" in error
    assert ": File too large" in error
    before = watched.whole()
    assert before >= {"empty.txt"}
    proxy.forget()
    with ended(child(url, target)) as process:
        finish(process)
    watched.check_done()
    watched.check_log(proxy.log, before)


def test_whole_file_that_may_not_grow_is_a_download_error_and_calling_again_goes_on(
    proxy, upstream, target
):
    content = noise(1_500_000, 9)
    url = proxy.at(upstream.put("a.bin", content))
    error = limited(url, target, 500_000, "fetch_file")
    assert error.startswith("inductiva_widgets.errors.DownloadError: ")
    assert "Could not write" in error
    assert ": File too large" in error
    assert not target.exists()
    fetch_file(url, target)
    assert target.read_bytes() == content
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def told_free(monkeypatch, free):
    usage = shutil._ntuple_diskusage(10**12, 10**12 - free, free)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)


def test_too_little_space_is_refused_before_any_member_is_fetched(
    proxy, upstream, target, monkeypatch
):
    url = proxy.at(upstream.put("output.zip", make_zip(CONTENT | {"last.bin": noise(150_000)})))
    told_free(monkeypatch, 1_000_000)
    with pytest.raises(DownloadError, match=r"free"):
        fetch_archive(url, target)
    assert all(entry.range.startswith("bytes=-") for entry in proxy.log)
    assert not target.exists() or not any(path.is_file() for path in target.rglob("*"))


def test_only_what_is_missing_needs_space(proxy, upstream, target, monkeypatch):
    url = proxy.at(upstream.put("output.zip", DATA))
    fetch_archive(url, target)
    (target / "first.bin").unlink()
    told_free(monkeypatch, 500_000)
    fetch_archive(url, target)
    assert (target / "first.bin").read_bytes() == CONTENT["first.bin"]


def test_too_little_space_for_a_single_file_is_refused_at_once(
    proxy, upstream, target, monkeypatch
):
    url = proxy.at(upstream.put("a.bin", noise(1_500_000, 9)))
    told_free(monkeypatch, 1_000_000)
    with pytest.raises(DownloadError, match=r"free"):
        fetch_file(url, target)
    assert not target.exists()
    assert list(target.parent.glob(f"*{target.name}*")) == []
