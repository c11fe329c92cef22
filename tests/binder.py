"""Binder's image without Docker: what is done when it starts, in a folder of its own.

As in the image, the home folder is the checkout, and repo2docker's own entry point runs
`binder/start` with the command that BinderHub gives. The Python environment is that of the tests.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import nbformat
import psutil
import repo2docker
from tornado.websocket import websocket_connect

from inductiva_widgets.server.server_info import ServerInfo

ROOT = Path(__file__).parents[1]
_ENTRY_POINT = Path(repo2docker.__file__).parent / "buildpacks" / "repo2docker-entrypoint"
_TOKEN = "visitor"
_BASE = "/user/visitor/"
_PATIENCE = 120.0


def check_out(folder: Path) -> Path:
    """Copy what a commit of this working tree would hold, and nothing that was built."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in names.split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return the environment of processes in the image, with this Python first on the path."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("INDUCTIVA_", "JUPYTER", "IPYTHON", "XDG_", "BINDER_"))
    }
    path = os.pathsep.join([str(Path(sys.executable).parent), kept["PATH"]])
    return {**kept, "HOME": str(home), "PATH": path, "PYTHONPATH": str(ROOT), **more}


def build(home: Path, **more: str) -> subprocess.CompletedProcess:
    """Run `postBuild`, as the last step of building the image does."""
    return subprocess.run(
        ["./binder/postBuild"],
        cwd=home,
        env=environment(home, **more),
        capture_output=True,
        text=True,
        check=False,
    )


@dataclass(frozen=True)
class Binder:
    """A visitor's JupyterLab with all that was started beside it."""

    home: Path
    url: str

    def get(self, path: str) -> Any:
        """Return what Lab's server answers."""
        return self._ask(path, None)

    def until(self, what: str, holds: Callable[[], Any]) -> Any:
        """Wait until something holds, and return it."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, ValueError):
                if found := holds():
                    return found
            time.sleep(0.02)
        raise AssertionError(f"Not within {_PATIENCE:g} s: {what}")

    def server(self, name: str) -> str:
        """Return the address of an embedded server, `local` or `local-replay`, once it answers."""
        connection = ServerInfo.read(self.home / ".inductiva" / name / "server.json")
        return connection.url if connection is not None and connection.is_alive() else ""

    def run(self, path: str, sources: list[str], after: Callable[[], None] = lambda: None) -> str:
        """Run sources in a new kernel as Lab's page does; returns what was printed."""
        order = {"path": path, "name": path, "type": "notebook", "kernel": {"name": "python3"}}
        kernel = self._ask("api/sessions", order)["kernel"]["id"]
        return asyncio.run(self._run(kernel, sources, after))

    def run_notebook(self, path: str, after: Callable[[], None] = lambda: None) -> str:
        """Run all code of a notebook of the checkout; called `after` each cell."""
        cells = nbformat.read(self.home / path, as_version=4).cells
        return self.run(path, [cell.source for cell in cells if cell.cell_type == "code"], after)

    def processes(self) -> dict[str, int]:
        """Return the memory in bytes of each process that runs here, by its command.

        It is the proportional set size: what processes share counts once.
        """
        found: dict[str, int] = {}
        for process in _running_in(self.home):
            with contextlib.suppress(psutil.Error):
                words = " ".join(process.cmdline())
                found[f"{process.pid} {words}"] = process.memory_full_info().pss
        return found

    def _ask(self, path: str, body: Any) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"token {_TOKEN}", "Content-Type": "application/json"}
        with urlopen(Request(self.url + path, data, headers), timeout=30) as answer:
            return json.load(answer)

    async def _run(self, kernel: str, sources: list[str], after: Callable[[], None]) -> str:
        address = f"{self.url.replace('http', 'ws', 1)}api/kernels/{kernel}/channels"
        connection = await websocket_connect(f"{address}?token={_TOKEN}")
        printed = []
        for number, source in enumerate(sources):
            request = {
                "channel": "shell",
                "header": {
                    "msg_id": f"{kernel}-{number}", "msg_type": "execute_request",
                    "session": kernel, "username": "", "version": "5.3",
                },
                "parent_header": {}, "metadata": {}, "buffers": [],
                "content": {"code": source, "silent": False, "allow_stdin": False},
            }  # fmt: skip
            await connection.write_message(json.dumps(request))
            waiting_for = {"execute_reply", "idle"}
            while waiting_for:
                message = await connection.read_message()
                assert message is not None, "the kernel's connection was closed"
                told = {} if isinstance(message, bytes) else json.loads(message)
                if told.get("parent_header", {}).get("msg_id") != f"{kernel}-{number}":
                    continue
                content = told["content"]
                assert told["msg_type"] != "error", "\n".join(content["traceback"])
                if told["msg_type"] == "stream":
                    printed.append(content["text"])
                waiting_for -= {told["msg_type"], content.get("execution_state")}
            after()
        connection.close()
        return "".join(printed)


@contextlib.contextmanager
def launched(home: Path, **more: str) -> Iterator[Binder]:
    """Start the image's entry point as Binder does; everything in this home ends with the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # Binder's own arguments, and two that are needed where the tests run.
    command = [
        sys.executable, "-u", str(_ENTRY_POINT), "jupyter-lab", "--ip=127.0.0.1", f"--port={port}",
        f"--ServerApp.base_url={_BASE}", f"--IdentityProvider.token={_TOKEN}",
        "--no-browser", "--allow-root",
    ]  # fmt: skip
    variables = environment(
        home,
        R2D_ENTRYPOINT=str(home / "binder" / "start"),
        REPO_DIR=str(home),
        BINDER_LAUNCH_HOST="https://mybinder.org/",
        **more,
    )
    process = subprocess.Popen(command, cwd=home, env=variables, stdout=subprocess.DEVNULL)
    try:
        binder = Binder(home, f"http://127.0.0.1:{port}{_BASE}")
        binder.until("Lab answers", lambda: process.poll() is not None or binder.get("api"))
        log = home / ".jupyter-server-log.txt"
        assert process.poll() is None, log.read_text()[-3000:]
        yield binder
    finally:
        # As Binder ends it: the entry point hands the signal on.
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        for left in _running_in(home):
            with contextlib.suppress(psutil.Error):
                left.kill()
        process.wait()


def _running_in(home: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("HOME") == str(home):
                found.append(process)
    return found
