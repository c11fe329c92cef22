"""The real server as a process of its own, and a client that knows nothing but HTTP."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

import inductiva_widgets

ROOT = Path(inductiva_widgets.__file__).resolve().parents[1]
CASES = ROOT / "notebooks" / "cases"
PATIENCE = 60.0
RUN_SWMM = "runswmm model.inp model.rpt model.out"


def until(condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Return the first true value of a condition, asked again and again."""
    deadline = time.monotonic() + patience
    while True:
        if value := condition():
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience:g} s for {what}")
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    """Return whether there is such a process and it is not a dead one nobody took note of."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return not stat.parent.parent.joinpath("self").exists()


def case_files(name: str, end: str | None = None) -> dict[str, str]:
    """Return the files of a demo case; with another end date it takes a second, not ten."""
    text = (CASES / name / "model.inp").read_text()
    if end is not None:
        text, count = re.subn(r"(END_DATE\s+)\S+", rf"\g<1>{end}", text)
        assert count == 1
    return {"model.inp": text}


def input_zip(files: dict[str, str | bytes], top: str = "sim_dir") -> bytes:
    """Return an input archive as clients make them."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{top}/", b"")
        for name, content in files.items():
            archive.writestr(f"{top}/{name}", content)
    return packed.getvalue()


class LocalServer:
    """One server on one data folder; may be killed and started again."""

    def __init__(self, data_dir: Path, *options: str, **environment: str) -> None:
        self.data_dir = data_dir
        self.options = options
        self.environment = {
            **os.environ,
            # The interpreter that runs the tests, whatever is on the PATH.
            "INDUCTIVA_PROGRAM_PYTHON": sys.executable,
            **environment,
        }
        self.session = requests.Session()
        self.session.trust_env = False
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "inductiva_widgets.server",
                "--data-dir",
                str(self.data_dir),
                *self.options,
            ],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        line = self.process.stdout.readline()
        match = re.fullmatch(r"listening on (http://127\.0\.0\.1:\d+)\n", line)
        if match is None:
            raise AssertionError(f"said {line!r}, {self.process.communicate()}")
        self.url = match.group(1)
        note = json.loads((self.data_dir / "server.json").read_text())
        assert note["url"] == self.url
        self.key = note["api_key"]
        self.session.headers["X-API-Key"] = self.key

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
        """End the server and return its exit code and what else it has printed."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err

    # Requests ------------------------------------------------------------------------------------

    def call(self, method: str, path: str, expect: int = 200, **more: Any) -> Any:
        response = self.session.request(method, self.url + path, timeout=PATIENCE, **more)
        assert response.status_code == expect, f"{response.status_code}: {response.text}"
        return response.json() if response.content else None

    def get(self, path: str, expect: int = 200, /, **params: Any) -> Any:
        return self.call("GET", path, expect, params=params)

    def submission(self, commands: list[Any], **fields: Any) -> dict[str, Any]:
        extra = {"sim_dir": "sim_dir", "container_image": "docker://inductiva/kutu:x_vlocal"}
        extra |= fields.pop("extra", {})
        extra["commands"] = [
            {"cmd": command, "prompts": []} if isinstance(command, str) else command
            for command in commands
        ]
        return {
            "simulator": "arbitrary_commands",
            "simulator_name_alias": "swmm",
            "resource_pool": "local",
            "container_image": "docker://inductiva/kutu:x_vlocal",
            "extra_params": extra,
            "storage_path_prefix": "",
            "project": None,
            "input_resources": [],
            "time_to_live_seconds": None,
            "resubmit_on_preemption": False,
            "stream_zip": True,
            "compress_with": "SEVEN_Z",
            **fields,
        }

    def submit(self, *commands: Any, **fields: Any) -> str:
        """Submit a task without its input and return its id."""
        body = self.submission(list(commands), **fields)
        return self.call("POST", "/tasks/submit", 202, json=body)["id"]

    def upload(self, task_id: str, content: bytes, expect: int = 200) -> None:
        path = self.get(f"/tasks/{task_id}")["storage_input_path"]
        link = self.get("/storage/signed-urls", operation="upload", paths=f"/{path}")[0]
        # In chunks and without a length, as the service's own client does.
        chunks = (content[i : i + 1000] for i in range(0, len(content), 1000))
        assert requests.put(link, data=chunks, timeout=PATIENCE).status_code == expect

    def run(self, *commands: Any, files: dict[str, str | bytes], **fields: Any) -> str:
        """Submit a task with its input and return its id."""
        task_id = self.submit(*commands, **fields)
        self.upload(task_id, input_zip(files))
        self.call("POST", f"/tasks/{task_id}/input_uploaded")
        return task_id

    def status(self, task_id: str) -> str:
        return self.get(f"/tasks/{task_id}/status")["status"]

    def wait(self, task_id: str, *statuses: str) -> dict[str, Any]:
        """Wait for one of some statuses, or for the end, and return the task."""

        def reached() -> dict[str, Any] | None:
            told = self.get(f"/tasks/{task_id}/status")
            done = told["status"] in statuses if statuses else told["is_terminated"]
            assert done or not told["is_terminated"], f"{task_id} ended as {told['status']}"
            return told if done else None

        until(reached, f"task {task_id} to be {statuses or 'over'}")
        return self.get(f"/tasks/{task_id}")

    def archive(self, task_id: str) -> zipfile.ZipFile:
        path = self.get(f"/tasks/{task_id}")["storage_output_path"]
        link = self.get("/storage/signed-urls", operation="download", paths=path)[0]
        return zipfile.ZipFile(io.BytesIO(requests.get(link, timeout=PATIENCE).content))

    def output(self, task_id: str, name: str) -> str:
        with self.archive(task_id) as archive:
            return archive.read(f"artifacts/{name}").decode()


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[..., LocalServer]]:
    """Return a maker of servers, each on a data folder of its own unless one is named."""
    servers: list[LocalServer] = []

    def make(*options: str, data_dir: Path | None = None, **environment: str) -> LocalServer:
        folder = data_dir or tmp_path / f"data-{len(servers)}"
        servers.append(LocalServer(folder, *options, **environment))
        return servers[-1]

    yield make
    for server in servers:
        _end_with_tasks(server)


@pytest.fixture
def server(make_server: Callable[..., LocalServer]) -> LocalServer:
    """Return a server that runs two tasks at a time."""
    return make_server("--capacity", "2")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """Return a server for tests that leave nothing behind which others would mind."""
    server = LocalServer(tmp_path_factory.mktemp("shared"), "--capacity", "2")
    yield server
    _end_with_tasks(server)


def _end_with_tasks(server: LocalServer) -> None:
    try:
        if server.process.poll() is None:
            for task in server.get("/tasks", 200, per_page=500, active=True)["tasks"]:
                server.call("POST", f"/tasks/{task['task_id']}/kill")
                server.wait(task["task_id"])
    finally:
        server.end()
        server.session.close()
