"""The demo as its users meet it: a real server whose tasks are all made up."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import zipfile

import psutil
import pytest
import requests

from inductiva_widgets.errors import APIError, LocalServerError
from inductiva_widgets.http import default_client as connecting
from inductiva_widgets.server import __main__
from inductiva_widgets.server.demo.options import DEMO_HEADER, DemoOptions
from inductiva_widgets.server.launch import start_or_attach
from inductiva_widgets.tasks import Task, get, get_all
from tests.integration.server.conftest import ROOT, LocalServer, is_running, until
from tests.integration.server.peer import PeerClient

pytestmark = pytest.mark.extended

DEMO = ("--replay", "--speed", "100", "--seed", "5")


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    server = LocalServer(tmp_path_factory.mktemp("demo"), *DEMO)
    yield server
    server.end()
    server.session.close()


@pytest.fixture
def client(demo, monkeypatch):
    monkeypatch.setattr(connecting, "_default", None)
    return connecting.connect(demo.url, api_key=demo.key)


def some_task(demo, status):
    return demo.get("/tasks", 200, status=status, per_page=1)["tasks"][0]


# What is there ----------------------------------------------------------------------------------


def test_every_answer_is_marked(demo):
    for path in ("/version", "/tasks", "/tasks/none", "/users/info"):
        assert demo.session.get(demo.url + path, timeout=30).headers[DEMO_HEADER] == "DEMO"


def test_server_of_real_tasks_has_no_mark(shared):
    assert DEMO_HEADER not in shared.session.get(f"{shared.url}/tasks", timeout=30).headers


def test_history_is_there_when_the_server_is(demo):
    assert demo.get("/tasks")["total_size"] >= 500


def test_reading_endpoints_answer_for_a_task_of_each_status(demo):
    overview = {}
    for project in demo.get("/projects"):
        for status, count in project["task_status_overview"].items():
            overview[status] = overview.get(status, 0) + count
    assert len(overview) >= 12
    for status in overview:
        page = demo.get("/tasks", 200, status=status, per_page=1)["tasks"]
        # A live one may have moved on.
        for task in page:
            task_id = task["task_id"]
            assert task_id.startswith("demo")
            assert demo.get(f"/tasks/{task_id}")["status_history"]
            assert demo.get(f"/tasks/{task_id}/status")["id"] == task_id
            assert demo.get(f"/tasks/{task_id}/metadata")


def test_outputs_can_be_listed_read_and_downloaded(demo):
    task = some_task(demo, "success")
    path = task["storage_output_path"]
    listed = demo.get("/storage/zip-contents", 200, path=path, zip_relative_path="artifacts/")
    assert {"stdout.txt", "stderr.txt"} <= {entry["name"] for entry in listed["contents"]}
    assert listed["size"] == task["metrics"]["output_zipped_size_bytes"]
    with demo.archive(task["task_id"]) as archive:
        assert archive.testzip() is None
    tail = demo.session.get(f"{demo.url}/tasks/{task['task_id']}/files/stdout.txt", timeout=30)
    assert "Normal end of the simulation." in tail.text


def test_client_sees_tasks_frames_and_files(client, tmp_path):
    assert len(get_all(client=client)) >= 500
    frame = get_all(client=client).to_frame()
    assert frame["machine_type"].nunique() >= 8
    [failed] = get(last_n=1, status="failed", client=client)
    folder = failed.download_outputs(["stderr.txt"], tmp_path)
    assert len((folder / "stderr.txt").read_text()) > 60


# What happens -----------------------------------------------------------------------------------


def test_live_task_goes_to_its_end(demo):
    def ended():
        page = demo.get("/tasks", 200, project="demo-live", status="success")["tasks"]
        return page and page[0]

    task = until(ended, "a live task to succeed")
    detail = demo.get(f"/tasks/{task['task_id']}")
    assert [entry["status"] for entry in detail["status_history"]] == [
        "pending-input",
        "submitted",
        "started",
        "computation-started",
        "computation-ended",
        "success",
    ]
    packed = demo.archive(task["task_id"])
    assert "artifacts/results/series.csv" in packed.namelist()


def running(demo):
    """Return the id of the newest task that computes."""

    def newest():
        page = demo.get("/tasks", 200, project="demo-live", status="computation-started")
        return page["tasks"] and page["tasks"][0]["task_id"]

    return until(newest, "a task to run")


def test_running_task_can_be_followed_and_killed(demo, client):
    for _ in range(20):
        task = Task(running(demo), client=client)
        task.kill(wait_timeout=30)
        if task.get_status() == "killed":
            break
        # It has ended by itself just before.
    assert task.get_status() == "killed"
    codes = [entry["status"] for entry in demo.get(f"/tasks/{task.id}")["status_history"]]
    assert codes[-2:] == ["pending-kill", "killed"]


def test_running_task_answers_over_webrtc_to_its_end(make_server):
    # Slower than the others, so that it runs for as long as it takes to connect.
    demo = make_server("--replay", "--speed", "30", "--seed", "5")

    async def watch(task_id):
        async with PeerClient(demo, task_id) as client:
            log = {"filename": "stdout.txt", "lines": 10**6, "wait": True}
            await client.first.ask("tail", follow=True, **log)
            begin = await client.first.lines(1)
            other = client.channel()
            listing = await other.get("ls")
            last = await other.get("last_modified_file")
            shown = await other.get("top")
            return begin + await client.first.lines(), listing, last, shown

    task_id = running(demo)
    lines, listing, last, shown = asyncio.run(watch(task_id))
    assert {"stdout.txt", "stderr.txt"} <= set(listing)
    assert last["most_recent_file"] in listing
    # It has no processes.
    assert shown.endswith("COMMAND\n")
    demo.wait(task_id)
    assert lines == demo.output(task_id, "stdout.txt").splitlines()


def test_queued_task_has_a_position(demo):
    def queued():
        for task in demo.get("/tasks", 200, status="submitted")["tasks"]:
            told = demo.get(f"/tasks/{task['task_id']}/status")["position_in_queue"]
            if told:
                return told
        return None

    assert until(queued, "a task in the queue")["tasks_ahead"] >= 0


# What does not ----------------------------------------------------------------------------------


def test_nothing_real_comes_in(demo):
    refused = demo.call("POST", "/tasks/submit", 400, json=demo.submission(["python -c pass"]))
    assert "DEMO" in refused["detail"]
    assert 'connect("local")' in refused["detail"]
    group = {"machine_type": "c2-standard-4"}
    assert "DEMO" in demo.call("POST", "/compute/group", 400, json=group)["detail"]
    query = {"machine_group_id": "local"}
    assert "DEMO" in demo.call("POST", "/compute/group/start", 400, params=query)["detail"]
    query = {"operation": "upload", "paths": "/mine/input.zip"}
    assert "DEMO" in demo.get("/storage/signed-urls", 400, **query)["detail"]
    waiting = some_task(demo, "pending-input")["task_id"]
    assert "DEMO" in demo.call("POST", f"/tasks/{waiting}/input_uploaded", 400)["detail"]


def test_simulator_says_in_a_sentence_that_the_demo_runs_nothing(client, tmp_path):
    from inductiva_widgets.simulators import SWMM

    (tmp_path / "model.inp").touch()
    with pytest.raises(APIError, match="DEMO data, where all tasks are made up"):
        SWMM().run(input_dir=tmp_path)


def test_mark_of_a_task_cannot_be_taken_off(demo):
    path = f"/tasks/{some_task(demo, 'success')['task_id']}/metadata"
    demo.call("PUT", path, json={"mine": "yes", "inductiva-widgets.data": "real"})
    assert demo.get(path) == {"mine": "yes", "inductiva-widgets.data": "DEMO"}


def test_real_server_refuses_the_folder_of_the_demo(demo, capsys):
    assert __main__.main(["--data-dir", str(demo.data_dir)]) == 1
    assert "DEMO" in capsys.readouterr().err
    with pytest.raises(LocalServerError, match="DEMO"):
        start_or_attach(demo.data_dir)


def test_demo_refuses_the_folder_of_real_tasks(shared, capsys):
    assert __main__.main(["--replay", "--data-dir", str(shared.data_dir)]) == 1
    assert "holds real tasks" in capsys.readouterr().err
    with pytest.raises(LocalServerError, match="holds real tasks"):
        start_or_attach(shared.data_dir, replay=DemoOptions())
    assert not (shared.data_dir / "replay.json").exists()


def test_demo_starts_no_process(demo):
    until(lambda: demo.get("/tasks", 200, project="demo-live")["tasks"], "live tasks")
    assert psutil.Process(demo.process.pid).children() == []


# Starting it ------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Return the data folder of real tasks, beside which that of the demo is."""
    monkeypatch.setenv("INDUCTIVA_LOCAL_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(connecting, "_default", None)
    monkeypatch.delenv("INDUCTIVA_API_URL", raising=False)
    yield tmp_path / "data"
    for name in ("data", "data-replay"):
        note = tmp_path / name / "server.json"
        if note.exists():
            pid = json.loads(note.read_text())["pid"]
            os.kill(pid, signal.SIGTERM)
            until(lambda pid=pid: not is_running(pid), "the server to end")


def test_demo_and_real_server_are_two_which_know_nothing_of_each_other(home):
    shown = connecting.connect("replay")
    real = connecting.connect("local")
    assert shown.is_local
    assert shown.url != real.url
    assert len(get(last_n=1000, client=shown)) >= 500
    assert len(get(last_n=1000, client=real)) == 0
    assert connecting.connect("replay").url == shown.url
    assert not (home / "replay.json").exists()
    assert (home.parent / "data-replay" / "replay.json").exists()


def test_environment_may_name_the_demo(home, monkeypatch):
    monkeypatch.setenv("INDUCTIVA_API_URL", "replay")
    assert connecting.default_client().url == connecting.connect("replay").url
    assert get(last_n=1)[0].id.startswith("demo")


def test_seed_gives_the_same_tasks_in_another_folder(demo, make_server):
    other = make_server(*DEMO)
    query = {"project": "demo-drainage", "per_page": 500}
    first, second = (
        [task["task_id"] for task in server.get("/tasks", 200, **query)["tasks"]]
        for server in (demo, other)
    )
    assert first == second
    assert len(first) > 20


def test_table_in_a_terminal_says_demo_once_and_beside_the_data(demo):
    access = {"INDUCTIVA_API_URL": demo.url, "INDUCTIVA_API_KEY": demo.key}
    done = subprocess.run(
        [sys.executable, "-m", "inductiva_widgets", "tasks", "list", "-n", "3", "-s", "success"],
        cwd=ROOT,
        env={**os.environ, **access},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr.startswith("DEMO data:")
    assert done.stderr.count("\n") == 1
    assert "DEMO" not in done.stdout
    assert done.stdout.count(" demo") == 3


def test_served_file_is_a_whole_archive(demo):
    path = some_task(demo, "failed")["storage_output_path"]
    link = demo.get("/storage/signed-urls", operation="download", paths=path)[0]
    content = requests.get(link, timeout=30).content
    assert zipfile.ZipFile(io.BytesIO(content)).testzip() is None
