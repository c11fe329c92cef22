"""What `aria2c`, `curl` and `unzip` do with an archive behind a link, where the README says so."""

import io
import random
import shutil
import subprocess
import zipfile

import pytest

from tests.unit.downloads.server import Fault, serving

CUT = 1_000_000


@pytest.fixture
def server():
    with serving() as running:
        yield running


@pytest.fixture
def run(tmp_path):
    """Return a function that runs a program in the folder of the test."""

    def run(*command):
        if shutil.which(command[0]) is None:
            pytest.skip(f"{command[0]} is not installed here")
        return subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
        )

    return run


def aria2c(run, link, *more):
    quick = ["--max-tries=1", "--file-allocation=none", "--no-conf", "--continue=true"]
    return run("aria2c", *quick, *more, "-o", "all.zip", link)


def curl(run, link, *more):
    return run("curl", "-q", "-sS", "--fail", *more, "-o", "all.zip", link)


GET = {"aria2c": aria2c, "curl": curl}
both = pytest.mark.parametrize("tool", GET)


def archive(**members):
    """Return a stored archive of 4 MB, and of the members that are named."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as out:
        for name, content in members.items():
            out.writestr(name.replace("__", "/").replace("_", "."), content)
        for number in range(4):
            out.writestr(f"{number}.bin", random.Random(number).randbytes(CUT))
    return held.getvalue()


@both
def test_whole_archive_is_fetched(server, run, tmp_path, tool):
    data = archive()
    done = GET[tool](run, server.put("/all.zip", data))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "all.zip").read_bytes() == data
    assert server.sent >= len(data)


def test_curl_fetches_a_range_that_somebody_names(server, run, tmp_path):
    data = archive()
    curl(run, server.put("/all.zip", data), "-r", "100-199")
    assert (tmp_path / "all.zip").read_bytes() == data[100:200]
    assert server.sent == 100


def test_aria2c_takes_several_connections(server, run):
    aria2c(run, server.put("/all.zip", archive()), "-x4", "-s4", "-k1M")
    assert len({entry.range for entry in server.log}) >= 4


def test_curl_takes_one_connection(server, run):
    curl(run, server.put("/all.zip", archive()))
    assert len(server.log) == 1


@both
def test_cut_download_is_continued(server, run, tmp_path, tool):
    data = archive()
    link = server.put("/all.zip", data)
    server.faults.append(Fault(cut=CUT))
    assert GET[tool](run, link).returncode != 0
    server.forget()
    more = ["-C", "-"] if tool == "curl" else []
    assert GET[tool](run, link, *more).returncode == 0
    assert (tmp_path / "all.zip").read_bytes() == data
    # aria2c counts in pieces, so the last ones before the cut come again.
    begun = [
        int(entry.range.removeprefix("bytes=").split("-")[0]) for entry in server.log if entry.range
    ]
    assert 0 < begun[-1] <= CUT


@both
def test_link_that_has_expired_ends_it(server, run, tool):
    link = server.put("/all.zip", archive())
    server.expired.add("all.zip")
    assert GET[tool](run, f"{link}?signature=old").returncode != 0


def test_aria2c_speaks_more_protocols(run):
    said = run("aria2c", "--version").stdout
    for word in ("BitTorrent", "Metalink", "SFTP"):
        assert word in said


def test_curl_speaks_more_protocols(run):
    assert " ftp " in run("curl", "--version").stdout


def test_unzip_tells_a_damaged_file_and_leaves_it_under_its_name(run, tmp_path):
    data = archive(result_txt="a long and honest result")
    (tmp_path / "all.zip").write_bytes(data.replace(b"honest result", b"honest resul!"))
    done = run("unzip", "-o", "all.zip")
    assert done.returncode == 2
    assert "bad CRC" in done.stdout + done.stderr
    assert (tmp_path / "result.txt").read_text() == "a long and honest resul!"


def test_unzip_keeps_names_that_lead_out_in_the_folder(run, tmp_path):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as out:
        out.writestr("../../escaped.txt", "here I am")
    (tmp_path / "deep").mkdir()
    (tmp_path / "all.zip").write_bytes(held.getvalue())
    run("unzip", "-o", "all.zip", "-d", "deep/got")
    assert (tmp_path / "deep" / "got" / "escaped.txt").read_text() == "here I am"
    assert not (tmp_path / "escaped.txt").exists()
