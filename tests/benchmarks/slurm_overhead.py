"""Tasks of the embedded server on Slurm against plain batch jobs of the same program.

    python tests/benchmarks/slurm_overhead.py [--tasks 12] [--seconds 60]

A cluster of three nodes with two processors each runs on loopback. First so many jobs are submitted
with `sbatch`, then as many tasks to a server on the same cluster, each `sleep SECONDS`. The time is
that from the first submission to the end of the last one, as Slurm or the server says.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.figures import machine
from tests.integration.server.conftest import LocalServer, until
from tests.slurm_cluster import SlurmCluster, reason_to_skip, running_cluster

PROCESSORS = 6
PATIENCE = 3600.0


def run_jobs(cluster: SlurmCluster, tasks: int, seconds: float) -> float:
    """Run plain batch jobs and return how long all of them took."""
    began = time.monotonic()
    for _ in range(tasks):
        cluster.call(
            "sbatch", "--parsable", "--output=/dev/null", "--ntasks=1", f"--wrap=sleep {seconds}"
        )
    until(lambda: not cluster.call("squeue", "--noheader"), "the jobs", PATIENCE)
    return time.monotonic() - began


def run_tasks(cluster: SlurmCluster, folder: Path, tasks: int, seconds: float) -> float:
    """Run tasks of a server and return how long all of them took."""
    server = LocalServer(folder, "--executor=slurm", **cluster.environment)
    try:
        began = time.monotonic()
        for _ in range(tasks):
            server.run(f"sleep {seconds}", files={"a": "b"})

        def are_over() -> bool:
            return not server.get("/tasks", 200, per_page=1, active=True)["total_size"]

        until(are_over, "the tasks", PATIENCE)
        took = time.monotonic() - began
        ends = {task["status"] for task in server.get("/tasks", 200, per_page=500)["tasks"]}
        assert ends == {"success"}, ends
        return took
    finally:
        server.end()
        server.session.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    if reason := reason_to_skip():
        print(f"Not measured: {reason}.")
        return
    print(machine())
    with running_cluster() as cluster, tempfile.TemporaryDirectory() as folder:
        plain = run_jobs(cluster, options.tasks, options.seconds)
        ours = run_tasks(cluster, Path(folder) / "data", options.tasks, options.seconds)
    least = math.ceil(options.tasks / PROCESSORS) * options.seconds
    overhead = (ours - plain) / options.tasks * min(options.tasks, PROCESSORS)
    print(f"{options.tasks} times sleep {options.seconds:g} on {PROCESSORS} processors")
    print(f"at least        {least:.1f} s")
    print(f"sbatch          {plain:.1f} s")
    print(f"embedded server {ours:.1f} s, {overhead:.2f} s more for each task")


if __name__ == "__main__":
    main()
