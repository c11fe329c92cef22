"""The files and the load of the machine that computes a task, as printable values.

The embedded server sends them over HTTP, the cloud over WebRTC, which needs
``pip install "inductiva-widgets[live]"``. All readers of one task share a connection.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TextIO, overload

from inductiva_widgets import _kernel
from inductiva_widgets.ansi import escape_control_chars
from inductiva_widgets.errors import InputError, NotFoundError, TaskError
from inductiva_widgets.formatting import format_bytes, format_duration, format_timestamp
from inductiva_widgets.models.tasks import WorkingFile
from inductiva_widgets.status import Status

if TYPE_CHECKING:
    from inductiva_widgets.models.tasks import TaskInfo
    from inductiva_widgets.tasks._state import RemoteTask


_INDENT = "  "

_PERIOD = 1.0


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


def print_files(
    task: RemoteTask,
    filenames: Iterable[str],
    lines: int,
    *,
    follow: bool,
    wait: bool,
    fout: TextIO | None = None,
) -> None:
    """Print the last lines of files; see ``Task.tail_files``."""
    from inductiva_widgets.tasks import _tail

    if isinstance(lines, bool) or not isinstance(lines, int) or lines < 0:
        raise InputError("lines must be a whole number, 0 or more.")
    names = [filenames] if isinstance(filenames, str) else list(dict.fromkeys(filenames))
    if wait:
        while not (info := task.refresh(_PERIOD)).is_terminal and not info.status.is_computing:
            _kernel.sleep_and_process_messages(_PERIOD)
    if follow:
        _tail.print_and_follow(task, names, lines, fout)
        return
    info = task.refresh(_PERIOD)
    if info.status.is_before_computation:
        raise _not_started_error(info)
    _tail.print_tail(task, names, lines, fout)


def list_files(task: RemoteTask) -> WorkingFiles:
    """Return the files in the folder of a running task; see ``Task.list_files``."""
    _require_computing(
        task,
        hint="Its output files are listed by task.get_output_info().",
        shell_hint=f"Get its output files with `inductiva-widgets tasks download {task.id}`.",
    )
    if task.client.is_local:
        return WorkingFiles(_local_files(task))
    from inductiva_widgets.webrtc.messages import parse_files

    names = parse_files(_request(task, "ls"))
    return WorkingFiles(WorkingFile(name=name) for name in names)


def last_modified_file(task: RemoteTask) -> ModifiedFile:
    """Return the file that was written last; see ``Task.last_modified_file``."""
    _require_computing(
        task,
        hint="The time of its end is in task.get_info().",
        shell_hint=f"The time of its end is shown by `inductiva-widgets tasks info {task.id}`.",
    )
    now = task._state.server_time
    if task.client.is_local:
        files = _local_files(task)
        if files and files[0].modified is not None:
            age = (now - files[0].modified).total_seconds()
            return ModifiedFile(files[0].name, files[0].modified, max(0.0, age))
        raise TaskError(f"Task {task.id} has not written a file yet.")
    from inductiva_widgets.webrtc.messages import parse_last_modified

    found = parse_last_modified(_request(task, "last_modified_file"))
    modified = found.modified if found is not None else None
    if found is None or modified is None:
        raise TaskError(f"Task {task.id} has not written a file yet.")
    age = (now - modified).total_seconds()
    if found.now_timestamp is not None:
        # Both times are by the clock of the machine.
        age = found.now_timestamp - found.most_recent_timestamp
    return ModifiedFile(found.most_recent_file, modified, max(0.0, age))


def machine_load(task: RemoteTask) -> RawText:
    """Return the output of ``top`` on the task's machine; see ``Task.top``."""
    _require_computing(
        task,
        hint="The figures of its machine are in task.get_info().",
        shell_hint="The figures of its machine are shown by "
        f"`inductiva-widgets tasks info {task.id} --json`.",
    )
    text = task.client.get_task_top(task.id) if task.client.is_local else _request(task, "top")
    if not isinstance(text, str):
        raise TaskError(f"The machine of task {task.id} sent no text.")
    return RawText(escape_control_chars(text, keep="\n"))


def _require_computing(task: RemoteTask, *, hint: str, shell_hint: str) -> None:
    info = task.refresh()
    if info.is_terminal:
        raise TaskError(
            f"Task {task.id} has ended ({info.status}).", hint=hint, shell_hint=shell_hint
        )
    if info.status == Status.COMPUTATION_ENDED:
        raise TaskError(
            f"The computation of task {task.id} has ended: its outputs are being stored.",
            hint="Wait for them with task.wait().",
            shell_hint=f"Watch it with `inductiva-widgets tasks list --id {task.id} --watch`.",
        )
    if not info.status.is_computing:
        raise _not_started_error(info)


def _not_started_error(info: TaskInfo) -> TaskError:
    return TaskError(
        f"Task {info.task_id} has not started computing yet (status: {info.alias}).",
        hint='Wait for it with task.wait_for_status("computation-started").',
        shell_hint=f"Watch it with `inductiva-widgets tasks list --id {info.task_id} --watch`.",
    )


def _local_files(task: RemoteTask) -> list[WorkingFile]:
    try:
        return task.client.list_task_files(task.id)
    except NotFoundError as error:
        raise TaskError(
            f"Task {task.id} has no working folder any more: it has just ended."
        ) from error


def _request(task: RemoteTask, operation: str) -> Any:
    from inductiva_widgets import webrtc

    return webrtc.request(task.client, task.id, webrtc.PeerRequest(operation))
