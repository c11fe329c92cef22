"""The embedded server under load: many short tasks at once, watched by many clients.

    python tests/benchmarks/server_load.py [--tasks 200] [--clients 50] [--workers 4]

First some tasks, one after the other, on a server that has nothing else to do: how long from the
end of the upload to the first command. Then all tasks at once, sent by a few clients, while the
others ask for the listing twice a second. Each task leaves one line in a file of its own, so that
one that was lost or ran twice shows; every listing is checked for tasks that were acknowledged
before, none missing and none double.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import requests

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.figures import machine
from tests.integration.server.conftest import LocalServer, input_zip, until

SENDERS = 8
PAUSE = 0.5
PROGRAM = 'echo "$2" >> "$1/$2"\n'


class Load(NamedTuple):
    """What came of it, in seconds."""

    waits: list[float]
    answers: list[float]
    took: float


class Client:
    """One connection to a server that others use, too."""

    def __init__(self, server: LocalServer) -> None:
        self._url = server.url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["X-API-Key"] = server.key
        self._body = server.submission([], project=None)

    def call(self, method: str, path: str, expect: int = 200, **more: Any) -> Any:
        answer = self.session.request(method, self._url + path, timeout=60, **more)
        assert answer.status_code == expect, f"{answer.status_code}: {answer.text}"
        return answer.json()

    def send(self, place: Path, name: str) -> str:
        """Send one task and return its id."""
        command = {"cmd": f"sh program.sh {place} {name}", "prompts": []}
        body = {**self._body, "extra_params": {"sim_dir": "sim_dir", "commands": [command]}}
        task_id = str(self.call("POST", "/tasks/submit", 202, json=body)["id"])
        query = {"operation": "upload", "paths": f"/{task_id}/input.zip"}
        [link] = self.call("GET", "/storage/signed-urls", params=query)
        packed = input_zip({"program.sh": PROGRAM})
        assert requests.put(link, data=packed, timeout=60).status_code == 200
        self.call("POST", f"/tasks/{task_id}/input_uploaded")
        return task_id


class Watcher:
    """A client that asks for the listing again and again, and looks whether it can be true."""

    def __init__(self, server: LocalServer, sent: dict[str, str]) -> None:
        self._client = Client(server)
        self._sent = sent
        self.answers: list[float] = []

    def watch(self, over: threading.Event) -> None:
        """Ask until it is over."""
        ended: set[str] = set()
        while not over.wait(PAUSE):
            known = set(self._sent)
            began = time.perf_counter()
            tasks = self._client.call("GET", "/tasks", params={"per_page": 500})["tasks"]
            self.answers.append(time.perf_counter() - began)
            ids = [task["task_id"] for task in tasks]
            assert len(ids) == len(set(ids)), "a task is listed twice"
            assert known <= set(ids), "a task that was acknowledged is not listed"
            now = {task["task_id"] for task in tasks if task["is_terminated"]}
            assert ended <= now, "a task came back from its end"
            ended = now
        self._client.session.close()


def run_load(server: LocalServer, place: Path, tasks: int, clients: int) -> Load:
    """Send tasks while clients watch, and check what becomes of them.

    Parameters
    ----------
    server
        A server without tasks, or with tasks that are over.
    place
        Empty folder for what the tasks leave.
    tasks
        How many to send.
    clients
        How many to watch.
    """
    sent: dict[str, str] = {}
    over = threading.Event()
    watchers = [Watcher(server, sent) for _ in range(clients)]

    def send(names: Sequence[str]) -> None:
        client = Client(server)
        for name in names:
            sent[client.send(place, name)] = name
        client.session.close()

    names = [f"task-{number}" for number in range(tasks)]
    began = time.perf_counter()
    with ThreadPoolExecutor(clients + SENDERS) as pool:
        watching = [pool.submit(watcher.watch, over) for watcher in watchers]
        try:
            for sending in [pool.submit(send, names[part::SENDERS]) for part in range(SENDERS)]:
                sending.result()
            until(lambda: not server.get("/tasks", 200, active=True)["total_size"], "all", 600)
            took = time.perf_counter() - began
        finally:
            over.set()
        for watched in watching:
            watched.result()
    listed = {task["task_id"]: task for task in _all_tasks(server) if task["task_id"] in sent}
    assert set(listed) == set(sent), "a task is lost"
    assert len(sent) == len(set(sent.values())) == tasks, "a task was taken twice"
    assert {task["status"] for task in listed.values()} == {"success"}
    left = {path.name: path.read_text().split() for path in place.iterdir()}
    assert left == {name: [name] for name in names}, "a task did not run just once"
    waits = [_wait_of(task) for task in listed.values()]
    return Load(waits, [answer for one in watchers for answer in one.answers], took)


def _all_tasks(server: LocalServer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while page := server.get("/tasks", 200, per_page=500, page=len(found) // 500 + 1)["tasks"]:
        found += page
        if len(page) < 500:
            break
    return found


def _wait_of(task: dict[str, Any]) -> float:
    """Return the time from the end of the upload to the first command."""
    queued, began = (
        datetime.fromisoformat(task[name])
        for name in ("input_submit_time", "computation_start_time")
    )
    return (began - queued).total_seconds()


def _line(what: str, seconds: list[float], unit: float = 1e3, name: str = "ms") -> str:
    high = statistics.quantiles(seconds, n=20)[-1] if len(seconds) > 1 else seconds[0]
    middle = statistics.median(seconds)
    return f"{what:44} median {middle * unit:8.1f} {name}   p95 {high * unit:8.1f} {name}"


def _alone(server: LocalServer, place: Path, runs: int) -> list[float]:
    client = Client(server)
    waits = []
    for run in range(runs):
        task_id = client.send(place, f"alone-{run}")
        waits.append(_wait_of(server.wait(task_id)))
    client.session.close()
    return waits


def main(say: Callable[[str], None] = print) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=200)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--workers", type=int, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        places = [Path(folder) / name for name in ("alone", "together")]
        for place in places:
            place.mkdir()
        server = LocalServer(Path(folder) / "data", "--capacity", str(options.workers))
        try:
            alone = _alone(server, places[0], 10)
            load = run_load(server, places[1], options.tasks, options.clients)
        finally:
            server.end()
            server.session.close()
    say(f"{machine()}; {options.workers} tasks at a time")
    say(_line("submit to running, one task alone", alone))
    say(f"{options.tasks} tasks at once, {options.clients} clients that poll: none lost or double")
    say(_line("submit to running, in the queue included", load.waits, 1, "s"))
    say(_line("answer to a listing", load.answers))
    say(f"throughput {options.tasks / load.took:.1f} tasks/s ({load.took:.1f} s in all)")


if __name__ == "__main__":
    main()
