"""The key of the embedded server by file, environment and standard input, never in ``ps``."""

import os
import subprocess
import sys
from contextlib import contextmanager

import psutil
import pytest
import requests

from inductiva_widgets import connect, simulators
from tests.embedded import end_server
from tests.integration.server.conftest import until

KEY = "canary-71c0de"


@contextmanager
def served(folder, *options, given=None, **environment):
    """Run ``serve`` and yield its address and a list, with its warnings once it has ended."""
    process = subprocess.Popen(
        [sys.executable, "-m", "inductiva_widgets", "serve", "--data-dir", str(folder), *options],
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    warnings = []
    try:
        if given is not None:
            process.stdin.write(given)
            process.stdin.flush()
        yield process.stdout.readline().split()[-1], warnings
    finally:
        end_server(folder)
        warnings.append(process.communicate(timeout=30)[1])


def accepts(url):
    answer = requests.get(f"{url}/tasks", headers={"X-API-Key": KEY}, timeout=30)
    return answer.status_code == 200


def process_list():
    processes = psutil.process_iter(["cmdline"])
    return "\n".join(" ".join(process.info["cmdline"] or []) for process in processes)


@pytest.mark.parametrize("source", ["file", "stdin", "environment"])
def test_key_is_not_in_the_process_list(tmp_path, source, monkeypatch):
    data = tmp_path / "data"
    (tmp_path / "key.txt").write_text(f"{KEY}\n")
    options, given, environment = {
        "file": (["--api-key-file", str(tmp_path / "key.txt")], None, {}),
        "stdin": (["--api-key-file", "-"], f"{KEY}\n", {}),
        "environment": ([], None, {"INDUCTIVA_LOCAL_API_KEY": KEY}),
    }[source]
    with served(data, *options, given=given, **environment) as (url, warnings):
        assert accepts(url)
        monkeypatch.setattr("inductiva_widgets.http.default_client._default", None)
        connect(url, api_key=KEY)
        (tmp_path / "case").mkdir()
        (tmp_path / "case" / "show.sh").write_text("env; sleep 600\n")
        task = simulators.CustomImage("docker://x/y:1").run(
            tmp_path / "case", commands=["sh show.sh"]
        )
        until(lambda: task.get_status() == "computation-started", "the task to run")
        assert str(data) in process_list()
        assert KEY not in process_list()
        printed = data / "tasks" / task.id / "work" / "stdout.txt"
        until(lambda: "PATH=" in printed.read_text(), "the task to print its environment")
        assert KEY not in printed.read_text()
    assert "Warning" not in warnings[0]


def test_option_works_with_a_warning(tmp_path):
    with served(tmp_path / "data", "--api-key", KEY) as (url, warnings):
        assert accepts(url)
    assert "the list of processes shows --api-key to all users" in warnings[0]
    assert "--api-key-file" in warnings[0]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\n", b"two words\n"])
def test_file_without_a_key_is_refused(tmp_path, content):
    (tmp_path / "key.txt").write_bytes(content)
    done = refused(tmp_path, "--api-key-file", str(tmp_path / "key.txt"))
    assert done.stderr.startswith("Error: The API key has to be made of letters")


def test_missing_file_and_two_sources_are_refused(tmp_path):
    done = refused(tmp_path, "--api-key-file", str(tmp_path / "none"))
    assert "none: No such file or directory." in done.stderr
    done = refused(tmp_path, "--api-key-file", "-", "--api-key", KEY)
    assert "cannot be used together" in done.stderr


def refused(folder, *options):
    done = subprocess.run(
        [sys.executable, "-m", "inductiva_widgets", "serve", "--data-dir", str(folder), *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    return done
