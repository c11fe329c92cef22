"""Damaged stores, key files and full disks: each start says in one line what, where, what to do."""

import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
import requests

from inductiva_widgets import connect
from inductiva_widgets.errors import LocalServerError
from tests.integration.server.conftest import ROOT, LocalServer

pytestmark = pytest.mark.extended

PAGE = 4096


@pytest.fixture(scope="module")
def used_store(tmp_path_factory):
    """Return the store of a server that has ended, with tasks that wait for their inputs."""
    server = LocalServer(tmp_path_factory.mktemp("used") / "data")
    for _ in range(30):
        server.call("POST", "/tasks/submit", expect=202, json=server.submission(["python -c pass"]))
    server.end()
    server.session.close()
    path = server.data_dir / "store.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    return path.read_bytes()


def start(folder, **environment):
    """Start a server that must refuse, and return the one line that it prints."""
    command = ["-m", "inductiva_widgets.server", "--data-dir", str(folder), "--idle-timeout", "1"]
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done
    [line] = done.stderr.splitlines()
    return line


def broken_pages(content):
    return content[:PAGE] + b"\xa5" * (len(content) - PAGE)


DAMAGE = {
    "pages": broken_pages,
    "second half": lambda content: content[: len(content) // 2 // PAGE * PAGE],
    "part of a page": lambda content: content[: len(content) // 2 + 7],
    "zeros": lambda content: content[:100] + bytes(len(content) - 100),
    "schema": lambda content: content.replace(b"CREATE TABLE tasks", b"CREATE TBALE tasks"),
    "version": lambda content: content[:60] + bytes(4) + content[64:],
    "json": lambda content: content.replace(b'{"task_id"', b'{"task_id}'),
    "emptied": lambda content: b"",
}


@pytest.mark.parametrize("kind", sorted(DAMAGE))
def test_damaged_store_is_one_line_and_kept_aside(used_store, tmp_path, kind):
    spoilt = DAMAGE[kind](used_store)
    assert spoilt != used_store
    (tmp_path / "storage" / "abc").mkdir(parents=True)
    path = tmp_path / "store.sqlite3"
    path.write_bytes(spoilt)
    line = start(tmp_path)
    assert line.startswith(f"The store {path} is damaged: ")
    assert "Restore a backup" in line
    name = re.search(r"It is kept as (store\.sqlite3\.damaged-[\d-]+)", line).group(1)
    assert (tmp_path / name).read_bytes()[100:] == spoilt[100:]
    assert not path.exists()
    server = LocalServer(tmp_path)
    try:
        assert server.get("/tasks")["total_size"] == 0
    finally:
        server.end()
        server.session.close()


def test_store_of_a_first_start_that_was_killed_is_no_damage(tmp_path):
    (tmp_path / "store.sqlite3").touch()
    server = LocalServer(tmp_path)
    server.end()
    server.session.close()


def test_record_of_another_shape_is_one_line_and_the_store_stays(used_store, tmp_path):
    path = tmp_path / "store.sqlite3"
    path.write_bytes(used_store)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE tasks SET info = CAST('[]' AS BLOB)")
        connection.commit()
    line = start(tmp_path)
    assert f"The store {path} has a task that this version cannot read" in line
    assert "INDUCTIVA_LOCAL_DIR" in line
    assert path.exists()


@pytest.mark.parametrize("name", ["api_key", "link_secret"])
@pytest.mark.parametrize("content", [b"", b"\n", "clé".encode(), b"\xff\xfe", b"two words"])
def test_key_file_without_a_key_is_one_line(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    line = start(tmp_path)
    assert line.startswith(f"The key file {path} ")
    assert "Remove it: the next start makes a new one." in line
    assert path.read_bytes() == content


def test_key_file_that_is_a_folder_is_one_line(tmp_path):
    (tmp_path / "api_key").mkdir()
    assert "cannot be used: Is a directory" in start(tmp_path)


def test_connect_shows_the_line_of_the_server(tmp_path, monkeypatch):
    monkeypatch.setenv("INDUCTIVA_LOCAL_DIR", str(tmp_path))
    monkeypatch.setattr("inductiva_widgets.http.default_client._default", None)
    (tmp_path / "api_key").touch()
    with pytest.raises(LocalServerError) as caught:
        connect("local")
    assert str(caught.value) == (
        f"The key file {tmp_path / 'api_key'} is empty. Remove it: the next start makes a new one."
    )


def test_empty_key_is_no_key(shared):
    for headers in ({"X-API-Key": ""}, {}):
        answer = requests.get(f"{shared.url}/tasks", headers=headers, timeout=30)
        assert answer.status_code == 401


# A disk that is full -----------------------------------------------------------------------------

FULL = """
set -e
mount -t tmpfs -o size=4m none "$1"
mkdir "$1/data"
"$2" -c 'import sys
try:
    with open(sys.argv[1], "wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
except OSError:
    pass' "$1/ballast"
shift
exec "$@"
"""

CONNECT = """
import inductiva_widgets
try:
    inductiva_widgets.connect("local")
except inductiva_widgets.errors.LocalServerError as error:
    print(error)
"""


def on_full_disk(folder, *arguments):
    """Run Python on a disk without space, which only this process has."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("Mounting a disk takes the rights of an administrator, on Linux.")
    if subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
        pytest.skip("No disk can be mounted here.")
    return subprocess.run(
        ["unshare", "--mount", "sh", "-c", FULL, "sh", str(folder), sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "INDUCTIVA_LOCAL_DIR": str(folder / "data")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("arguments", [("-m", "inductiva_widgets.server"), ("-c", CONNECT)])
def test_start_on_a_full_disk_is_one_line(tmp_path, arguments):
    done = on_full_disk(tmp_path, *arguments)
    [line] = (done.stdout + done.stderr).splitlines()
    assert line == (
        f"The data folder {tmp_path / 'data'} cannot be used: No space left on device. "
        "Free some space, or set INDUCTIVA_LOCAL_DIR to another folder."
    )
