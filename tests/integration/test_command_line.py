"""The installed command, against the real server."""

import json
import os
import subprocess
import sys

import pytest
from pandas.testing import assert_frame_equal

from inductiva_widgets.frames import read
from inductiva_widgets.tasks import TaskList
from tests.integration.conftest import KEY


@pytest.fixture
def command(server_url):
    def call(*arguments, **environment):
        base = {k: v for k, v in os.environ.items() if not k.startswith("INDUCTIVA_")}
        access = {"INDUCTIVA_API_URL": server_url, "INDUCTIVA_API_KEY": KEY, "TZ": "UTC"}
        return subprocess.run(
            [sys.executable, "-m", "inductiva_widgets", *arguments],
            env={**base, **access, **environment},
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
    assert any(task.id in line and "success" in line for line in listed)

    assert "Status: Success (success)" in command("tasks", "info", task.id).stdout
    assert json.loads(command("tasks", "info", task.id, "--json").stdout)["task_id"] == task.id
    assert "has ended already" in command("tasks", "kill", task.id).stdout

    done = command("tasks", "download", task.id, "-f", "model.rpt", "-d", str(tmp_path / "got"))
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (tmp_path / "got").iterdir()] == ["model.rpt"]


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"INDUCTIVA_API_KEY": "wrong"}, "refused the API key"),
        ({"INDUCTIVA_API_URL": "http://127.0.0.1:9"}, "cannot be reached"),
        ({"INDUCTIVA_API_URL": "nonsense"}, "must be a URL"),
        ({"INDUCTIVA_API_KEY": "", "HOME": "/nonexistent"}, 'inductiva.connect("local")'),
    ],
)
def test_expected_errors_are_one_line_on_stderr(command, environment, said):
    done = command("tasks", "list", **environment)
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


def test_ended_export_leaves_no_file(command, tmp_path):
    done = command("tasks", "export", str(tmp_path / "x.csv"), INDUCTIVA_API_KEY="wrong")
    assert done.returncode == 1
    assert not list(tmp_path.iterdir())
