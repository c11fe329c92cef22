"""Peak memory of `tasks export`, and the way back: `python -m tests.benchmarks.export`.

The command runs as a process of its own against the static server of a listing; its peak is the
whole process's, interpreter and imports included. Goal: ten times the tasks take no more than a
quarter more memory.
"""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from inductiva_widgets.frames import read, to_frame
from inductiva_widgets.models.tasks import TaskSummary
from inductiva_widgets.tasks import TaskList
from tests.benchmarks.figures import machine, spread, verdict
from tests.benchmarks.page_server import make_task

GOAL = 1.25
# Of Excel files fewer, which openpyxl writes ten times as slowly.
SIZES = {
    (".csv", ".parquet", ".arrow"): (5_000, 50_000),
    (".xlsx",): (1_000, 10_000),
}
_SCRIPT = """
import re, sys
from pathlib import Path
from inductiva_widgets.cli.main import main

main(["tasks", "export", sys.argv[1]], standalone_mode=False)
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


def main() -> None:
    """Print the figures."""
    print(machine())
    if Path("/proc/self/status").exists():
        _memory()
    else:
        print("memory: this system does not tell the peak of a process (no /proc); skipped")
    _way_back()


def _memory() -> None:
    for endings, (few, many) in SIZES.items():
        small, large = _peaks(few, endings), _peaks(many, endings)
        for ending in endings:
            ratio = large[ending] / small[ending]
            print(
                f"{ending:9} {few:,} tasks {small[ending] / 1e6:.0f} MB, "
                f"{many:,} tasks {large[ending] / 1e6:.0f} MB: "
                f"{ratio:.2f} times, goal {GOAL} {verdict(ratio <= GOAL)}"
            )


def _peaks(count: int, endings: tuple[str, ...]) -> dict[str, int]:
    found = {}
    with _served(count) as url, tempfile.TemporaryDirectory() as folder:
        for ending in endings:
            path = Path(folder) / f"tasks{ending}"
            begin = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-c", _SCRIPT, str(path)],
                env={**os.environ, "INDUCTIVA_API_URL": url, "INDUCTIVA_API_KEY": "none"},
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            if done.returncode:
                raise SystemExit(done.stderr)
            took = time.perf_counter() - begin
            if (rows := len(read(path))) != count:
                raise SystemExit(f"{rows} of {count} tasks in {path.name}")
            size = path.stat().st_size / 1e6
            print(f"{ending:9} {count:,} tasks in {took:.1f} s, {size:.1f} MB")
            found[ending] = int(done.stdout.split()[-1]) * 1024
    return found


@contextlib.contextmanager
def _served(count: int) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.benchmarks.page_server", str(count), "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def _way_back(count: int = 100_000) -> None:
    from inductiva_widgets._secret import Secret
    from inductiva_widgets.config import Settings
    from inductiva_widgets.http.client import Client
    from inductiva_widgets.http.transport import Transport

    client = Client(Transport(Settings("http://127.0.0.1:9", Secret("none"), "http://127.0.0.1:9")))
    chance = random.Random(7)
    kinds = [msgspec.convert(make_task(n, chance), TaskSummary) for n in range(2_000)]
    infos = (
        msgspec.structs.replace(kinds[n % len(kinds)], task_id=f"task{n}") for n in range(count)
    )
    frame = to_frame(list(infos))
    seconds = []
    for _ in range(5):
        begin = time.perf_counter()
        tasks = TaskList.from_frame(frame, client)
        seconds.append(time.perf_counter() - begin)
        # To let them go is not part of it.
        del tasks
    print(f"TaskList.from_frame of {count:,} rows: {spread(seconds)}")


if __name__ == "__main__":
    main()
