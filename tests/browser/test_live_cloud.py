"""A running task of the cloud in a card: its files come by WebRTC.

The embedded server answers as the peer of its tasks; behind a proxy it does not name itself, so
that it is taken for the cloud.
"""

import re

import pytest
from playwright.sync_api import expect

from tests.browser import workload_scripts
from tests.browser.conftest import take
from tests.browser.test_live import RESIDUAL, becomes, card_in, grows, redraws
from tests.embedded import end_server
from tests.fault_proxy import Fault, FaultProxy
from tests.integration.server.conftest import LocalServer

pytestmark = pytest.mark.extended

SETUP = """import os
os.environ["INDUCTIVA_TURN_SERVER_URL"] = "turn.invalid:3478"
import inductiva_widgets as inductiva
client = inductiva.connect({url!r}, api_key={key!r})"""
SHOW = "task = inductiva.Task({task!r})\nprint('local' if client.is_local else 'cloud')\ntask"


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "server"
    server = LocalServer(folder)
    yield server
    end_server(folder)
    server.end()
    server.session.close()


@pytest.fixture
def cloud(server):
    """Return the address of the server where it does not name itself."""
    with FaultProxy(server.url) as proxy:
        proxy.faults.append(Fault(headers={"Server": "cloud"}, times=None))
        yield proxy


def test_card_follows_the_log_the_numbers_and_the_files_by_webrtc(
    open_notebook, lab, page, server, cloud, tmp_path
):
    task = server.run(f"python solve.py {tmp_path}", files={"solve.py": workload_scripts.SOLVE})
    cells = (
        SETUP.format(url=cloud.url, key=server.key),
        SHOW.format(task=task),
        f"watch = task.watch({RESIDUAL!r})",
        # The archive does not say when its rows were read.
        "print(watch.wait(20), watch.to_frame().drop(columns='read_at').equals("
        f"task.metrics({RESIDUAL!r}).drop(columns='read_at')))",
    )
    notebook = open_notebook(lab.write("cloud.ipynb", *cells))
    for index in range(3):
        notebook.run(index)
    expect(notebook.output(1)).to_contain_text("cloud")
    card = card_in(notebook.output(1))
    becomes(card, "computation-started")
    line = card.get_by_role("group", name="Metrics").get_by_role("listitem")
    expect(line).to_contain_text("residual", timeout=60_000)
    redraws(line.get_by_role("img"))

    card.get_by_role("tab", name="Log").click()
    log = card.get_by_role("log")
    expect(log).to_contain_text(re.compile(r"step\s+\d+\s+residual"), timeout=60_000)
    expect(log).to_contain_text("solver of the tests")
    newest = grows(page, lambda: steps(log)[-1])
    take(page, card, "card-cloud-log")

    card.get_by_role("tab", name="Files").click()
    files = card.get_by_role("treegrid", name="Working folder")
    field = files.get_by_role("row", name=re.compile("velocity.dat"))
    expect(field).to_be_visible(timeout=60_000)
    expect(files.get_by_role("row", name=re.compile("stdout.txt"))).to_be_visible()
    # Neither sizes nor times are known.
    expect(field.get_by_role("gridcell")).to_have_count(1)
    take(page, card, "card-cloud-files")

    # All readers of the task have one connection.
    assert [entry.path for entry in cloud.log if entry.path.endswith("/offer")] == [
        f"/tasks/{task}/offer"
    ]
    card.get_by_role("tab", name="Log").click()
    (tmp_path / "end").touch()
    becomes(card, "success")
    expect(log).to_contain_text("converged", timeout=60_000)
    # Of the lines that are in sight none is lost or doubled.
    shown = steps(log)
    assert shown == list(range(shown[0], shown[-1] + 1))
    assert shown[-1] > newest
    expect(line).to_be_visible()
    notebook.run(3)
    expect(notebook.output(3)).to_contain_text("True True", timeout=60_000)
    take(page, card, "card-cloud-end")


def steps(log):
    """Return the numbers of the steps that the log shows."""
    return [int(step) for step in re.findall(r"step\s+(\d+)", log.inner_text())]
