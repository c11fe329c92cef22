"""Live cards over a bad connection for a long time, and what is wrong at the end.

``python -m tests.soak --minutes 15 --cards 50`` starts the embedded server, a `FaultProxy` with
random faults in front of it, and a card for each of so many tasks. A card whose task has ended is
checked and replaced by the card of a new task. The server is ended twice, once by SIGTERM and once
by SIGKILL, and started again on the same data folder and port. At the end, every card must equal a
card that is made over a clean connection, the memory must be flat, and no thread may be left.

Prints a report; the exit code is 1 if something is wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from inductiva_widgets._secret import Secret
from inductiva_widgets.config import Settings
from inductiva_widgets.errors import InductivaError
from inductiva_widgets.http.client import Client
from inductiva_widgets.http.transport import Transport
from inductiva_widgets.tasks import Task
from inductiva_widgets.widgets import TaskWidget
from tests.integration.server.conftest import LocalServer

SERVER_DOWN = 3.0  # seconds between the end of a server and its successor's start
SETTLING = 90.0  # seconds within which a card must be right, once its task has ended
SAMPLE_PERIOD = 10.0
MAX_GROWTH = 0.05  # of the memory, from the second quarter to the last one
_TICK = 0.1
_STATE_TRAITS = ("view", "poll_status")

# Arguments: seconds to run or the path of a file to wait for, and the exit code.
PROGRAM = """
import pathlib, sys, time
until, code = sys.argv[1], int(sys.argv[2])
begin, step = time.monotonic(), 0

def is_over():
    if until.startswith("/"):
        return pathlib.Path(until).exists()
    return time.monotonic() > begin + float(until)

pathlib.Path("vtk").mkdir()
while not is_over():
    step += 1
    print(f"step {step} residual {1 / step:.6f}", flush=True)
    pathlib.Path(f"vtk/frame-{step % 20:02}.vtk").write_bytes(bytes(1000))
    time.sleep(1)
if code:
    print(f"ERROR: the solver diverged in step {step}", file=sys.stderr)
