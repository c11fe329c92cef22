"""Time and memory of `tasks.history()` with 100,000 tasks: the first time, and the second.

    python tests/benchmarks/history.py [--runs 5] [--tasks 100000] [--delay 0] [--live 300]

The static server of pages of 500 tasks runs in a process of its own, and each call in a new process
with one cache folder, emptied before each first call. Imports and the connection come before the
clock starts. `--live` tasks, every fifth of the newest, have not ended, so that the second call has
something to look at again.

The memory of the first call is how much it raises the peak of its process (VmHWM) above that after
the imports and a listing of one task, divided by the number of tasks; frame and file included.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.figures import machine, median, spread, verdict

ROOT = Path(__file__).parents[2]

CALL = """
import json, re, sys, time
from pathlib import Path
import pandas as pd
import inductiva_widgets as inductiva
from inductiva_widgets.frames import to_frame
from inductiva_widgets.history import load

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024

to_frame(inductiva.tasks.get(last_n=1)._infos())
before = peak()
begin = time.perf_counter()
frame = inductiva.tasks.history()
took = time.perf_counter() - begin
told = frame.attrs["inductiva"]
known = frame.index.is_unique and told["complete"]
print(json.dumps([took, len(frame) if known else -1, told["requests"], peak() - before]))
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--live", type=int, default=300, help="tasks that have not ended")
    given = parser.parse_args()
    server = subprocess.Popen(
        [
            sys.executable, "-m", "tests.benchmarks.page_server",
            str(given.tasks), str(given.delay), str(given.live),
        ],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        url = server.stdout.readline().strip()
        calls = [_two_calls(url, given.tasks) for _ in range(given.runs + 1)][1:]
    finally:
        server.terminate()
        server.wait(20)
        server.stdout.close()
    first, second = zip(*calls, strict=True)
    size = max(size for *_, size in first)
    print(
        f"{given.tasks:,} tasks, {given.live} of them alive, {given.delay} s before each answer, "
        f"medians of {given.runs} (fastest to slowest); {machine()}\n"
    )
    print("| call | time | requests |\n| --- | --- | --- |")
    for name, found in (("first", first), ("second", second)):
        print(f"| {name} | {spread([call[0] for call in found])} | {found[0][2]} |")
    took, requests = median([call[0] for call in second]), max(call[2] for call in second)
    each = size / given.tasks
    print(f"\nsecond time: {took:.2f} s; goal at most 1: {verdict(took <= 1)}.")
    print(f"second time: {requests} requests; goal at most 3: {verdict(requests <= 3)}.")
    print(f"first time: {each:.0f} B a task; goal at most 1500: {verdict(each <= 1500)}.")


def _two_calls(url: str, count: int) -> list[list]:
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "INDUCTIVA_API_URL": url,
            "INDUCTIVA_API_KEY": "benchmark-key",
            "INDUCTIVA_CACHE_DIR": folder,
            "PYTHONPATH": str(ROOT),
        }
        found = []
        for _ in range(2):
            done = subprocess.run(
                [sys.executable, "-c", CALL],
                env=environment, capture_output=True, text=True, check=False,
            )  # fmt: skip
            if done.returncode:
                raise SystemExit(done.stderr)
            found.append(json.loads(done.stdout))
            if found[-1][1] != count:
                raise SystemExit(f"{found[-1][1]} of {count} tasks")
        return found


if __name__ == "__main__":
    main()
