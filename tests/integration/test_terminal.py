"""What a wait and a download show in a real terminal, and what in a log file."""

import os
import re
import subprocess
import sys

import pytest

from tests.integration.conftest import KEY
from tests.terminal import run_in_terminal

CODE = """import sys
from inductiva_widgets import simulators
task = simulators.SWMM().run(sys.argv[1])
print("final:", task.wait(0.2))
"""


@pytest.fixture
def environment(server_url):
    base = {k: v for k, v in os.environ.items() if not k.startswith("INDUCTIVA_")}
    return {**base, "INDUCTIVA_API_URL": server_url, "INDUCTIVA_API_KEY": KEY, "TERM": "xterm"}


def test_wait_in_a_terminal_is_one_line_that_is_rewritten(environment, short_storm, tmp_path):
    command = [sys.executable, "-c", CODE, str(short_storm)]
    text = run_in_terminal(command, env=environment, cwd=tmp_path)
    assert "In Progress, 0:00:0" in text
    assert "\x1b[2K" in text, "the line is erased before it is written anew"
    kept = [
        line for line in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).split("\n") if line.strip()
    ]
    assert re.search(r"Task \w{25}: Success, 0:00:\d\d", kept[-2])
    assert kept[-1].strip() == "final: success"


@pytest.mark.extended
def test_wait_in_a_log_file_is_a_line_for_each_change(environment, short_storm, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(short_storm)],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stderr.splitlines()
    assert len(lines) == len(set(lines))
    assert lines[-1].endswith(": Success")
    assert "\x1b" not in done.stderr
    assert done.stdout == "final: success\n"


def test_wait_downloads_the_standard_files(environment, short_storm, tmp_path):
    subprocess.run(
        [sys.executable, "-c", CODE, str(short_storm)],
        env={**environment, "INDUCTIVA_OUTPUT_DIR": "here"},
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    (folder,) = (tmp_path / "here").iterdir()
    assert {path.name for path in (folder / "outputs").iterdir()} == {"stdout.txt", "stderr.txt"}
