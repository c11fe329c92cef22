"""Time and memory of `to_frame` for 100,000 tasks of a listing that is decoded already.

    python -m tests.benchmarks.frames [--runs 7] [--tasks 100000]

In turns, in one process:

- the frame of all tasks, with the usual columns;
- decoding the same pages of 500 from JSON, which comes before it in every listing;
- `pandas.json_normalize` of the same tasks as dictionaries: names and values as they come, no
  categories, times or durations.

The sums of the cost and the computation time of each frame are compared. The memory is that of the
arrays and of the frame, both alive, as tracemalloc counts it.
"""

from __future__ import annotations

import argparse
import gc
import random
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import msgspec
import pandas as pd

from inductiva_widgets.frames._columnar import TaskColumns
from inductiva_widgets.frames._to_frame import build_frame, to_frame
from inductiva_widgets.models.tasks import TaskPage
from tests.benchmarks.figures import machine, median, spread, verdict
from tests.benchmarks.page_server import PER_PAGE, make_task


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7, help="runs of each, after one to warm up")
    parser.add_argument("--tasks", type=int, default=100_000, help="a multiple of 500")
    given = parser.parse_args()
    chance = random.Random(7)
    told = [make_task(number, chance) for number in range(given.tasks)]
    pages = [
        msgspec.json.encode({"total_size": given.tasks, "tasks": told[start : start + PER_PAGE]})
        for start in range(0, given.tasks, PER_PAGE)
    ]
    # What is only there to compare with does not make the collector's rounds longer.
    gc.freeze()
    decoder = msgspec.json.Decoder(TaskPage)
    infos = [info for page in pages for info in decoder.decode(page).tasks]
    contestants: dict[str, Callable[[], Any]] = {
        "to_frame": lambda: to_frame(infos),
        "decoding the pages": lambda: [decoder.decode(page).total_size for page in pages],
        "json_normalize": lambda: pd.json_normalize(told),
    }
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(given.runs + 1):
        for name, work in contestants.items():
            gc.collect()
            begin = time.perf_counter()
            done = work()
            took = time.perf_counter() - begin
            _check(name, done, told)
            if turn:
                times[name].append(took)
    print(f"{given.tasks:,} tasks, medians of {given.runs} (fastest to slowest); {machine()}\n")
    print("| work | time |\n| --- | --- |")
    for name, seconds in times.items():
        print(f"| {name} | {spread(seconds)} |")
    ours, decoding, normalized = (median(seconds) for seconds in times.values())
    print(f"\nto_frame / decoding: {ours / decoding:.2f}; json_normalize / ours: ", end="")
    print(f"{normalized / ours:.1f}")
    print(f"to_frame: {ours:.2f} s; goal at most 0.5 s: {verdict(ours <= 0.5)}.")
    size = _memory(infos) / given.tasks
    print(f"memory: {size:,.0f} bytes a task; goal at most 1500: {verdict(size <= 1500)}.")


def _check(name: str, done: Any, told: list[dict[str, Any]]) -> None:
    """Stop unless the work was done: all rows, and the same sums."""
    if name == "decoding the pages":
        if set(done) != {len(told)}:
            raise SystemExit("the pages have other tasks")
        return
    ours = name == "to_frame"
    cost = done["cost_usd" if ours else "estimated_computation_cost"].sum()
    computed = done["computation_time" if ours else "metrics.computation_seconds"]
    seconds = computed.dt.total_seconds().sum() if ours else computed.sum()
    wanted = sum(task["metrics"]["computation_seconds"] for task in told)
    costs = sum(task["estimated_computation_cost"] for task in told)
    if len(done) != len(told) or abs(seconds - wanted) > 1e-3 or abs(cost - costs) > 1e-3:
        raise SystemExit(f"unequal work: {name} has {len(done)} rows, {seconds} s, {cost} US$")


def _memory(infos: list[Any]) -> int:
    gc.collect()
    tracemalloc.start()
    fields = TaskColumns.read(infos)
    frame = build_frame(fields)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    if len(frame) != len(fields):
        raise SystemExit(f"{len(frame)} rows of {len(fields)} tasks")
    return size


if __name__ == "__main__":
    main()
