"""Each benchmark runs to its end on small sizes; its figures are not looked at."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SMALL = {
    "import_time": "--runs 1",
    "listing": "--runs 1 --tasks 500",
    "history": "--runs 1 --tasks 1000 --live 10",
    "frames": "--runs 1 --tasks 500",
    "live_log": "--rate 1 --seconds 2",
    "server_listing": "--runs 1 --tasks 200",
    "server_load": "--tasks 8 --clients 2",
    "slurm_overhead": "--tasks 2 --seconds 1",
    "table": "--runs 1 --rows 1000",
}
pytestmark = pytest.mark.extended


@pytest.mark.parametrize("name", SMALL)
def test_benchmark_runs_to_its_end(name, tmp_path):
    command = [sys.executable, "-m", f"tests.benchmarks.{name}", *SMALL[name].split()]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert done.stdout.strip()
