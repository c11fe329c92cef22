"""Time of `import inductiva_widgets` against `import inductiva`, and the requests that each makes.

    python tests/benchmarks/import_time.py [--runs 9]

Whole processes, started in turns, of the same Python version, both pointed at the same embedded
server on this machine. The vendor's client is installed by the first run; see `tests/conformance`.
An interpreter that imports nothing is timed beside them: its time is in both of the others. The
vendor's client also asks a public service for its newest version; here that fails at once, so no
network is in its time, and the attempt is counted. Since our import loads almost nothing, the time
with all that a first call needs is shown too.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.figures import machine, median, spread, verdict
from tests.conformance.server import KEY, recorded_server
from tests.conformance.vendor import VERSION, client_environment, vendor_programs
from tests.conformance.venvs import ROOT

GOAL = 1 / 5
FIRST_CALL = """
import inductiva_widgets as inductiva
inductiva.connect(), inductiva.tasks.get, inductiva.simulators.SWMM
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=9, help="runs of each, after one to warm up")
    runs = parser.parse_args().runs
    programs = vendor_programs()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "home").mkdir()
        attempts = folder / "attempts"
        with recorded_server(folder / "server") as served:
            environment = client_environment(served.url, KEY, folder / "home", attempts=attempts)
            ours = {
                **environment,
                "PYTHONPATH": os.pathsep.join([environment["PYTHONPATH"], str(ROOT)]),
            }
            contestants = {
                "nothing": ([sys.executable, "-c", "pass"], ours),
                "inductiva_widgets": ([sys.executable, "-c", "import inductiva_widgets"], ours),
                "inductiva_widgets, and what a first call needs": (
                    [sys.executable, "-c", FIRST_CALL],
                    ours,
                ),
                f"inductiva {VERSION}": (
                    [str(programs / "python"), "-c", "import inductiva"],
                    environment,
                ),
            }
            times: dict[str, list[float]] = {contestant: [] for contestant in contestants}
            asked: dict[str, set[str]] = {contestant: set() for contestant in contestants}
            for turn in range(runs + 1):
                for contestant, (command, variables) in contestants.items():
                    served.recorder.clear()
                    attempts.write_text("")
                    begin = time.perf_counter()
                    subprocess.run(
                        command, env=variables, cwd=folder, check=True, capture_output=True
                    )
                    if turn:
                        times[contestant].append(time.perf_counter() - begin)
                    # One attempt may try several times; it is one request that was wanted.
                    elsewhere = len(set(attempts.read_text().split()))
                    asked[contestant].add(
                        f"{len(served.recorder.requests)} to the server, {elsewhere} elsewhere"
                    )
    print(f"Import, whole processes, medians of {runs} (fastest to slowest); {machine()}\n")
    print("| import | time | requests |\n| --- | --- | --- |")
    for contestant, seconds in times.items():
        print(f"| {contestant} | {spread(seconds)} | {' or '.join(sorted(asked[contestant]))} |")
    bare, mine, loaded, theirs = (median(seconds) for seconds in times.values())
    ratio = mine / theirs
    print(f"\nours / vendor: {ratio:.3f} = 1/{1 / ratio:.0f}; goal at most 1/5: ", end="")
    print(f"{verdict(ratio <= GOAL)}.")
    print(f"With what a first call needs: {loaded / theirs:.3f} = 1/{theirs / loaded:.1f}.")
    print(f"Without the interpreter's own start: {mine - bare:.3f} s and {theirs - bare:.3f} s.")


if __name__ == "__main__":
    main()
