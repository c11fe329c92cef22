"""A list of 100,000 tasks in a real JupyterLab: bytes, first row, jump, sort, filter.

Run as ``python -m tests.benchmarks.table [--rows N] [--runs N]``. The service is a double in the
kernel, so that the figures are those of the widget. Times count from the execution of the cell
that shows the list (its tasks are there already) to the frame that paints the row.
"""

from __future__ import annotations

import argparse
import base64
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.benchmarks.figures import machine, median, verdict
from tests.browser.chromium import find
from tests.browser.conftest import FLAGS, READY, ROOT, Lab, Notebook, jupyter

BUILD = f"""import sys
sys.path.insert(0, {str(ROOT)!r})
from tests.benchmarks.table import live_list, long_list
tasks = long_list({{rows}})
live, transport, poller = live_list(100)"""
SHOW = "tasks.widget()"
LIVE = "widget = live.widget()\nwidget"
CHANGE = """import json
from tests.unit.conftest import wire_task
sent = []
send = widget.comm.send
widget.comm.send = lambda data=None, **k: (sent.append(data), send(data=data, **k))[1]
poller.poll_once()
sent.clear()
transport.calls.clear()
seen = live[5].id
transport.tasks[seen].update(wire_task(seen, "success"))
poller.poll_once()
bytes_ = sum(len(json.dumps(data, separators=(",", ":"))) for data in sent)
asked = [call for call in transport.calls if call[1] == "/tasks"]
print("change:", bytes_, "listings:", len(asked))
widget.close()"""

# Answers with the milliseconds until a row of the output says something, counted in frames.
UNTIL = """
const area = document.querySelectorAll('.jp-Notebook .jp-Cell')[index]
    .querySelector('.jp-Cell-outputArea');
const rows = () => [...area.querySelectorAll('[role=row]')]
    .filter(row => row.querySelector('[role=cell], [role=gridcell], [role=rowheader]'));
const until = async (condition) => {
    const start = performance.now();
    while (!condition()) {
        if (performance.now() - start > 20000) return null;
        await new Promise(requestAnimationFrame);
    }
    return performance.now() - start;
};
const scroller = () => {
    let node = rows()[0];
    while (node && !(node.scrollHeight > node.clientHeight + 50
        && /auto|scroll/.test(getComputedStyle(node).overflowY))) node = node.parentElement;
    return node;
};
const visible = () => {
    const top = scroller().getBoundingClientRect().top;
    return rows().find(row => row.getBoundingClientRect().bottom > top + 60);
};
"""
FIRST = f"""async ({{ index, words }}) => {{
    const notebook = jupyterapp.shell.currentWidget.content;
    notebook.activeCellIndex = index;
    {UNTIL}
    void jupyterapp.commands.execute('notebook:run-cell');
    return until(() => rows().some(row => row.textContent.includes(words)));
}}"""
ALIVE = f"""async ({{ index }}) => {{
    {UNTIL}
    return until(() => area.querySelector('[role=grid]') !== null);
}}"""
JUMP = f"""async ({{ index, count }}) => {{
    {UNTIL}
    const box = scroller();
    const height = rows()[0].getBoundingClientRect().height;
    box.scrollTop = (box.scrollHeight - box.clientHeight) / 2;
    const line = Math.floor((box.scrollTop + box.clientHeight / 2) / height);
    const near = [-1, 0, 1].map(step => 't' + String(line + step).padStart(6, '0'));
    return until(() => rows().some(row => near.some(id => row.textContent.includes(id))));
}}"""
SORT = f"""async ({{ index, name, words }}) => {{
    {UNTIL}
    const head = [...area.querySelectorAll('[role=columnheader]')]
        .find(node => node.textContent.trim().startsWith(name));
    (head?.querySelector('button') ?? head)?.click();
    return until(() => words.some(word => visible()?.textContent.includes(word)));
}}"""
FILTER = f"""async ({{ index, name, words }}) => {{
    {UNTIL}
    [...area.querySelectorAll('button, [role=checkbox], [role=radio], label')]
        .find(node => node.textContent.trim().startsWith(name))?.click();
    return until(() => visible()?.textContent.includes(words));
}}"""

GOALS = {"bytes": 120_000, "first": 150, "jump": 100, "sort": 300, "filter": 300, "change": 400}


def long_list(rows: int) -> Any:
    """Return a list of tasks that have ended; one in ten has failed, none of the first three."""
    import msgspec

    from inductiva_widgets.models.tasks import TaskInfo
    from inductiva_widgets.tasks import TaskList
    from tests.unit.conftest import FakeTransport, at, wire_task

    client = _client(FakeTransport([]))
    infos = []
    for index in range(rows):
        status = "failed" if index % 10 == 3 else "success"
        ended = at(16 + seconds_of(index, rows))
        fields = wire_task(f"t{index:06}", status, computation_end_time=ended, end_time=ended)
        infos.append(msgspec.convert(fields, TaskInfo, strict=False))
    return TaskList._from_infos(infos, client)


