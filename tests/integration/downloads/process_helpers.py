"""Downloads that are interrupted, and what has to hold of them whatever the interruption."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.fault_proxy import Entry
from tests.unit.downloads.archives import expected_tree, tree

ROOT = Path(__file__).parents[3]
# Less than this may be read between wanted bytes rather than asking once more, and behind them.
GAP = 16 * 1024
_BOUNDS = re.compile(r"bytes=(\d*)-(\d*)")
# A shell ignores interrupts for what it starts in the background, and so would the child.
_CHILD = """\
import shutil
import signal
import sys
from inductiva_widgets.downloads import fetch_archive, fetch_file
from inductiva_widgets.downloads._signed_url import Backoff

Backoff.pause = lambda self, failures: 0.0
signal.signal(signal.SIGINT, signal.default_int_handler)
{before}
print("ready", flush=True)
{call}(*sys.argv[1:])
print("whole", flush=True)
"""


def child(
    url: str, target: Path, *names: str, call: str = "fetch_archive", before: str = "", **options
) -> subprocess.Popen[str]:
    """Start a process that downloads: it prints ``ready``, and ``whole`` at the end."""
    return subprocess.Popen(
        [sys.executable, "-c", _CHILD.format(call=call, before=before), url, str(target), *names],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        **options,
    )


def finish(process: subprocess.Popen[str], seconds: float = 60.0) -> str:
    """Wait for a child that is to succeed; return what it wrote to standard error."""
    out, errors = process.communicate(timeout=seconds)
    assert process.returncode == 0, errors
    assert out.endswith("whole\n")
    return errors


@contextlib.contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """End a child in the end, whatever the test said."""
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(20)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def unzipped(data: bytes, folder: Path) -> dict[str, bytes | None]:
    """Return the tree that the system's unzip makes, zipfile's where there is none."""
    program = shutil.which("unzip")
    if program is None:
        return expected_tree(data, folder)
    folder.mkdir(parents=True)
    archive = folder.with_name(folder.name + ".zip")
    archive.write_bytes(data)
    subprocess.run(
        [program, "-qq", "-o", str(archive), "-d", str(folder)],
        check=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    archive.unlink()
    return tree(folder)


class Watched:
    """An archive and the folder it goes to: checks each run, from the files and the log.

    Parameters
    ----------
    data
        The archive.
    target
        The folder.
    expected
        What is to become of it.
    """

    def __init__(self, data: bytes, target: Path, expected: dict[str, bytes | None]) -> None:
        self.data = data
        self.target = target
        self.expected = expected
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            self.members = [info for info in archive.infolist() if not info.is_dir()]

    def whole(self) -> set[str]:
        """Return the members whose files are there, each of which is whole; nothing else shows."""
        for path in self.target.rglob("*"):
            name = path.relative_to(self.target).as_posix()
            hidden = any(part.startswith(".") for part in name.split("/"))
            assert hidden or name in self.expected, f"{name} is left over"
        there = set()
        for info in self.members:
            path = self.target / info.filename
            if path.is_file():
                found = path.read_bytes()
                assert found == self.expected[info.filename], f"{info.filename} is not whole"
                there.add(info.filename)
        return there

    def missing(self, whole: set[str]) -> int:
        """Return the bytes that the other members take in the archive."""
        return sum(info.compress_size for info in self.members if info.filename not in whole)

    def check_log(self, entries: Iterable[Entry], before: set[str]) -> None:
        """Assert that a run fetched no member again that was whole before it began."""
        parts = [entry for entry in entries if entry.sent and not self.is_of_directory(entry)]
        for info in self.members:
            if info.filename not in before or info.compress_size <= GAP:
                continue
            start = info.header_offset + 30 + len(info.filename.encode())
            stop = start + info.compress_size
            again = sum(max(0, min(entry.stop, stop) - max(entry.start, start)) for entry in parts)
            assert again <= GAP, f"{again} bytes of {info.filename} were fetched again"
        sent = sum(entry.sent for entry in parts)
        allowed = self.missing(before) + (GAP + 1000) * len(parts) + 200 * len(self.members)
        assert sent <= allowed, f"{sent} bytes were fetched where {allowed} would have done"

    def check_done(self) -> None:
        """Assert that all is there, byte for byte, and nothing else, hidden files included."""
        assert tree(self.target) == self.expected

    def is_of_directory(self, entry: Entry) -> bool:
        """Tell whether a request asks for the end of the archive, where no member is."""
        found = _BOUNDS.fullmatch(entry.range or "")
        if found is None:
            return False
        first, last = found.groups()
        return not first or not last or int(last) >= len(self.data) - 1
