"""What to look for in the logs of known simulators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from inductiva_widgets.metrics.patterns import Rule


class Preset(NamedTuple):
    """What to look for in a simulator's log.

    Parameters
    ----------
    title
        What it is, in words.
    rules
        The expressions.
    axis
        The series that begins a step: all numbers until its next value are of one row, of which
        the first of each series counts. None where each match is a row.
    file
        The file that it is printed to.
    """

    title: str
    rules: tuple[Rule, ...]
    axis: str | None = None
    file: str = "stdout.txt"


def _days(found: Mapping[str, float]) -> dict[str, float]:
    return {"days": found["day"] + found["hour"] / 24}


_PRINTED = Preset(
    "progress and residual",
    (
        Rule(r"\bprogress\s*[:=]?\s*(?P<percent>[\d.]+)\s*%", "progress"),
        Rule(r"\bresidual\s*[:=]?\s*(?P<residual>[-+\w.]+)", "residual"),
    ),
)

# By the beginning of the simulator's name; several distributions share one.
PRESETS = {
    "openfoam": Preset(
        "OpenFOAM residuals",
        (
            # The Foundation's versions print the unit too.
            Rule(r"^Time = (?P<time>[-+.\deE]+)s?$", "Time = "),
            Rule(
                r"Solving for (?P<series>[\w.:]+), Initial residual = (?P<value>[^\s,]+)",
                "Solving for ",
            ),
        ),
        axis="time",
    ),
    "reef3d": Preset(
        "REEF3D simulated time and time step",
        (
            Rule(r"^simtime: (?P<simtime>\S+)", "simtime: "),
            Rule(r"^timestep: (?P<timestep>\S+)", "timestep: "),
        ),
        axis="simtime",
    ),
    "swmm": Preset(
        "SWMM progress",
        (
            Rule(r"\d\d:\d\d\s+(?P<percent>[\d.]+)%\s", "%"),
            # The library's own line, redrawn from the number of the day on.
            Rule(r"(?P<day>\d+)\s+hour:\s*(?P<hour>\d+)", "hour:", _days),
        ),
    ),
    "splishsplash": Preset(
        "SPlisHSPlasH simulated time",
        (Rule(r"^step\s+\d+\s+t =\s+(?P<time>\S+) s(?:\s+(?P<percent>[\d.]+)%)?", " t = "),),
    ),
    "gromacs": Preset(
        "GROMACS steps",
        (
            Rule(r"^(?P<end_step>\d+) steps,", " steps,"),
            Rule(r"\bstep (?P<step>\d+)(?:,|$)", "step "),
        ),
        # All its words go there, also when all is well.
        file="stderr.txt",
    ),
    "swash": _PRINTED,
    "xbeach": _PRINTED,
    "fds": _PRINTED,
}


def preset_for(simulator: str | None) -> Preset | None:
    """Return what to look for in the log of a simulator, None where that is not known.

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
