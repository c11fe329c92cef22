"""Columns that need the details of a task, such as its parameters."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

import msgspec
import pandas as pd

from inductiva_widgets.models.tasks import SUBMISSION_ID, CommandSpec, TaskInfo

PARAMETER = "parameter."
"""Prefix of the columns that hold parameters of the submission."""

MEANINGS = {
    "commands": "the executed commands as shell commands, one per line",
    "mpi_processes": "largest number of MPI processes of a command",
    "exit_code": "exit code of the last command that has ended",
}

COUNTS = ("mpi_processes", "exit_code")
"""Columns of whole numbers; all further columns are texts."""

# The image and the commands have columns of their own, and the id says nothing about the task.
_SEPARATE = ("commands", "container_image", SUBMISSION_ID)


def detail_columns(infos: Sequence[TaskInfo], index: pd.Index[Any]) -> dict[str, pd.Series[Any]]:
    """Return the columns that need the details of tasks, by name.

    Parameters
    ----------
    infos
        Details of tasks; the values of tasks from a listing are missing.
    index
        Index of the columns.

    Returns
    -------
    dict
        ``commands``, ``mpi_processes``, ``exit_code``, and ``parameter.<key>`` for each further
        parameter that a task was submitted with.
    """
    submitted = [_submitted_commands(info) for info in infos]
    parameters = [_parameters(info) for info in infos]
    keys = dict.fromkeys(key for found in parameters for key in found)
    columns: dict[str, list[Any]] = {
        "commands": [_text(info, given) for info, given in zip(infos, submitted, strict=True)],
        "mpi_processes": [_processes(commands) for commands in submitted],
        "exit_code": [_exit_code(info) for info in infos],
        **{PARAMETER + key: [found.get(key) for found in parameters] for key in sorted(keys)},
    }
    return {
        name: pd.Series(values, index, dtype="Int64" if name in COUNTS else object)
        for name, values in columns.items()
    }


def _submitted_commands(info: TaskInfo) -> list[CommandSpec]:
    commands = (info.extra_params or {}).get("commands")
    try:
        return msgspec.convert(commands or [], list[CommandSpec])
    except msgspec.ValidationError:
        # The service uses another format; the executed commands are shown instead.
        return []


def _text(info: TaskInfo, commands: Sequence[CommandSpec]) -> str | None:
    lines = [_shell_line(command) for command in commands]
    lines = lines or [str(run.attributes["command"]) for run in info.executed_commands]
    return "\n".join(lines) or None


def _shell_line(command: CommandSpec) -> str:
    words = [f"{key}={shlex.quote(value)}" for key, value in sorted(command.env.items())]
    if command.mpi_config is not None:
        words.append("mpirun")
        for option, value in command.mpi_config.options.items():
            if value is not None and value is not False:
                words += [f"--{option}", *([] if value is True else [_option(value)])]
    words.append(command.cmd)
    # The prompts, on the same line as the command.
    words += [f"<<< {shlex.quote(' '.join(command.prompts))}"] if command.prompts else []
    return " ".join(words)


def _option(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _processes(commands: Sequence[CommandSpec]) -> int | None:
    configs = [command.mpi_config for command in commands if command.mpi_config is not None]
    counts = [config.options.get("np") for config in configs]
    return max((count for count in counts if type(count) is int), default=None)


def _exit_code(info: TaskInfo) -> int | None:
    codes = [operation.attributes.get("exit_code") for operation in info.executed_commands]
    return next((code for code in reversed(codes) if type(code) is int), None)


def _parameters(info: TaskInfo) -> dict[str, str]:
    found = {key: value for key, value in (info.extra_params or {}).items() if key not in _SEPARATE}
    return {
        key: value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for key, value in found.items()
        if value is not None
    }
