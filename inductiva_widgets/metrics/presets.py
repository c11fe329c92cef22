"""Patterns for the logs of known simulators."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from inductiva_widgets.errors import InputError
from inductiva_widgets.metrics.matcher import LineMatcher, Rule

STDOUT = "stdout.txt"


class Preset(NamedTuple):
    """Rules for the log of a simulator.

    Parameters
    ----------
    title
        Description, such as ``"OpenFOAM residuals"``.
    rules
        Rules to apply to each line.
    simulator
        Name of the simulator for people.
    series
        Description of the series for people.
    end
        Example of ``end=``, or ``"known"`` if the log has it.
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
    simulator: str = ""
    series: str = ""
    end: str = ""
    axis: str | None = None
    file: str = STDOUT
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

_FLOAT = r"(?:[-+\d.eE]+|[-+]?(?:nan|inf))"

_WRF_RULES = (
    # An adaptive time step is printed, too.
    _rule(
        r"Timing for main(?: \(dt=\s*(?P<dt>[^)\s]+)\))?: time \S+ on domain\s+(?P<scope>\d+):"
        r"\s+(?P<seconds>\S+) elapsed seconds",
        "Timing for main",
        is_scoped=True,
    ),
    # A run that becomes unstable says so before it ends.
    _rule(
        r"(?P<cfl_points>\d+)\s+points exceeded (?:v_)?cfl\s*=\s*\S+ in domain d0*(?P<scope>\d+)",
        "points exceeded",
        is_scoped=True,
    ),
)

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
        simulator="OpenFOAM",
        series=(
            "residuals of each field (the first of a step) and final ones "
            "(`p_final`), per region (`heater:h`) and component (`Ux`); "
            "`continuity_local`, `Courant_max`, `deltaT`, `ExecutionTime` and more"
        ),
        end='`end={"time": 10}`',
    ),
    "reef3d": Preset(
        "REEF3D simulated time and time step",
        (
            _rule(r"^\s*simtime: (?P<simtime>\S+)", "simtime: "),
            _rule(r"^\s*timestep: (?P<timestep>\S+)", "timestep: "),
            _rule(r"^\s*(?P<series>[uvw]max): (?P<value>\S+)", "max: "),
            _rule(
                r"^\s*(?P<series>\w+)_iter: \d+\s+Final_residual: (?P<value>\S+)",
                "Final_residual: ",
                suffix="_final",
                kind="final",
                is_last=True,
            ),
        ),
        axis="simtime",
        simulator="REEF3D",
        series=(
            "`simtime`, `timestep`, the largest velocities `umax`, `vmax` and `wmax`; the final "
            "residual `Fi_final` of a potential flow"
        ),
        end='`end={"simtime": 10}`',
    ),
    "swmm": Preset(
        "SWMM progress",
        (
            _rule(r"\d\d:\d\d\s+(?P<percent>[\d.]+)%\s", "%"),
            # The SWMM library overwrites this line, beginning with the day.
            _rule(r"(?P<day>\d+)\s+hour:\s*(?P<hour>\d+)", "hour:", _to_days),
        ),
        simulator="SWMM",
        series="`percent`, or `days` of the library's own line",
        end="known for `percent`",
    ),
    "splishsplash": Preset(
        "SPlisHSPlasH simulated time",
        (_rule(r"^\s*step\s+\d+\s+t =\s+(?P<time>\S+) s(?:\s+(?P<percent>[\d.]+)%)?", " t = "),),
        simulator="SPlisHSPlasH (as the embedded server runs it)",
        series="`time`",
        end="known",
    ),
    "gromacs": Preset(
        "GROMACS steps",
        (
            _rule(r"^\s*(?P<end_step>\d+) steps,", " steps,"),
            # A run without an end prints its speed.
            _rule(
                r"\bstep (?P<step>\d+)(?:,|\s*$|\s+performance: (?P<performance>\S+) ns/day)",
                "step ",
            ),
            # A minimisation.
            _rule(r"^\s*Number of steps\s+=\s+(?P<end_step>\d+)", "Number of steps"),
            # It usually ends before that.
            _rule(r"\bconverged to .* in (?P<end_step>\d+) steps", "converged to "),
            _rule(
                r"^\s*Step=\s*(?P<step>\d+), Dmax=\s*(?P<Dmax>\S+) nm, "
                r"Epot=\s*(?P<Epot>\S+) Fmax=\s*(?P<Fmax>[^\s,]+)",
                "Dmax=",
            ),
            # The file md.log has tables of names over numbers.
            _rule(r"^\s*nsteps\s+=\s+(?P<end_step>\d+)", "nsteps"),
            _rule(r"(?P<value>A V E R A G E S)", "A V E R A G E S", column_width=15),
        ),
        axis="step",
        # GROMACS prints everything to stderr.
        file="stderr.txt",
        importance=("Epot|Fmax|Potential|Temperature|Pressure", "(?:Kinetic|Total|Conserved)_En.*"),
        simulator="GROMACS (`mdrun -v`)",
        series=('`step`; `Epot`, `Fmax`, `Dmax` of a minimisation; the tables of `file="md.log"`'),
        end="known",
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
        simulator="XBeach",
        series="`timestep`",
        end="known",
    ),
    "fds": Preset(
        "FDS simulated time and time step",
        (
            _rule(
                r"^\s*Time Step:\s*(?P<step>\d+),\s+Simulation Time:\s+(?P<time>\S+) s"
                r"(?:,\s+Step Size:\s+(?P<dt>\S+) s)?",
                "Simulation Time:",
            ),
            # The file .out of a case.
            _rule(r"^\s*Simulation End Time \(s\)\s+(?P<end_time>\S+)", "Simulation End Time"),
            _rule(r"Step Size:\s+(?P<dt>\S+) s, Total Time:\s+(?P<time>\S+) s", "Total Time:"),
        ),
        file="stderr.txt",
        simulator="FDS",
        series="`time`, `step`, and `dt` of the case's file `.out`",
        end='`end={"time": 180}`; known in `.out`',
    ),
    "dualsphysics": Preset(
        "DualSPHysics simulated time",
        (
            _rule(r"^\s*TimeMax=(?P<end_time>\S+)", "TimeMax="),
            # One line per particle file; newer versions omit "Part_".
            _rule(r"^\s*(?:Part_)?\d{4,9}\s+(?P<time>\d+\.\d+)\s+\d[\d,]*\s+\d[\d,]*\s", "."),
        ),
        simulator="DualSPHysics",
        series="`time`",
        end="known",
    ),
    "openfast": Preset(
        "OpenFAST simulated time",
        (
            _rule(
                r"\bTime(?:step)?: (?P<time>\S+) of (?P<end_time>[\d.]+) seconds",
                " seconds.",
            ),
        ),
        simulator="OpenFAST",
        series="`time`",
        end="known",
    ),
    "swan": Preset(
        "SWAN accuracy, or steps",
        (
            # Stationary runs print the accuracy, nonstationary runs the time step.
            _rule(r"accuracy OK in\s+(?P<accuracy>\S+) %", "accuracy OK in "),
            _rule(r"^\s*\+?time \S+\s*, step\s+(?P<step>\d+); iteration", "; iteration"),
        ),
        simulator="SWAN",
        series="`accuracy`, in percent of the grid's points, or `step`",
    ),
    "sfincs": Preset(
        "SFINCS progress",
        (_rule(r"^\s*(?P<percent>[\d.]+)\s*% complete,", "% complete,"),),
        simulator="SFINCS",
        series="`percent`",
        end="known",
    ),
    "amrwind": Preset(
        "AMR-Wind simulated time and residuals",
        (
            _rule(
                r"^\s*Run (?:until|till) (?P<end_time>[\d.eE+-]+) sec(?:\.|onds)"
                r"(?: or (?P<end_step>\d+) timesteps)?",
                "Run ",
            ),
            _rule(r"^\s*Step: (?P<step>\d+) dt: (?P<dt>\S+) Time: \S+ to (?P<time>\S+)", "Step: "),
            _rule(r"^\s*CFL: (?P<CFL>\S+)", "CFL: "),
            _rule(
                rf"^\s+(?P<series>[A-Za-z]\w+)\s+\d+\s+(?P<value>{_FLOAT})\s+{_FLOAT}\s*$",
                "_",
                kind="residual",
            ),
            _rule(
                rf"^\s+(?P<series>[A-Za-z]\w+)\s+\d+\s+{_FLOAT}\s+(?P<value>{_FLOAT})\s*$",
                "_",
                suffix="_final",
                kind="final",
                is_last=True,
            ),
        ),
        axis="step",
        importance=("time|CFL|dt", "(?!.*_final$).*"),
        simulator="AMR-Wind",
        series="`time`, `dt`, `CFL`, and the residuals of each system",
        end="known",
    ),
    "wrf": Preset(
        "WRF wall-clock seconds per step",
        _WRF_RULES,
        simulator="WRF",
        series=(
            "`1:seconds`, the wall-clock seconds of each step of domain 1; `1:dt` if it is "
            "adaptive; `1:cfl_points`, the grid points that exceed the CFL limit"
        ),
        file="rsl.out.0000",
    ),
    # In a coupled run WRF prints to the same output as ROMS.
    "coawst": Preset(
        "COAWST energy and wall-clock seconds per step",
        (
            # The date is a day number in older versions; several grids are numbered.
            _rule(
                r"^\s*(?P<step>\d+)\s+[-\d]+\s+\d+:\d\d:\d\d\S*\s+(?P<kinetic_energy>\S+)\s+"
                r"(?P<potential_energy>\S+)\s+(?P<total_energy>\S+)\s+(?P<volume>\S+)"
                r"(?:\s+(?P<scope>\d+))?\s*$",
                ":",
                is_scoped=True,
            ),
            _rule(
                r"^\s*\(\d+(?:,\d+)+\)(?:\s+\S+){2,3}\s+(?P<max_speed>\S+)\s*$",
                "(",
                is_scoped=True,
            ),
            *_WRF_RULES,
        ),
        importance=("(?:.*:)?(?:kinetic_energy|max_speed)",),
        simulator="COAWST",
        series=(
            "`kinetic_energy`, `potential_energy`, `total_energy`, `volume` and `max_speed` of "
            "ROMS, of each grid if there are several (`02:kinetic_energy`); the series of WRF"
        ),
    ),
    "schism": Preset(
        "SCHISM simulated time",
        (
            _rule(r"time stepping begins\.+\s+\d+\s+(?P<end_step>\d+)", "time stepping begins"),
            # Some compilers print the average on a line of its own.
            _rule(
                r"etatot=\s*(?P<etatot>[^\s;]+)(?:\s*;\s*average \|eta\|=\s*(?P<average_eta>\S+))?",
                "etatot=",
                is_last=True,
            ),
            _rule(
                r"^\s*TIME STEP=\s*(?P<step>\d+)\s*;\s*TIME=\s*(?P<time>[^\s;]+)",
                "TIME STEP=",
                ends_step=True,
            ),
        ),
        axis="step",
        file="outputs/mirror.out",
        simulator="SCHISM",
        series="`time`, `step`, `etatot`, `average_eta`",
        end="known",
    ),
    "quantumespresso": Preset(
        "Quantum ESPRESSO self-consistency",
        (
            _rule(r"^\s*iteration #\s*(?P<iteration>\d+)", "iteration #"),
            # The converged energy is marked, and replaces that of the last iteration.
            _rule(r"^\s*!?\s*total energy\s+=\s+(?P<total_energy>\S+) Ry", "Ry", is_last=True),
            _rule(
                r"^\s*estimated scf accuracy\s+<\s+(?P<scf_accuracy>\S+) Ry",
                "estimated scf accuracy",
                kind="residual",
                is_last=True,
            ),
            _rule(r"^\s*Total force =\s+(?P<total_force>\S+)", "Total force =", is_last=True),
        ),
        axis="iteration",
        simulator="Quantum ESPRESSO",
        series="`scf_accuracy`, `total_energy`, `total_force`",
    ),
    "nwchem": Preset(
        "NWChem energies",
        (
            # Density functional theory, Hartree-Fock, and the steps of an optimisation.
            _rule(
                r"^\s*d=\s*\d+,ls=[^\s,]+(?:,\w+)?\s+(?P<iteration>\d+)\s+(?P<scf_energy>\S+)\s+"
                r"(?P<scf_delta>\S+)",
                ",ls=",
            ),
            _rule(
                r"^\s+(?P<iteration>\d+)\s+(?P<scf_energy>-?\d+\.\d{10}|(?i:nan))\s+"
                r"(?P<scf_gradient>\d\.\d\dD[-+]\d\d|(?i:nan))\s+\S+\s+[\d.]+\s*$",
                ".",
            ),
            _rule(
                r"^\s*@\s+(?P<step>\d+)\s+(?P<energy>\S+)\s+(?P<delta>\S+)\s+(?P<Gmax>\S+)\s+"
                r"(?P<Grms>\S+)\s+(?P<Xrms>\S+)\s+(?P<Xmax>\S+)",
                "@ ",
            ),
        ),
        importance=("energy|Gmax|Grms", "scf_.*"),
        simulator="NWChem",
        series=(
            "`energy`, `Gmax`, `Grms`, `Xrms`, `Xmax` of each step of an optimisation; "
            "`scf_energy`, `scf_gradient` or `scf_delta` of each iteration"
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


def preset_named(name: str) -> Preset:
    """Return a preset by its name.

    Parameters
    ----------
    name
        A key of `PRESETS`.

    Raises
    ------
    InputError
        There is no such preset.
    """
    preset = PRESETS.get(name.lower())
    if preset is None:
        raise InputError(
            f"Unknown preset {name!r}, expected one of: {', '.join(PRESETS)}. Add your own with "
            "inductiva_widgets.tasks.add_preset."
        )
    return preset


def add_preset(
    name: str,
    *expressions: str,
    title: str | None = None,
    axis: str | None = None,
    file: str = STDOUT,
) -> None:
    r"""Add a preset for the log of a simulator, in this kernel.

    It is used by ``task.watch(preset=name)``, and by the cards of tasks whose simulator's name
    begins with ``name``. A preset of this name is replaced. No request.

    Parameters
    ----------
    name
        Name of the preset.
    *expressions
        Regular expressions with named groups, as for ``Task.watch``. Each is searched for in each
        line.
    title
        Description for people, by default the name.
    axis
        Series that begins a step, such as ``"time"``: what is printed up to the next one is one
        row. By default each line is a row.
    file
        Name of the file.

    Raises
    ------
    InputError
        There is no expression, or one is invalid.

    Examples
    --------
    >>> from inductiva_widgets.metrics.presets import preset_named
    >>> from inductiva_widgets.tasks import add_preset
    >>> add_preset(
    ...     "mysolver", r"^\s*t = (?P<time>\S+)", r"error: (?P<residual>\S+)", axis="time"
    ... )
    >>> preset_named("mysolver").title
    'mysolver'
    """
    if not name or not expressions:
        raise InputError("A preset must have a name and at least one expression.")
    rules = tuple(Rule(expression) for expression in expressions)
    # Checks the expressions.
    LineMatcher(rules)
    PRESETS[name.lower()] = Preset(title or name, rules, axis=axis, file=file)


def presets_table() -> str:
    """Return a Markdown table of the presets."""
    head = ["| simulator | series | end |", "| --- | --- | --- |"]
    presets = [preset for preset in dict.fromkeys(PRESETS.values()) if preset.simulator]
    rows = [f"| {_described(one)} | {one.series} | {one.end} |" for one in presets]
    return "\n".join([*head, *rows])


def _described(preset: Preset) -> str:
    is_usual = preset.file == STDOUT
    return preset.simulator if is_usual else f"{preset.simulator}, in `{preset.file}`"
