"""Extraction of an archive of many small files: ours against `unzip`.

    python -m tests.benchmarks.small_files [--files 2000] [--rounds 5]

Both run in turns, on the same disk. Ours includes the download from this machine; `unzip` reads a
local copy. The start of Python and the import are not counted.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.figures import machine, median, spread, verdict
from tests.sloppy_server import SloppyServer, clean
from tests.unit.downloads.archives import make_zip, tree

GOAL = 2.0
OURS = """
import sys, time
from inductiva_widgets.downloads import fetch_archive

begin = time.perf_counter()
fetch_archive(*sys.argv[1:])
print(time.perf_counter() - begin)
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=2000, help="files of one byte each")
    parser.add_argument("--rounds", type=int, default=5, help="timed runs of each program")
    given = parser.parse_args()
    data = make_zip({f"{number % 20}/{number:05}.txt": b"x" for number in range(given.files)})
    ours: list[float] = []
    unzip: list[float] = []
    with tempfile.TemporaryDirectory() as name, SloppyServer(data, clean) as server:
        work = Path(name)
        (work / "output.zip").write_bytes(data)
        for turn in range(given.rounds + 1):
            times = _ours(server.url, work / "ours"), _unzip(work / "output.zip", work / "unzip")
            if tree(work / "ours") != tree(work / "unzip"):
                raise SystemExit("unequal work")
            if turn:
                ours.append(times[0])
                unzip.append(times[1])
            for folder in ("ours", "unzip"):
                shutil.rmtree(work / folder)
            os.sync()
    ratio = median(ours) / median(unzip)
    print(f"{machine()}, load {os.getloadavg()[0]:.1f}; {given.files} files of one byte")
    print(f"ours: {spread(ours)}\nunzip: {spread(unzip)}")
    print(f"ours / unzip: {ratio:.2f}; goal at most {GOAL}: {verdict(ratio <= GOAL)}.")


def _ours(url: str, target: Path) -> float:
    command = [sys.executable, "-c", OURS, url, str(target)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _unzip(archive: Path, target: Path) -> float:
    begin = time.perf_counter()
    subprocess.run(["unzip", "-q", str(archive), "-d", str(target)], check=True)
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
