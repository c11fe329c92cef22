"""Files in the folder of a running task, as printable values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, overload

from inductiva_widgets.ansi import escape_control_chars
from inductiva_widgets.formatting import format_bytes, format_duration, format_timestamp
from inductiva_widgets.models.tasks import WorkingFile

_INDENT = "  "


class RawText(str):
    """Text whose repr is itself, without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True)
class ModifiedFile:
    """The file that a task has written last; prints as a sentence.

    Parameters
    ----------
    name
        Path of the file in the task's folder.
    modified
        Time of the last write, by the service's clock.
    age
        Seconds since then.

    Examples
    --------
    >>> from datetime import datetime
    >>> print(inductiva.tasks.ModifiedFile("vtk/a.vtk", datetime(2026, 3, 1, 12, 30), 83.0))
    vtk/a.vtk was written 1 min 23 s ago (...).
    """

    name: str
    modified: datetime
    age: float

    def __str__(self) -> str:
        when = f"{format_duration(self.age)} ago ({format_timestamp(self.modified)})"
        return f"{escape_control_chars(self.name)} was written {when}."


class WorkingFiles(Sequence[WorkingFile]):
    """The present files of a running task; prints as a tree.

    Parameters
    ----------
    files
        The files.

    Examples
    --------
    >>> from inductiva_widgets.tasks import WorkingFile, WorkingFiles
    >>> names = ("stdout.txt", "vtk/a.vtk", "vtk/b.vtk")
    >>> WorkingFiles(WorkingFile(name=name, size=2048) for name in names)
    vtk/
      a.vtk     2.00 KiB
      b.vtk     2.00 KiB
    stdout.txt  2.00 KiB
    """

    def __init__(self, files: Iterable[WorkingFile]) -> None:
        self._files = tuple(files)

    @overload
    def __getitem__(self, index: int) -> WorkingFile: ...
    @overload
    def __getitem__(self, index: slice) -> WorkingFiles: ...
    def __getitem__(self, index: int | slice) -> WorkingFile | WorkingFiles:
        if isinstance(index, slice):
            return WorkingFiles(self._files[index])
        return self._files[index]

    def __len__(self) -> int:
        return len(self._files)

    def __str__(self) -> str:
        rows = _rows(self._files)
        width = max((len(label) for label, _ in rows), default=0)
        return "\n".join(
            label if size is None else f"{label:<{width}}  {format_bytes(size)}"
            for label, size in rows
        )

    __repr__ = __str__

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text(str(self))


def _rows(files: Iterable[WorkingFile]) -> list[tuple[str, int | None]]:
    """Return the lines of the tree: folders before files, sorted by name."""
    rows: list[tuple[str, int | None]] = []
    above: list[str] = []
    for file in sorted(files, key=_place):
        *folders, name = escape_control_chars(file.name).split("/")
        same = 0
        while same < min(len(above), len(folders)) and above[same] == folders[same]:
            same += 1
        rows += [
            (f"{_INDENT * depth}{folders[depth]}/", None) for depth in range(same, len(folders))
        ]
        rows.append((f"{_INDENT * len(folders)}{name}", file.size))
        above = folders
    return rows


def _place(file: WorkingFile) -> list[tuple[bool, str]]:
    *folders, name = file.name.split("/")
    return [*((False, folder) for folder in folders), (True, name)]
