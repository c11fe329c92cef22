"""Time of a page of 100 out of 10,000 tasks stored in the embedded server.

    python tests/benchmarks/server_listing.py [--tasks 10000] [--runs 3]

The tasks are written into a store as the server writes them, finished ones with all their figures.
The real server then serves them from a process of its own, and one client asks for every page, one
after the other, on one connection. Before each page it asks for `/version`, which reads nothing:
what that takes is the price of any request, so the two share whatever else the machine does.

The listings: plain, of one status, of one project, sorted by another field, and by part of an id.
Each answer is checked for its number of tasks.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import requests

from inductiva_widgets.models.tasks import Executer, TaskInfo, TaskMetrics, TaskSubmission
from inductiva_widgets.server import state_machine
from inductiva_widgets.server.data_dir import DataDir
from inductiva_widgets.server.store.records import TaskRecord
from inductiva_widgets.server.store.tasks import TaskStore
from inductiva_widgets.status import Status
from tests.benchmarks.figures import machine, median, verdict

ROOT = Path(__file__).parents[2]
PER_PAGE = 100
GOAL = 0.050
COMMAND = {"cmd": "runswmm model.inp model.rpt model.out", "prompts": [], "env": {}}
BEGIN = datetime(2024, 2, 1, tzinfo=timezone.utc)
LISTINGS = {
    "all, newest first": {},
    "of one status": {"status": "success"},
    "of one project": {"project": "storms"},
    "sorted by start time": {"sort": "start_time:asc"},
    "sorted by status, then time": {"sort": ["status:asc", "create_time:desc"]},
    "with part of an id": {"task_id_filter": "0"},
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=10_000, help="a multiple of 100")
    parser.add_argument("--runs", type=int, default=3, help="times each page is asked for")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _fill(folder, given.tasks)
        server = subprocess.Popen(
            [sys.executable, "-m", "inductiva_widgets.server", "--data-dir", name],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            url = server.stdout.readline().split()[-1]
            print(
                f"{given.tasks:,} stored tasks, pages of {PER_PAGE}, every page {given.runs} "
                f"times; {machine()}\n"
            )
            _measure(url, DataDir(folder).api_key(), given.tasks, given.runs)
        finally:
            server.terminate()
            server.wait(20)
            server.stdout.close()


def _fill(folder: Path, count: int) -> None:
    data = DataDir(folder)
    data.prepare()
    store = TaskStore(data.database)
    store.projects.add("storms", "project")
    # One transaction: what is measured is reading.
    with store.transaction():
        for number in range(count):
            _add(store, number)
    store.close()


def _add(store: TaskStore, number: int) -> None:
    created = BEGIN + timedelta(minutes=number)
    task_id = f"{number:025d}"
    submission = TaskSubmission(
        simulator="arbitrary_commands",
        simulator_name_alias="swmm",
        resource_pool="local",
        container_image="docker://inductiva/kutu:swmm_vlocal",
        extra_params={"sim_dir": "sim_dir", "commands": [COMMAND]},
    )
    info = TaskInfo(
        task_id=task_id,
        status=Status.PENDING_INPUT,
        status_alias=Status.PENDING_INPUT.alias,
        simulator="swmm",
        project="storms" if number % 2 else "default",
        is_terminated=False,
        num_retries=0,
        storage_path=task_id,
        storage_input_path=f"{task_id}/input.zip",
        storage_output_path=f"{task_id}/output.zip",
        storage_region="local",
        container_image=submission.container_image,
        create_time=created,
        input_submit_time=created,
        start_time=created + timedelta(seconds=number % 50),
        metrics=TaskMetrics(computation_seconds=10.0, output_zipped_size_bytes=17_420),
        executer=Executer(uuid="a" * 32, cpu_count_logical=2, vm_type="local", host_type="LOCAL"),
        extra_params=submission.extra_params,
        task_metadata={"study": f"storm {number}"},
    )
    store.add_task(info, submission)
    last = Status.SUCCESS if number % 4 else Status.FAILED

    def live(record: TaskRecord) -> TaskRecord:
        steps = [Status.PENDING_INPUT, Status.SUBMITTED, Status.STARTED]
        steps += [Status.COMPUTATION_STARTED, Status.COMPUTATION_ENDED, last]
        for second, status in enumerate(steps):
            record = state_machine.transition(record, status, created + timedelta(seconds=second))
        return record

    store.update(task_id, live)


def _measure(url: str, key: str, count: int, runs: int) -> None:
    session = requests.Session()
    session.trust_env = False
    session.headers["X-API-Key"] = key
    worst = 0.0
    print("| listing | tasks | median of a page | slowest page | median of /version |")
    print("| --- | --- | --- | --- | --- |")
    for name, query in LISTINGS.items():
        pages, bare = [], []
        total = count
        for _ in range(runs):
            number, found = 1, 0
            while found < total:
                bare.append(_ask(session, f"{url}/version", {})[0])
                asked = {**query, "page": number, "per_page": PER_PAGE}
                took, answer = _ask(session, f"{url}/tasks", asked)
                pages.append(took)
                total = answer["total_size"]
                found += len(answer["tasks"])
                number += 1
                if not answer["tasks"]:
                    raise SystemExit(f"{name}: {found} tasks found, {total} told")
        worst = max(worst, median(pages))
        print(
            f"| {name} | {total:,} | {median(pages) * 1e3:.1f} ms | {max(pages) * 1e3:.1f} ms "
            f"| {median(bare) * 1e3:.1f} ms |"
        )
    print(f"\nA page takes {GOAL * 1e3:.0f} ms at most: {verdict(worst <= GOAL)}.")


def _ask(session: requests.Session, url: str, query: dict) -> tuple[float, dict]:
    begin = time.perf_counter()
    response = session.get(url, params=query, timeout=60)
    took = time.perf_counter() - begin
    response.raise_for_status()
    return took, response.json()


if __name__ == "__main__":
    main()
