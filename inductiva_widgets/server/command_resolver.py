"""Resolve the commands of a task to programs and arguments of the machine that runs it.

Imports only the standard library, since the supervisor uses it.
"""

from __future__ import annotations

import os
import posixpath
import shlex
import shutil
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from inductiva_widgets.server import containers
from inductiva_widgets.server.program_lookup import (
    KNOWN_PROGRAMS,
    ProgramNotFoundError,
    WrongProgramError,
    find_program,
)


class RequestedCommand(NamedTuple):
    """A command of a submission; ``mpi_options`` are those of mpirun, None without it."""

    cmd: str
    prompts: list[str]
    env: dict[str, str]
    mpi_options: dict[str, Any] | None


class RunSpec(NamedTuple):
    """What a task is to run: checked by the server, looked up by the supervisor.

    ``image`` is the container image if the user named one. The image of a simulator does not count:
    it is what the service has the simulator in.
    """

    commands: list[RequestedCommand]
    sim_dir: str
    run_dir: str
    image: str | None = None


class ResolvedCommand(NamedTuple):
    """A command as the supervisor runs it; ``shown`` is how its user knows it.

    ``note`` is a line for the user. ``image`` is the container image that it runs in and ``engine``
    the path of the container engine, both None for a program of this machine.
    """

    argv: list[str]
    shown: str
    prompts: list[str]
    env: dict[str, str]
    note: str | None = None
    image: str | None = None
    engine: str | None = None


def resolve_commands(
    spec: RunSpec, input_files: set[str], environ: Mapping[str, str] = os.environ
) -> list[ResolvedCommand]:
    """Return the commands of a task with the programs of this machine.

    Parameters
    ----------
    spec
        What the task is to run.
    input_files
        Paths of the task's input files, relative to the task's folder.
    environ
        Environment to look at.

    Raises
    ------
    ProgramNotFoundError
        A program is missing; raised before any command runs.
    """
    if spec.image is not None and containers.prefer_containers(environ):
        return _in_image(spec, spec.image, environ, "")
    try:
        planned = _on_this_machine(spec, input_files, environ)
    except WrongProgramError:
        # A configured program takes precedence.
        raise
    except ProgramNotFoundError as error:
        if spec.image is None:
            raise
        return _in_image(spec, spec.image, environ, str(error))
    if spec.image is not None:
        note = (
            f"(The programs are this machine's own, not those of the image {spec.image}; "
            f"{containers.ENV_POLICY}=always takes the image.)"
        )
        planned[0] = planned[0]._replace(note=" ".join(filter(None, (note, planned[0].note))))
    return planned


def _on_this_machine(
    spec: RunSpec, input_files: set[str], environ: Mapping[str, str]
) -> list[ResolvedCommand]:
    def is_input(path: str) -> bool:
        return posixpath.normpath(posixpath.join(spec.run_dir, path)) in input_files

    planned: list[ResolvedCommand] = []
    for command in spec.commands:
        words = shlex.split(command.cmd)
        if _concerns_container(words):
            continue
        try:
            program = find_program(words[0], is_input, environ)
        except WrongProgramError:
            raise
        except ProgramNotFoundError:
            # An earlier command may make the program of a later one, as compilers do.
            if not (planned and _is_own_path(words[0])):
                raise
            program = [words[0]]
        planned.append(_resolved(command, [*program, *words[1:]], environ))
    if not planned:
        raise ProgramNotFoundError("The commands of this task concern its container only.")
    return planned


def _in_image(
    spec: RunSpec, image: str, environ: Mapping[str, str], why: str
) -> list[ResolvedCommand]:
    """Return the commands as they run in a container image.

    Raises
    ------
    ProgramNotFoundError
        There is no container engine.
    """
    engine = containers.find_engine(environ)
    if engine is None:
        raise ProgramNotFoundError(
            f"{why} The task names the container image {image}, but to run it here needs podman or "
            f"docker, and neither is on the PATH (or {containers.ENV_ENGINE} says so).".lstrip()
        )
    planned = []
    for command in spec.commands:
        options = command.mpi_options
        prefix = [] if options is None else _mpi_prefix(options, "mpirun")
        planned.append(
            ResolvedCommand(
                argv=prefix + shlex.split(command.cmd),
                shown=_shown(prefix, command),
                prompts=command.prompts,
                env=_with_root_allowed(command.env) if prefix else command.env,
                image=image,
                engine=engine,
            )
        )
    planned[0] = planned[0]._replace(note=why or None)
    return planned


def _resolved(
    command: RequestedCommand, argv: list[str], environ: Mapping[str, str]
) -> ResolvedCommand:
    options = command.mpi_options
    mpirun = shutil.which("mpirun", path=environ.get("PATH"))
    prefix = [] if options is None or mpirun is None else _mpi_prefix(options, mpirun)
    note = None
    if options is not None and mpirun is None and (count := _process_count(options)) > 1:
        note = (
            f"(There is no mpirun on the PATH: this runs as one process, not as {count}: "
            f"{command.cmd})"
        )
    return ResolvedCommand(
        argv=prefix + argv,
        shown=_shown(prefix, command),
        prompts=command.prompts,
        env=_with_root_allowed(command.env) if prefix else command.env,
        note=note,
    )


def _shown(prefix: list[str], command: RequestedCommand) -> str:
    return shlex.join(["mpirun", *prefix[1:]]) + " " + command.cmd if prefix else command.cmd


def _with_root_allowed(env: dict[str, str]) -> dict[str, str]:
    if os.geteuid() != 0:
        return env
    # Open MPI refuses to run as root, which is what a container of a notebook service often is.
    return env | {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def _process_count(options: dict[str, Any]) -> int:
    count = options.get("np")
    return count if isinstance(count, int) else 1


def _mpi_prefix(options: dict[str, Any], mpirun: str) -> list[str]:
    """Return the mpirun part of a command line, none for a single process."""
    if _process_count(options) <= 1:
        return []
    prefix = [mpirun]
    for option, value in options.items():
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
