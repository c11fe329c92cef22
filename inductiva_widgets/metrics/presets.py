"""Presets: patterns for the logs of known simulators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from inductiva_widgets.metrics.matcher import Rule


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


def _rule(
    expression: str,
    mark: str,
    make: Callable[[Mapping[str, float]], dict[str, float]] | None = None,
) -> Rule:
    return Rule(expression, mark, make, is_trusted=True)


def _days(found: Mapping[str, float]) -> dict[str, float]:
    return {"days": found["day"] + found["hour"] / 24}


# By the beginning of the simulator's name; several distributions share one.
PRESETS = {
    "openfoam": Preset(
        "OpenFOAM residuals",
        (
            # The Foundation's versions print the unit too.
            _rule(r"^Time = (?P<time>[-+.\deE]+)s?$", "Time = "),
            _rule(
                r"Solving for (?P<series>[\w.:]+), Initial residual = (?P<value>[^\s,]+)",
                "Solving for ",
            ),
        ),
        axis="time",
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
            # The library's own line, redrawn from the number of the day on.
            _rule(r"(?P<day>\d+)\s+hour:\s*(?P<hour>\d+)", "hour:", _days),
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
        # All its words go there, also when all is well.
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
            # A line for each file of particles; newer versions leave out "Part_".
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
            # Where the state of the sea is sought, and where its course is.
            _rule(r"accuracy OK in\s+(?P<accuracy>\S+) %", "accuracy OK in "),
            _rule(r"^\+?time \S+\s*, step\s+(?P<step>\d+); iteration", "; iteration"),
        ),
    ),
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
