"""Submissions, archives and Host headers that are refused early, and replaced work folders."""

import http.client
import os
import subprocess

import pytest
import requests

from inductiva_widgets import connect, simulators
from inductiva_widgets.errors import InputError
from tests.integration.server.conftest import input_zip, until

pytestmark = pytest.mark.extended

SECRET = "a file outside of the folder of the task"


def refusal(server, command, **fields):
    """Return the message with which a submission is refused."""
    body = server.submission([command], **fields)
    answer = requests.post(
        f"{server.url}/tasks/submit", json=body, headers={"X-API-Key": server.key}, timeout=30
    )
    assert answer.status_code == 400, answer.text
    return answer.json()["detail"]


def test_command_with_a_null_character_is_refused(shared):
    detail = refusal(shared, "echo a\0b")
    assert detail == "A command must not contain a null character, got 'echo a\\x00b'. Remove it."


@pytest.mark.parametrize("name", ["", "A=B", "=", "A\0B"])
def test_invalid_name_of_an_environment_variable_is_refused(shared, name):
    detail = refusal(shared, {"cmd": "env", "prompts": [], "env": {name: "1"}})
    assert detail == (
        "The name of an environment variable must not be empty or contain = or a null character, "
        f"got {name!r}. Rename it."
    )


def test_value_of_an_environment_variable_with_a_null_character_is_refused(shared):
    detail = refusal(shared, {"cmd": "env", "prompts": [], "env": {"A": "x\0y"}})
    assert "The value of an environment variable must not contain a null character" in detail
    assert "for A. Remove it." in detail


@pytest.mark.parametrize("field", ["sim_dir", "run_subprocess_dir"])
def test_folder_with_a_null_character_is_refused(shared, field):
    assert f"{field} has to be" in refusal(shared, "env", extra={field: "a\0b"})


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("d/" * 2000 + "model.inp", "at most 200 nested folders, got 2001"),
        ("n" * 256, "names of at most 255 bytes"),
        ("/".join(["n" * 250] * 9), "paths of at most 2,048"),
    ],
)
def test_names_that_no_disk_takes_are_refused_before_the_task_is_queued(shared, name, said):
    task_id = shared.submit("python -c pass")
    shared.upload(task_id, input_zip({name: "x"}))
    answer = shared.session.post(f"{shared.url}/tasks/{task_id}/input_uploaded", timeout=30)
    assert answer.status_code == 400, answer.text
    assert said in answer.json()["detail"]
    assert shared.status(task_id) == "pending-input"
    shared.call("POST", f"/tasks/{task_id}/kill")


def test_deep_but_possible_names_work(server):
    name = "d/" * 190 + "model.inp"
    task_id = server.run("python -c pass", files={name: "x"})
    assert server.wait(task_id)["status"] == "success"
    with server.archive(task_id) as archive:
        assert f"artifacts/{name}" in archive.namelist()


def test_nested_input_folders_are_refused_by_the_client(shared, tmp_path, monkeypatch):
    monkeypatch.setattr("inductiva_widgets.http.default_client._default", None)
    connect(shared.url, api_key=shared.key)
    before = shared.get("/tasks")["total_size"]
    home = os.open(tmp_path, os.O_RDONLY)
    place = home
    try:
        for _ in range(2000):
            os.mkdir("d", dir_fd=place)
            inner = os.open("d", os.O_RDONLY, dir_fd=place)
            if place != home:
                os.close(place)
            place = inner
        with pytest.raises(InputError, match="at most 199 nested folders") as caught:
            simulators.SWMM().run(tmp_path)
        assert len(str(caught.value)) < 300
    finally:
        os.close(place)
        os.close(home)
        # The recursion of pytest and shutil is not deep enough.
        subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)
    assert shared.get("/tasks")["total_size"] == before


# Host headers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "localhost:1@evil.example",
        "localhost:80:80",
        "localhost:evil.example",
        "localhost/evil.example",
        "[::1]evil.example",
        "[::1]:1@evil.example",
        "127.0.0.1:1@evil.example",
    ],
)
def test_malformed_host_is_refused(shared, host):
    assert status_for(shared, host) == 421


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "localhost:", "127.0.0.1:65535", "[::1]:8", "[::1]"]
)
def test_own_host_is_accepted(shared, host):
    assert status_for(shared, host) == 200


def status_for(server, host):
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)
    connection.putrequest("GET", "/version", skip_host=True)
    connection.putheader("Host", host)
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


# A working folder that is replaced by a link -----------------------------------------------------


REPLACE = """
import os, sys, time
here = os.getcwd()
os.chdir("/")
os.rename(here, here + "-moved")
os.symlink(sys.argv[1], here)
print("replaced", flush=True)
while len(sys.argv) > 2 and not os.path.exists(sys.argv[2]):
    time.sleep(0.02)
"""


@pytest.fixture
def outside(tmp_path):
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "private.txt").write_text(SECRET)
    (folder / "stdout.txt").write_text(SECRET)
    return folder


def test_replaced_folder_fails_the_task_and_nothing_else_is_read_or_changed(server, outside):
    task_id = server.run(
        f"python replace.py {outside}", "python -c pass", files={"replace.py": REPLACE}
    )
    task = server.wait(task_id)
    assert task["status"] == "failed"
    assert "replaced the working folder of its task by a link" in task["error_detail"]
    assert "Write results into the folder itself" in task["error_detail"]
    assert SECRET not in str(task)
    with server.archive(task_id) as archive:
        assert "artifacts/private.txt" not in archive.namelist()
        assert all(SECRET.encode() not in archive.read(name) for name in archive.namelist())
    assert {path.name: path.read_text() for path in outside.iterdir()} == {
        "private.txt": SECRET,
        "stdout.txt": SECRET,
    }


def test_files_behind_the_link_of_a_running_task_are_not_read(server, outside, tmp_path):
    go = tmp_path / "go"
    task_id = server.run(f"python replace.py {outside} {go}", files={"replace.py": REPLACE})
    folder = server.data_dir / "tasks" / task_id / "work"
    until(folder.is_symlink, "the folder to be replaced")
    headers = {"X-API-Key": server.key}
    try:
        for path in ("files", "files/private.txt?tail_bytes=100"):
            answer = requests.get(
                f"{server.url}/tasks/{task_id}/{path}", headers=headers, timeout=30
            )
            assert answer.status_code in (400, 404), answer.text
            assert SECRET not in answer.text
    finally:
        go.touch()
    assert server.wait(task_id)["status"] == "failed"


def test_killed_task_with_a_replaced_folder_leaves_the_target_alone(server, outside, tmp_path):
    task_id = server.run(
        f"python replace.py {outside} {tmp_path / 'never'}", files={"replace.py": REPLACE}
    )
    until((server.data_dir / "tasks" / task_id / "work").is_symlink, "the folder to be replaced")
    server.call("POST", f"/tasks/{task_id}/kill")
    assert server.wait(task_id)["status"] == "killed"
    with server.archive(task_id) as archive:
        assert "artifacts/private.txt" not in archive.namelist()
    assert (outside / "stdout.txt").read_text() == SECRET
