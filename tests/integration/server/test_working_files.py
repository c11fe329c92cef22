"""Files of a running task over plain requests, byte for byte, and after its end."""

from __future__ import annotations

import time
from datetime import datetime

import pytest

from tests.integration.server.test_peers import Obedient


@pytest.fixture(scope="module")
def task(shared):
    task = Obedient(shared)
    yield task
    shared.call("POST", f"/tasks/{task.id}/kill")
    shared.wait(task.id)


def part(server, task_id, name, expect=200, **query):
    url = f"{server.url}/tasks/{task_id}/files/{name}"
    response = server.session.get(url, params=query, timeout=30)
    assert response.status_code == expect, response.text
    return response


def check_places(server, task_id, content):
    size = len(content)
    for query, wanted in [
        ({}, content),
        ({"tail_bytes": 4}, content[-4:]),
        ({"after": 0}, content),
        ({"after": 3, "most": 5}, content[3:8]),
        ({"after": size - 1, "most": 5}, content[-1:]),
        ({"after": size}, b""),
        ({"after": size + 1, "most": 5}, b""),
        ({"after": 2**53}, b""),
        ({"after": 2, "most": 0}, b""),
        ({"after": 2, "most": 2, "tail_bytes": 1}, content[2:4]),
    ]:
        response = part(server, task_id, "out.bin", **query)
        assert response.content == wanted, query
        assert response.headers["x-file-size"] == str(size)
        # An archive's times are of the machine's zone, to two seconds.
        assert abs(float(response.headers["x-file-modified"]) - time.time()) < 60
    part(server, task_id, "out.bin", 422, after=-1)
    part(server, task_id, "out.bin", 422, after=0, most=(16 << 20) + 1)


def test_bytes_from_a_place_on_while_the_task_runs_and_after_its_end(shared):
    task = Obedient(shared)
    content = bytes(range(256)) * 40
    task.put("out.bin", content)
    check_places(shared, task.id, content)
    task.end()
    shared.wait(task.id)
    assert not task.work.exists()
    check_places(shared, task.id, content)
    part(shared, task.id, "none.bin", 404, after=0)
    assert "no working folder" in shared.get(f"/tasks/{task.id}/files", 404)["detail"]


def test_the_listing_is_newest_first_with_size_and_time(shared, task):
    folder = task.work / "vtk" / ".hidden"
    folder.mkdir(parents=True)
    (folder / "a.vtk").write_bytes(b"12345")
    task.put("newest.txt", "x")
    listed = shared.get(f"/tasks/{task.id}/files")
    by_name = {one["name"]: one for one in listed}
    assert by_name["vtk/.hidden/a.vtk"]["size"] == 5
    assert {"stdout.txt", "stderr.txt", "task.py"} <= set(by_name)
    times = [datetime.fromisoformat(one["modified"]) for one in listed]
    assert times == sorted(times, reverse=True)
    assert times[0].utcoffset() is not None
    assert listed[0]["name"] == "newest.txt"


def test_a_task_that_waits_has_no_listing(shared):
    task_id = shared.submit("python task.py")
    shared.get(f"/tasks/{task_id}/files", 404)
    shared.get("/tasks/none/files", 404)
    shared.call("POST", f"/tasks/{task_id}/kill")


@pytest.mark.parametrize("name", ["..%2fjob.json", "%2fetc%2fpasswd", "vtk%2f..%2f..%2fjob.json"])
def test_nothing_beyond_the_folder_is_given(shared, task, name):
    part(shared, task.id, name, 400, after=0)
