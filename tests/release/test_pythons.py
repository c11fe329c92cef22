"""The wheel installs and works on each Python, with the lowest and the newest dependencies."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.embedded import end_server
from tests.matrix import PYTHONS, note
from tests.release import environments, interpreters

PROGRAM = Path(__file__).parent / "acceptance.py"
COLUMNS = {"lowest-direct": "lowest dependencies", "highest": "newest dependencies"}


@pytest.fixture
def workplace(tmp_path):
    """Return an empty folder; a server that is left in it ends with the test."""
    folder = tmp_path / "work"
    folder.mkdir()
    yield folder
    end_server(folder / "local")


@pytest.mark.parametrize("resolution", COLUMNS)
@pytest.mark.parametrize("version", [*interpreters.SUPPORTED, interpreters.NEXT])
def test_wheel_does_what_a_user_asks(version, resolution, wheel, tmp_path, workplace):
    column = COLUMNS[resolution]
    interpreter = interpreters.find(version)
    if interpreter is None:
        note(PYTHONS, version, column, "not here")
        pytest.skip(f"Python {version} is not here")
    note(PYTHONS, version, column, "fails")
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
    summary = done.stdout.splitlines()[-1]
    assert summary.startswith("works: ")
    note(PYTHONS, version, column, summary)
