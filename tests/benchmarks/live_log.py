"""A log that grows by 10 MB/s, shown in cards of a real JupyterLab: the kernel's share, the page's.

Run as ``python -m tests.benchmarks.live_log [--rate MB] [--seconds N]``. A task of the embedded
server prints lines with residuals; its card reads them by itself, a watch draws them, and its log
is open. Each run has one kernel. The share of the kernel is what it takes beyond an idle one, by
the times that the system counts for its process; the page is asked how late its timers are.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Page, expect, sync_playwright

from tests.benchmarks.figures import machine, median, verdict
from tests.benchmarks.table import Received
from tests.browser.chromium import find
from tests.browser.conftest import FLAGS, READY, ROOT, Lab, Notebook, jupyter
from tests.embedded import end_server

# Prints lines at a rate until it is told to end; they are made beforehand, so that it takes no
# core. Leaves nothing behind: to store gigabytes would take minutes.
FLOOD = """import os, pathlib, sys, time
rate, every, stop = float(sys.argv[1]) * 1e6, int(sys.argv[2]), pathlib.Path(sys.argv[3])
out = sys.stdout.buffer
def line(step):
    if step % every:
        return f"step {step:9d}  t = {step / 1e4:.4f} s  cells 120000  courant 0.4  wall 12 s\\n"
    return f"step {step:9d}  t = {step / 1e4:.4f} s  residual {1 / (1 + step % 9973):.6e}  ok\\n"
blocks = ["".join(map(line, range(n, n + 1000))).encode() for n in range(0, 100_000, 1000)]
started, written, place = time.monotonic(), 0, 0
while not stop.exists():
    wanted = (time.monotonic() - started) * rate
    while written < wanted:
        block = blocks[place % len(blocks)]
        out.write(block)
        written += len(block)
        place += 1
    out.flush()
    time.sleep(0.02)
os.ftruncate(1, 0)
"""
SETUP = """import os
import inductiva_widgets as inductiva
inductiva.connect("local")
image = inductiva.simulators.CustomImage("docker://example/flood")
print("kernel:", os.getpid())"""
BEGIN = """task = image.run("cases/flood", commands=["python flood.py {rate} {every} {stop}"])
task.wait_for_status("computation-started", silent_mode=True)
watch = task.watch(r"residual\\s+(?P<residual>\\S+)")"""
SHOW = "inductiva.TaskWidget(task)"
END = """open({stop!r}, "w").close()
task.wait(silent_mode=True, download_std_on_completion=False)"""

# How late a timer of 50 ms is, how long tasks block the page, and how many frames are drawn.
PROBE = """() => {
    const probe = window.probe = {late: [], long: [], frames: 0, begun: performance.now()};
    let due = performance.now() + 50;
    probe.timer = setInterval(() => {
        const now = performance.now();
        probe.late.push(Math.max(0, now - due));
        due = now + 50;
    }, 50);
    probe.observer = new PerformanceObserver(list => {
        for (const entry of list.getEntries()) probe.long.push(entry.duration);
    });
    probe.observer.observe({entryTypes: ['longtask']});
    const frame = () => {
        probe.frames += 1;
        probe.request = requestAnimationFrame(frame);
    };
    frame();
}"""
READ = """() => {
    const probe = window.probe;
    clearInterval(probe.timer);
    cancelAnimationFrame(probe.request);
    probe.observer.disconnect();
    const seconds = (performance.now() - probe.begun) / 1000;
    return {late: probe.late, long: probe.long, frames: probe.frames / seconds};
}"""

GOAL = 5.0


def main() -> None:
    """Measure, and print the figures beside the goals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=10.0, help="MB/s of the log")
    parser.add_argument("--every", type=int, default=10, help="one line in so many is a residual")
    parser.add_argument("--seconds", type=float, default=20.0)
    arguments = parser.parse_args()
    rate, every = arguments.rate, arguments.every
    run = f"A log of {rate:g} MB/s, a residual in one line of {every}, {arguments.seconds:g} s each"
    print(f"{run}, {machine()}", flush=True)
    with laboratory() as (page, lab):
        for cards in (1, 4):
            stop = str(lab.folder / f"stop{cards}")
            begin = BEGIN.format(rate=rate, every=every, stop=stop)
            cells = (SETUP, begin, *[SHOW] * cards, END.format(stop=stop))
            name = lab.write(f"flood{cards}.ipynb", *cells)
            show(cards, measure(page, lab, name, cards, arguments.seconds))


