"""Requests of the page reach the widget while a cell runs, and interrupts end what a cell follows.

Real kernels, spoken to as a front end without subshells does. What JupyterLab and Notebook do, with
subshells, is tested in the browser.
"""

import os
import queue
import subprocess
import sys
import time
from pathlib import Path

import pytest
from jupyter_client import KernelManager

from tests.embedded import end_server

CASE = Path(__file__).parents[2] / "notebooks/cases/swmm_fail"
SETUP = f"""
import inductiva_widgets as inductiva
inductiva.connect("local")
image = inductiva.simulators.CustomImage("none")
task = image.run({str(CASE)!r}, commands=["echo computing", "sleep 3600"])
card = task.widget()
print(card.comm.comm_id, task.id)
"""
# A download that never comes to an end by itself, waited for as a cell does.
DOWNLOAD = """
import time
from inductiva_widgets import widgets
from inductiva_widgets.downloads import Download
from inductiva_widgets.errors import DownloadCancelled
from inductiva_widgets.tasks import _display

def work(tally):
    while not tally.cancel_token.cancelled:
        time.sleep(0.05)
    raise DownloadCancelled("cancelled")

download = Download(work, ".").start()
bar = widgets.DownloadWidget(download, title="Endless")

def wait():
    try:
        return _display.wait_with_progress(download, "Endless")
    except DownloadCancelled as error:
        return str(error)

print(bar.comm.comm_id)
"""


@pytest.fixture(scope="session")
def old_ipykernel(tmp_path_factory):
    """Return a folder with ipykernel 6, the last version that has one thread for all messages."""
    return install_ipykernel("6.*", tmp_path_factory.mktemp("ipykernel"))


@pytest.fixture(scope="session")
def first_ipykernel_7(tmp_path_factory):
    """Return a folder with the first version that has a thread of its own for the messages."""
    return install_ipykernel("7.0.*", tmp_path_factory.mktemp("ipykernel"))


def install_ipykernel(version, folder):
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps"]
    command += ["--python", sys.executable, "--target", str(folder), f"ipykernel=={version}"]
    subprocess.run(command, check=True)
    return folder


@pytest.fixture
def start_kernel(tmp_path):
    """Return a function that starts a kernel with a running task and its card in it."""
    data = tmp_path / "local"
    started = []

    def start(path=""):
        environment = {
            **os.environ,
            "INDUCTIVA_LOCAL_DIR": str(data),
            "IPYTHONDIR": str(tmp_path / "ipython"),
            "PYTHONPATH": os.pathsep.join(filter(None, [str(path), *sys.path])),
        }
        manager = KernelManager()
        manager.kernel_cmd = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        manager.start_kernel(env=environment, cwd=str(tmp_path))
        client = manager.client()
        client.start_channels()
        started.append((manager, client))
        client.wait_for_ready(timeout=60)
        return FrontEnd(client, manager)

    yield start
    for manager, client in started:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    end_server(data)


class FrontEnd:
    """A front end without subshells."""

    def __init__(self, client, manager):
        self.client = client
        self.manager = manager

    def run(self, code):
        """Run a cell to its end and return what it printed."""
        printed = []
        reply = self.client.execute_interactive(
            code, timeout=60, output_hook=lambda m: printed.append(m["content"].get("text", ""))
        )
        assert reply["content"]["status"] == "ok", reply["content"]
        return "".join(printed).strip()

    def start(self, code):
        """Run a cell and return its id once it is running."""
        cell = self.client.execute(code)
        self.until(lambda m: m["msg_type"] == "stream" and "begun" in m["content"]["text"])
        return cell

    def press(self, comm_id, kind, **content):
        """Send a request of the page."""
        data = {"method": "custom", "content": {"id": kind, "kind": kind, **content}}
        session, channel = self.client.session, self.client.shell_channel
        channel.send(session.msg("comm_msg", {"comm_id": comm_id, "data": data}))

    def until(self, is_wanted, seconds=90):
        """Return all messages up to the first that is wanted."""
        deadline, seen = time.monotonic() + seconds, []
        while time.monotonic() < deadline:
            try:
                seen.append(self.client.get_iopub_msg(timeout=1))
            except queue.Empty:
                continue
            if is_wanted(seen[-1]):
                return seen
        raise AssertionError([(m["msg_type"], str(m["content"])[:200]) for m in seen])


