"""Signed links: what they allow, and everything that they do not."""

from __future__ import annotations

import socket
import time
from urllib.parse import urlsplit

import pytest
import requests

from inductiva_widgets.server.signed_urls import UrlSigner
from tests.integration.server.conftest import input_zip, until


@pytest.fixture(scope="module")
def task(shared):
    """Return a task that has ended, so that its files stay as they are."""
    return shared.wait(shared.run("python -c pass", files={"notes.txt": "x" * 5000}))


@pytest.fixture
def link(shared, task):
    return shared.get(
        "/storage/signed-urls", operation="download", paths=task["storage_output_path"]
    )[0]


def test_link_needs_no_key_and_gives_the_file(link):
    response = requests.get(link, timeout=30)
    assert response.status_code == 200
    assert len(response.content) == int(response.headers["content-length"]) > 0
    assert response.content.startswith(b"PK")
    assert response.headers["accept-ranges"] == "bytes"


def test_link_is_of_the_address_that_was_asked(shared, task):
    port = urlsplit(shared.url).port
    response = shared.session.get(
        f"http://localhost:{port}/storage/signed-urls",
        params={"operation": "download", "paths": "/" + task["storage_output_path"]},
    )
    assert response.json()[0].startswith(f"http://localhost:{port}/signed/")


def test_range_gives_just_that_part(link):
    whole = requests.get(link, timeout=30).content
    for asked, wanted in (
        ("bytes=0-0", whole[:1]),
        ("bytes=10-29", whole[10:30]),
        ("bytes=-22", whole[-22:]),
        ("bytes=50-", whole[50:]),
        ("bytes=0-999999999", whole),
    ):
        headers = {"Range": asked, "Accept-Encoding": "gzip, deflate"}
        response = requests.get(link, headers=headers, timeout=30)
        assert response.status_code == 206
        assert response.content == wanted
        assert "content-encoding" not in response.headers
        start = whole.index(wanted) if asked != "bytes=0-0" else 0
        expected = f"bytes {start}-{start + len(wanted) - 1}/{len(whole)}"
        assert response.headers["content-range"] == expected


def test_range_outside_the_file_is_refused(link):
    response = requests.get(link, headers={"Range": "bytes=999999999-"}, timeout=30)
    assert response.status_code == 416
    assert response.headers["content-range"].startswith("bytes */")


def test_range_of_another_version_gets_the_whole_file(link):
    tag = requests.head(link, timeout=30).headers["etag"]
    for given, status in ((tag, 206), ('"other"', 200)):
        headers = {"Range": "bytes=0-9", "If-Range": given}
        assert requests.get(link, headers=headers, timeout=30).status_code == status


def test_head_tells_the_length(link):
    response = requests.head(link, timeout=30)
    assert response.status_code == 200
    assert response.content == b""
    whole = requests.get(link, timeout=30)
    assert response.headers["content-length"] == str(len(whole.content))
    assert response.headers["etag"] == whole.headers["etag"]


def _replaced(link, **changes):
    request = requests.Request("GET", link.partition("?")[0])
    query = dict(part.split("=") for part in link.partition("?")[2].split("&"))
    request.params = {**query, **changes}
    return request.prepare().url


def test_tampered_links_are_refused(link, task):
    later = str(int(time.time()) + 10**6)
    other = link.replace("output.zip", "input.zip")
    for bad in (
        _replaced(link, expires=later),
        _replaced(link, signature="0" * 64),
        _replaced(link, signature="clé"),
        other,
    ):
        response = requests.get(bad, timeout=30)
        assert response.status_code == 403, bad
        assert "not valid" in response.json()["detail"]
    assert requests.get(link.partition("?")[0], timeout=30).status_code == 422


def test_expired_link_is_refused(shared, task):
    secret = (shared.data_dir / "link_secret").read_text().encode()
    for lifetime, status in ((60, 200), (-60, 403)):
        path = UrlSigner(secret, lifetime).sign("GET", task["storage_output_path"])
        response = requests.get(shared.url + path, timeout=30)
        assert response.status_code == status
    assert "expired" in response.json()["detail"]


def test_link_allows_its_own_method_only(shared, link):
    assert requests.put(link, data=b"x", timeout=30).status_code == 403
    assert requests.delete(link, timeout=30).status_code == 405
    task_id = shared.submit("python -c pass")
    upload = shared.get("/storage/signed-urls", operation="upload", paths=f"/{task_id}/input.zip")[
        0
    ]
    assert requests.get(upload, timeout=30).status_code == 403


@pytest.mark.parametrize(
    "path", ["../api_key", "/../api_key", "a/../../api_key", "..%2fapi_key", ".", "", "a/.b", "\\x"]
)
def test_paths_that_lead_out_get_no_link(shared, path):
    for operation in ("download", "upload"):
        response = shared.session.get(
            f"{shared.url}/storage/signed-urls", params={"operation": operation, "paths": path}
        )
        assert response.status_code in {400, 404}, response.text
        assert response.json()["detail"]


