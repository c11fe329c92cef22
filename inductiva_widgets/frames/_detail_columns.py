"""Columns that need the details of a task, such as its parameters."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

import msgspec
import pandas as pd

from inductiva_widgets.models.tasks import Command, TaskInfo

PARAMETER = "parameter."
"""How the name of a column begins that holds a parameter of the submission."""

MEANINGS = {
    "commands": "what was run, as one would type it; one line a command",
    "mpi_processes": "number of MPI processes, the largest of the commands",
    "exit_code": "exit code of the last command that has ended",
}

COUNTS = ("mpi_processes", "exit_code")
"""Columns of whole numbers; the others are texts."""

# The image has a column of its own, and so have the commands.
_TOLD = ("commands", "container_image")


def detail_columns(infos: Sequence[TaskInfo], index: pd.Index[Any]) -> dict[str, pd.Series[Any]]:
    """Return columns by name; costs no request.

    Parameters
    ----------
    infos
        Details of tasks; what a row of a listing does not tell is missing.
    index
        Of the columns.

    Returns
    -------
    dict
        ``commands``, ``mpi_processes``, ``exit_code``, and ``parameter.<key>`` for each further
        parameter that a task was submitted with.
    """
    asked = [_asked(info) for info in infos]
    parameters = [_parameters(info) for info in infos]
    keys = dict.fromkeys(key for found in parameters for key in found)
    columns: dict[str, list[Any]] = {
        "commands": [_text(info, commands) for info, commands in zip(infos, asked, strict=True)],
        "mpi_processes": [_processes(commands) for commands in asked],
        "exit_code": [_exit_code(info) for info in infos],
        **{PARAMETER + key: [found.get(key) for found in parameters] for key in sorted(keys)},
    }
    return {
        name: pd.Series(values, index, dtype="Int64" if name in COUNTS else object)
        for name, values in columns.items()
    }


def _asked(info: TaskInfo) -> list[Command]:
    commands = (info.extra_params or {}).get("commands")
    try:
        return msgspec.convert(commands or [], list[Command])
    except msgspec.ValidationError:
        # A service that describes them otherwise; what was executed is known all the same.
        return []


def _text(info: TaskInfo, commands: Sequence[Command]) -> str | None:
    lines = [_typed(command) for command in commands]
    lines = lines or [str(one.attributes["command"]) for one in info.executed_commands]
    return "\n".join(lines) or None


def _typed(command: Command) -> str:
    words = [f"{key}={shlex.quote(value)}" for key, value in sorted(command.env.items())]
    if command.mpi_config is not None:
        words.append("mpirun")
        for option, value in command.mpi_config.options.items():
            if value is not None and value is not False:
                words += [f"--{option}", *([] if value is True else [_option(value)])]
    words.append(command.cmd)
    # What it would have been asked, on one line like the command.
    words += [f"<<< {shlex.quote(' '.join(command.prompts))}"] if command.prompts else []
    return " ".join(words)


def _option(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _processes(commands: Sequence[Command]) -> int | None:
    configs = [command.mpi_config for command in commands if command.mpi_config is not None]
    counts = [config.options.get("np") for config in configs]
    return max((count for count in counts if type(count) is int), default=None)


def _exit_code(info: TaskInfo) -> int | None:
    codes = [operation.attributes.get("exit_code") for operation in info.executed_commands]
    return next((code for code in reversed(codes) if type(code) is int), None)


def _parameters(info: TaskInfo) -> dict[str, str]:
    found = {key: value for key, value in (info.extra_params or {}).items() if key not in _TOLD}
    return {
        key: value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for key, value in found.items()
        if value is not None
    }
