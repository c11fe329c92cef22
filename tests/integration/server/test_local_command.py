"""``inductiva-widgets local``: status, start, stop and clean, as a user calls them."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.integration.server.conftest import ROOT, until

WAIT = "import os, sys, time\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.02)\n"


def local(*words, given=None, **environment):
    return subprocess.run(
        [sys.executable, "-m", "inductiva_widgets", "local", *map(str, words)],
        cwd=ROOT,
        env={**os.environ, **environment},
        input=given,
        stdin=subprocess.DEVNULL if given is None else None,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def about(server, word, *more, **options):
    return local(word, "--data-dir", server.data_dir, *more, **options)


@pytest.fixture
def server(make_server):
    return make_server("--workers", "1")


def finished(server):
    task_id = server.run("python -c pass", files={"big.bin": os.urandom(300_000)})
    assert server.wait(task_id)["status"] == "success"
    return task_id


def waiting(server, go_on):
    task_id = server.run(f"python wait.py {go_on}", files={"wait.py": WAIT})
    server.wait(task_id, "computation-started")
    return task_id


def test_status_without_a_server_is_exit_code_one(tmp_path):
    done = local("status", "--data-dir", tmp_path / "none")
    assert done.returncode == 1
    assert "No server is running." in done.stdout
    facts = json.loads(local("status", "--data-dir", tmp_path / "none", "--json").stdout)
    assert facts["running"] is False
    assert facts["url"] is None
    assert not (tmp_path / "none").exists()


def test_status_tells_where_the_server_is_and_what_it_does(server, tmp_path):
    waiting(server, tmp_path / "go-on")
    server.run("python -c pass", files={})
    done = about(server, "status")
    assert done.returncode == 0
    assert server.url in done.stdout
    assert "1 running, 1 queued" in done.stdout
    facts = json.loads(about(server, "status", "--json").stdout)
    assert facts["pid"] == server.process.pid
    assert facts["data_dir"] == str(server.data_dir)
    assert facts["size_bytes"] > 4096
    assert (facts["tasks_running"], facts["tasks_queued"], facts["is_demo"]) == (1, 1, False)
    assert server.key not in done.stdout


def test_start_and_stop_from_a_terminal(tmp_path):
    place = {"INDUCTIVA_LOCAL_DIR": str(tmp_path / "data")}
    url = local("start", **place).stdout.strip()
    assert local("start", **place).stdout.strip() == url
    assert local("stop", **place).stdout == f"Stopped the server at {url}.\n"
    assert not (tmp_path / "data" / "server.json").exists()
    again = local("stop", **place)
    assert (again.returncode, again.stdout) == (0, "No server is running.\n")


@pytest.mark.extended
def test_stop_asks_while_tasks_run_and_leaves_them_running(server, tmp_path):
    task_id = waiting(server, tmp_path / "go-on")
    refused = about(server, "stop", given="n\n")
    assert refused.returncode == 1
    assert "1 task is not over yet: will go on" in refused.stdout
    assert server.process.poll() is None
    assert about(server, "stop", "--yes").returncode == 0
    assert server.process.wait(30) == 0
    server.start()
    (tmp_path / "go-on").touch()
    assert server.wait(task_id)["status"] == "success"


@pytest.mark.extended
def test_stop_kills_tasks_when_told_to(server, tmp_path):
    tasks = [waiting(server, tmp_path / "never"), server.run("python -c pass", files={})]
    done = about(server, "stop", "--kill-tasks", "--yes")
    assert "Killed 2 tasks." in done.stdout, done.stderr
    assert server.process.wait(30) == 0
    server.start()
    assert [server.status(task) for task in tasks] == ["killed", "killed"]


@pytest.mark.parametrize("with_server", [True, pytest.param(False, marks=pytest.mark.extended)])
@pytest.mark.extended
def test_clean_frees_what_ended_tasks_have_left(server, tmp_path, with_server):
    task_id = finished(server)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    (server.data_dir / "tasks" / task_id).mkdir(exist_ok=True)
    (server.data_dir / "tasks" / task_id / "link").symlink_to(outside)
    if not with_server:
        server.end()
    would = about(server, "clean", "--dry-run")
    assert "Would remove the files of 1 ended task" in would.stdout, would.stderr
    assert about(server, "clean", given="n\n").returncode == 1
    assert about(server, "clean", "--older-than", "1", "--yes").stdout.startswith(
        "There is nothing"
    )
    assert (server.data_dir / "storage" / task_id / "output.zip").exists()
    done = about(server, "clean", "--yes")
    assert done.stdout.startswith("Freed "), done.stderr
    assert not (server.data_dir / "storage" / task_id).exists()
    assert not (server.data_dir / "tasks" / task_id).exists()
    assert (outside / "kept").exists()
    assert about(server, "clean", "--yes").stdout.startswith("There is nothing")
    if not with_server:
        server.start()
    assert server.status(task_id) == "success"


@pytest.mark.extended
def test_clean_is_refused_while_a_task_runs_unless_asked_for(server, tmp_path):
    ended = finished(server)
    running = waiting(server, tmp_path / "go-on")
    refused = about(server, "clean", "--yes")
    assert refused.returncode == 1
    assert "1 task is running" in refused.stderr
    assert about(server, "clean", "--yes", "--while-running").returncode == 0
    assert not (server.data_dir / "storage" / ended).exists()
    (tmp_path / "go-on").touch()
    assert server.wait(running)["status"] == "success"


@pytest.mark.extended
def test_folder_that_leads_outside_is_not_followed(server, tmp_path):
    task_id = finished(server)
    outside = tmp_path / "outside" / task_id
    outside.mkdir(parents=True)
    (outside / "kept").touch()
    place = server.data_dir / "storage" / task_id
    place.rename(tmp_path / "moved")
    place.symlink_to(outside)
    assert about(server, "clean", "--yes").returncode == 0
    assert (outside / "kept").exists()


@pytest.mark.extended
def test_demo_is_told_as_such_and_stops_without_a_question(tmp_path):
    place = {"INDUCTIVA_LOCAL_DIR": str(tmp_path / "data")}
    assert "DEMO data" in local("start", "--replay", **place).stdout
    try:
        assert local("status", "--replay", **place).stdout.startswith("DEMO data")
        url = json.loads(local("status", "--replay", "--json", **place).stdout)["url"]
        other = local("status", **place)
        assert other.returncode == 1
        assert "No server for simulations is running." in other.stdout
        assert f"Demo server:  {url} " in other.stdout
        assert json.loads(local("status", "--json", **place).stdout)["demo_url"] == url
        assert f"Demo server:  {url} " in local("stop", **place).stdout
    finally:
        stopped = local("stop", "--replay", **place)
    assert stopped.returncode == 0, stopped.stderr
    until(lambda: not (tmp_path / "data-replay" / "server.json").exists(), "the note to go")
