"""A type checker sees the types of the installed package."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.release import environments

pytestmark = pytest.mark.extended

SCRIPT = """
from pathlib import Path
from typing import BinaryIO

from typing_extensions import assert_type

import inductiva_widgets as inductiva
from inductiva_widgets import InductivaError, Status, Task, TaskList, TaskWidget

inductiva.connect("local")
task = inductiva.simulators.SWMM().run(input_dir="case", time_to_live="10m")
assert_type(task, Task)
assert_type(task.wait(), Status)
assert_type(task.open_output("stdout.txt"), BinaryIO)
assert_type(task.download_outputs(["*.rpt"]), Path)
# The class of the widget is not in the type of the method: tasks do not import widgets.
card: TaskWidget = task.widget()
card.freeze()
tasks = inductiva.tasks.get(last_n=3, status="success")
assert_type(tasks, TaskList)
for one in tasks:
    assert_type(one.id, str)
inductiva.plots.costs(tasks.to_frame())
try:
    task.kill(wait_timeout=5)
except InductivaError as error:
    print(error)

task.kill(wait_timeout="soon")  # type: ignore[arg-type]
inductiva.simulators.SWMM().rum()  # type: ignore[attr-defined]
"""


def test_script_of_a_user_passes_mypy_strict(wheel, tmp_path):
    """The two mistakes at its end are found: an ignore that is not needed is an error."""
    python = environments.make(Path(sys.executable), tmp_path / "venv", wheel, set(), "highest")
    (tmp_path / "script.py").write_text(SCRIPT)
    options = ["--strict", "--config-file=", "--python-executable", str(python)]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, "script.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
