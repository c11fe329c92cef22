"""The user's own files in the storage: uploaded, listed, copied, removed, and used by tasks."""

from __future__ import annotations

import http.client
import http.server
import threading
from datetime import datetime
from urllib.parse import urlsplit

import pytest
import requests

from tests.integration.server.conftest import input_zip


@pytest.fixture
def put(shared):
    """Return a function that uploads a file through a signed link."""

    def upload(path: str, content: bytes) -> None:
        link = shared.get("/storage/signed-urls", operation="upload", paths=path)[0]
        chunks = iter([content[:3], content[3:]])
        assert requests.put(link, data=chunks, timeout=30).status_code == 200

    return upload


def names(shared, path, **query):
    listed = shared.get("/storage/contents", path=path, **query)
    return [entry["name"] for entry in listed["contents"]]


def read(shared, path):
    link = shared.get("/storage/signed-urls", operation="download", paths=path)[0]
    return requests.get(link, timeout=30).content


def test_files_are_uploaded_listed_and_removed(shared, put):
    put("mine/a.txt", b"aaaa")
    put("mine/deep/b.txt", b"bb")
    put("/mine/deep/deeper/c.txt", b"c")
    listed = shared.get("/storage/contents", path="mine/", sort_by="size", order="asc")
    assert listed["total_files"] == 2
    assert listed["available_regions"] == ["local"]
    deep, a = listed["contents"]
    assert (deep["name"], deep["size_bytes"], deep["is_directory"]) == ("deep/", 3, True)
    assert (a["name"], a["size_bytes"], a["is_directory"]) == ("a.txt", 4, False)
    assert (a["provider_id"], a["region"]) == ("LOCAL", "local")
    assert datetime.fromisoformat(a["creation_time"]).utcoffset() is not None
    assert "mine/" in names(shared, "/", per_page=100)
    assert names(shared, "mine/a.txt") == ["a.txt"]

    shared.call("DELETE", "/storage/?path=mine/deep/")
    assert names(shared, "mine") == ["a.txt"]
    shared.call("DELETE", "/storage/?path=mine/")
    shared.get("/storage/contents", 404, path="mine/")


def test_uploading_again_replaces_the_file(shared, put):
    put("again/a.txt", b"first")
    put("again/a.txt", b"second")
    assert read(shared, "again/a.txt") == b"second"


def test_listing_is_sorted_filtered_and_paged(shared, put):
    for name, size in (("b", 3), ("a", 2), ("c", 1)):
        put(f"sorted/{name}.txt", b"x" * size)
    assert names(shared, "sorted", sort_by="name", order="asc") == ["a.txt", "b.txt", "c.txt"]
    assert names(shared, "sorted", sort_by="size", order="desc") == ["b.txt", "a.txt", "c.txt"]
    assert names(shared, "sorted", order="asc") == ["b.txt", "a.txt", "c.txt"]
    paged = {"sort_by": "name", "order": "asc", "per_page": 2}
    assert names(shared, "sorted", page=2, **paged) == ["c.txt"]
    assert names(shared, "sorted", page=3, **paged) == []
    assert names(shared, "sorted", path_filter="a.") == ["a.txt"]
    by_name = shared.get("/storage/contents/paginated", path="sorted", sort_by="name", order="asc")
    assert list(by_name["contents"]) == ["a.txt", "b.txt", "c.txt"]
    assert "name" not in by_name["contents"]["a.txt"]
    assert by_name["total_files"] == 3


def test_size_counts_all_files_and_nothing_is_charged(shared, put):
    before = shared.get("/storage/size")
    put("sized/a.bin", b"x" * 1234)
    assert shared.get("/storage/size") == before + 1234
    assert shared.get("/storage/cost") == {"estimated_monthly_cost": 0.0, "currency": "USD"}
    bucket = shared.get("/storage/default_bucket")
    assert shared.get("/storage/list_buckets") == [bucket]
    assert set(bucket) == {"provider_id", "name", "region", "is_internal"}
    assert shared.get("/storage/operations") == []


def test_files_and_folders_are_copied(shared, put):
    put("origin/a.txt", b"aaa")
    put("origin/in/b.txt", b"bb")
    copy = "/storage/copy?source={}&target={}"
    shared.call("POST", copy.format("origin/a.txt", "copied/one.txt"))
    shared.call("POST", copy.format("origin/a.txt", "copied/"))
    shared.call("POST", copy.format("origin/", "copied/all"))
    assert read(shared, "copied/one.txt") == b"aaa"
    assert sorted(names(shared, "copied")) == ["a.txt", "all/", "one.txt"]
    assert read(shared, "copied/all/in/b.txt") == b"bb"
    assert "already" in shared.call("POST", copy.format("origin/a.txt", "copied/"), 409)["detail"]
    shared.call("POST", copy.format("origin", "origin/in/self"), 400)
    shared.call("POST", copy.format("nothing/a", "copied/x"), 404)
    shared.call("POST", copy.format("origin/a.txt", "../x"), 400)
    shared.call("POST", copy.format("../api_key", "copied/key"), 400)
    assert sorted(names(shared, "copied")) == ["a.txt", "all/", "one.txt"]


def test_file_and_folder_do_not_take_each_others_place(shared, put):
    put("place/a", b"file")
    ask = {"operation": "upload"}
    shared.get("/storage/signed-urls", 409, paths="place/a/b", **ask)
    put("place/folder/b", b"file")
    shared.get("/storage/signed-urls", 409, paths="place/folder", **ask)


