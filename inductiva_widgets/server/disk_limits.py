"""Disk limits of a task: free space to leave, and size of its files.

Set for the embedded server by two environment variables:

``INDUCTIVA_LOCAL_DISK_FLOOR``
    Free space that tasks leave on the disk, ``1GiB`` unless set; ``0`` for none.
``INDUCTIVA_LOCAL_MAX_OUTPUT``
    Size of all files of one task, unlimited unless set.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from inductiva_widgets._disk import free_space
from inductiva_widgets.formatting import format_bytes

ENV_FLOOR = "INDUCTIVA_LOCAL_DISK_FLOOR"
ENV_OUTPUT = "INDUCTIVA_LOCAL_MAX_OUTPUT"

_DEFAULT_FLOOR = 1 << 30
_UNITS = {"": 1, "K": 1000, "M": 1000**2, "G": 1000**3, "T": 1000**4}
_BINARY = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
# Pause between two measurements of a folder's size, as a multiple of the last one's duration.
_PAUSE_FACTOR = 20
_SHORTEST_PAUSE = 1.0


class LimitError(ValueError):
    """A limit is invalid; the message names it."""


def parse_size(text: str) -> int:
    """Parse a size in bytes.

    Parameters
    ----------
    text
        A number with or without a unit: ``"500MB"``, ``"1.5 GiB"``, ``"0"``.

    Examples
    --------
    >>> parse_size("2 kB"), parse_size("1.5KiB"), parse_size("7")
    (2000, 1536, 7)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(?:([KMGT])(I?)B?|B)?", text.strip().upper())
    if found is None:
        raise LimitError(f"{text!r} is no size; write one such as 500MB or 1GiB")
    number, unit, binary = found.groups()
    return int(float(number) * (_BINARY if binary else _UNITS)[unit or ""])


class DiskLimits(NamedTuple):
    """Minimum free bytes, and maximum bytes of a task, or None without a limit."""

    disk_floor: int = _DEFAULT_FLOOR
    max_output: int | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> DiskLimits:
        """Read the limits from the environment.

        Raises
        ------
        LimitError
            A variable is not a size.
        """
        floor, output = (_size_in(environ, name) for name in (ENV_FLOOR, ENV_OUTPUT))
        return cls(_DEFAULT_FLOOR if floor is None else floor, output)


def _size_in(environ: Mapping[str, str], name: str) -> int | None:
    text = environ.get(name, "")
    try:
        return parse_size(text) if text.strip() else None
    except LimitError as error:
        raise LimitError(f"The variable {name}: {error}.") from None


class DiskGuard:
    """Checks the limits while a task runs.

    Parameters
    ----------
    folder
        Folder of the task's files, which may not exist yet.
    limits
        The limits.
    """

    def __init__(self, folder: Path, limits: DiskLimits) -> None:
        self._folder = folder
        self._limits = limits
        self._next_count = 0.0

    def reason_no_space(self, size: int) -> str | None:
        """Return the reason why a number of bytes cannot be written, or None."""
        free = self._free()
        if free - size >= self._limits.disk_floor:
            return None
        return (
            f"The disk of this machine is too full: the input needs {format_bytes(size)}, "
            f"{format_bytes(free)} are free, and {self._stay_free()}. Free some space and run "
            f"again."
        )

    def violation(self, *, now: bool = False) -> str | None:
        """Return the reason if the task has exceeded a limit, or None.

        Parameters
        ----------
        now
            If True, measure the files even if they were measured recently.
        """
        free = self._free()
        if free < self._limits.disk_floor:
            return (
                f"The task was ended since the disk of this machine runs full: "
                f"{format_bytes(free)} are free, and {self._stay_free()}. Free some space and run "
                "again."
            )
        limit = self._limits.max_output
        if limit is None or (not now and time.monotonic() < self._next_count):
            return None
        began = time.monotonic()
        size = folder_size(self._folder)
        took = time.monotonic() - began
        self._next_count = began + max(_SHORTEST_PAUSE, _PAUSE_FACTOR * took)
        if size <= limit:
            return None
        return (
            f"The task was ended since its files take {format_bytes(size)}, more than the "
            f"{format_bytes(limit)} that {ENV_OUTPUT} allows."
        )

    def can_archive(self) -> bool:
        """Return whether the output archive may grow further.

        The archive may use half of the floor, so that a task that reached the floor has output.
        """
        return self._free() >= self._limits.disk_floor // 2

    def _stay_free(self) -> str:
        return f"{format_bytes(self._limits.disk_floor)} have to stay free ({ENV_FLOOR})"

    def _free(self) -> int:
        return free_space(self._folder)


def folder_size(folder: Path) -> int:
    """Return the size of all files below a folder, links not followed."""
    return sum(_sizes(str(folder)))


def _sizes(folder: str) -> Iterator[int]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        # The simulator may remove and rename files.
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _sizes(entry.path)
        else:
            with contextlib.suppress(OSError):
                yield entry.stat(follow_symlinks=False).st_size
