"""The installed command, against the real server."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from pandas.testing import assert_frame_equal

from inductiva_widgets import simulators
from inductiva_widgets.frames import read
from inductiva_widgets.tasks import TaskList
from tests.integration.conftest import KEY
from tests.terminal import run_in_terminal

COMMAND = [sys.executable, "-m", "inductiva_widgets"]


@pytest.fixture
def environment(server_url):
    base = {k: v for k, v in os.environ.items() if not k.startswith("INDUCTIVA_")}
    access = {"INDUCTIVA_API_URL": server_url, "INDUCTIVA_API_KEY": KEY, "TZ": "UTC"}
    return {**base, **access, "TERM": "xterm"}


@pytest.fixture
def command(environment):
    def call(*arguments, **more):
        return subprocess.run(
            [*COMMAND, *arguments],
            env={**environment, **more},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return call


def test_list_info_kill_download(command, finished, tmp_path):
    task = finished
    listed = command("tasks", "list", "-n", "100").stdout.strip("\n").splitlines()
    header = "ID SIMULATOR STATUS SUBMITTED STARTED COMPUTATION TIME RESOURCE TYPE"
    assert " ".join(listed[0].split()) == header
    (row,) = (line for line in listed if task.id in line)
    assert re.search(r" success +20\d\d-\d\d-\d\d \d\d:\d\d UTC ", row)

    assert "Status: Success (success)" in command("tasks", "info", task.id).stdout
    assert f"Task {task.id}" in command("tasks", "info", task.id[:12]).stdout
    assert json.loads(command("tasks", "info", task.id, "--json").stdout)["task_id"] == task.id
    assert "has ended already" in command("tasks", "kill", task.id).stdout

    done = command("tasks", "download", task.id, "-f", "model.rpt", "-d", str(tmp_path / "got"))
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (tmp_path / "got").iterdir()] == ["model.rpt"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"INDUCTIVA_API_KEY": "wrong"}, "refused the API key"),
        ({"INDUCTIVA_API_URL": "http://127.0.0.1:9"}, "cannot be reached"),
        ({"INDUCTIVA_API_URL": "nonsense"}, "must be a URL"),
        ({"INDUCTIVA_API_KEY": "", "HOME": "/nonexistent"}, "set INDUCTIVA_API_URL=local"),
    ],
)
def test_expected_errors_are_one_line_on_stderr(command, settings, said):
    done = command("tasks", "list", **settings)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_export_is_the_frame_and_gives_live_tasks(command, finished, tmp_path):
    task = finished
    path = tmp_path / "tasks.parquet"

    done = command("tasks", "export", str(path), "--status", "success", "--since", "2020-01-01")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(f"written to {path}.\n")

    frame = read(path).loc[[task.id]]
    assert_frame_equal(frame, TaskList([task]).to_frame(), check_categorical=False)
    (again,) = frame.inductiva.tasks(task.client)
    assert (again.download_outputs(output_dir=tmp_path / "got") / "model.rpt").is_file()


@pytest.mark.extended
def test_ended_export_leaves_no_file(command, tmp_path):
    done = command("tasks", "export", str(tmp_path / "x.csv"), INDUCTIVA_API_KEY="wrong")
    assert done.returncode == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize(
    "arguments",
    [("tasks", "list"), ("--help",), ("completion", "bash"), ("tasks", "list", "--json")],
)
def test_full_disk_is_one_line_on_stderr(environment, finished, arguments):
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, *arguments],
            env=environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, "Error: No space left on device.\n")


@pytest.mark.parametrize("arguments", [("tasks", "list"), ("logs", "{}", "-n", "100")])
def test_closed_pipe_ends_without_a_word(environment, finished, arguments):
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*COMMAND, *(word.format(finished.id) for word in arguments)],
        env=environment,
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    os.close(writing)
    assert done.stderr == b""
    assert done.returncode != 0


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("tasks list --status succ", "success"),
        pytest.param("logs {}", None, marks=pytest.mark.extended),
    ],
)
def test_bash_completes_values(environment, finished, words, expected):
    program = Path(sys.executable).with_name("inductiva-widgets")
    words = words.format(finished.id[:20])
    script = f"""
        eval "$("$1" completion bash)"
        COMP_WORDS=("$1" {words})
        COMP_CWORD={len(words.split())}
        _inductiva_widgets_completion "$1"
        echo "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "-c", script, "bash", str(program)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout == f"{expected or finished.id}\n"
    assert done.stderr == ""


def test_interrupt_ends_without_a_word(environment):
    server = socket.create_server(("127.0.0.1", 0))
    silent = {"INDUCTIVA_API_URL": f"http://127.0.0.1:{server.getsockname()[1]}"}
    process = subprocess.Popen(
        [*COMMAND, "tasks", "list"],
        env={**environment, **silent},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    server.settimeout(60)
    connection, _ = server.accept()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    connection.close()
    server.close()
    assert (process.returncode, out, err) == (130, b"", b"")


@pytest.mark.parametrize("columns", [200, 80, 60])
def test_table_fits_the_terminal(environment, finished, columns):
    environment.pop("COLUMNS", None)
    # By its id: other tests submit tasks, too.
    text = run_in_terminal(
        [*COMMAND, "tasks", "list", "-i", finished.id], env=environment, columns=columns
    )
    lines = re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()
    assert max(map(len, lines)) <= columns
    assert any(finished.id in line and "success" in line for line in lines)
    assert ("RESOURCE TYPE" in lines[1]) == (columns == 200)


LOG = "\x1b[31mred\x1b[0m\x1b]52;c;eA==\x07\x1b[2J\u202e"


@pytest.fixture
def loud_id(client, tmp_path):
    """Return the id of a task whose program prints control sequences."""
    folder = tmp_path / "loud"
    folder.mkdir()
    (folder / "log.txt").write_text(f"{LOG}\n", encoding="utf-8")
    task = simulators.CustomImage("docker://none/none:1").run(folder, commands=["cat log.txt"])
    assert task.wait(0.1, silent_mode=True, download_std_on_completion=False) == "success"
    return task.id


def test_log_in_a_terminal_has_colours_only(environment, loud_id):
    text = run_in_terminal([*COMMAND, "logs", loud_id, "--stdout"], env=environment)
    assert "\x1b[31mred\x1b[0m" in text
    assert r"\x1b]52;c;eA==\x07\x1b[2J\u202e" in text
    assert not {"\x07", "\u202e"} & set(text)


def test_piped_log_is_the_text_of_the_program(command, loud_id):
    assert command("logs", loud_id, "--stdout").stdout == f"{LOG}\n"
