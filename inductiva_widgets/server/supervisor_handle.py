"""Start, find and observe the supervisor process of a task."""

from __future__ import annotations

import subprocess
import sys

import psutil

from inductiva_widgets.server.data_dir import TaskDir, package_root


class SupervisorHandle:
    """One supervisor: our child, or one that an earlier server started.

    Parameters
    ----------
    folder
        Folder of the task.
    pid
        Its process; None where it is not known to have one.
    offset
        How much of the journal is read.
    child
        The process, where it is our child.
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
        self.told_to_stop = False

    def is_alive(self) -> bool:
        """Return whether the supervisor has not ended; a dead child is taken note of."""
        if self._child is not None:
            return self._child.poll() is None
        return self.pid is not None and is_supervisor_of(self.pid, self.folder)


def is_supervisor_of(pid: int, folder: TaskDir) -> bool:
    """Return whether a process is the supervisor of a task.

    Its command line tells it from a process that has got the same number since, and a dead process
    that nobody has taken note of has none.
    """
    try:
        return psutil.Process(pid).cmdline()[-1:] == [str(folder.root)]
    except psutil.Error:
        return False


def find_supervisor(folder: TaskDir) -> int | None:
    """Return the process that supervises a task, sought among all."""
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
