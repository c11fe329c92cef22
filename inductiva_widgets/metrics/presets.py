"""Patterns for the logs of known simulators."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from inductiva_widgets.metrics.matcher import Rule


class Preset(NamedTuple):
    """Rules for the log of a simulator.

    Parameters
    ----------
    title
        Description, such as ``"OpenFOAM residuals"``.
    rules
        Rules to apply to each line.
    axis
        Series that begins a step: the row of a step has the first value of each series until the
        next value of this one. If None, each match is a row.
    file
        File that the simulator prints to.
    importance
        Expressions for the names of series, the most important ones first. They come first in a
        card, and the least important ones are left out if there are too many.
    """

    title: str
    rules: tuple[Rule, ...]
    axis: str | None = None
    file: str = "stdout.txt"
    importance: tuple[str, ...] = ()

    def rank(self, name: str) -> int:
        """Return the number of the first expression that matches a series; 0 is important."""
        return _rank(self.importance, name)


@lru_cache(maxsize=4096)
def _rank(importance: tuple[str, ...], name: str) -> int:
    matching = (n for n, expression in enumerate(importance) if re.fullmatch(expression, name))
    return next(matching, len(importance))


def _rule(
    expression: str,
    required_text: str,
    transform: Callable[[Mapping[str, float]], dict[str, float]] | None = None,
    **options: Any,
) -> Rule:
    return Rule(expression, required_text, transform, is_trusted=True, **options)


def _to_days(numbers: Mapping[str, float]) -> dict[str, float]:
    return {"days": numbers["day"] + numbers["hour"] / 24}


# A region that begins a line, as multi-region solvers print it.
_REGION = r"(?:\b(?P<scope>[A-Za-z_]\w*)\s+)?"
_SOLVER = rf"(?:{_REGION}\b\w+:\s+)?"

# By the beginning of the simulator's name, which several distributions share.
PRESETS = {
    "openfoam": Preset(
        "OpenFOAM residuals",
        (
            # A rank or the time of day may come first. The versions of the OpenFOAM Foundation
            # print the unit as well.
            _rule(r"(?:^|[\]>|:]|\dZ?\s)\s*Time = (?P<time>[-+.\deE]+)s?\s*$", "Time = "),
            _rule(r"Solving for (?:fluid|solid) region (?P<scope>\S+)", " region ", is_scoped=True),
            _rule(
                _SOLVER + r"Solving for (?P<series>[\w.:]+), "
                r"Initial residual = (?P<value>\([^()]*\)|[^\s,]+)",
                "Solving for ",
                kind="residual",
                is_scoped=True,
            ),
            _rule(
                _SOLVER + r"Solving for (?P<series>[\w.:]+), "
                r"Initial residual = (?:\([^()]*\)|[^\s,]+), "
                r"Final residual = (?P<value>\([^()]*\)|[^\s,]+)",
                "Final residual",
                suffix="_final",
                kind="final",
                is_scoped=True,
                is_last=True,
            ),
            _rule(
                r"time step continuity errors\s*(?:\((?P<scope>[^()\s]+)\)\s*)?: "
                r"sum local = (?P<continuity_local>[^\s,]+), global = (?P<continuity_global>"
                r"[^\s,]+), cumulative = (?P<continuity_cumulative>[^\s,]+)",
                "continuity errors",
                kind="continuity",
                is_scoped=True,
                is_last=True,
            ),
            _rule(
                _REGION + r"\bCourant Number mean: (?P<Courant_mean>\S+) max: (?P<Courant_max>\S+)",
                "Courant Number mean",
                kind="Courant",
                is_scoped=True,
                is_last=True,
            ),
            _rule(r"\bdeltaT = (?P<deltaT>\S+)", "deltaT = ", is_last=True),
            _rule(
                r"\bExecutionTime = (?P<ExecutionTime>\S+) s",
                "ExecutionTime = ",
                is_last=True,
                ends_step=True,
            ),
        ),
        axis="time",
        importance=(
            "time",
            # Flow, then turbulence and energy, of any region.
            r"(?:.*:)?(?:U[^_]*[xyz]?|p|p_rgh|pd|rho)",
            r"(?:.*:)?(?:k|epsilon|omega|nuTilda|T|h|e|alpha\..*)",
            r"(?:.*:)?(?:Courant_max|continuity_local)|deltaT",
            r"(?!.*_(?:final|mean|global|cumulative)$|ExecutionTime).*",
            r"ExecutionTime|(?:.*:)?(?:Courant_mean|continuity_.*)",
        ),
    ),
    "reef3d": Preset(
        "REEF3D simulated time and time step",
        (
            _rule(r"^simtime: (?P<simtime>\S+)", "simtime: "),
            _rule(r"^timestep: (?P<timestep>\S+)", "timestep: "),
        ),
        axis="simtime",
    ),
    "swmm": Preset(
        "SWMM progress",
        (
            _rule(r"\d\d:\d\d\s+(?P<percent>[\d.]+)%\s", "%"),
            # The SWMM library overwrites this line, beginning with the day.
            _rule(r"(?P<day>\d+)\s+hour:\s*(?P<hour>\d+)", "hour:", _to_days),
        ),
    ),
    "splishsplash": Preset(
        "SPlisHSPlasH simulated time",
        (_rule(r"^step\s+\d+\s+t =\s+(?P<time>\S+) s(?:\s+(?P<percent>[\d.]+)%)?", " t = "),),
    ),
    "gromacs": Preset(
        "GROMACS steps",
        (
            _rule(r"^(?P<end_step>\d+) steps,", " steps,"),
            _rule(r"\bstep (?P<step>\d+)(?:,|$)", "step "),
        ),
        # GROMACS prints everything to stderr.
        file="stderr.txt",
    ),
    "xbeach": Preset(
        "XBeach progress and time step",
        (
            _rule(
                r"^\s*Simulation\s+(?P<percent>\S+) percent complete\. "
                r"Average dt\s+(?P<timestep>\S+) seconds",
                " percent complete. ",
            ),
        ),
    ),
    "fds": Preset(
        "FDS simulated time",
        (_rule(r"^\s*Time Step:\s*\d+,\s+Simulation Time:\s+(?P<time>\S+) s", "Simulation Time:"),),
        file="stderr.txt",
    ),
    "dualsphysics": Preset(
        "DualSPHysics simulated time",
        (
            _rule(r"^TimeMax=(?P<end_time>\S+)", "TimeMax="),
            # One line per particle file; newer versions omit "Part_".
            _rule(r"^(?:Part_)?\d{4,9}\s+(?P<time>\d+\.\d+)\s+\d[\d,]*\s+\d[\d,]*\s", "."),
        ),
    ),
    "openfast": Preset(
        "OpenFAST simulated time",
        (
            _rule(
                r"\bTime(?:step)?: (?P<time>\S+) of (?P<end_time>[\d.]+) seconds",
                " seconds.",
            ),
        ),
    ),
    "swan": Preset(
        "SWAN accuracy, or steps",
        (
            # Stationary runs print the accuracy, nonstationary runs the time step.
            _rule(r"accuracy OK in\s+(?P<accuracy>\S+) %", "accuracy OK in "),
            _rule(r"^\+?time \S+\s*, step\s+(?P<step>\d+); iteration", "; iteration"),
        ),
    ),
}


def preset_for(simulator: str | None) -> Preset | None:
    """Return the preset of a simulator, or None if there is none.

    Parameters
    ----------
    simulator
        Name of the simulator on the service, such as ``"openfoam_foundation"``.

    Examples
    --------
    >>> preset_for("gromacs").file
    'stderr.txt'
    """
    name = (simulator or "").lower()
    return next((preset for key, preset in PRESETS.items() if name.startswith(key)), None)
