"""The wheel installs and works on each Python, with the lowest and the newest dependencies."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.embedded import end_server
from tests.release import environments, interpreters

PROGRAM = Path(__file__).parent / "acceptance.py"


@pytest.fixture
def workplace(tmp_path):
    """Return an empty folder; a server that is left in it ends with the test."""
    folder = tmp_path / "work"
    folder.mkdir()
    yield folder
    end_server(folder / "local")


def combinations():
    """Return each Python with both ends of the dependencies; one of them is in `make test`."""
    running = f"{sys.version_info[0]}.{sys.version_info[1]}"
    for version in (*interpreters.SUPPORTED, interpreters.NEXT):
        for resolution in ("lowest-direct", "highest"):
            in_gate = (version, resolution) == (running, "highest")
            marks = () if in_gate else pytest.mark.extended
            yield pytest.param(version, resolution, marks=marks, id=f"{version}-{resolution}")


@pytest.mark.parametrize(("version", "resolution"), combinations())
def test_wheel_does_what_a_user_asks(version, resolution, wheel, tmp_path, workplace):
    interpreter = interpreters.find(version)
    if interpreter is None:
        pytest.skip(f"Python {version} is not here")
    extras = {"local", "plots", "export", "live"}
    python = environments.make(interpreter, tmp_path / "venv", wheel, extras, resolution)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("INDUCTIVA_")}
    done = subprocess.run(
        [python, "-I", PROGRAM],
        cwd=workplace,
        env=kept,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stderr, done.stderr
    assert done.stdout.splitlines()[-1].startswith("works: ")
