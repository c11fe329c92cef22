"""Patterns for the logs of known simulators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

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
    """

    title: str
    rules: tuple[Rule, ...]
    axis: str | None = None
    file: str = "stdout.txt"


def _rule(
    expression: str,
    required_text: str,
    transform: Callable[[Mapping[str, float]], dict[str, float]] | None = None,
) -> Rule:
    return Rule(expression, required_text, transform, is_trusted=True)


def _to_days(numbers: Mapping[str, float]) -> dict[str, float]:
    return {"days": numbers["day"] + numbers["hour"] / 24}


# By the beginning of the simulator's name, which several distributions share.
PRESETS = {
    "openfoam": Preset(
        "OpenFOAM residuals",
        (
            # The versions of the OpenFOAM Foundation print the unit as well.
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
