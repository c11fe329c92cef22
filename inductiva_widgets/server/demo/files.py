"""Reproducible input and output archives of demo tasks."""

from __future__ import annotations

import math
import zipfile
from datetime import datetime
from pathlib import Path

from inductiva_widgets._atomic import atomic_path
from inductiva_widgets.server.archives import ARTIFACTS, CreatedArchive
from inductiva_widgets.server.demo.logs import STEPS, stderr_of, stdout_of
from inductiva_widgets.server.demo.plan import DemoTask, make_rng
from inductiva_widgets.status import Status

_ROWS = 120
_HEAD = "DEMO data: made up, no simulation has run.\n"


def printed(plan: DemoTask, share: float = 1.0) -> str:
    """Return what the simulation has printed when a part of its lines is out."""
    dice = make_rng(f"{plan.noise}/stdout")
    fails = plan.end == Status.FAILED
    lines = [f"> {command}\n" for command in plan.case.commands]
    lines += stdout_of(plan.case.alias, dice, _steps(plan), fails=fails)
    if plan.end == Status.SUCCESS and share >= 1.0:
        lines.append("Normal end of the simulation.\n")
    return _HEAD + "".join(lines[: math.ceil(share * len(lines))])


def complained(plan: DemoTask, share: float = 1.0) -> str:
    """Return the simulation's standard error; what goes wrong does so at its end."""
    lines = list(stderr_of(plan.case.alias, make_rng(f"{plan.noise}/stderr"), _steps(plan)))
    if lines:
        lines = [_HEAD, *lines[: math.ceil(share * len(lines))]]
    if plan.end == Status.FAILED and share >= 1.0:
        lines.append(f"{plan.case.error}\n")
    return "".join(lines)


def _steps(plan: DemoTask) -> int:
    return max(1, round(STEPS * plan.share))


def write_input(plan: DemoTask, archive: Path, at: datetime) -> None:
    """Write the input archive."""
    _write(archive, at, {f"sim_dir/{name}": _input(name) for name in plan.case.files})


def input_size(plan: DemoTask) -> int:
    """Return the size of the input files in bytes."""
    return sum(len(_input(name).encode()) for name in plan.case.files)


def write_output(plan: DemoTask, archive: Path, at: datetime, share: float = 1.0) -> CreatedArchive:
    """Write the output archive of a task that has come so far."""
    files = {
        "stdout.txt": printed(plan, share),
        "stderr.txt": complained(plan, share),
        "results/series.csv": _series(plan, share),
        **{name: _input(name) for name in plan.case.files},
    }
    return _write(archive, at, {f"{ARTIFACTS}{name}": text for name, text in files.items()})


def _input(name: str) -> str:
    return f"{_HEAD}# The input file {name} would be here.\n"


def _series(plan: DemoTask, share: float) -> str:
    dice = make_rng(f"{plan.noise}/series")
    period, height = dice.uniform(12, 40), dice.uniform(0.5, 3)
    rows = [",".join(plan.case.columns)]
    for number in range(round(_ROWS * plan.share * share)):
        wave = height * math.sin(number / period * math.tau) * math.exp(-number / 300)
        rows.append(
            f"{number * 0.5:g},{wave + dice.uniform(-0.04, 0.04):.4f},{abs(wave) * 1.3:.4f}"
        )
    return "\n".join(rows) + "\n"


def _write(archive: Path, at: datetime, files: dict[str, str]) -> CreatedArchive:
    size = 0
    # A time of their own: the clock of the machine would make each archive another one.
    moment = (at.year, at.month, at.day, at.hour, at.minute, at.second)
    with (
        atomic_path(archive) as path,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        if any(name.startswith(ARTIFACTS) for name in files):
            target.writestr(zipfile.ZipInfo(ARTIFACTS, (1980, 1, 1, 0, 0, 0)), b"")
        for name, text in sorted(files.items()):
            info = zipfile.ZipInfo(name, moment)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            content = text.encode()
            target.writestr(info, content)
            size += len(content)
    return CreatedArchive(len(files), size, archive.stat().st_size, [])