sys.exit(code)
"""


@dataclass(frozen=True)
class Kind:
    """A kind of task: how long it runs, and how it ends."""

    name: str
    seconds: tuple[float, float]
    exit_code: int = 0
    is_killed: bool = False
    is_waiting: bool = False

    @property
    def status(self) -> str:
        """The status in which it ends."""
        return "killed" if self.is_killed else "failed" if self.exit_code else "success"


KINDS = (
    Kind("short", (0.0, 3.0)),
    Kind("long", (20.0, 120.0)),
    Kind("failing", (1.0, 30.0), exit_code=3),
    Kind("killed", (5.0, 90.0), is_killed=True),
    # Runs until the end of the soak.
    Kind("waiting", (0.0, 0.0), is_waiting=True),
)


@dataclass(frozen=True)
class Options:
    """How long, how many and how bad."""

    minutes: float = 15.0
    cards: int = 50
    fault_rate: float = 0.2
    seed: int = 1
    capacity: int = 16


@dataclass
class Report:
    """What a soak has measured, and what is wrong."""

    options: Options
    checked: Counter[str] = field(default_factory=Counter)
    failed_requests: Counter[str] = field(default_factory=Counter)
    lags: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    server_memory: list[float] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    proxy: dict[str, int] = field(default_factory=dict)
    restarts: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def growth(self) -> float:
        """Relative growth of the memory from the second to the last quarter, by medians."""
        early, late = self.medians(self.memory)
        return late / early - 1

    @staticmethod
    def medians(samples: list[float]) -> tuple[float, float]:
        """Return the medians of the second and the last quarter."""
        quarter = max(1, len(samples) // 4)
        return statistics.median(samples[quarter : 2 * quarter]), statistics.median(
            samples[-quarter:]
        )

    def __str__(self) -> str:
        options = self.options
        early, late = self.medians(self.memory)
        n_requests = self.proxy.get("requests", 0)
        n_faults = sum(self.proxy.values()) - n_requests
        server_early, server_late = self.medians(self.server_memory)
        lines = [
            f"{options.minutes:g} minutes, {options.cards} live cards, "
            f"{options.fault_rate:.0%} faults, seed {options.seed}",
            f"server restarts: {', '.join(self.restarts) or 'none'}",
            f"requests: {n_requests}, faults: {n_faults} ({n_faults / max(1, n_requests):.1%})"
            + "".join(f", {name} {count}" for name, count in sorted(self.proxy.items())
                      if name != "requests"),
            f"cards checked: {self.checked.total()}"
            + "".join(f", {name} {count}" for name, count in sorted(self.checked.items())),
            f"requests of the front end that failed: {dict(self.failed_requests) or 'none'}",
            f"seconds from the end of a task to a right card: median "
            f"{statistics.median(self.lags or [0]):.1f}, max {max(self.lags or [0]):.1f}",
            f"memory of the kernel, MB: {early:.1f} in the second quarter, {late:.1f} in the last "
            f"({self.growth:+.1%}), first {self.memory[0]:.1f}, max {max(self.memory):.1f}",
            f"memory of the server, MB: {server_early:.1f} in the second quarter, "
            f"{server_late:.1f} in the last",
            f"threads of the kernel: max {max(self.threads)}, {self.threads[-1]} at the end",
            *(f"WRONG: {problem}" for problem in self.problems),
            "everything is right" if not self.problems else f"{len(self.problems)} problems",
        ]  # fmt: skip
        return "\n".join(lines)


class Card:
    """A card whose front end is the soak: it sends requests, and repeats those that fail."""

    def __init__(self, task: Task, report: Report) -> None:
        self.widget = TaskWidget(task)
        self.widget.send = self._receive
        self._report = report
        self._lock = threading.Lock()
        self._pending: dict[str, str] = {}
        self._count = 0
        self._retry_at: dict[str, float] = {}
        self.results: dict[str, Any] = {}
        self.request("visible", view="front end", is_visible=True)

    def _receive(self, content: dict[str, Any], buffers: object = None) -> None:
        if content.get("push") == "error":
            self._report.problems.append(f"an error on a card: {content['error']['report']}")
        with self._lock:
            kind = self._pending.pop(content.get("id", ""), None)
            if kind is None:
                return
            if content["ok"]:
                self.results[kind] = content["result"]
                return
            self._retry_at[kind] = time.monotonic() + 1.0
            self._report.failed_requests[kind] += 1
            if "An unexpected" in content["error"]["report"]:
                self._report.problems.append(f"{kind}: {content['error']['report']}")

    def request(self, kind: str, **payload: Any) -> None:
        """Send a request, unless one of its kind is pending or has just failed."""
        with self._lock:
            is_early = time.monotonic() < self._retry_at.get(kind, 0.0)
            if is_early or kind in self._pending.values():
                return
            self._count += 1
            request_id = f"r{self._count}"
            self._pending[request_id] = kind
        content = {"id": request_id, "kind": kind, "task_id": self.widget.task.id, **payload}
        self.widget._handle_custom_msg(content, [])

    def difference(self, other: Card) -> str:
        """Return where the content differs from that of another card, or ""."""
        found = {name: (value, other.widget.view[name])
                 for name, value in self.widget.view.items()
                 if value != other.widget.view[name]}  # fmt: skip
        status = self.widget.poll_status
        if any(status[name] for name in ("problem", "error", "notice", "offline_since")):
            found["poll_status"] = status
        if self.results.get("outputs") != other.results.get("outputs"):
            found["outputs"] = (self.results.get("outputs"), other.results.get("outputs"))
        return ", ".join(f"{name}: {value}" for name, value in found.items())

    def close(self) -> None:
        """Close the widget."""
        self.widget.close()


class Slot:
    """A task and its card, which are replaced when the task has ended and the card is right."""

    def __init__(self, soak: Soak, kind: Kind) -> None:
        self.kind = kind
        self._soak = soak
        self._seconds = soak.random.uniform(*kind.seconds)
        until = f"{self._seconds:.1f}"
        if kind.is_waiting or kind.is_killed:
            until = str(soak.end_file if kind.is_waiting else soak.end_file.with_name("never"))
        self.task_id = soak.server.run(
            f"python solve.py {until} {kind.exit_code}", files={"solve.py": PROGRAM}
        )
        self.card: Card | None = None
        self._reference: Card | None = None
        self._computing_since: float | None = None
        self.ended_at: float | None = None
        self.is_done = False

    def __str__(self) -> str:
        view = self.card.widget.view["status"] if self.card is not None else "no card"
        return f"{self.kind.name} task {self.task_id} ({view})"

    def step(self, now: float) -> None:
        """Do what is due: create the card, use it, compare it."""
        if self.card is None:
            # A user runs the cell again.
            with contextlib.suppress(InductivaError):
                self.card = Card(Task(self.task_id, client=self._soak.client), self._soak.report)
            return
        view = self.card.widget.view
        if view["is_terminal"] and self.ended_at is not None:
            self._compare(now)
        elif self.ended_at is not None and now > self.ended_at + SETTLING:
            self._finish(f"still shows {view['status']}")
        else:
            self._use(now, view)

    def _use(self, now: float, view: dict[str, Any]) -> None:
        card = self.card
        assert card is not None
        if view["status"] == "computation-started":
            self._computing_since = self._computing_since or now
            if self._soak.random.random() < 0.01:
                card.request("log", name="stdout.txt")
            if self._soak.random.random() < 0.01:
                card.request("files")
            if self.kind.is_killed and now > self._computing_since + self._seconds:
                self.kill()

    def kill(self) -> None:
        """Press the button, until it has worked."""
        card = self.card
        if card is not None and "kill" not in card.results and card.widget.view["can_kill"]:
            card.request("kill")

    def hurry(self) -> None:
        """Kill the task as soon as it computes, if it is to be killed."""
        self._seconds = 0.0

    def _compare(self, now: float) -> None:
        card = self.card
        assert card is not None
        assert self.ended_at is not None
        if self._reference is None:
            with contextlib.suppress(InductivaError):
                task = Task(self.task_id, client=self._soak.clean_client)
                self._reference = Card(task, self._soak.report)
            return
        if card.widget.view["has_outputs"]:
            for shown in (card, self._reference):
                if "outputs" not in shown.results:
                    shown.request("outputs")
        failure = self._reference.widget.view["failure"]
        is_complete = (
            "outputs" in self._reference.results or not self._reference.widget.view["has_outputs"]
        ) and (self.kind.status != "failed" or bool(failure and failure["last_words"]))
        difference = card.difference(self._reference)
        if is_complete and not difference:
            self._soak.report.lags.append(now - self.ended_at)
            self._finish()
        elif now > self.ended_at + SETTLING:
            self._finish(difference or "the card over the clean connection is not complete")

    def _finish(self, problem: str = "") -> None:
        card, report = self.card, self._soak.report
        assert card is not None
        status = card.widget.view["status"]
        if not problem and status != self.kind.status:
            problem = f"ended as {status}: {card.widget.view['failure']}"
        if problem:
            report.problems.append(f"{self.kind.name} task {self.task_id}: {problem}")
        report.checked[self.kind.name] += 1
        self.is_done = True

    def close(self) -> None:
        """Close the cards."""
        for card in (self.card, self._reference):
            if card is not None:
                card.close()


class Soak:
    """One run."""

    def __init__(self, options: Options, folder: Path) -> None:
        self.options = options
        self.random = random.Random(options.seed)
        self.report = Report(options)
        self.end_file = folder / "end"
        self._process = psutil.Process()
        self.server = LocalServer(folder / "data", "--capacity", str(options.capacity))
        self._port = self.server.url.rpartition(":")[2]
        self._proxy = _Proxy(self.server.url, options)
        self.client = self._new_client(self._proxy.url)
        self.clean_client = self._new_client(self.server.url)
        self._slots: list[Slot] = []

    def _new_client(self, url: str) -> Client:
        return Client(Transport(Settings(url, Secret(self.server.key), url)))

    def run(self) -> Report:
        """Run everything and return the report."""
        baseline = set(threading.enumerate())
        try:
            self._run_live()
            self._run_down()
        finally:
            for slot in self._slots:
                slot.close()
            self._slots.clear()
            left = _threads_left(baseline)
            self.report.threads.append(len(threading.enumerate()))
            if left:
                self.report.problems.append(f"threads left: {', '.join(left)}")
            self.report.proxy = self._proxy.stop()
            self._stop_server()
        # In a shorter run, what is loaded and cached once is a part of the growth.
        if self.options.minutes >= 5 and self.report.growth > MAX_GROWTH:
            self.report.problems.append(f"the memory has grown by {self.report.growth:.1%}")
        return self.report

    def _run_live(self) -> None:
        begin = time.monotonic()
        seconds = self.options.minutes * 60
        restarts = [(seconds / 3, signal.SIGTERM), (2 * seconds / 3, signal.SIGKILL)]
        for number in range(self.options.cards):
            self._slots.append(Slot(self, KINDS[number % len(KINDS)]))
        next_sample = next_listing = begin
        while (now := time.monotonic()) < begin + seconds:
            if restarts and now > begin + restarts[0][0]:
                self._restart(restarts.pop(0)[1])
            if now >= next_sample:
                self._sample()
                next_sample += SAMPLE_PERIOD
            if now >= next_listing:
                self._note_ended()
                next_listing = now + 1.0
            for index, slot in enumerate(self._slots):
                slot.step(now)
                if slot.is_done:
                    slot.close()
                    self._slots[index] = Slot(self, slot.kind)
            time.sleep(_TICK)

    def _run_down(self) -> None:
        """End the remaining tasks, and wait until every card is right."""
        self.end_file.touch()
        for slot in self._slots:
            slot.hurry()
        deadline = time.monotonic() + SETTLING + 60 + 5 * self.options.cards
        while not all(slot.is_done for slot in self._slots):
            now = time.monotonic()
            self._note_ended()
            for slot in self._slots:
                if not slot.is_done:
                    slot.step(now)
            if now > deadline:
                unfinished = [str(slot) for slot in self._slots if not slot.is_done]
                self.report.problems.append(f"not at their end: {', '.join(unfinished)}")
                return
            time.sleep(_TICK)

    def _restart(self, number: signal.Signals) -> None:
        code, _, errors = self.server.end(number)
        self.report.restarts.append(number.name)
        if errors.strip() or code not in (0, -signal.SIGKILL):
            self.report.problems.append(f"the server ended with {code}: {errors.strip()}")
        self.server.options = ("--capacity", str(self.options.capacity), "--port", self._port)
        time.sleep(SERVER_DOWN)
        self.server.start()

    def _sample(self) -> None:
        self.report.memory.append(self._process.memory_info().rss / 1e6)
        self.report.server_memory.append(
            psutil.Process(self.server.process.pid).memory_info().rss / 1e6
        )
        self.report.threads.append(len(threading.enumerate()))

    def _note_ended(self) -> None:
        """Note which tasks have ended, by what the server says over the clean connection."""
        listed = self.server.get("/tasks", 200, per_page=500, active=True)["tasks"]
        active = {task["task_id"] for task in listed}
        for slot in self._slots:
            if slot.task_id not in active and slot.ended_at is None:
                slot.ended_at = time.monotonic()

    def _stop_server(self) -> None:
        for task in self.server.get("/tasks", 200, per_page=500, active=True)["tasks"]:
            self.server.call("POST", f"/tasks/{task['task_id']}/kill")
            self.server.wait(task["task_id"])
        self.server.end()
        self.server.session.close()


class _Proxy:
    """A `FaultProxy` in a process of its own, whose memory and threads are not the kernel's."""

    def __init__(self, upstream: str, options: Options) -> None:
        command = [sys.executable, "-m", "tests.fault_proxy", upstream]
        command += ["--fault-rate", str(options.fault_rate), "--seed", str(options.seed)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = self._process.stdout.readline().split()[-1]

    def stop(self) -> dict[str, int]:
        """Stop it, and return the number of requests and of each fault."""
        self._process.terminate()
        output, _ = self._process.communicate(timeout=60)
        counts: dict[str, int] = json.loads(output)
        return counts


def _threads_left(baseline: set[threading.Thread], patience: float = 60.0) -> list[str]:
    """Return the names of new threads, after some time to end."""
    deadline = time.monotonic() + patience
    while True:
        gc.collect()
        left = [thread.name for thread in set(threading.enumerate()) - baseline]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.1)


def run_soak(options: Options) -> Report:
    """Run a soak in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        return Soak(options, Path(folder)).run()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=Options.minutes)
    parser.add_argument("--cards", type=int, default=Options.cards)
    parser.add_argument("--fault-rate", type=float, default=Options.fault_rate)
    parser.add_argument("--seed", type=int, default=Options.seed)
    parser.add_argument("--capacity", type=int, default=Options.capacity)
    report = run_soak(Options(**vars(parser.parse_args())))
    print(report)
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
