"""How soon Binder is ready, and what its processes take: `python -m tests.benchmarks.binder`.

From the start of the image's entry point, beside Docker's own time: until JupyterLab answers, until
both embedded servers answer; then the memory with the quick start run, and with the task history
beside it. See `tests/binder.py` for what stands in for the image.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from tests.benchmarks.figures import machine, spread
from tests.binder import Binder, build, check_out, launched

_NAMES = {
    "ipykernel_launcher": "kernel",
    "local-replay": "replay",
    "inductiva_widgets.server": "embedded server and its tasks",
    "jupyter-lab": "JupyterLab",
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    seconds: dict[str, list[float]] = {"JupyterLab": [], "embedded server": [], "replay": []}
    for run in range(runs):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
            home = check_out(Path(name).resolve())
            built = build(home)
            if built.returncode:
                raise SystemExit(built.stderr)
            begin = time.perf_counter()
            with launched(home) as binder:
                seconds["JupyterLab"].append(time.perf_counter() - begin)
                binder.until("local", lambda: binder.server("local"))
                seconds["embedded server"].append(time.perf_counter() - begin)
                binder.until("replay", lambda: binder.server("local-replay"))
                seconds["replay"].append(time.perf_counter() - begin)
                if run == runs - 1:
                    print(f"{machine()}\n\n| memory (PSS) | MB |\n| --- | ---: |")
                    _print_memory("before a notebook is run", binder)
                    binder.run_notebook("notebooks/quickstart.ipynb")
                    _print_memory("quickstart run", binder)
                    binder.run_notebook("notebooks/task_history.ipynb")
                    _print_memory("quickstart and task_history run", binder)
    print(f"\n| ready after, of {runs} starts | |\n| --- | --- |")
    for what, times in seconds.items():
        print(f"| {what} | {spread(times)} |")


def _print_memory(when: str, binder: Binder) -> None:
    parts: dict[str, int] = {}
    for command, size in binder.processes().items():
        known = (name for word, name in _NAMES.items() if word in command)
        name = next(known, "else")
        parts[name] = parts.get(name, 0) + size
    print(f"| **{when}** | **{sum(parts.values()) / 1e6:.0f}** |")
    for name, size in sorted(parts.items(), key=lambda part: -part[1]):
        print(f"| {name} | {size / 1e6:.0f} |")


if __name__ == "__main__":
    main()
