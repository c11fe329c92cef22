"""Archives for the benchmarks of downloads, and an nginx of their own that serves them.

The archives are written from few blocks, compressed once each and put into many members, so that
making them costs next to nothing. nginx has its configuration, its log and its process in a folder
of the benchmark, and listens on this machine alone.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import shutil
import socket
import subprocess
import time
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.page_server import make_task

LIMIT = 40_000_000  # bytes a second, for each connection
TASK = "benchmarkbenchmarkbench25"
SMALL = ("stdout.txt", "stderr.txt", "monitor/summary.csv")  # the last lies far from the others
FIELDS = 255
_DATE = (2026, 1, 1, 0, 0, 0)
_CONFIGURATION = """
daemon off;
{user}
worker_processes auto;
pid "{folder}/pid";
error_log "{folder}/errors" warn;
events {{ worker_connections 256; }}
http {{
    log_format facts '$request_method $uri $request_length $bytes_sent';
    access_log "{folder}/log" facts;
    client_body_temp_path "{folder}/temporary";
    proxy_temp_path "{folder}/temporary";
    fastcgi_temp_path "{folder}/temporary";
    uwsgi_temp_path "{folder}/temporary";
    scgi_temp_path "{folder}/temporary";
    sendfile on;
    tcp_nopush on;
    server {{
        listen 127.0.0.1:{port};
        default_type application/zip;
        location /free/ {{ alias "{served}/"; }}
        location /limited/ {{ alias "{served}/"; limit_rate {limit}; }}
        location /api/ {{
            root "{folder}";
            default_type application/json;
            try_files $uri.json =404;
        }}
    }}
}}
"""


@dataclass(frozen=True)
class Traffic:
    """What was asked of the archives: requests, and bytes of both directions."""

    requests: int
    bytes: int

    def __str__(self) -> str:
        return f"{self.requests} requests, {self.bytes:,} bytes"


@dataclass(frozen=True)
class ArchiveServer:
    """A running nginx; what lies in ``served`` is at ``/free/`` and, slowly, at ``/limited/``."""

    url: str
    folder: Path
    served: Path

    def link(self, name: str, speed: str) -> str:
        """Return the address of an archive, at the speed ``free`` or ``limited``."""
        return f"{self.url}/{speed}/{name}"

    def api(self, link: str) -> str:
        """Return the address of a service with one finished task whose output is at a link."""
        name = link.rpartition("/")[0].rpartition("/")[2]
        task = {**make_task(0, random.Random(7)), "task_id": TASK}
        answers = {
            "version-check": {"is_valid": True, "client_version": "", "server_version": ""},
            f"tasks/{TASK}": task,
            f"tasks/{TASK}/status": {"id": TASK, "status": "success", "is_terminated": True},
            "storage/signed-urls": [link],
        }
        for path, answer in answers.items():
            file = self.folder / "api" / name / f"{path}.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(answer))
        return f"{self.url}/api/{name}"

    def traffic(self) -> Traffic:
        """Return what was asked of the archives since the last time, once all is logged."""
        log = self.folder / "log"
        before = None
        while before != (before := log.stat().st_size):
            time.sleep(0.3)  # an answer that was broken off is logged a moment later
        lines = [line.split() for line in log.read_text().splitlines()]
        os.truncate(log, 0)
        sizes = [
            int(received) + int(sent) for _, path, received, sent in lines if "/api/" not in path
        ]
        return Traffic(len(sizes), sum(sizes))


@contextlib.contextmanager
def archive_server(folder: Path, served: Path) -> Iterator[ArchiveServer]:
    """Run nginx with its files in one folder, serving another."""
    program = shutil.which("nginx", path=os.pathsep.join([os.environ["PATH"], "/usr/sbin"]))
    if program is None:
        raise SystemExit("nginx is missing: these figures need it (Debian: nginx-light)")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    text = _CONFIGURATION.format(
        folder=folder, served=served, port=port, limit=LIMIT,
        user="user root;" if os.geteuid() == 0 else "",
    )  # fmt: skip
    configuration = folder / "nginx.conf"
    configuration.write_text(text)
    errors = folder / "errors"
    process = subprocess.Popen(
        [program, "-p", str(folder), "-c", str(configuration), "-e", str(errors)]
    )
    try:
        _wait_for(port, process, errors)
        yield ArchiveServer(f"http://127.0.0.1:{port}", folder, served)
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(port: int, process: subprocess.Popen, errors: Path) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise SystemExit(f"nginx did not start: {errors.read_text()}")


@dataclass(frozen=True)
class Content:
    """Content of a member as it stands in an archive: repeated pieces, and what ends them."""

    method: int
    size: int
    crc: int
    piece: bytes
    times: int = 1
    end: bytes = b""

    @property
    def stored_size(self) -> int:
        """Bytes in the archive."""
        return len(self.piece) * self.times + len(self.end)

    @classmethod
    def stored(cls, block: bytes, times: int) -> Content:
        """Return a block repeated, not compressed."""
        return cls(zipfile.ZIP_STORED, len(block) * times, _crc(block, times), block, times)

    @classmethod
    def deflated(cls, block: bytes, times: int = 1) -> Content:
        """Return a block repeated, compressed once for all repetitions."""
        packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
        piece = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
        size, crc = len(block) * times, _crc(block, times)
        return cls(zipfile.ZIP_DEFLATED, size, crc, piece, times, packer.flush())


def _crc(block: bytes, times: int) -> int:
    crc = 0
    for _ in range(times):
        crc = zlib.crc32(block, crc)
    return crc


def write_archive(path: Path, members: Iterable[tuple[str, Content]]) -> None:
    """Write an archive of members made beforehand; zeros that are stored become holes."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo("artifacts/", _DATE), b"")
        file = archive.fp
        for name, content in members:
            entry = zipfile.ZipInfo(name, _DATE)
            entry.compress_type, entry.CRC = content.method, content.crc
            entry.file_size, entry.compress_size = content.size, content.stored_size
            entry.external_attr = 0o644 << 16
            entry.header_offset = file.seek(archive.start_dir)
            file.write(entry.FileHeader(zip64=False))
            if content.piece.strip(b"\0"):
                for _ in range(content.times):
                    file.write(content.piece)
                file.write(content.end)
            else:
                file.seek(content.stored_size, os.SEEK_CUR)
            archive.start_dir = file.tell()
            archive.filelist.append(entry)
            archive.NameToInfo[name] = entry