def is_reply(message):
    data = message["content"].get("data") or {}
    return (
        message["msg_type"] == "comm_msg"
        and data.get("method") == "custom"
        and "ok" in data["content"]
    )


def cell_is_over(cell):
    return lambda message: (
        message["msg_type"] == "status"
        and message["content"]["execution_state"] == "idle"
        and message["parent_header"].get("msg_id") == cell
    )


def test_request_is_answered_while_any_cell_runs(start_kernel):
    front = start_kernel()
    comm_id, task_id = front.run(SETUP).split()[-2:]
    cell = front.start("print('begun', flush=True); import time; time.sleep(6); print('over')")
    front.press(comm_id, "kill", task_id=task_id)
    seen = front.until(is_reply)
    assert not any("over" in str(message["content"]) for message in seen)
    assert seen[-1]["content"]["data"]["content"]["ok"], seen[-1]["content"]
    # The kernel hands the message out once more when the cell is over: nothing is done twice.
    front.until(cell_is_over(cell))
    front.client.execute("print('all', 'seen')")
    rest = front.until(lambda message: "all seen" in str(message["content"].get("text")))
    assert not any(is_reply(message) for message in rest)


@pytest.mark.extended
def test_ipykernel_6_answers_while_a_cell_waits_for_the_task(start_kernel, old_ipykernel):
    front = start_kernel(old_ipykernel)
    assert front.run("import ipykernel; print(ipykernel.version_info[0])") == "6"
    comm_id, task_id = front.run(SETUP).split()[-2:]
    cell = front.start("print('begun', flush=True); print('ended as', task.wait())")
    # What is no message of a widget keeps its place in the queue.
    later = front.client.execute("print('the next', 'cell')")
    front.press(comm_id, "kill", task_id=task_id)
    seen = front.until(cell_is_over(cell))
    assert any(is_reply(message) for message in seen)
    printed = [m for m in seen if "ended as killed" in str(m["content"].get("text"))]
    # The pump gives the cell its parent back: what it prints is shown below it.
    assert [message["parent_header"]["msg_id"] for message in printed] == [cell]
    rest = front.until(cell_is_over(later))
    assert any("the next cell" in str(message["content"].get("text")) for message in rest)


def test_ipykernel_6_answers_while_a_cell_downloads(start_kernel, old_ipykernel):
    front = start_kernel(old_ipykernel)
    comm_id = front.run(DOWNLOAD)
    cell = front.start("print('begun', flush=True); answer = wait()")
    front.press(comm_id, "cancel_download")
    # Nothing but the cancel ends it.
    front.until(cell_is_over(cell))
    assert front.run("print(answer)") == "cancelled"


@pytest.mark.parametrize(
    "is_old",
    [
        pytest.param(False, id="ipykernel"),
        pytest.param(True, id="ipykernel-6", marks=pytest.mark.extended),
    ],
)
def test_interrupted_tail_ends_at_once_and_works_again(start_kernel, request, is_old):
    front = start_kernel(request.getfixturevalue("old_ipykernel") if is_old else "")
    comm_id, task_id = front.run(SETUP).split()[-2:]
    follow = "print('begun', flush=True); task.tail_files('stdout.txt', lines=100, follow=True)"

    def begins(message):
        return "computing" in str(message["content"].get("text"))

    cell = front.client.execute(follow)
    front.until(begins)
    interrupted = time.monotonic()
    front.manager.interrupt_kernel()
    seen = front.until(cell_is_over(cell))
    assert any(message["content"].get("ename") == "KeyboardInterrupt" for message in seen)
    assert time.monotonic() - interrupted < 60
    # Again, and now to the end, which the button brings.
    cell = front.client.execute(follow)
    front.until(begins)
    front.press(comm_id, "kill", task_id=task_id)
    seen = front.until(cell_is_over(cell))
    assert not any(message["msg_type"] == "error" for message in seen)


# What JupyterLab asks when a page connects: the kernel, its comms, and the states of its widgets.
VERSION = {"version": "1.0.0"}


def ask_as_a_new_page(front):
    """Send what a reloaded page sends; return the ids of the messages."""
    session, channel = front.client.session, front.client.shell_channel
    control = "a" * 32
    messages = [
        session.msg("kernel_info_request", {}),
        session.msg("comm_info_request", {"target_name": "jupyter.widget"}),
        session.msg(
            "comm_open",
            {"comm_id": control, "target_name": "jupyter.widget.control", "data": {}},
            metadata=VERSION,
        ),
        session.msg("comm_msg", {"comm_id": control, "data": {"method": "request_states"}}),
    ]
    for message in messages:
        channel.send(message)
    return [message["header"]["msg_id"] for message in messages]


