"""Start, find and observe the supervisor process of a task."""

from __future__ import annotations

import subprocess
import sys

import psutil

from inductiva_widgets.server.data_dir import TaskDir, package_root


class SupervisorHandle:
    """A supervisor: a child process, or one that an earlier server started.

    Parameters
    ----------
    folder
        Folder of the task.
    pid
        Its process id, None if unknown.
    offset
        Number of bytes of the journal that have been read.
    child
        The process, if it is a child of this one.
    """

    def __init__(
        self,
        folder: TaskDir,
        pid: int | None,
        offset: int,
        child: subprocess.Popen[bytes] | None = None,
    ) -> None:
        self.folder = folder
        self.pid = pid
        self.offset = offset
        self._child = child
        self.stop_sent = False

    def is_alive(self) -> bool:
        """Return whether the supervisor is running; a child that has ended is reaped."""
        if self._child is not None:
            return self._child.poll() is None
        return self.pid is not None and is_supervisor_of(self.pid, self.folder)


def is_supervisor_of(pid: int, folder: TaskDir) -> bool:
    """Return whether a process is the supervisor of a task.

    Its command line distinguishes it from a later process with the same id. A zombie has none.
    """
    try:
        return psutil.Process(pid).cmdline()[-1:] == [str(folder.root)]
    except psutil.Error:
        return False


def find_supervisor(folder: TaskDir) -> int | None:
    """Return the process id of the supervisor of a task, searching all processes."""
    return next((pid for pid in psutil.pids() if is_supervisor_of(pid, folder)), None)


def start_supervisor(folder: TaskDir) -> subprocess.Popen[bytes]:
    """Start the supervisor of a task, in a session of its own."""
    module = "inductiva_widgets.server.supervisor"
    with folder.log.open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", module, str(folder.root)],
            cwd=package_root(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # Neither the end of the server nor a Ctrl-C in its terminal reaches it.
            start_new_session=True,
        )
