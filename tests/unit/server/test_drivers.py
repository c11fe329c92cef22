"""The stand-ins for simulators' own programs, run the way that tasks run them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import inductiva_widgets
from inductiva_widgets.server.program_lookup import module_command

CASES = Path(inductiva_widgets.__file__).resolve().parents[1] / "notebooks" / "cases"
SWMM = "inductiva_widgets.server.drivers.swmm"


def drive(module, *arguments, folder):
    return subprocess.run(
        [*module_command(module), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def storm(tmp_path):
    text = (CASES / "swmm_storm" / "model.inp").read_text()
    (tmp_path / "model.inp").write_text(
        re.sub(r"(END_DATE\s+)\S+", r"\g<1>01/10/2024", text).replace(
            "END_TIME             00:00:00", "END_TIME             04:00:00"
        )
    )
    return tmp_path


def test_swmm_prints_lines_of_progress_up_to_the_end(storm):
    done = drive(SWMM, "model.inp", "model.rpt", "model.out", folder=storm)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("EPA SWMM 5")
    shares = [float(found[1]) for line in lines if (found := re.search(r"(\d+\.\d)%  wall", line))]
    assert shares == sorted(shares)
    assert shares[-1] == 100.0
    assert "\b" not in done.stdout
    assert (storm / "model.out").stat().st_size > 1000


def test_swmm_without_output_file_writes_tables_to_the_report(storm):
    assert drive(SWMM, "model.inp", "three.rpt", "model.out", folder=storm).returncode == 0
    assert drive(SWMM, "model.inp", "two.rpt", folder=storm).returncode == 0
    assert (storm / "two.rpt").stat().st_size > (storm / "three.rpt").stat().st_size


def test_swmm_repeats_the_reason_on_stderr(tmp_path):
    shutil.copy(CASES / "swmm_fail" / "model.inp", tmp_path)
    done = drive(SWMM, "model.inp", "model.rpt", "model.out", folder=tmp_path)
    assert done.returncode == 1
    assert re.search(r"ERROR 209: undefined object J44 .*: \S+ J3 J44 ", done.stderr)
    assert "Traceback" not in done.stderr


def test_swmm_without_model_or_arguments_says_so(tmp_path):
    done = drive(SWMM, "none.inp", "model.rpt", folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("runswmm: ")
    assert drive(SWMM, folder=tmp_path).returncode == 2


def test_driver_does_not_import_files_of_the_task(storm):
    for name in ("signal.py", "datetime.py", "swmm.py", "inductiva_widgets.py"):
        (storm / name).write_text("raise SystemExit('taken from the task')")
    assert drive(SWMM, "model.inp", "model.rpt", "model.out", folder=storm).returncode == 0


@pytest.mark.parametrize(
    ("scene", "said"),
    [(None, "cannot open scene file"), ("{", "not a valid scene"), ("[]", "not a valid scene")],
)
def test_splish_tells_of_a_bad_scene_before_the_library_is_loaded(tmp_path, scene, said):
    if scene is not None:
        (tmp_path / "config.json").write_text(scene)
    done = drive(
        "inductiva_widgets.server.drivers.splish", "config.json", "--no-gui", folder=tmp_path
    )
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