def test_even_a_well_signed_path_cannot_lead_out(shared):
    """The raw request line, since HTTP libraries tidy paths up."""
    signer = UrlSigner((shared.data_dir / "link_secret").read_text().encode())
    target = signer.sign("GET", "../api_key")
    address = urlsplit(shared.url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as raw:
        request = f"GET {target} HTTP/1.1\r\nHost: {address.netloc}\r\nConnection: close\r\n\r\n"
        raw.sendall(request.encode())
        with raw.makefile("rb") as file:
            answer = file.read()
    assert answer.startswith(b"HTTP/1.1 400")
    assert shared.key.encode() not in answer


def test_missing_files_and_folders(shared, task):
    assert shared.get("/storage/signed-urls", 404, operation="download", paths="none/output.zip")
    links = shared.get(
        "/storage/signed-urls",
        operation="download",
        paths=[task["storage_output_path"], "none/output.zip"],
    )
    assert links[0] is not None
    assert links[1] is None
    below = shared.get(
        "/storage/signed-urls", operation="download", paths=f"{task['storage_path']}/"
    )
    assert [urlsplit(one).path.rsplit("/", 1)[1] for one in below] == ["input.zip", "output.zip"]


def test_into_the_folder_of_a_task_goes_only_the_input_it_waits_for(shared, task):
    ask = {"operation": "upload"}
    assert shared.get("/storage/signed-urls", 409, paths=task["storage_input_path"], **ask)
    assert shared.get("/storage/signed-urls", 400, paths=task["storage_output_path"], **ask)
    assert shared.get("/storage/signed-urls", 400, paths=f"{task['task_id']}/extra.txt", **ask)
    assert shared.get("/storage/signed-urls", 400, paths="no_folder.txt", **ask)


def test_link_to_upload_is_of_no_use_once_the_task_is_queued(shared):
    task_id = shared.submit("python -c pass")
    link = shared.get("/storage/signed-urls", operation="upload", paths=f"/{task_id}/input.zip")[0]
    assert requests.put(link, data=input_zip({}), timeout=30).status_code == 200
    shared.call("POST", f"/tasks/{task_id}/input_uploaded")
    assert requests.put(link, data=b"other", timeout=30).status_code == 409


def test_upload_that_breaks_off_leaves_nothing(shared):
    task_id = shared.submit("python -c pass")
    link = shared.get("/storage/signed-urls", operation="upload", paths=f"/{task_id}/input.zip")[0]
    address = urlsplit(link)
    folder = shared.data_dir / "storage" / task_id
    with socket.create_connection((address.hostname, address.port), timeout=30) as raw:
        head = f"PUT {address.path}?{address.query} HTTP/1.1\r\nHost: {address.netloc}\r\n"
        raw.sendall(f"{head}Content-Length: 1000\r\n\r\nbegin".encode())
        until(lambda: folder.is_dir() and list(folder.iterdir()), "the upload to begin")
    until(lambda: not list(folder.iterdir()), "the rest to be removed")
    assert (
        "was not uploaded" in shared.call("POST", f"/tasks/{task_id}/input_uploaded", 409)["detail"]
    )


def test_upload_with_a_prefix_goes_where_the_task_says(shared):
    task_id = shared.submit("python -c pass", storage_path_prefix="group/a")
    path = shared.get(f"/tasks/{task_id}")["storage_input_path"]
    assert path == f"group/a/{task_id}/input.zip"
    shared.upload(task_id, input_zip({}))
    shared.call("POST", f"/tasks/{task_id}/input_uploaded")
    assert shared.wait(task_id)["status"] == "success"


def test_zip_listing_and_range_lead_to_the_bytes(shared):
    import zlib

    program = (
        "import os\nos.makedirs('vtk/deep')\nopen('vtk/a.vtk', 'w').write('a' * 3000)\n"
        "open('vtk/deep/b.vtk', 'w').write('b' * 10)\nprint('hello ' * 100)"
    )
    task = shared.wait(shared.run("python make.py", files={"make.py": program}))
    path = task["storage_output_path"]
    level = shared.get(
        "/storage/zip-contents", path=path, zip_relative_path="artifacts/", recursive="false"
    )
    rows = {row["name"]: row for row in level["contents"]}
    assert set(rows) == {"make.py", "stdout.txt", "stderr.txt", "vtk/"}
    assert rows["vtk/"]["size"] == 3010
    assert all(isinstance(row["compressed_size"], int) for row in rows.values())
    everything = shared.get(
        "/storage/zip-contents", path=path, zip_relative_path="artifacts", recursive="true"
    )
    assert {"vtk/a.vtk", "vtk/deep/b.vtk"} <= {row["name"] for row in everything["contents"]}
    assert level["size"] == everything["size"] == task["metrics"]["output_zipped_size_bytes"]

    place = shared.get(
        "/storage/zip-file-range", path=path, zip_relative_path="artifacts", filename="stdout.txt"
    )
    link = shared.get("/storage/signed-urls", operation="download", paths=path)[0]
    headers = {"Range": f"bytes={place['range_start']}-{place['range_end']}"}
    packed = requests.get(link, headers=headers, timeout=30).content
    assert place["compress_type"] == 8
    assert zlib.decompress(packed, -15).decode() == "hello " * 100 + "\n"
    assert shared.get("/storage/zip-file-range", 404, path=path, filename="none.txt")
    assert shared.get("/storage/zip-contents", 404, path="none/output.zip")


def test_stored_files_are_removed_on_demand(shared, task):
    other = shared.wait(shared.run("python -c pass", files={}))
    shared.call("DELETE", f"/storage/?path={other['storage_path']}/")
    shared.call("DELETE", f"/storage/?path={other['storage_path']}/", 404)
    assert shared.get(
        "/storage/signed-urls", 404, operation="download", paths=other["storage_output_path"]
    )
    assert shared.status(other["task_id"]) == "success"
    waiting = shared.submit("python -c pass")
    shared.upload(waiting, input_zip({}))
    assert waiting in shared.call("DELETE", f"/storage/?path={waiting}/", 409)["detail"]
    for root in ("", "/", "."):
        shared.call("DELETE", f"/storage/?path={root}", 400)
    assert (shared.data_dir / "storage" / task["task_id"]).is_dir()
