"""Reproducible input and output archives of demo tasks, with logs like those of the simulators."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from inductiva_widgets._atomic import atomic_path
from inductiva_widgets.server.archives import ARTIFACTS, CreatedArchive
from inductiva_widgets.server.demo.plan import DemoTask, make_rng
from inductiva_widgets.status import Status

STEPS = 60
"""Number of steps that a complete simulation prints."""

_ROWS = 120
_HEAD = "DEMO data: made up, no simulation has run.\n"


def printed(plan: DemoTask, share: float = 1.0) -> str:
    """Return the standard output of the simulation up to a share of its lines."""
    dice = make_rng(f"{plan.noise}/stdout")
    fails = plan.end == Status.FAILED
    lines = [f"> {command}\n" for command in plan.case.commands]
    lines += stdout_of(plan.case.alias, dice, _steps(plan), fails=fails)
    if plan.end == Status.SUCCESS and share >= 1.0:
        lines.append("Normal end of the simulation.\n")
    return _HEAD + "".join(lines[: math.ceil(share * len(lines))])


def complained(plan: DemoTask, share: float = 1.0) -> str:
    """Return the standard error of the simulation; errors are at its end."""
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
    """Write the output archive of a task with a completed share."""
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
    # A fixed time of the entries, so that archives are reproducible.
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


# Logs --------------------------------------------------------------------------------------------

Printer = Callable[[Random, int, bool], Iterator[str]]


def stdout_of(simulator: str, dice: Random, steps: int, *, fails: bool) -> Iterator[str]:
    """Yield the output of a simulation for each step.

    Parameters
    ----------
    simulator
        Name of the simulator on the service.
    dice
        Random generator of the task.
    steps
        Number of steps; a complete simulation has ``STEPS``.
    fails
        If True, the numbers diverge towards a failure at the end.
    """
    return _PRINTERS.get(simulator, _any)(dice, steps, fails)


def stderr_of(simulator: str, dice: Random, steps: int) -> Iterator[str]:
    """Yield the standard error of a simulation without errors for each step."""
    printer = _COMPLAINERS.get(simulator)
    return iter(()) if printer is None else printer(dice, steps)


def _residuals(dice: Random, steps: int, fails: bool) -> Iterator[float]:
    residual = 1.0
    for number in range(steps):
        diverges = fails and number > 0.7 * steps
        residual *= dice.uniform(1.2, 2.1) if diverges else dice.uniform(0.7, 1.05)
        yield residual


def _any(dice: Random, steps: int, fails: bool) -> Iterator[str]:
    for number, residual in enumerate(_residuals(dice, steps, fails), 1):
        yield (
            f"step {number * 50:6d}   progress {100 * number / STEPS:5.1f} %   "
            f"residual {residual:.3e}\n"
        )


def _openfoam(dice: Random, steps: int, fails: bool) -> Iterator[str]:
    fields = ("Ux", "Uy", "Uz", "p", "omega", "k")
    columns = zip(*(list(_residuals(dice, steps, fails)) for _ in fields), strict=True)
    for number, residuals in enumerate(columns, 1):
        lines = [f"\nTime = {number * 10}s\n\n"]
        for field, residual in zip(fields, residuals, strict=True):
            solver = "GAMG" if field == "p" else "smoothSolver"
            lines.append(
                f"{solver}:  Solving for {field}, Initial residual = {residual:.6g}, "
                f"Final residual = {residual * dice.uniform(0.01, 0.1):.6g}, "
                f"No Iterations {dice.randint(1, 9)}\n"
            )
        lines.append(f"ExecutionTime = {number * 8.25:.6g} s  ClockTime = {number * 8 + 1} s\n")
        yield "".join(lines)


def _reef3d(dice: Random, steps: int, fails: bool) -> Iterator[str]:
    # Growing velocities lead to shrinking time steps.
    time, step = 0.0, dice.uniform(0.004, 0.006)
    for number in range(1, steps + 1):
        step *= (
            dice.uniform(0.5, 0.8) if fails and number > 0.8 * steps else dice.uniform(0.95, 1.05)
        )
        time += 100 * step
        yield f"{'-' * 36}\n{number * 100}\nsimtime: {time:.6g}\ntimestep: {step:.5g}\n"


def _splishsplash(dice: Random, steps: int, _fails: bool) -> Iterator[str]:
    pace = dice.uniform(0.3, 0.7)
    for number in range(1, steps + 1):
        share = number / STEPS
        yield (
            f"step {number * 11:6d}  t = {2 * share:8.4f} s  {100 * share:5.1f}%  "
            f"wall {number * pace:6.1f} s\n"
        )


def _swmm(dice: Random, steps: int, _fails: bool) -> Iterator[str]:
    first, pace = datetime(2024, 1, 10), dice.uniform(0.1, 0.4)
    for number in range(1, steps + 1):
        moment = first + timedelta(hours=6 * number)
        share = 100 * number / STEPS
        yield f"{moment:%Y-%m-%d %H:%M}  {share:5.1f}%  wall {number * pace:6.1f} s\n"


def _gromacs(dice: Random, steps: int) -> Iterator[str]:
    total, pace = 500_000, dice.uniform(2, 9)
    yield f"starting mdrun 'Lysozyme in water'\n{total} steps,   1000.0 ps.\n"
    for number in range(1, steps + 1):
        step, left = total * number // STEPS, (STEPS - number) * pace
        yield f"\rstep {step}, remaining wall clock time: {left:5.0f} s          "
    yield "\n"


def _xbeach(dice: Random, steps: int, fails: bool) -> Iterator[str]:
    step = dice.uniform(0.3, 0.5)
    for number in range(1, steps + 1):
        shrinks = fails and number > 0.8 * steps
        step *= dice.uniform(0.5, 0.8) if shrinks else dice.uniform(0.97, 1.03)
        share = 100 * number / STEPS
        yield f"Simulation {share:5.1f} percent complete. Average dt {step:7.3f} seconds\n"


def _fds(dice: Random, steps: int) -> Iterator[str]:
    time = 0.0
    for number in range(1, steps + 1):
        time += 100 * dice.uniform(0.03, 0.05)
        yield f" Time Step: {100 * number:6d}, Simulation Time: {time:9.2f} s\n"


def _silent(_dice: Random, _steps: int, _fails: bool) -> Iterator[str]:
    return iter(())


_PRINTERS: dict[str, Printer] = {
    "openfoam_foundation": _openfoam,
    "reef3d": _reef3d,
    "splishsplash": _splishsplash,
    "swmm": _swmm,
    "xbeach": _xbeach,
    "gromacs": _silent,
    "fds": _silent,
}
# Simulators that print their progress to the standard error.
_COMPLAINERS = {"gromacs": _gromacs, "fds": _fds}
