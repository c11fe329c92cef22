"""Find the program of a command on the machine that runs it.

Commands are written for the service's containers, such as ``/REEF3D/bin/REEF3D``: what counts here
is the base name. The first of these is taken:

1. what the user configured: the variable ``INDUCTIVA_PROGRAM_<NAME>``, the name in capitals;
2. the path itself if the command gives one: relative to the task's files, or absolute;
3. a file of that name among the task's files, for known simulators only, so that no input file can
   stand in for ``bash``;
4. the PATH, under every spelling that the program is known by;
5. a driver of ours, if the library it drives is installed.

If all fail, the container image that the user named is used, if any: see ``command_resolver``.

Nothing is imported to find out: loading a broken simulator library may end the process.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from inductiva_widgets.server.data_dir import package_root

# Runs a module of ours from any folder. ``python -m`` would look for modules in the task's folder
# first, where an input file called ``signal.py`` may lie.
_RUN_MODULE = (
    "import sys; sys.path[:] = [sys.argv.pop(1), *filter(None, sys.path)]; "
    "from runpy import run_module; run_module(sys.argv.pop(1), None, '__main__', True)"
)


class Driver(NamedTuple):
    """A module of ours that stands in for a simulator's own program."""

    module: str
    library: str
    install: str


class Program(NamedTuple):
    """Names and driver of a simulator's program."""

    spellings: tuple[str, ...]
    driver: Driver | None = None


_SWMM = Program(
    ("runswmm", "swmm5"),
    Driver(
        "inductiva_widgets.server.drivers.swmm",
        "swmm.toolkit",
        'pip install "inductiva-widgets[local]"',
    ),
)
_SPLISH = Program(
    ("SPHSimulator",),
    Driver(
        "inductiva_widgets.server.drivers.splish",
        "pysplishsplash",
        'pip install "inductiva-widgets[splish]"',
    ),
)

KNOWN_PROGRAMS: dict[str, Program] = {
    name: program
    for program in (
        _SWMM,
        _SPLISH,
        Program(("DiveMESH", "DIVEMesh", "DIVEMESH")),
        Program(("REEF3D", "reef3d")),
        Program(("gmx", "gmx_mpi")),
        Program(("ccx",)),
        Program(("swash.exe", "swash")),
        Program(("swan.exe", "swan")),
        Program(("xbeach",)),
        Program(("sfincs",)),
        Program(("fds_ompi_gnu_linux", "fds")),
        Program(("OpenSees",)),
        Program(("OpenSeesMP",)),
    )
    for name in program.spellings
}


class ProgramNotFoundError(Exception):
    """The program is not on this machine; the message has the searched places and a fix."""


class WrongProgramError(ProgramNotFoundError):
    """The configured program does not exist or is not executable."""


def variable_for(name: str) -> str:
    """Return the environment variable that names the path of a program.

    Examples
    --------
    >>> variable_for("swash.exe")
    'INDUCTIVA_PROGRAM_SWASH_EXE'
    """
    return "INDUCTIVA_PROGRAM_" + re.sub(r"[^A-Z0-9]", "_", name.upper())


def find_program(
    word: str,
    is_input: Callable[[str], bool],
    environ: Mapping[str, str] = os.environ,
) -> list[str]:
    """Return the first words of the command line that runs a program.

    Parameters
    ----------
    word
        First word of the command.
    is_input
        Returns whether a relative path is one of the task's input files.
    environ
        Environment to look at.

    Raises
    ------
    ProgramNotFoundError
        There is no such program.
    """
    name = PurePosixPath(word).name
    variable = variable_for(name)
    known = KNOWN_PROGRAMS.get(name)
    spellings = _spellings(name, known)
    if configured := environ.get(variable):
        return [_configured(configured, variable, name)]
    if given := _given_path(word, name, known, is_input):
        return [given]
    for spelling in spellings:
        if path := shutil.which(spelling, path=environ.get("PATH")):
            return [path]
    if known and known.driver and has_library(known.driver.library):
        return module_command(known.driver.module)
    raise ProgramNotFoundError(_explain(word, name, variable, spellings, known))


def has_library(name: str) -> bool:
    """Return whether a Python library is installed, without loading it."""
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def module_command(module: str) -> list[str]:
    """Return the command that runs a module of this package in any working folder."""
    return [sys.executable, "-c", _RUN_MODULE, str(package_root()), module]


def _spellings(name: str, known: Program | None) -> tuple[str, ...]:
    others = known.spellings if known else ()
    return (name, *(other for other in others if other != name))


def _configured(value: str, variable: str, name: str) -> str:
    path = shutil.which(Path(value).expanduser())
    if path is None:
        raise WrongProgramError(
            f"The variable {variable} says that the program {name!r} is {value!r}, "
            "but there is no executable file of that name. Correct the variable or remove it."
        )
    # The task runs in another folder, where a relative path would mean something else.
    return str(Path(path).absolute())


def _given_path(
    word: str, name: str, known: Program | None, is_input: Callable[[str], bool]
) -> str | None:
    path = PurePosixPath(word)
    if path.is_absolute():
        if os.access(word, os.X_OK) and Path(word).is_file():
            return word
    elif "/" in word and is_input(str(path)):
        return word
    return f"./{name}" if known and is_input(name) else None


def _explain(
    word: str, name: str, variable: str, spellings: tuple[str, ...], known: Program | None
) -> str:
    places = [f"the variable {variable} (not set)"]
    if "/" in word:
        places.append(f"the path {word}")
    if known:
        places.append("the task's own files")
    places.append(f"the PATH ({', '.join(spellings)})")
    ways = [f"put it on the PATH of the embedded server, or set {variable} to its path"]
    if known and known.driver:
        places.append(f"the Python library {known.driver.library}")
        ways.insert(0, known.driver.install)
    return (
        f"The program {name!r} was not found on this machine.\n"
        f"To provide it: {'; or '.join(ways)}.\n"
        f"Looked at: {'; '.join(places)}."
    )
