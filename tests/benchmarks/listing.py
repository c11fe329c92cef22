"""Time of a listing of 20,000 tasks as a DataFrame: ours, the vendor's, and a bare fetch.

    python tests/benchmarks/listing.py [--runs 5] [--tasks 20000] [--delay 0]

A static server in a process of its own serves pages of 500 finished tasks, encoded beforehand. In
turns, each in a new process:

- the vendor's `tasks.get_all()`, `tasks.to_dict()`, `pandas.DataFrame`;
- our `tasks.get_all().to_frame()`;
- a bare fetch of the same pages with `requests`, the bytes read and not decoded.

All three fetch the full pages and the empty one behind them, one after the other on one connection.
Imports and the first request, for one task, come before the clock starts, in all three alike. Each
frame's number of rows and the sum of its computation times are checked. `--delay` makes the server
wait some seconds before each answer, as a service over a network does.
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
from tests.conformance.vendor import VERSION, client_environment, vendor_programs
from tests.conformance.venvs import ROOT

VENDOR = """
import json, sys, time
import inductiva
sys.path += json.loads(sys.argv[1])  # pandas, the same one
import pandas as pd

def listing(tasks):
    return pd.DataFrame(inductiva.tasks.to_dict(tasks))

listing(inductiva.tasks.get(last_n=1))
begin = time.perf_counter()
frame = listing(inductiva.tasks.get_all())
took = time.perf_counter() - begin
print("RESULT", json.dumps([took, len(frame), frame["ID"].iloc[-1], None]))
"""
OURS = """
import json, sys, time
import pandas as pd
import inductiva_widgets as inductiva

inductiva.tasks.get(last_n=1).to_frame()
begin = time.perf_counter()
frame = inductiva.tasks.get_all().to_frame()
took = time.perf_counter() - begin
seconds = frame["computation_time"].dt.total_seconds().sum()
print("RESULT", json.dumps([took, len(frame), frame.index[-1], round(seconds)]))
"""
BARE = """
import json, os, sys, time
import requests

url = os.environ["INDUCTIVA_API_URL"] + "/tasks"
session = requests.Session()
session.get(url, params={"page": 1, "per_page": 1}).content
begin = time.perf_counter()
size = page = 0
while True:
    page += 1
    content = session.get(url, params={"page": page, "per_page": 500}).content
    size += len(content)
    if len(content) < 1000:
        break
took = time.perf_counter() - begin
print("RESULT", json.dumps([took, page - 1, size, None]))
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="runs of each, after one to warm up")
    parser.add_argument("--tasks", type=int, default=20_000, help="a multiple of 500")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    given = parser.parse_args()
    programs = vendor_programs()
    server = subprocess.Popen(
        [
            sys.executable, "-m", "tests.benchmarks.page_server",
            str(given.tasks), str(given.delay),
        ],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        url = server.stdout.readline().strip()
        with tempfile.TemporaryDirectory() as name:
            _compare(given, programs, url, Path(name))
    finally:
        server.terminate()
        server.wait(20)
        server.stdout.close()


def _compare(given: argparse.Namespace, programs: Path, url: str, home: Path) -> None:
    environment = client_environment(url, "benchmark-key", home)
    environment["INDUCTIVA_DISABLE_IMPORT_INFO"] = "1"
    ours = {
        **environment,
        "PYTHONPATH": os.pathsep.join([environment["PYTHONPATH"], str(ROOT)]),
    }
    ours_path = json.dumps([path for path in sys.path if path.endswith("site-packages")])
    contestants = {
        f"vendor {VERSION}: get_all, to_dict, DataFrame": (
            [str(programs / "python"), "-c", VENDOR, ours_path],
            environment,
        ),
        "ours: get_all().to_frame()": ([sys.executable, "-c", OURS], ours),
        "bare fetch of the same pages": ([sys.executable, "-c", BARE], ours),
    }
    times: dict[str, list[float]] = {contestant: [] for contestant in contestants}
    facts: dict[str, list] = {}
    for turn in range(given.runs + 1):
        for contestant, (command, variables) in contestants.items():
            took, *found = _run(command, variables, home)
            if facts.setdefault(contestant, found) != found:
                raise SystemExit(f"{contestant}: {found} is not {facts[contestant]}")
            if turn:
                times[contestant].append(took)
    _check(given.tasks, *facts.values())
    size = list(facts.values())[2][1]
    print(
        f"{given.tasks:,} tasks, {size / 1e6:.1f} MB of JSON in pages of 500, "
        f"{given.delay} s before each answer, medians of {given.runs} (fastest to slowest); "
        f"{machine()}\n"
    )
    print("| listing | time |\n| --- | --- |")
    for contestant, seconds in times.items():
        print(f"| {contestant} | {spread(seconds)} |")
    a, b, c = (median(seconds) for seconds in times.values())
    print(f"\nvendor / ours: {a / b:.2f}; goal at least 5: {verdict(a / b >= 5)}.")
    print(f"ours / bare fetch: {b / c:.2f}; goal at most 1.25: {verdict(b / c <= 1.25)}.")


def _run(command: list[str], environment: dict[str, str], folder: Path) -> list:
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    return json.loads(line.removeprefix("RESULT "))


def _check(count: int, vendor: list, ours: list, bare: list) -> None:
    """Stop unless the work was equal: the same rows, the same last task, the same pages."""
    import random

    from tests.benchmarks.page_server import make_task

    chance = random.Random(7)
    tasks = [make_task(number, chance) for number in range(count)]
    seconds = round(sum(task["metrics"]["computation_seconds"] for task in tasks))
    expected = [count, tasks[-1]["task_id"]]
    if vendor[:2] != expected or ours != [*expected, seconds] or bare[0] != count // 500:
        raise SystemExit(f"unequal work: {vendor}, {ours}, {bare}; wanted {expected}, {seconds}")


if __name__ == "__main__":
    main()
