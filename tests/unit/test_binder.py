"""What can be said of Binder's files without building an image."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BINDER = ROOT / "binder"


@pytest.mark.parametrize("name", ["postBuild", "start"])
def test_scripts_are_strict_and_executable(name):
    script = BINDER / name
    lines = script.read_text().splitlines()
    assert lines[0] == "#!/bin/bash"
    assert "set -euo pipefail" in lines
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)


def test_start_hands_over_to_the_command_that_binder_gives(tmp_path):
    done = subprocess.run(
        [BINDER / "start", "sh", "-c", "echo $INDUCTIVA_API_URL"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "local\n"


def test_python_version_is_one_that_the_package_supports():
    version = (BINDER / "runtime.txt").read_text().strip()
    assert re.fullmatch(r"python-3\.1[0-3]", version)


def test_readme_opens_a_notebook_that_exists():
    readme = (ROOT / "README.md").read_text()
    (target,) = set(re.findall(r"mybinder\.org/v2/\S+?urlpath=lab/tree/([\w/.-]+)", readme))
    assert (ROOT / target).is_file()
