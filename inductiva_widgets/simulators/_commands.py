"""Validation of commands and time limits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from inductiva_widgets.errors import InputError
from inductiva_widgets.models.tasks import CommandSpec

CommandLike = str | Mapping[str, Any] | CommandSpec

# The service runs commands without a shell and refuses these characters.
_SHELL_CHARACTERS = "|><&;?~$"
_DURATION = re.compile(
    r"(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?"
)


def parse_commands(commands: Iterable[CommandLike]) -> list[CommandSpec]:
    """Validate commands, and convert them to ``CommandSpec`` objects.

    Parameters
    ----------
    commands
        Command lines, or mappings with ``cmd`` and optionally ``prompts`` (lines for the standard
        input), ``env`` and ``mpi_config``.

    Raises
    ------
    InputError
        There is no command, or one is empty or has a shell character.
    """
    if isinstance(commands, (str, Mapping, CommandSpec)):
        raise InputError(
            "`commands` must be a list such as ['runswmm model.inp model.rpt'], got a "
            f"{type(commands).__name__}."
        )
    parsed = [_parse_command(command) for command in commands]
    if not parsed:
        raise InputError("`commands` must have at least one command, got an empty list.")
    return parsed


def as_command_list(commands: Iterable[CommandLike]) -> list[CommandLike]:
    """Validate commands as ``parse_commands`` does, and return them unchanged."""
    listed = commands if isinstance(commands, (str, Mapping, CommandSpec)) else list(commands)
    parse_commands(listed)
    return list(listed)


def _parse_command(command: CommandLike) -> CommandSpec:
    if isinstance(command, str):
        command = CommandSpec(cmd=command)
    elif not isinstance(command, CommandSpec):
        try:
            command = msgspec.convert(command, CommandSpec)
        except msgspec.ValidationError as error:
            raise InputError(f"Invalid command {command!r}: {error}.") from error
    if not command.cmd.strip():
        raise InputError("A command must not be empty.")
    found = sorted(set(command.cmd) & set(_SHELL_CHARACTERS))
    if found:
        raise InputError(
            f"A command must not have shell characters, got {' '.join(found)} in {command.cmd!r}. "
            "Commands run without a shell: use a script in the input folder instead."
        )
    return command


def parse_duration(value: str | float | None) -> float | None:
    """Convert a duration to seconds.

    Parameters
    ----------
    value
        Number of seconds, a string of days, hours, minutes and seconds such as ``"2d"``, ``"90m"``
        or ``"1h30m10s"``, or None for no limit.

    Raises
    ------
    InputError
        The value is invalid or not positive.

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
            raise InputError(f'A duration must be a string like "90m" or "1h30m", got {value!r}.')
        factors = (86400, 3600, 60, 1)
        value = sum(
            float(group or 0) * factor for group, factor in zip(groups, factors, strict=True)
        )
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e10:
        raise InputError(f"A duration must be a positive number of seconds, got {value!r}.")
    return float(value)
