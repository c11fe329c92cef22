"""Lock an open file against other processes and threads.

The filelock package is not used: since version 3.29 it leaves the lock file in place on release,
and earlier versions remove it in different ways. A download must leave no lock file in any version.
"""

from __future__ import annotations

import sys
from typing import IO


def try_lock(file: IO[bytes]) -> bool:
    """Lock a file until it is closed, or return False if it is locked already.

    Parameters
    ----------
    file
        The open file.
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True  # some network file systems do not support locks
    return True