@pytest.mark.parametrize(
    "path",
    ["a/" + "n" * 201, "/".join(["deep"] * 300), "a/b\n.txt", "a/\x00", "a/\u202e.txt", "a\\b/c"],
    ids=["long name", "long path", "newline", "nul", "direction mark", "backslash"],
)
def test_names_that_no_disk_or_header_takes_are_refused(shared, path):
    for operation in ("upload", "download"):
        refused = shared.get("/storage/signed-urls", 400, operation=operation, paths=path)
        assert "path" in refused["detail"]
    shared.get("/storage/contents", 400, path=path)
    shared.call("DELETE", "/storage/", 400, params={"path": path})


def test_names_in_other_scripts_come_back_as_they_went(shared, put):
    put("schriften/größe 水.txt", b"text")
    link = shared.get("/storage/signed-urls", operation="download", paths="schriften/")[0]
    response = requests.get(link, timeout=30)
    assert response.content == b"text"
    assert response.headers["content-disposition"].startswith("attachment; filename*=UTF-8''gr%C3")
    assert names(shared, "schriften") == ["größe 水.txt"]


def test_other_regions_are_told_apart(shared, put):
    put("region/a.txt", b"a")
    for region in ("local", "all"):
        assert names(shared, "region", region=region) == ["a.txt"]
    assert "europe" in shared.get("/storage/contents", 404, region="europe")["detail"]


def test_too_large_upload_is_refused_before_a_byte_comes(shared):
    link = shared.get("/storage/signed-urls", operation="upload", paths="huge/a.bin")[0]
    address = urlsplit(link)
    connection = http.client.HTTPConnection(address.netloc, timeout=30)
    try:
        connection.putrequest("PUT", f"{address.path}?{address.query}")
        connection.putheader("Content-Length", str(1 << 50))
        connection.endheaders()
        answer = connection.getresponse()
        assert answer.status == 413
        assert b"detail" in answer.read()
    finally:
        connection.close()
    shared.get("/storage/contents", 404, path="huge")


def test_tasks_get_stored_files_beside_their_input(shared, put):
    put("assets/data.txt", b"from the storage")
    put("assets/folder/in/more.txt", b"more")
    put("others/own.txt", b"stored")
    program = (
        "import pathlib\nfor name in ('data.txt', 'folder/in/more.txt', 'own.txt'):\n"
        "    print(pathlib.Path(name).read_text())\n"
    )
    task_id = shared.run(
        "python read.py",
        files={"read.py": program, "own.txt": "the input's own"},
        input_resources=["assets/data.txt", "/assets/folder/", "others"],
    )
    task = shared.wait(task_id)
    assert task["status"] == "success", task["error_detail"]
    assert task["input_resources"] == ["assets/data.txt", "/assets/folder/", "others"]
    said = shared.output(task_id, "stdout.txt").split("\n")
    assert said[:3] == ["from the storage", "more", "the input's own"]


def test_task_may_have_stored_files_only(shared, put):
    put("only/run.py", b"print('alone')")
    task_id = shared.run("python run.py", files={}, input_resources=["only/"])
    assert shared.wait(task_id)["status"] == "success"
    assert shared.output(task_id, "stdout.txt") == "alone\n"


@pytest.mark.parametrize("prefix", ["", "mine/runs"])
def test_output_of_one_task_is_unpacked_for_another(shared, prefix):
    first = shared.wait(
        shared.run("python -c pass", files={"in/a.txt": "x"}, storage_path_prefix=prefix)
    )
    second = shared.run(
        "cat output/in/a.txt".replace("output", first["storage_path"]),
        files={},
        input_resources=[first["storage_output_path"]],
    )
    assert shared.wait(second)["status"] == "success"
    assert shared.output(second, "stdout.txt") == "x"


@pytest.fixture
def elsewhere():
    """Return the address of a server that has one file, leads to it, and to a file of this disk."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.seen.append(dict(self.headers))
            places = {"/moved": "/file.bin", "/away": "file:///etc/hostname"}
            if self.path in places:
                self.send_response(302)
                self.send_header("Location", places[self.path])
            else:
                self.send_response(200 if self.path == "/file.bin" else 404)
            self.send_header("Content-Length", "4" if self.path == "/file.bin" else "0")
            self.end_headers()
            if self.path == "/file.bin":
                self.wfile.write(b"data")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.seen = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_file_is_fetched_from_an_address_without_the_key(shared, elsewhere):
    server, url = elsewhere
    fetch = "/storage/input_remote"
    shared.call("POST", fetch, params={"url": f"{url}/moved", "path": "fetched/file.bin"})
    assert read(shared, "fetched/file.bin") == b"data"
    assert not any("key" in name.lower() for seen in server.seen for name in seen)
    for bad in (f"{url}/none", f"{url}/away", "file:///etc/hostname", "ftp://x/y", "http://", "x"):
        refused = shared.call("POST", fetch, 400, params={"url": bad, "path": "fetched/no.bin"})
        assert refused["detail"]
    shared.call("POST", fetch, 400, params={"url": f"{url}/file.bin", "path": "../x"})
    assert names(shared, "fetched") == ["file.bin"]


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [
        (b"no zip at all", 400, "no zip archive"),
        (input_zip({"a": "x"})[:-30], 400, "no zip archive"),
    ],
    ids=["no zip", "cut off"],
)
def test_input_that_cannot_be_unpacked_is_refused(shared, content, status, said):
    task_id = shared.submit("python x.py")
    shared.upload(task_id, content)
    refused = shared.call("POST", f"/tasks/{task_id}/input_uploaded", status)
    assert said in refused["detail"]
    assert shared.status(task_id) == "pending-input"