def simulation_archive(folder: Path) -> Path:
    """Return an archive like that of a simulation, kept for the next time.

    258 files in 382 MB: coordinates as text, fields as binary numbers, some of them zero.
    """
    path = folder / "simulation-1.zip"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        write_archive(part, _simulation_members())
        part.rename(path)
    return path


def _simulation_members() -> Iterator[tuple[str, Content]]:
    import numpy as np

    chance = np.random.default_rng(7)
    bases = []
    for number in range(12):
        size = 1_010_000 + number * 473_000
        make = _numbers_as_text if number % 2 else _numbers
        bases.append(Content.deflated(make(chance, size)))
    log = "\n".join(f"step {n}, t = {n * 0.02:.2f} s, residual 1e-{n % 9}" for n in range(400))
    for name in SMALL[:2]:
        yield f"artifacts/{name}", Content.deflated(log.encode())
    for number, base in zip(range(FIELDS), itertools.cycle(bases)):
        if number == FIELDS // 2:
            yield f"artifacts/{SMALL[2]}", Content.deflated(log.encode())
        yield f"artifacts/fields/step_{number:04}.vtk", base


def _numbers_as_text(chance, size: int) -> bytes:
    points = chance.standard_normal((size // 26, 3)).cumsum(0) * 0.01
    text = "\n".join(f"{x:.5f} {y:.5f} {z:.5f}" for x, y, z in points.tolist())
    return (text * 2)[:size].encode()


def _numbers(chance, size: int) -> bytes:
    import numpy as np

    count = size // 4
    waves = np.sin(np.linspace(0, 30, count * 7 // 32))
    smooth = waves + chance.standard_normal(len(waves)) / 1000
    values = chance.standard_normal(count // 2) * (chance.random(count // 2) < 0.5)
    zeros = np.zeros(count - len(smooth) - len(values))
    return np.concatenate([smooth, values, zeros]).astype("<f4").tobytes()
