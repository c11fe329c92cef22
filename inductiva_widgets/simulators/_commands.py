"""Check user commands and time limits before a task is submitted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from inductiva_widgets.errors import InputError
from inductiva_widgets.models.tasks import Command

CommandLike = str | Mapping[str, Any] | Command

# The service runs commands without a shell and refuses these; see the vendor's documentation.
_SHELL_CHARACTERS = "|><&;?~$"
_DURATION = re.compile(
    r"(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?"
)


def parse_commands(commands: Iterable[CommandLike]) -> list[Command]:
    """Return command objects.

    Parameters
    ----------
    commands
        Command lines, or mappings with ``cmd`` and optionally ``prompts`` (lines for the standard
        input), ``env`` and ``mpi_config``.

    Raises
    ------
    InputError
        There is none, one is empty, or one has a character that only a shell understands.
    """
    if isinstance(commands, (str, Mapping, Command)):
        raise InputError("commands must be a list, such as ['runswmm model.inp model.rpt'].")
    parsed = [_parse_command(command) for command in commands]
    if not parsed:
        raise InputError("commands is empty: give at least one command.")
    return parsed


def as_command_list(commands: Iterable[CommandLike]) -> list[CommandLike]:
    """Return commands as they were given; raises as ``parse_commands`` does."""
    listed = commands if isinstance(commands, (str, Mapping, Command)) else list(commands)
    parse_commands(listed)
    return list(listed)


def _parse_command(command: CommandLike) -> Command:
    if isinstance(command, str):
        command = Command(cmd=command)
    elif not isinstance(command, Command):
        try:
            command = msgspec.convert(command, Command)
        except msgspec.ValidationError as error:
            raise InputError(f"{command!r} is not a command: {error}.") from error
    if not command.cmd.strip():
        raise InputError("A command is empty.")
    found = sorted(set(command.cmd) & set(_SHELL_CHARACTERS))
    if found:
        raise InputError(
            f"The command {command.cmd!r} has {' '.join(found)}, which only a shell understands; "
            "commands are run without one. Put such steps into a script among the input files."
        )
    return command


def parse_duration(value: str | float | None) -> float | None:
    """Return seconds from a number of seconds or a text such as ``"1h30m"``.

    Parameters
    ----------
    value
        Seconds, text of days, hours, minutes and seconds (``"2d"``, ``"90m"``, ``"1h30m10s"``), or
        None for no limit.

    Raises
    ------
    InputError
        The value is not positive or not understood.

    Examples
    --------
    >>> parse_duration("1h30m")
    5400.0
    """
    if value is None:
        return None
    if isinstance(value, str):
        match = _DURATION.fullmatch(value.replace(" ", "").lower())
        groups = match.groups() if match else (None,)
        if all(group is None for group in groups):
            raise InputError(f'{value!r} is not a duration: write it like "90m" or "1h30m".')
        factors = (86400, 3600, 60, 1)
        value = sum(
            float(group or 0) * factor for group, factor in zip(groups, factors, strict=True)
        )
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e10:
        raise InputError("A duration must be a positive number of seconds.")
    return float(value)
