"""A download in a cell over a slow line: paused, resumed, cancelled, and finished later."""

import io
import re
import shutil
import time
import zipfile
from urllib.request import urlopen

import pytest
from playwright.sync_api import expect

import inductiva_widgets as inductiva
from tests.browser.conftest import ROOT, take
from tests.fault_proxy import FaultProxy

CONNECT = """import json, os
from pathlib import Path
import inductiva_widgets as inductiva
server = json.loads((Path(os.environ["INDUCTIVA_LOCAL_DIR"]) / "server.json").read_text())
inductiva.connect("{url}", api_key=server["api_key"])
task = inductiva.Task("{task_id}")"""
DOWNLOAD = "task.download_outputs()"

# About a megabyte comes: long enough to press every button while it does, in bytes per second.
SLOW = 40_000


@pytest.fixture(scope="module")
def task(local_server):
    """Return a task that has ended and has outputs worth waiting for."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in local_server.items():
            patch.setenv(name, value)
        client = inductiva.connect("local")
        case = ROOT / "notebooks" / "cases" / "swmm_storm"
        task = inductiva.simulators.SWMM().run(case)
        task.wait(silent_mode=True, download_std_on_completion=False)
        assert task.client is client
        yield task


@pytest.fixture
def proxy(task):
    """Return a line to the embedded server whose speed may be chosen."""
    with FaultProxy(task.client.transport.settings.api_url) as proxy:
        yield proxy


@pytest.fixture
def folder(lab, task):
    """Return where the files will go; nothing of an earlier test is there."""
    folder = lab.folder / "inductiva_output" / task.id / "outputs"
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def bar(notebook, index):
    return notebook.output(index).get_by_role("region", name=re.compile("^Outputs of task "))


def overall(region):
    return region.get_by_role("progressbar", name="Download", exact=True)


def percent(region):
    return int(overall(region).get_attribute("aria-valuenow"))


def rises_above(region, value):
    numbers = "|".join(str(number) for number in range(value + 1, 101))
    expect(overall(region)).to_have_attribute(
        "aria-valuenow", re.compile(f"^({numbers})$"), timeout=60_000
    )


def members(task):
    with urlopen(task.get_output_url(), timeout=30) as answer:
        archive = zipfile.ZipFile(io.BytesIO(answer.read()))
    names = [name for name in archive.namelist() if not name.endswith("/")]
    return {name.removeprefix("artifacts/"): archive.read(name) for name in names}


def test_download_is_paused_resumed_cancelled_and_finished_after_a_restart(
    open_notebook, lab, page, proxy, task, folder
):
    connect = CONNECT.format(url=proxy.url, task_id=task.id)
    notebook = open_notebook(lab.write("slow.ipynb", connect, DOWNLOAD))
    notebook.run(0)
    proxy.rate = SLOW
    notebook.start(1)
    region = bar(notebook, 1)
    # The file under way has a row of its own.
    expect(region.get_by_role("progressbar", name="model.out")).to_be_visible(timeout=30_000)
    rises_above(region, 6)
    take(page, region, "download-running")

    region.get_by_role("button", name="Pause").click()
    expect(region).to_contain_text("Paused")
    # The connections are given back, so that nothing can arrive until there are new ones.
    deadline = time.monotonic() + 30
    while any(not entry.end for entry in proxy.log) and time.monotonic() < deadline:
        page.wait_for_function("() => new Promise(requestAnimationFrame)")
    assert all(entry.end for entry in proxy.log), [str(entry) for entry in proxy.log]
    before = percent(region)
    assert before < 100
    take(page, region, "download-paused")

    region.get_by_role("button", name="Resume").click()
    expect(region).not_to_contain_text("Paused")
    rises_above(region, before + 1)

    # All of that while the cell is blocked; now it is told.
    expect(notebook.output(1)).not_to_contain_text("DownloadCancelled")
    region.get_by_role("button", name="Cancel download").click()
    expect(region).to_contain_text("Cancelled at")
    expect(region).to_contain_text("again goes on from there")
    expect(notebook.output(1)).to_contain_text("DownloadCancelled", timeout=60_000)
    take(page, region, "download-cancelled")

    assert not (folder / "model.out").exists()

    page.evaluate("jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
    proxy.rate = None
    proxy.forget()
    notebook.run(0)
    notebook.run(1)
    region = bar(notebook, 1)
    expect(region).to_contain_text(re.compile(r"Downloaded \d+ files, "), timeout=30_000)
    # What stays in the notebook: words that need no kernel.
    expect(region.get_by_role("code")).to_contain_text(f"inductiva_output/{task.id}/outputs")
    expect(region.get_by_role("button")).to_have_count(0)
    take(page, region, "download-done")
    expected = members(task)
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert found == expected


@pytest.mark.extended
def test_card_goes_on_with_a_download_that_was_cancelled(
    open_notebook, lab, page, proxy, task, folder
):
    connect = CONNECT.format(url=proxy.url, task_id=task.id)
    cells = (f"{connect}\ntask", "import time; time.sleep(600); print('cell ended')")
    notebook = open_notebook(lab.write("card.ipynb", *cells))
    notebook.run(0)
    card = notebook.output(0).get_by_role("region", name=re.compile("^Task "))
    card.get_by_role("tab", name=re.compile("Outputs")).click()
    expect(card).to_contain_text("model.out")
    card.get_by_role("checkbox", name="Select model.out").check()
    # All of it works beside a cell that is running.
    notebook.start(1)
    proxy.rate = SLOW
    card.get_by_role("button", name="Download selected").click()
    rises_above(card, 4)
    take(page, card, "download-card")
    card.get_by_role("button", name="Pause").click()
    expect(card).to_contain_text("Paused")
    card.get_by_role("button", name="Resume").click()
    card.get_by_role("button", name="Cancel download").click()
    expect(card).to_contain_text("Cancelled at")
    proxy.rate = None
    card.get_by_role("button", name="Resume download").click()
    expect(card).to_contain_text(re.compile("Downloaded 1 file, "), timeout=30_000)
    expect(notebook.output(1)).not_to_contain_text("cell ended")
    assert (folder / "model.out").read_bytes() == members(task)["model.out"]
    assert not (folder / "model.rpt").exists()
