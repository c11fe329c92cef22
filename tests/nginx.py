"""The nginx of the system, where there is one: a file server that nobody wrote for these tests."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_SECONDS = 10.0
_ATTEMPTS = 3
_CONFIGURATION = """\
daemon off;
master_process off;
pid "{folder}/nginx.pid";
error_log "{folder}/error.log";
events {{ worker_connections 256; }}
http {{
  log_format plain '$request_method $request_uri "$http_range" $status $body_bytes_sent';
  access_log "{folder}/access.log" plain;
  client_body_temp_path "{folder}/temp";
  proxy_temp_path "{folder}/temp";
  fastcgi_temp_path "{folder}/temp";
  uwsgi_temp_path "{folder}/temp";
  scgi_temp_path "{folder}/temp";
  default_type application/octet-stream;
  sendfile on;
  server {{
    listen 127.0.0.1:{port};
    root "{root}";
  }}
}}
"""


@dataclass
class Nginx:
    """A running nginx.

    Parameters
    ----------
    url
        Its address.
    root
        The folder that it serves.
    access_log
        One line a request: method, target, range in quotes, status, bytes of the body.
    pid
        Its only process.
    """

    url: str
    root: Path
    access_log: Path
    pid: int


def find_nginx() -> str | None:
    """Return the program, also from where Debian puts it outside of a user's PATH."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


@contextlib.contextmanager
def running_nginx() -> Iterator[Nginx | None]:
    """Run nginx on a free port of 127.0.0.1 in a temporary folder; None where there is none."""
    program = find_nginx()
    if program is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="nginx-") as name:
        folder = Path(name)
        (folder / "root").mkdir()
        process, port = _start(program, folder)
        try:
            yield Nginx(
                f"http://127.0.0.1:{port}", folder / "root", folder / "access.log", process.pid
            )
        finally:
            process.terminate()
            process.wait(_SECONDS)


def _start(program: str, folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    for _ in range(_ATTEMPTS):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        text = _CONFIGURATION.format(folder=folder, root=folder / "root", port=port)
        (folder / "nginx.conf").write_text(text, encoding="utf-8")
        command = [
            program, "-p", str(folder), "-c", str(folder / "nginx.conf"),
            "-e", str(folder / "error.log"),
        ]  # fmt: skip
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if _answers(process, port):
            return process, port
        process.kill()  # the port may have been taken meanwhile
        process.wait(_SECONDS)
    errors = (folder / "error.log").read_text(errors="replace")
    raise RuntimeError(f"nginx does not start: {errors}")


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + _SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return process.poll() is None
        time.sleep(0.01)
    return False


def put_file(root: Path, name: str, data: bytes, version: int = 1) -> None:
    """Write a file for a server that makes its ETag of time and size; each version has its own."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(data)
    seconds = 1_700_000_000 + version
    os.utime(fresh, (seconds, seconds))
    fresh.replace(path)  # a request that is under way goes on with the old one
