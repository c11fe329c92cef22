"""Turns the commands of a submission into what is run on this machine."""

from __future__ import annotations

import os
import posixpath
import shlex
import shutil
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import msgspec

from inductiva_widgets.local.programs import KNOWN_PROGRAMS, ProgramNotFoundError, find_program
from inductiva_widgets.local.refusals import RefusedError
from inductiva_widgets.local.wire import ExtraParams
from inductiva_widgets.models import Command, MpiConfig, Submission


class PlannedCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A command as the supervisor runs it; ``shown`` is how its user knows it."""

    argv: list[str]
    shown: str
    prompts: list[str]
    env: dict[str, str]


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """What a submission asks to run, checked but not yet looked up on this machine."""

    commands: list[Command]
    sim_dir: str
    run_dir: str

    @classmethod
    def of(cls, submission: Submission) -> Recipe:
        """Read the recipe out of a submission.

        Raises
        ------
        RefusedError
            The submission holds no commands that can be run.
        """
        try:
            extra = msgspec.convert(submission.extra_params or {}, ExtraParams)
        except msgspec.ValidationError as error:
            raise RefusedError(f"The extra_params cannot be used: {error}.") from None
        for command in extra.commands:
            _words(command.cmd)
        return cls(
            commands=extra.commands,
            sim_dir=_single_folder(extra.sim_dir),
            run_dir=_inner_folder(extra.run_subprocess_dir or "."),
        )


def plan(
    recipe: Recipe, input_files: set[str], environ: Mapping[str, str] = os.environ
) -> list[PlannedCommand]:
    """Return the commands of a task with the programs of this machine.

    Parameters
    ----------
    recipe
        What the submission asks for.
    input_files
        Paths of the task's input files, relative to the task's folder.
    environ
        Environment to look at.

    Raises
    ------
    ProgramNotFoundError
        A program is not to be found, before anything has run.
    """

    def is_input(path: str) -> bool:
        return posixpath.normpath(posixpath.join(recipe.run_dir, path)) in input_files

    planned: list[PlannedCommand] = []
    for command in recipe.commands:
        words = _words(command.cmd)
        if _concerns_container(words):
            continue
        try:
            program = find_program(words[0], is_input, environ)
        except ProgramNotFoundError:
            # An earlier command may make the program of a later one, as compilers do.
            if not (planned and _is_own_path(words[0])):
                raise
            program = [words[0]]
        planned.append(_planned(command, [*program, *words[1:]], environ))
    if not planned:
        raise ProgramNotFoundError("The commands of this task concern its container only.")
    return planned


def _planned(command: Command, argv: list[str], environ: Mapping[str, str]) -> PlannedCommand:
    prefix: list[str] = []
    env = dict(command.env)
    if command.mpi_config is not None:
        prefix = _mpi_prefix(command.mpi_config, environ)
    if prefix and os.geteuid() == 0:
        # Open MPI refuses to run as root, which is what a container of a notebook service often is.
        env |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    shown = shlex.join(["mpirun", *prefix[1:]]) + " " + command.cmd if prefix else command.cmd
    return PlannedCommand(argv=prefix + argv, shown=shown, prompts=command.prompts, env=env)


def _mpi_prefix(config: MpiConfig, environ: Mapping[str, str]) -> list[str]:
    """Return the mpirun part: none for a single process, or where there is no mpirun."""
    count = config.options.get("np")
    mpirun = shutil.which("mpirun", path=environ.get("PATH"))
    if mpirun is None or not isinstance(count, int) or count <= 1:
        return []
    prefix = [mpirun]
    for option, value in config.options.items():
        if value is True:
            prefix.append(f"--{option}")
        elif value not in (False, None):
            prefix += [f"--{option}", _option_text(value)]
    return prefix


def _option_text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _concerns_container(words: list[str]) -> bool:
    """Return whether a command only carries a simulator's binary in or out of its container."""
    if words[0] == "cp" and len(words) == 3:
        source = PurePosixPath(words[1])
        return source.is_absolute() and source.name in KNOWN_PROGRAMS
    return words[0] == "rm" and len(words) == 2 and words[1].lstrip("./") in KNOWN_PROGRAMS


def _is_own_path(word: str) -> bool:
    return "/" in word and not word.startswith("/")


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise RefusedError(f"The command {command!r} cannot be read: {error}.") from None
    if not words:
        raise RefusedError("The submission has an empty command.")
    return words


def _single_folder(name: str) -> str:
    if not name or name in (".", "..") or "/" in name or "\\" in name:
        raise RefusedError(f"sim_dir has to be the name of one folder, not {name!r}.")
    return name


def _inner_folder(name: str) -> str:
    folder = posixpath.normpath(name)
    if folder.startswith(("/", "..")):
        raise RefusedError(f"run_subprocess_dir has to be inside the input folder, not {name!r}.")
    return folder