@contextlib.contextmanager
def laboratory() -> Iterator[tuple[Page, Lab]]:
    """Run a JupyterLab and an embedded server of their own, and a browser."""
    flags = ["--LabApp.expose_app_in_browser=True", "--LabApp.news_url=None"]
    with tempfile.TemporaryDirectory() as folder:
        local = Path(folder) / "local"
        environment = {
            "PYTHONPATH": str(ROOT),
            "INDUCTIVA_LOCAL_DIR": str(local),
            "INDUCTIVA_PROGRAM_PYTHON": sys.executable,
        }
        try:
            with (
                jupyter("jupyterlab", flags, Path(folder) / "lab", environment) as lab,
                sync_playwright() as playwright,
                playwright.chromium.launch(executable_path=find(), args=FLAGS) as chrome,
            ):
                case = lab.folder / "cases" / "flood"
                case.mkdir(parents=True)
                (case / "flood.py").write_text(FLOOD)
                yield chrome.new_page(viewport={"width": 1280, "height": 1000}), lab
        finally:
            end_server(local)


def measure(page: Page, lab: Lab, name: str, cards: int, seconds: float) -> dict[str, Any]:
    """Return the figures of one kernel that shows a task as some cards."""
    page.goto(f"{lab.url}/doc/tree/{name}?reset", wait_until="domcontentloaded")
    page.wait_for_function(READY, timeout=60_000)
    notebook = Notebook(page)
    notebook.run(0)
    kernel = psutil.Process(int(notebook.output(0).inner_text().split()[-1]))
    idle = _share(page, kernel, seconds / 2)
    notebook.run(1)
    before = kernel.memory_info().rss
    try:
        for index in range(2, 2 + cards):
            notebook.run(index)
            output = notebook.output(index)
            output.get_by_role("tab", name="Log").click(timeout=30_000)
            expect(output.get_by_role("log")).to_contain_text("residual", timeout=30_000)
            expect(output.get_by_role("group", name="Metrics")).to_contain_text("residual")
        watched = _share(page, kernel, seconds / 4)
        received = Received(page)
        page.evaluate(PROBE)
        busy = _share(page, kernel, seconds)
        told = page.evaluate(READ)
        size = received.stop()
    finally:
        notebook.run(2 + cards)
    after = kernel.memory_info().rss
    page.evaluate("jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    return {
        "idle": idle,
        "begin": watched,
        "busy": busy,
        "each": (busy - idle) / cards,
        "late": sorted(told["late"]),
        "long": told["long"],
        "frames": told["frames"],
        "bytes": size / seconds,
        "memory": (before, after),
    }


def _share(page: Page, process: psutil.Process, seconds: float) -> float:
    """Return the share of a core that a process takes for a while, in percent."""
    begun, before = time.monotonic(), process.cpu_times()
    page.wait_for_timeout(seconds * 1000)
    after = process.cpu_times()
    used = after.user + after.system - before.user - before.system
    return 100 * used / (time.monotonic() - begun)


def show(cards: int, figures: dict[str, Any]) -> None:
    """Print the figures of a run."""
    late, long = figures["late"], figures["long"]
    before, after = (size / 2**20 for size in figures["memory"])
    is_met = verdict(figures["each"] < GOAL)
    print(f"\n{cards} card{'s' * (cards > 1)}")
    print(f"  kernel, idle           {figures['idle']:8.1f} % of a core")
    print(f"  kernel, reading        {figures['busy']:8.1f} % of a core")
    print(f"  for each card          {figures['each']:8.1f} %   goal < {GOAL:g} %: {is_met}")
    print(f"  comm                   {figures['bytes'] / 1024:8.0f} KiB/s")
    print(f"  memory of the kernel   {before:8.0f} MiB before, {after:.0f} MiB after")
    print(f"  timers of the page     {median(late):8.1f} ms late (worst {late[-1]:.0f} ms)")
    print(f"  tasks over 50 ms       {len(long):8} (longest {max(long, default=0):.0f} ms)")
    print(f"  frames                 {figures['frames']:8.0f} a second", flush=True)


if __name__ == "__main__":
    sys.exit(main())