def live_list(rows: int) -> tuple[Any, Any, Any]:
    """Return a list of running tasks, the double of their service, and their poller."""
    from inductiva_widgets.polling import get_poller
    from inductiva_widgets.tasks import get
    from tests.unit.conftest import FakeTransport, wire_task

    transport = FakeTransport([wire_task(f"t{i:03}", "computation-started") for i in range(rows)])
    client = _client(transport)
    return get(last_n=rows, client=client), transport, get_poller(client)


def _client(transport: Any) -> Any:
    from inductiva_widgets.http.client import Client

    return Client(transport)


def seconds_of(index: int, rows: int) -> int:
    """Return how long a task took: another time for each, in no order."""
    return (index * 7919 + 5000) % rows + 1


def main() -> None:
    """Measure, and print the medians beside the goals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    flags = ["--LabApp.expose_app_in_browser=True", "--LabApp.news_url=None"]
    with (
        tempfile.TemporaryDirectory() as folder,
        jupyter("jupyterlab", flags, Path(folder) / "lab", {"PYTHONPATH": str(ROOT)}) as lab,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=find(), args=FLAGS) as chrome,
    ):
        page = chrome.new_page(viewport={"width": 1280, "height": 1000})
        figures = [
            measure(page, notebook, arguments.rows)
            for notebook in [open_list(page, lab, arguments.rows)]
            for _ in range(arguments.runs)
        ]
        change = measure_change(page)
    print(f"\n{arguments.rows:,} tasks, {arguments.runs} runs, {machine()}\n")
    show("bytes", "bytes until it is alive", "B", [one["bytes"] for one in figures])
    show("first", "first row", "ms", [one["first"] for one in figures])
    show("alive", "search, sort and choose", "ms", [one["alive"] for one in figures])
    show("jump", "jump to the middle", "ms", [one["jump"] for one in figures])
    show("sort", "sort of the whole set", "ms", [one["sort"] for one in figures])
    show("filter", "filter of the whole set", "ms", [one["filter"] for one in figures])
    show("change", "one change among 100", "B", [change[0]])
    print(f"{'requests a tick, 100 live':28}{change[1]:>10}")


def open_list(page: Page, lab: Lab, rows: int) -> Notebook:
    """Open the notebook and build its lists."""
    lab.write("task_table.ipynb", BUILD.format(rows=rows), SHOW, LIVE, CHANGE)
    page.goto(f"{lab.url}/doc/tree/task_table.ipynb?reset", wait_until="domcontentloaded")
    page.wait_for_function(READY, timeout=60_000)
    notebook = Notebook(page)
    notebook.run(0)
    return notebook


def measure(page: Page, notebook: Notebook, rows: int) -> dict[str, float | None]:
    """Show the list once, and use it."""
    page.evaluate("jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    received = Received(page)
    first = page.evaluate(FIRST, {"index": 1, "words": "t000000"})
    alive = page.evaluate(ALIVE, {"index": 1})
    size = received.stop()
    jump = page.evaluate(JUMP, {"index": 1, "count": rows})
    order = sorted(range(rows), key=lambda index: seconds_of(index, rows))
    ends = [f"t{order[0]:06}", f"t{order[-1]:06}"]
    sort = page.evaluate(SORT, {"index": 1, "name": "Computation", "words": ends})
    chosen = page.evaluate(FILTER, {"index": 1, "name": "Failed", "words": "Failed"})
    return {
        "bytes": size,
        "first": first,
        "alive": first + alive,
        "jump": jump,
        "sort": sort,
        "filter": chosen,
    }


class Received:
    """Counts the bytes that come over web sockets until it is stopped."""

    def __init__(self, page: Page) -> None:
        self._bytes = 0
        self._session = page.context.new_cdp_session(page)
        self._session.on("Network.webSocketFrameReceived", self._count)
        self._session.send("Network.enable")

    def _count(self, event: dict[str, Any]) -> None:
        frame = event["response"]
        data = frame["payloadData"]
        is_text = frame["opcode"] == 1
        self._bytes += len(data.encode()) if is_text else len(base64.b64decode(data))

    def stop(self) -> int:
        """Return how many bytes have come."""
        self._session.detach()
        return self._bytes


def measure_change(page: Page) -> tuple[int, int]:
    """Return the bytes of one changed status, and the requests of a look at 100 tasks."""
    notebook = Notebook(page)
    notebook.run(2)
    notebook.run(3)
    words = notebook.output(3).inner_text().split()
    return int(words[1]), int(words[3])


def show(key: str, title: str, unit: str, values: list[float | None]) -> None:
    """Print a line: the median, its spread, the goal."""
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        print(f"{title:28}{'not seen':>10}")
        return
    middle = median(known)
    spread = f"({min(known):,.0f} to {max(known):,.0f})"
    line = f"{title:28}{middle:>10,.0f} {unit} {spread:22}"
    if key in GOALS:
        line += f" goal {GOALS[key]:,} {unit}: {verdict(middle <= GOALS[key])}"
    print(line)


if __name__ == "__main__":
    sys.exit(main())
