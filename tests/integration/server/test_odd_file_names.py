"""Output files whose names differ only in bytes that are not UTF-8, from program to disk."""

from __future__ import annotations

import pytest

from inductiva_widgets import connect
from inductiva_widgets.tasks import Task
from tests.integration.server.conftest import until

WRITE = r"""
import os, pathlib, sys, time
for name in (b"a\xff.txt", b"a\xfe.txt", b"sub/\xe9.txt", b"sub/\xe8.txt"):
    path = pathlib.Path(os.fsdecode(name))
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(name)
while not pathlib.Path(sys.argv[1]).exists():
    time.sleep(0.02)
"""
WRITTEN = {b"a\xff.txt", b"a\xfe.txt", b"sub/\xe9.txt", b"sub/\xe8.txt"}
OWN = {"stdout.txt", "stderr.txt", "write.py"}


@pytest.fixture
def task(server, tmp_path, monkeypatch):
    """Return a task that has written the files and ends when ``end`` exists."""
    monkeypatch.setattr("inductiva_widgets.http.default_client._default", None)
    task_id = server.run(f"python write.py {tmp_path / 'end'}", files={"write.py": WRITE})
    server.wait(task_id, "computation-started")
    yield Task(task_id, client=connect(server.url, api_key=server.key))
    (tmp_path / "end").touch()
    server.wait(task_id)


def test_files_are_all_listed_and_downloaded(server, task, tmp_path):
    (tmp_path / "end").touch()
    server.wait(task.id)
    names = {file.name for file in task.get_output_info().contents} - OWN
    assert len(names) == len(WRITTEN)
    for name in names:
        with task.open_output(name) as file:
            assert file.read() in WRITTEN
        path = f"/tasks/{task.id}/files/{name}"
        assert server.session.get(server.url + path, timeout=60).content in WRITTEN
    folder = task.download_outputs(output_dir=tmp_path / "outputs")
    found = {path for path in folder.rglob("*") if path.is_file() and path.name not in OWN}
    assert {path.read_bytes() for path in found} == WRITTEN
    assert {path.relative_to(folder).as_posix() for path in found} == names


def test_files_are_all_listed_and_read_while_the_task_runs(server, task):
    def written():
        names = {file["name"] for file in server.get(f"/tasks/{task.id}/files")} - OWN
        return names if len(names) == len(WRITTEN) else None

    names = until(written, "the files")
    path = f"{server.url}/tasks/{task.id}/files/"
    contents = {server.session.get(path + name, timeout=60).content for name in names}
    assert contents == WRITTEN