def is_idle_after(message_id):
    return lambda message: (
        message["msg_type"] == "status"
        and message["content"]["execution_state"] == "idle"
        and message["parent_header"].get("msg_id") == message_id
    )


def replies(front):
    found = {}
    while True:
        try:
            message = front.client.get_shell_msg(timeout=0.2)
        except queue.Empty:
            return found
        found[message["parent_header"]["msg_id"]] = message


@pytest.mark.parametrize(
    "version",
    [
        pytest.param("", id="ipykernel"),
        pytest.param("first_ipykernel_7", id="ipykernel-7.0", marks=pytest.mark.extended),
    ],
)
def test_page_that_connects_while_a_cell_runs_gets_the_states_of_the_widgets(
    start_kernel, request, version
):
    front = start_kernel(version and request.getfixturevalue(version))
    comm_id, _ = front.run(SETUP).split()[-2:]
    cell = front.start("print('begun', flush=True); import time; time.sleep(8); print('over')")
    kernel_info, comm_info, _, states = ask_as_a_new_page(front)
    seen = front.until(is_idle_after(states))
    assert not any("over" in str(message["content"].get("text")) for message in seen)
    updates = [
        message["content"]["data"]["states"]
        for message in seen
        if message["msg_type"] == "comm_msg"
        and message["parent_header"].get("msg_id") == states
        and message["content"]["data"].get("method") == "update_states"
    ]
    assert [comm_id in update for update in updates] == [True]
    found = replies(front)
    assert found[kernel_info]["content"]["implementation"] == "ipython"
    assert comm_id in found[comm_info]["content"]["comms"]
    # Of one widget, as older front ends ask for each.
    session, channel = front.client.session, front.client.shell_channel
    one = session.msg("comm_msg", {"comm_id": comm_id, "data": {"method": "request_state"}})
    channel.send(one)
    seen = front.until(is_idle_after(one["header"]["msg_id"]))
    assert not any("over" in str(message["content"].get("text")) for message in seen)
    assert any(
        message["parent_header"].get("msg_id") == one["header"]["msg_id"]
        and message["content"].get("data", {}).get("method") == "update"
        for message in seen
    )
    # The cell keeps what is its own.
    seen = front.until(cell_is_over(cell))
    printed = [message for message in seen if "over" in str(message["content"].get("text"))]
    assert [message["parent_header"]["msg_id"] for message in printed] == [cell]


@pytest.mark.extended
def test_page_that_connects_to_ipykernel_6_is_answered_after_the_cell(start_kernel, old_ipykernel):
    front = start_kernel(old_ipykernel)
    comm_id, _ = front.run(SETUP).split()[-2:]
    cell = front.start("print('begun', flush=True); import time; time.sleep(2)")
    *_, states = ask_as_a_new_page(front)
    seen = front.until(is_idle_after(states))
    assert any(cell_is_over(cell)(message) for message in seen)
    assert any(
        comm_id in message["content"]["data"].get("states", ())
        for message in seen
        if message["msg_type"] == "comm_msg"
    )


THREAD = """
import threading
from IPython.display import display

shown = threading.Event()

def show():
    # The message that the page sends below comes between.
    if asked.wait(20):
        display(card)
    shown.set()

asked = threading.Event()
card._handlers["log"] = lambda _: asked.set()
threading.Thread(target=show).start()
print("begun", flush=True)
"""


@pytest.mark.parametrize(
    "version",
    [
        pytest.param("", id="ipykernel"),
        pytest.param("first_ipykernel_7", id="ipykernel-7.0", marks=pytest.mark.extended),
    ],
)
def test_card_that_a_thread_displays_belongs_to_the_last_cell(start_kernel, request, version):
    front = start_kernel(version and request.getfixturevalue(version))
    comm_id, _ = front.run(SETUP).split()[-2:]
    cell = front.client.execute(THREAD)
    front.until(cell_is_over(cell))
    # ipykernel would take this message for the parent of the display, which no cell has sent.
    front.press(comm_id, "log")
    seen = front.until(lambda message: message["msg_type"] == "display_data")
    assert seen[-1]["parent_header"]["msg_id"] == cell
